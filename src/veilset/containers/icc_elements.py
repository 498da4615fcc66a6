"""Elements of a colour profile, each of the type its name calls for, cut to its counts, with values that colours have."""

from __future__ import annotations

import struct

import numpy as np

from veilset.containers.verify import says_words
from veilset.core.errors import Malformed

_CURVES = frozenset((b"curv", b"para"))
_TABLES = frozenset((b"mft1", b"mft2", b"mAB ", b"mBA "))
# The tags that turn numbers into colours, and the types that each may be of. Everything else in a profile is text,
# measurement, a second way to say the same, or for presses.
TYPES: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC", b"kTRC"), _CURVES),
    **dict.fromkeys((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), frozenset((b"XYZ ",))),
    **dict.fromkeys((b"A2B0", b"A2B1", b"A2B2", b"A2B3", b"B2A0", b"B2A1", b"B2A2", b"B2A3"), _TABLES),
    b"chad": frozenset((b"sf32",)),
    b"cicp": frozenset((b"cicp",)),
}
_KINDS = frozenset((b"scnr", b"mntr", b"prtr", b"link", b"spac", b"abst", b"nmcl"))
_SPACES = frozenset(
    b"XYZ :Lab :Luv :YCbr:Yxy :RGB :GRAY:HSV :HLS :CMYK:CMY :2CLR:3CLR:4CLR:5CLR:6CLR:7CLR:8CLR:9CLR:ACLR:BCLR:CCLR:"
    b"DCLR:ECLR:FCLR".split(b":")
)
_D50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
# Beyond these no number of a curve or matrix lies, and every four letters do.
_FARTHEST = 4096 << 16
# How far a curve may fall back between two steps: half a level of eight bits. Letters jump.
_NOISE = 128
_BROKEN = "a colour profile has an element shorter than it says, or with values that no colour has"


def bare_header(profile: bytes) -> bytearray:
    """Version, kind, spaces and intent; what names makers, devices and software is zero.

    Raises:
        Malformed: It is of no kind or space that ICC.1 knows.
    """
    if profile[12:16] not in _KINDS or profile[16:20] not in _SPACES or profile[20:24] not in _SPACES:
        raise Malformed("a colour profile is of an unknown kind")
    header = bytearray(128)
    header[8:10], header[12:24], header[36:40] = profile[8:10], profile[12:24], b"acsp"
    header[67], header[68:80] = profile[67] & 3, _D50
    return header


def odd_header(profile: bytes) -> bytes:
    """The fields of a header that say something where they should say nothing; empty when they do not."""
    rest = profile[10:12] + profile[44:47] + bytes([profile[47] & 0xFC]) + profile[56:63] + bytes([profile[63] & 0xF0])
    drawn = b"" if profile[68:80] == _D50 else profile[68:80]
    near = len(drawn) == 12 and all(
        abs(one - other) < 64 for one, other in zip(*(struct.unpack(">3i", raw) for raw in (drawn, _D50)), strict=True)
    )
    return profile[44:80] if any(rest) or any(profile[64:67]) or (drawn and not near) else b""


