"""RLE frames of DICOM: up to 15 segments of packed bytes behind a header of offsets, each cut where it fills its plane."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

from veilset.containers.contract import Claim, Fate, Rebuilt
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.containers.tiff_codes import packbits_end
from veilset.core.errors import Malformed

_HEAD = 64


def planes_of(dataset: Any) -> tuple[int, int]:
    """How many segments a frame has, and the bytes that each unpacks to: one byte of one sample of every pixel."""
    planes = int(dataset.get("SamplesPerPixel", 1)) * (int(dataset.get("BitsAllocated", 8)) // 8)
    return planes, int(dataset.Rows) * int(dataset.Columns)


def rebuild_rle(raw: memoryview, out: BinaryIO, planes: tuple[int, int], *, search: bool = True) -> Rebuilt:
    """Write the frame with as many segments as it has planes, and (`search`) nothing behind any of them.

    Raises:
        Malformed: It has another number of segments, or one does not fill its plane.
        Unsupported: A segment goes on in one piece with what is shown.

    *Source*: DICOM PS3.5, Annex G.
    """
    count = int.from_bytes(raw[:4], "little")
    if len(raw) < _HEAD or not 0 < count <= 15 or count != planes[0]:
        raise Malformed("DICOM: a frame is no RLE stream, or has another number of segments than samples ask for")
    starts = struct.unpack_from(f"<{count}I", raw, 4)
    if starts[0] < _HEAD or list(starts) != sorted(starts) or starts[-1] > len(raw):
        raise Malformed("DICOM: the segments of an RLE frame do not fit")
    used = 4 + 4 * count
    pieces, offsets, at = [], [], _HEAD
    claims = [
        Claim(0, used, Fate.REWRITTEN, "header"),
        Claim(used, _HEAD, Fate.DROPPED if any(raw[used:_HEAD]) else Fate.REWRITTEN, "unused offsets"),
    ]
    place = _HEAD
    for start, stop in zip(starts, (*starts[1:], len(raw)), strict=True):
        end = start + packbits_end(bytes(raw[start:stop]), planes[1]) if search else stop
        offsets.append(place)
        pieces.append((start, place, end - start))
        place += end - start + (end - start) % 2
        claims += [Claim(at, start, Fate.DROPPED, "bytes of no segment")] if start > at else []
        claims.append(Claim(start, end, Fate.KEPT, "coded segment"))
        if stop > end:
            filling = stop - end == 1 and not any(raw[end:stop])
            claims.append(Claim(end, stop, Fate.REWRITTEN if filling else Fate.DROPPED, "bytes behind a segment"))
        at = stop
    out.write(struct.pack(f"<I{count}I", count, *offsets).ljust(_HEAD, b"\0"))
    for start, _, length in pieces:
        out.write(raw[start : start + length])
        out.write(bytes(length % 2))
    return Rebuilt(place, tuple(claims), tuple(pieces), ("coding choices", *(() if search else (UNSEARCHED,))))
