"""Positions inside telemetry tracks: GoPro's KLV (gpmd) and Android's camera motion metadata (camm)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MOST = 10_000
CAMM_SIZES = {0: 12, 1: 8, 2: 12, 3: 12, 4: 12, 5: 24, 6: 56, 7: 12}


def positions(codec: bytes, raw: bytes) -> tuple[tuple[float, float], ...]:
    """(latitude, longitude) in degrees of the samples `raw` of a telemetry track, in order.

    >>> positions(b"camm", bytes(2) + bytes([5, 0]) + struct.pack("<3d", 48.0, 11.0, 500.0))
    ((48.0, 11.0),)
    """
    found: list[tuple[float, float]] = []
    for place in _gopro(raw, [1.0] * 2) if codec == b"gpmd" else _camm(raw) if codec == b"camm" else ():
        if abs(place[0]) <= 90 and abs(place[1]) <= 180 and place != (0.0, 0.0):
            found.append(place)
        if len(found) >= MOST:
            break
    return tuple(found)


def serial_number(raw: bytes) -> str:
    """The camera's serial number in GoPro's records; empty when they name none.

    >>> serial_number(b"CASNc\\x01\\x00\\x0eC3221324545448\\0\\0")
    'C3221324545448'
    """
    at = raw.find(b"CASNc")
    if at < 0 or at + 8 > len(raw):
        return ""
    size, rows = struct.unpack_from(">BH", raw, at + 5)
    return raw[at + 8 : at + 8 + size * rows].strip(b" \0").decode("ascii", "ignore")


def _camm(raw: bytes) -> Iterator[tuple[float, float]]:
    at = 0
    while at + 4 <= len(raw):
        kind = int.from_bytes(raw[at + 2 : at + 4], "little")
        size = CAMM_SIZES.get(kind)
        if size is None or at + 4 + size > len(raw):
            return
        if kind == 5:
            yield struct.unpack_from("<2d", raw, at + 4)
        elif kind == 6:
            yield struct.unpack_from("<2d", raw, at + 16)
        at += 4 + size


def _gopro(raw: bytes, scale: list[float], depth: int = 0) -> Iterator[tuple[float, float]]:
    """KLV triples: four letters, type, size of a row, number of rows; padded to four bytes. SCAL divides."""
    at = 0
    while at + 8 <= len(raw):
        key, kind, size, rows = struct.unpack_from(">4sBBH", raw, at)
        body = raw[at + 8 : at + 8 + size * rows]
        if kind == 0 and depth < 4:
            yield from _gopro(body, [1.0] * 2, depth + 1)
        elif key == b"SCAL" and chr(kind) in "lLsS" and rows:
            code = {"l": "i", "L": "I", "s": "h", "S": "H"}[chr(kind)]
            values = struct.unpack(f">{len(body) // struct.calcsize(code)}{code}", body)
            scale = [float(v) or 1.0 for v in (*values, *values)[:2]]
        elif key in (b"GPS5", b"GPS9") and size >= 8:
            for row in range(0, len(body) - size + 1, size):
                first, second = struct.unpack_from(">2i", body, row)
                yield first / scale[0], second / scale[1]
        at += 8 + (size * rows + 3) // 4 * 4
