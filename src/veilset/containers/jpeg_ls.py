"""JPEG-LS, as it stands in DICOM frames: tables and coded scans stay, comments and application segments go."""

from __future__ import annotations

import re
from typing import BinaryIO

from veilset.containers.contract import Claim, Fate, Rebuilt
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.core.errors import Malformed

SOF, LSE, SOS, DRI, SOI, EOI, APP8 = 0xF7, 0xF8, 0xDA, 0xDD, 0xD8, 0xD9, 0xE8
# Inside coded data the byte after 0xFF is below 0x80; restart markers are part of them.
_MARKER = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]")


def rebuild(data: memoryview, out: BinaryIO) -> Rebuilt:
    """Write the stream without segments that no decoder needs, and without what stands behind its end.

    Raises:
        Malformed: It is no JPEG-LS stream, or is cut off.

    *Source*: ITU-T T.87, Annex C.
    """
    if bytes(data[:2]) != b"\xff\xd8":
        raise Malformed("no JPEG-LS stream: it does not begin with its marker")
    claims, kept = [Claim(0, 2, Fate.KEPT, "start")], [(0, 2)]
    at = 2
    while True:
        if at + 2 > len(data) or data[at] != 0xFF:
            raise Malformed("the JPEG-LS stream is cut off or damaged")
        marker = data[at + 1]
        if marker == EOI:
            break
        stop = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (0xFF, SOI) or stop < at + 5 or stop > len(data) or not _exact(marker, data[at + 4 : stop]):
            raise Malformed("a JPEG-LS segment does not fit")
        if marker == SOS:
            hit = _MARKER.search(data, stop)
            if hit is None:
                raise Malformed("the JPEG-LS stream is cut off inside a scan")
            stop = hit.end() - 2
        stays = _stays(marker, data[at + 4 : stop])
        fate, what = (Fate.KEPT, "coded data") if stays else (Fate.DROPPED, f"segment {marker:#x}")
        claims.append(Claim(at, stop, fate, what))
        kept += [(at, stop)] if stays else []
        at = stop
    claims.append(Claim(at, at + 2, Fate.KEPT, "end"))
    if at + 2 < len(data):
        claims.append(Claim(at + 2, len(data), Fate.DROPPED, "bytes after the picture"))
    copied, size = [], 0
    for start, stop in (*kept, (at, at + 2)):
        out.write(data[start:stop])
        copied.append((start, size, stop - start))
        size += stop - start
    return Rebuilt(size, tuple(claims), tuple(copied), ("coding choices", UNSEARCHED))


def _stays(marker: int, payload: memoryview) -> bool:
    """Whether a decoder needs a segment: of presets, thresholds and sizes; no table is mapped through (see `_exact`)."""
    if marker == LSE:
        return payload[0] in (1, 4)
    return marker in (SOF, SOS, DRI) or (marker == APP8 and _is_transform(payload))


def _is_transform(payload: memoryview) -> bool:
    """The number of the colour transform that encoders of HP's kind apply: without it colours come out wrong."""
    return len(payload) == 5 and bytes(payload[:4]) == b"mrfx" and payload[4] <= 5


def _exact(marker: int, payload: memoryview) -> bool:
    """Whether a header is as long as its own counts say; what is more would hide there."""
    match marker:
        case 0xF7:
            return len(payload) > 5 and len(payload) == 6 + 3 * payload[5]
        case 0xDA:
            # The second byte of each component names a table that samples are mapped through; hardly any decoder can.
            return len(payload) == 4 + 2 * payload[0] and not any(payload[2 : 1 + 2 * payload[0] : 2])
        case 0xF8:
            sizes = {1: 11, 4: 2 + 2 * payload[1]}
            return payload[0] in (2, 3) or len(payload) == sizes.get(payload[0], -1)
        case 0xDD:
            return len(payload) in (2, 3, 4)
    return True