def exact(name: bytes, element: bytes) -> bytes:
    """An element cut to the size that its own counts say, so that nothing rides behind or inside it.

    Raises:
        Malformed: It is of another type than its name calls for, is cut off, or holds what is no colour.
    """
    kind = element[:4]
    if kind not in TYPES.get(name, ()):
        raise Malformed("a colour profile has an element of a type that does not belong to its name")
    if kind in _CURVES:
        return _curve(element)
    if kind in (b"mAB ", b"mBA "):
        return _stages(element)
    if kind in (b"mft1", b"mft2"):
        return _table(element)
    size = {b"XYZ ": 20, b"sf32": 44, b"cicp": 12}[kind]
    if kind != b"cicp":
        _near(element, 8, (size - 8) // 4, 4 << 16)
    elif len(element) < 12 or element[8] > 22 or element[9] > 18 or element[10] > 15 or element[11] > 1:
        raise Malformed(_BROKEN)
    return kind + bytes(4) + element[8:size]


def _near(element: bytes, at: int, count: int, most: int = _FARTHEST) -> None:
    if at + 4 * count > len(element) or any(abs(one) > most for one in struct.unpack_from(f">{count}i", element, at)):
        raise Malformed(_BROKEN)


def _curve(element: bytes) -> bytes:
    """One curve, up to its end."""
    if element[:4] == b"para":
        kind = struct.unpack_from(">H", element, 8)[0]
        count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(kind)
        if count is None:
            raise Malformed(_BROKEN)
        _near(element, 12, count)
        return b"para\0\0\0\0" + element[8:10] + bytes(2) + element[12 : 12 + 4 * count]
    count = struct.unpack_from(">I", element, 8)[0]
    if element[:4] != b"curv" or 12 + 2 * count > len(element):
        raise Malformed(_BROKEN)
    if not is_smooth(np.frombuffer(element, dtype=">u2", count=count, offset=12)):
        raise Malformed(_BROKEN)
    return b"curv\0\0\0\0" + element[8 : 12 + 2 * count]


def is_smooth(steps: np.ndarray) -> bool:
    """Whether a curve of 16 bits goes one way, but for noise.

    >>> is_smooth(np.array([0, 900, 800, 65535])), is_smooth(np.frombuffer(b"Somebody", dtype=">u2"))
    (True, False)
    """
    moves = np.diff(steps.astype(np.int64))
    return bool(np.all(moves >= -_NOISE) or np.all(moves <= _NOISE))


def _table(element: bytes) -> bytes:
    """A table of 8 or 16 bits: matrix, input curves, grid, output curves."""
    inputs, outputs, points = element[8], element[9], element[10]
    cells: int = points**inputs if inputs <= 15 else 1 << 62
    if element[:4] == b"mft1":
        head, size = 48, 48 + 256 * inputs + cells * outputs + 256 * outputs
    else:
        before, after = struct.unpack_from(">HH", element, 48)
        head, size = 52, 52 + 2 * (before * inputs + cells * outputs + after * outputs)
    _near(element, 12, 9)
    if size > len(element) or says_words(element[head:size]):
        raise Malformed(_BROKEN)
    return element[:4] + bytes(4) + element[8:11] + b"\0" + element[12:head] + element[head:size]


def _stages(element: bytes) -> bytes:
    """Curves, matrix, curves, grid and curves, one behind the other."""
    inputs, outputs = element[8], element[9]
    near, far = (outputs, inputs) if element[:4] == b"mAB " else (inputs, outputs)
    made, places = b"", []
    for place, read in zip(struct.unpack_from(">5I", element, 12), (near, -1, 3, -2, far), strict=True):
        places.append(32 + len(made) if place else 0)
        if not place:
            continue
        if read == -1:
            _near(element, place, 12)
            made += element[place : place + 48]
        elif read == -2:
            made += _grid(element, place, inputs, outputs)
        else:
            made += _row(element, place, read)
    return element[:4] + bytes(4) + element[8:10] + bytes(2) + struct.pack(">5I", *places) + made


def _row(element: bytes, at: int, count: int) -> bytes:
    made = b""
    for _ in range(count):
        curve = _curve(element[at:])
        made += curve + bytes(-len(curve) % 4)
        at += len(curve) + -len(curve) % 4
    return made


def _grid(element: bytes, at: int, inputs: int, outputs: int) -> bytes:
    if inputs > 16 or at + 20 > len(element) or element[at + 16] not in (1, 2):
        raise Malformed(_BROKEN)
    size = outputs * element[at + 16]
    for points in element[at : at + inputs]:
        size *= points
    if at + 20 + size > len(element) or says_words(element[at + 20 : at + 20 + size]):
        raise Malformed(_BROKEN)
    head = element[at : at + inputs] + bytes(16 - inputs) + element[at + 16 : at + 17] + bytes(3)
    return head + element[at + 20 : at + 20 + size] + bytes(-size % 4)
