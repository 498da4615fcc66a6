"""Rows of a PNG: their filters, and the bits that fill the last byte of a row where pixels are smaller than a byte."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from veilset.containers.png_chunks import ADAM7, SIGNATURE, Head, make_chunk
from veilset.core.errors import Malformed

_MOST_FILTER = 4
_LARGEST = 1 << 28
Bytes = NDArray[np.uint8]


class Rows(NamedTuple):
    """Rows of one pass: where they start in the decoded stream, bytes of each with its filter, how many, bits of pixels."""

    start: int
    stride: int
    number: int
    bits: int


def rows_of(head: Head, width: int, height: int) -> list[Rows]:
    """The rows of a picture, pass by pass."""
    found: list[Rows] = []
    at = 0
    for x, y, across, down in ADAM7 if head.interlaced else ((0, 0, 1, 1),):
        columns, count = (width - x + across - 1) // across, (height - y + down - 1) // down
        if columns > 0 and count > 0:
            bits = columns * head.channels * head.depth
            found.append(Rows(at, 1 + (bits + 7) // 8, count, bits))
            at += found[-1].stride * count
    return found


def check_filters(rows: Sequence[Rows], piece: bytes, at: int) -> None:
    """Raise when a row that starts in a piece of the decoded stream, which begins at `at`, has a filter that does not exist.

    Raises:
        Malformed: So it is.
    """
    for part in rows:
        end = part.start + part.stride * part.number
        first = part.start + -(-max(at - part.start, 0) // part.stride) * part.stride
        if first < end and first < at + len(piece):
            filters = np.frombuffer(piece, dtype=np.uint8)[first - at : end - at : part.stride]
            if filters.size and int(filters.max()) > _MOST_FILTER:
                raise Malformed("a row of the PNG has a filter that does not exist; save it anew")


def without_filling(head: Head, size: tuple[int, int], stream: bytes) -> bytes | None:
    """The compressed picture with zeros in the bits that fill its rows; None where they are zero, or there are none.

    *Shapes and units*: `stream` as its chunks hold it. Every sample stays the same; filters go, as one cannot change
    a byte and leave those after it.

    Raises:
        Malformed: It cannot be decoded.
    """
    parts = rows_of(head, *size)
    if all(part.bits % 8 == 0 for part in parts) or head.decoded_size(*size) > _LARGEST:
        return None
    raw = zlib.decompressobj().decompress(stream, head.decoded_size(*size))
    made, found = [], False
    for part in parts:
        plain = _unfiltered(raw[part.start : part.start + part.stride * part.number], part)
        filling = (1 << -part.bits % 8) - 1
        found = found or bool((plain[:, -1] & filling).any())
        plain[:, -1] &= 0xFF ^ filling
        made.append(np.pad(plain, ((0, 0), (1, 0))).tobytes())
    return zlib.compress(b"".join(made), 9) if found else None


def _unfiltered(raw: bytes, part: Rows) -> Bytes:
    """The bytes of the rows of one pass. To a filter, pixels smaller than a byte are bytes: any reader of PNG undoes it."""
    from PIL import Image as PillowImage

    head = struct.pack(">IIBBBBB", part.stride - 1, part.number, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 0)), (b"IEND", b""))
    data = SIGNATURE + b"".join(make_chunk(name, body) for name, body in chunks)
    try:
        with PillowImage.open(io.BytesIO(data), formats=["PNG"]) as image:
            return np.array(image)
    except (OSError, SyntaxError, PillowImage.DecompressionBombError):
        raise Malformed("the rows of the PNG cannot be decoded; save it anew") from None
