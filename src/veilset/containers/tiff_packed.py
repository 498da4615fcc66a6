"""Strips and tiles packed without loss, as rows of bytes and back: LZW, PackBits, LZMA and Zstandard."""

from __future__ import annotations

import io
import struct
from functools import cache

from veilset.containers.ifd import read_directory, read_header, value_of
from veilset.containers.tiff_fields import STRIP_COUNTS, STRIP_OFFSETS

# Compression to the name that Pillow has for it.
PACKED = {5: "tiff_lzw", 32773: "packbits", 34925: "lzma", 50000: "zstd"}
LARGEST = 1 << 27


def unpacked(data: bytes, scheme: int, row: int, rows: int) -> bytes | None:
    """The rows of a strip, each of `row` bytes; None where they cannot be read.

    What the bytes mean (bits, samples, differences) makes no difference to how they are packed, so that they are read as
    grey pixels of eight bits.
    """
    from PIL import Image as PillowImage

    if not 0 < row * rows <= LARGEST:
        return None
    head = 8 + 2 + 12 * 9 + 4
    tags = ((256, row), (257, rows), (258, 8), (259, scheme), (262, 1), (STRIP_OFFSETS, head), (277, 1), (278, rows))
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in (*tags, (STRIP_COUNTS, len(data)))]
    made = b"II*\0\x08\0\0\0" + struct.pack("<H", 9) + b"".join(entries) + bytes(4)
    try:
        with PillowImage.open(io.BytesIO(made + data), formats=["TIFF"]) as image:
            held = image.tobytes()
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError):
        return None
    return held if len(held) == row * rows else None


@cache
def is_known(scheme: int) -> bool:
    """Whether the libtiff at hand packs and unpacks so."""
    rows = bytes(range(64))
    try:
        return unpacked(packed(rows, scheme, 8), scheme, 8, 8) == rows
    except (OSError, ValueError, KeyError):
        return False


def packed(plain: bytes, scheme: int, row: int) -> bytes:
    """The rows packed again as one strip."""
    from PIL import Image as PillowImage

    image = PillowImage.frombytes("L", (row, len(plain) // row), plain)
    out = io.BytesIO()
    image.save(out, "TIFF", compression=PACKED[scheme], strip_size=len(plain))
    raw = memoryview(out.getvalue())
    header = read_header(raw)
    entries = {entry.tag: entry for entry in read_directory(raw, header, header.first).entries}
    start, size = (value_of(raw, entries[tag], header.order) for tag in (STRIP_OFFSETS, STRIP_COUNTS))
    return bytes(raw[start : start + size])
