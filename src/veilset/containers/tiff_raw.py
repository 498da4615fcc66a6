"""Values of the tags by which a DNG is developed: each of the type that DNG gives it, with numbers that pictures have."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import numpy as np

from veilset.containers.icc_elements import is_smooth
from veilset.containers.tiff_fields import GAIN_MAPS
from veilset.containers.verify import says_words, text_in
from veilset.core.errors import Malformed

_BYTE, _SHORT, _LONG, _RATIONAL, _UNDEFINED, _SIGNED, _FLOAT, _DOUBLE = 1, 3, 4, 5, 7, 10, 11, 12
_WHOLE = {_BYTE: "B", _SHORT: "H", _LONG: "I"}
_REAL = {_FLOAT: "f4", _DOUBLE: "f8"}
_FRACTIONS = {_RATIONAL: "I", _SIGNED: "i"}
# Larger numbers in a fraction can be four letters; those of a place in a picture, or a level, are smaller.
_LETTERS = 1 << 29
_LARGEST, _SMALLEST, _TINY = 1e6, 1e-12, 1e-30
_LEVEL = 1 << 24
_BYTES = {0x828E: 6, 0xC612: 30, 0xC613: 30, 0xC616: 6}
_UNUSED_LEVEL = 0xFFFFFFFF
_PLACES, _LEVELS = frozenset({_SHORT, _LONG}), frozenset({_SHORT, _LONG, _RATIONAL})
_TYPES: dict[int, frozenset[int]] = {
    **dict.fromkeys((0x828E, 0xC612, 0xC613, 0xC616), frozenset({_BYTE})),
    **dict.fromkeys((0x828D, 0xC617, 0xC618, 0xC619, 0xC635, 0xC65A, 0xC65B, 0xC6BF, 0xCD31), frozenset({_SHORT})),
    **dict.fromkeys((0xC61A, 0xC61F, 0xC620, 0xC628), _LEVELS),
    **dict.fromkeys(
        (0xC61D, 0xC62D, 0xC68D, 0xC68E, 0xC6F9, 0xC6FD, 0xC71E, 0xC71F, 0xC725, 0xC7A3, 0xC7A4, 0xC7A6, 0xCD38, 0xCD43,
         0xCD45), _PLACES,
    ),
    **dict.fromkeys((0xC6FA, 0xC6FB, 0xC6FC, 0xC726, 0xCD39), frozenset({_FLOAT})),
    **dict.fromkeys((0xC761, 0xC7AA), frozenset({_DOUBLE})),
}  # fmt: skip
# Of what the standard lists no type for here, all are fractions.
_FRACTION = frozenset({_RATIONAL, _SIGNED})
_CURVE = 0xC618
_OPCODES = frozenset({0xC740, 0xC741, 0xC74E})
_LIGHTS = frozenset({0xCD35, 0xCD36, 0xCD37})
_DYNAMIC_RANGE = 0xCD47
_AREA = 32


def raw_value(tag: int, kind: int, raw: bytes, order: str) -> bytes:
    """The value as it goes out: fractions of large numbers as near ones of small numbers.

    Raises:
        Malformed: It is of another type, or holds what no picture has; without it the picture would look different.

    *Source*: DNG 1.7.1, chapters 4 to 7.
    """
    kept: bytes | None = None
    if tag in _OPCODES or tag in GAIN_MAPS or tag in _LIGHTS or tag == _DYNAMIC_RANGE:
        kept = raw if kind in {_UNDEFINED, _BYTE} and _is_block(tag, raw, order) and not says_words(raw) else None
    elif kind not in _TYPES.get(tag, _FRACTION):
        kept = None
    elif kind in _WHOLE:
        values = struct.unpack(f"{order}{len(raw) // struct.calcsize(_WHOLE[kind])}{_WHOLE[kind]}", raw)
        kept = raw if _are_whole(tag, values) and not text_in(raw) else None
    elif kind in _FRACTIONS:
        kept = _near(raw, order, _FRACTIONS[kind])
    elif kind in _REAL:
        numbers = np.frombuffer(raw, dtype=f"{order}{_REAL[kind]}")
        kept = _real(numbers) if not says_words(raw) else None
    if kept is None:
        raise Malformed(f"tag {tag:#06x} of the raw picture does not hold what it has to; save it anew")
    return kept


def _is_block(tag: int, raw: bytes, order: str) -> bool:
    """Whether bytes are what their tag calls for; how long gain maps are is measured elsewhere."""
    if tag in _OPCODES:
        return _are_opcodes(raw)
    if tag == _DYNAMIC_RANGE:
        version, kind, brightest = struct.unpack(order + "HHf", raw)
        return bool(version <= 30 and kind <= 1 and 0 <= brightest <= _LARGEST)
    return _is_light(raw, order) if tag in _LIGHTS else True


def _are_whole(tag: int, values: tuple[int, ...]) -> bool:
    if tag in _BYTES:
        return max(values, default=0) <= _BYTES[tag]
    if tag == _CURVE:
        return is_smooth(np.array(values))
    return all(value < _LEVEL or value == _UNUSED_LEVEL for value in values)


def _real(numbers: np.ndarray) -> bytes | None:
    """The numbers, those next to nothing as nothing: they are what arithmetic leaves, or letters."""
    sizes = np.abs(numbers.astype(np.float64))
    if not np.isfinite(sizes).all() or (sizes > _LARGEST).any():
        return None
    return np.where(sizes < _SMALLEST, numbers.dtype.type(0), numbers).astype(numbers.dtype).tobytes()


def _near(raw: bytes, order: str, code: str) -> bytes | None:
    parts = struct.unpack(f"{order}{len(raw) // 4}{code}", raw)
    made: list[int] = []
    for above, below in zip(parts[::2], parts[1::2], strict=True):
        if not below:
            # 0/0 is DNG's word for unknown.
            if above:
                return None
            made += (0, 0)
            continue
        if abs(above / below) > _LARGEST:
            return None
        near = Fraction(above, below).limit_denominator(100_000 if abs(above / below) < 1000 else 100)
        made += (above, below) if max(abs(above), abs(below)) < _LETTERS else (near.numerator, near.denominator)
    return struct.pack(f"{order}{len(made)}{code}", *made)


def is_gain_map(raw: bytes, tag: int, order: str) -> bool:
    """Whether a gain table map of DNG 1.6 or 1.7 is as long as its head says, to the byte."""
    head = GAIN_MAPS[tag]
    if len(raw) < head:
        return False
    rows, columns = struct.unpack_from(order + "II", raw)
    points, kind = struct.unpack_from(order + "I", raw, 40)[0], 3
    if head == 80:
        kind = struct.unpack_from(order + "I", raw, 64)[0]
    return kind < 4 and len(raw) == head + rows * columns * points * (1, 2, 2, 4)[kind]


def _is_light(raw: bytes, order: str) -> bool:
    """Whether a light is given by its white point, x and y as fractions."""
    if len(raw) != 18 or struct.unpack_from(order + "H", raw)[0]:
        return False
    x, x_below, y, y_below = struct.unpack_from(order + "4I", raw, 2)
    return bool(max(x, x_below, y, y_below) < _LETTERS and 0 < x_below >= x and 0 < y_below >= y)


def _are_opcodes(raw: bytes) -> bool:
    """Whether a list of opcodes, each as long as its own counts say, with numbers that corrections have."""
    count, at = struct.unpack_from(">I", raw)[0], 4
    for _ in range(count):
        if at + 16 > len(raw):
            return False
        number, version, flags, size = struct.unpack_from(">4I", raw, at)
        body = raw[at + 16 : at + 16 + size]
        if len(body) < size or flags > 3 or any(part > 30 for part in version.to_bytes(4, "big")):
            return False
        try:
            if not _is_opcode(number, body):
                return False
        except struct.error:
            return False
        at += 16 + size
    return at == len(raw)


def _is_opcode(number: int, body: bytes) -> bool:
    """One opcode: how many whole numbers stand at its start, and what follows them."""
    first = struct.unpack_from(">I", body)[0] if len(body) >= 4 else 0
    if number in {1, 2, 14}:
        each, more = {1: (6, 16), 2: (4, 16), 14: (19, 20)}[number]
        size = 4 + 8 * each * first + more
        return first <= 4 and len(body) == size and _reals(body[4 : 4 + 8 * (each * first + 2)], "d")
    if number == 3:
        return len(body) == 56 and _reals(body, "d")
    if number in {4, 6}:
        return len(body) == {4: 8, 6: 16}[number] and _wholes(body)
    if number == 5:
        points, areas = struct.unpack_from(">2I", body, 4)
        return len(body) == 12 + 8 * points + 16 * areas and _wholes(body)
    if not 7 <= number <= 13 or not _wholes(body[:_AREA]):
        return False
    if number == 9:
        down, across = struct.unpack_from(">2I", body, _AREA)
        planes = struct.unpack_from(">I", body, _AREA + 40)[0]
        whole = len(body) == _AREA + 44 + 4 * down * across * planes
        return whole and _reals(body[_AREA + 8 : _AREA + 40], "d") and _reals(body[_AREA + 44 :], "f")
    held = struct.unpack_from(">I", body, _AREA)[0]
    rest = body[_AREA + 4 :]
    if number == 7:
        return len(rest) == 2 * held and is_smooth(np.frombuffer(rest, dtype=">u2"))
    if number == 8:
        return held <= 8 and len(rest) == 8 * (held + 1) and _reals(rest, "d")
    return len(rest) == 4 * held and _reals(rest, "f")


def _wholes(body: bytes) -> bool:
    return all(value < _LEVEL for value in struct.unpack(f">{len(body) // 4}I", body))


def _reals(body: bytes, code: str) -> bool:
    numbers = struct.unpack(f">{len(body) // struct.calcsize(code)}{code}", body)
    return all(not one or (math.isfinite(one) and _TINY <= abs(one) <= _LARGEST) for one in numbers)
