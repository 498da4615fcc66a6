"""What a JPEG says before its first scan: size, sampling, colour, orientation. Reads no picture data."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from veilset.core.errors import Malformed, Unsupported

_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS_OR_HIERARCHICAL = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF})


@dataclass(frozen=True, slots=True)
class Component:
    """One plane: its id and its sampling factors across and down."""

    id: int
    across: int
    down: int


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What is needed to decode a JPEG and to edit its blocks.

    Attributes:
        width: As stored, before the orientation is applied.
        height: As stored.
        components: One per plane, in order.
        colour: `grey`, `ycc`, `rgb`, `cmyk` or `ycck`, as libjpeg decides it.
        inverted: An Adobe marker is there, so CMYK stands inverted.
        orientation: EXIF value 1 to 8.
        progressive: Coded in several passes.
        arithmetic: Arithmetic instead of Huffman coding.
    """

    width: int
    height: int
    components: tuple[Component, ...]
    colour: str
    inverted: bool
    orientation: int
    progressive: bool
    arithmetic: bool

    @property
    def unit(self) -> tuple[int, int]:
        """Samples (across, down) of one MCU; a picture of a single plane is coded block by block."""
        if len(self.components) == 1:
            return 8, 8
        return 8 * max(c.across for c in self.components), 8 * max(c.down for c in self.components)


def read_header(data: bytes, name: str) -> JpegHeader:
    """Everything up to the start of the first scan.

    Raises:
        Malformed: It ends or contradicts itself before the first scan.
        Unsupported: 12 bits, lossless, hierarchical, or a number of planes that no viewer shows.
    """
    frame: tuple[int, bytes] | None = None
    jfif, adobe, orientation = False, None, 1
    for marker, body in _segments(data, name)[0]:
        if marker in _FRAMES:
            frame = marker, body
        elif marker == 0xE0 and body[:5] == b"JFIF\0":
            jfif = True
        elif marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
        elif marker == 0xE1 and body[:6] == b"Exif\0\0" and orientation == 1:
            orientation = exif_orientation(body[6:])
    if frame is None:
        raise Malformed(f"{name}: no frame header before the first scan; the JPEG is damaged, leave it out", None)
    marker, body = frame
    width, height, components = _frame(marker, body, name)
    return JpegHeader(
        width,
        height,
        components,
        _colour(components, jfif, adobe),
        adobe is not None,
        orientation,
        marker in {0xC2, 0xCA},
        marker in {0xC9, 0xCA},
    )


def exif_orientation(tiff: bytes) -> int:
    """The orientation (tag 0x0112) of an EXIF block's first directory; 1 when it says nothing usable.

    >>> exif_orientation(b"II*\\0\\x08\\0\\0\\0\\x01\\0\\x12\\x01\\x03\\0\\x01\\0\\0\\0\\x06\\0\\0\\0")
    6
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return 1
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, number = struct.unpack_from(order + "HHI", tiff, at)
        if tag == 0x0112 and kind == 3 and number == 1:
            (value,) = struct.unpack_from(order + "H", tiff, at + 8)
            return int(value) if 1 <= value <= 8 else 1
    return 1


def without_stray_bytes(data: bytes, name: str) -> bytes:
    """The same JPEG with nothing between the segments before its first scan.

    Raises:
        Malformed: As `read_header`.
    """
    segments, scan = _segments(data, name)
    coded = [struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments]
    return b"".join([b"\xff\xd8", *coded, data[scan:]])


def _segments(data: bytes, name: str) -> tuple[list[tuple[int, bytes]], int]:
    """(marker, body) of every segment before the first scan, and where that begins."""
    found: list[tuple[int, bytes]] = []
    at = 2
    while True:
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) - 1 and data[at + 1] == 0xFF:
            at += 1
        if at < 0 or at + 1 >= len(data):
            raise Malformed(f"{name}: the JPEG ends before its first scan; it is truncated, leave it out")
        marker = data[at + 1]
        at += 2
        if marker in _WITHOUT_LENGTH or marker == 0:
            continue
        if marker in {0xD8, 0xD9}:
            raise Malformed(f"{name}: the JPEG begins or ends anew before its first scan; it is damaged, leave it out")
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise Malformed(f"{name}: a segment of the JPEG runs past its end; it is truncated, leave it out")
        if marker == 0xDA:
            return found, at - 2
        found.append((marker, data[at + 2 : at + length]))
        at += length


def _frame(marker: int, body: bytes, name: str) -> tuple[int, int, tuple[Component, ...]]:
    if marker in _LOSSLESS_OR_HIERARCHICAL:
        raise Unsupported(f"{name}: lossless and hierarchical JPEG are not served; save it as an ordinary JPEG or PNG")
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise Malformed(f"{name}: the frame header of the JPEG is damaged, leave it out")
    precision, height, width, planes = struct.unpack(">BHHB", body[:6])
    if precision != 8:
        raise Unsupported(f"{name}: a JPEG of {precision} bits is not served; save it as a 16-bit PNG or TIFF")
    if planes not in {1, 3, 4}:
        raise Unsupported(f"{name}: a JPEG of {planes} planes is not served; save it as an ordinary JPEG or PNG")
    if not width or not height:
        raise Unsupported(f"{name}: a JPEG that does not state its size up front is not served; save it anew")
    components = tuple(Component(body[at], body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, 6 + 3 * planes, 3))
    if any(not 1 <= factor <= 4 for c in components for factor in (c.across, c.down)):
        raise Malformed(f"{name}: the JPEG states impossible sampling factors, leave it out")
    return width, height, components


def _colour(components: tuple[Component, ...], jfif: bool, adobe: int | None) -> str:
    if len(components) == 1:
        return "grey"
    if len(components) == 4:
        return "ycck" if adobe == 2 else "cmyk"
    if jfif:
        return "ycc"
    if adobe is not None:
        return "rgb" if adobe == 0 else "ycc"
    return "rgb" if tuple(c.id for c in components) == (0x52, 0x47, 0x42) else "ycc"
