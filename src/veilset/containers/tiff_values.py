"""Values of TIFF tags that show a page: each of the type and number that it calls for, in the range that pictures have."""

from __future__ import annotations

import re
import struct
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from veilset.containers.icc_elements import is_smooth
from veilset.containers.tiff_fields import NEEDED
from veilset.core.errors import Malformed

BYTE, SHORT, LONG, RATIONAL, IFD, LONG8 = 1, 3, 4, 5, 13, 16
_CODES = {BYTE: "B", SHORT: "H", LONG: "I", IFD: "I", LONG8: "Q"}
# Tags of one whole number, and the largest that means something.
_ONE = {
    0x00FE: 0x1FFFF, 0x00FF: 3, 0x0100: 1 << 31, 0x0101: 1 << 31, 0x0103: 65535, 0x0106: 65535, 0x010A: 2, 0x0112: 8,
    0x0115: 64, 0x0116: (1 << 32) - 1, 0x011C: 2, 0x0124: 7, 0x0125: 3, 0x0128: 3, 0x013D: 65535, 0x0142: 1 << 24,
    0x0143: 1 << 24, 0x014C: 2, 0x014E: 64, 0x0213: 2,
}  # fmt: skip
# Tags of whole numbers, one for each sample, and the largest of them.
_EACH = {0x0102: 128, 0x0152: 2, 0x0153: 6}
_DENSEST = 1_000_000
# Larger numbers in a fraction can be four letters.
_LETTERS = 1 << 29
_YCC = 6
_NUMBER = re.compile(rb"\s*[-+]?(?:nan|inf|[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?)\s*\0*", re.IGNORECASE)
_SIGNED, _REAL = 2, 3
# What programs write for "nothing here" whatever the samples are, although none of them may be able to hold it.
_USUAL = frozenset(
    (-9999.0, -999.0, -99999.0, -32768.0, -32767.0, -1.0, 0.0, 255.0, 256.0, 32767.0, 65535.0, 65536.0, -2147483648.0,
     2147483647.0, 4294967295.0, 1e20, -1e20, 9.969209968386869e36, *(sign * float(np.finfo(kind).max)
     for kind in (np.float32, np.float64) for sign in (1, -1)))
)  # fmt: skip


class Shape(NamedTuple):
    """What of a page decides on others: samples to a pixel, bits to a sample, and what the samples are."""

    samples: int
    bits: int
    photometric: int


def kept_value(tag: int, kind: int, raw: bytes, order: str, shape: Shape) -> bytes | None:
    """The value as it goes out; None where the tag goes.

    Raises:
        Malformed: It goes, and the page cannot be shown without it.
    """
    kept = _kept(tag, kind, raw, order, shape)
    if kept is None and tag in NEEDED:
        raise Malformed(f"tag {tag:#06x} of the TIFF does not hold what it has to")
    return kept


def _kept(tag: int, kind: int, raw: bytes, order: str, shape: Shape) -> bytes | None:
    if kind == RATIONAL:
        return _rational(tag, raw, order, shape)
    if kind not in _CODES:
        return None
    values = struct.unpack(f"{order}{len(raw) // struct.calcsize(_CODES[kind])}{_CODES[kind]}", raw)
    if not values:
        return None
    if tag in _ONE:
        return raw if len(values) == 1 and values[0] <= _ONE[tag] else None
    if tag in _EACH:
        number = {0x0152: range(1, shape.samples + 1)}.get(tag, (1, shape.samples))
        return raw if len(values) in number and max(values) <= _EACH[tag] else None
    if tag == 0x0129:
        return raw if kind == SHORT and len(values) == 2 else None
    if tag == 0x0212:
        return raw if len(values) == 2 and set(values) <= {1, 2, 4} and shape.photometric == _YCC else None
    if tag == 0xC5F2:
        return raw if len(values) <= 4 and max(values) < 1 << 16 else None
    return raw if _table(tag, kind, values, shape) else None


def _table(tag: int, kind: int, values: tuple[int, ...], shape: Shape) -> bool:
    """Whether the palette of a page with one, or smooth curves for its samples."""
    if kind != SHORT or shape.bits > 16:
        return False
    if tag == 0x0140:
        return shape.photometric == 3 and len(values) == 3 << shape.bits
    if tag == 0x012D and len(values) in {1 << shape.bits, 3 << shape.bits}:
        return all(is_smooth(curve) for curve in np.array(values).reshape(-1, 1 << shape.bits))
    return False


def _rational(tag: int, raw: bytes, order: str, shape: Shape) -> bytes | None:
    parts = struct.unpack(f"{order}{len(raw) // 4}I", raw)
    number, least, most = {
        0x011A: (1, 0, _DENSEST), 0x011B: (1, 0, _DENSEST), 0x013E: (2, 0, 1), 0x013F: (6, 0, 1), 0x0211: (3, 0, 1),
        0x0214: (6, 0, 65535),
    }.get(tag, (0, 0, 0))  # fmt: skip
    wrong_kind = tag in {0x0211, 0x0214} and shape.photometric not in ({_YCC} if tag == 0x0211 else {2, _YCC})
    if len(parts) != 2 * number or wrong_kind or not all(parts[1::2]):
        return None
    made: list[int] = []
    for above, below in zip(parts[::2], parts[1::2], strict=True):
        if not least <= above / below <= most:
            return None
        near = Fraction(above, below).limit_denominator(10_000)
        made += (near.numerator, near.denominator) if max(above, below) >= _LETTERS else (above, below)
    return struct.pack(f"{order}{len(made)}I", *made)


def bare_colours(raw: bytes, order: str, used: np.ndarray) -> bytes:
    """A palette with zeros for entries that no pixel has; `used` is one flag for each of its entries."""
    colours = np.frombuffer(raw, dtype=f"{order}u2").reshape(3, -1).copy()
    colours[:, ~used[: colours.shape[1]]] = 0
    return colours.tobytes()


def nodata(text: bytes, bits: int, form: int) -> bytes | None:
    """GDAL's number for "nothing here" in its plain form, at the precision of the samples; None where it is no such number.

    *Shapes and units*: `form` is the sample format of the TIFF (2 signed, 3 floating, else unsigned), of `bits` bits.

    >>> nodata(b"-9999.000", 16, 2), nodata(b"0.1000000012345", 32, 3), nodata(b"1234567", 8, 1)
    (b'-9999\\x00', b'0.10000000149011612\\x00', None)
    """
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text.strip(b"\0 \t\r\n"))
    if value in _USUAL or not np.isfinite(value):
        kept = value
    elif form == _REAL and bits in {16, 32, 64}:
        with np.errstate(over="ignore"):
            kept = float(np.array([value]).astype(f"f{bits // 8}")[0])
    elif form > _REAL:
        kept = value
    else:
        low, high = (-(1 << bits - 1), 1 << bits - 1) if form == _SIGNED else (0, 1 << bits)
        if not value.is_integer() or not low <= value < high:
            return None
        kept = value
    if kept.is_integer() and abs(kept) < 1 << 53:
        return b"%d\0" % int(kept)
    return repr(kept).encode() + b"\0" if np.isfinite(kept) or not np.isfinite(value) else None
