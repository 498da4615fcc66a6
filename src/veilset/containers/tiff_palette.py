"""Which entries of its palette a TIFF page uses."""

from __future__ import annotations

import io
import logging
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.containers import tiff_fields as tags
from veilset.containers.bmp_rows import used_entries as used_in_rows
from veilset.containers.ifd import Header
from veilset.containers.tiff_packed import PACKED, unpacked
from veilset.containers.tiff_pages import Page, number
from veilset.containers.tiff_sizes import shapes_of
from veilset.containers.view import View

_MOST_PIXELS = 1 << 28
_BUFFER = 1 << 20


def used_entries(data: memoryview, header: Header, page: Page, entries: int) -> NDArray[np.bool_] | None:
    """One flag for each entry; None where the page has too many pixels, or cannot be decoded here."""
    if number(data, header, page, 0x0100) * number(data, header, page, 0x0101) > _MOST_PIXELS:
        return None
    # Whatever a decoder dies of, the colours are not known.
    with suppress(Exception):
        return _unpacked(data, header, page, entries)
    with suppress(Exception):
        return _counted(data, page, entries)
    return None


def _unpacked(data: memoryview, header: Header, page: Page, entries: int) -> NDArray[np.bool_]:
    """By strips that are packed, read by the tags that stay alone: a second pass finds the same."""
    scheme, predictor = number(data, header, page, 0x0103, 1), number(data, header, page, 0x013D, 1)
    alone = number(data, header, page, 0x0115, 1) == 1
    if not alone or predictor != 1 or number(data, header, page, 0x010A, 1) != 1 or tags.TILE_OFFSETS in page.entries:
        raise ValueError("strips in another coding, or with opacity beside their entries")
    bits = number(data, header, page, 0x0102, 1)
    flags = np.zeros(256, dtype=np.bool_)
    for (start, stop), (rows, columns, _) in zip(page.stretches, shapes_of(data, header, page), strict=True):
        row = -(-columns * bits // 8)
        strip = data[start:stop]
        if scheme == 1:
            plain: bytes | None = bytes(strip[: row * rows])
        elif scheme in tags.DEFLATE:
            plain = zlib.decompressobj().decompress(strip, row * rows)
        else:
            plain = unpacked(bytes(strip), scheme, row, rows) if scheme in PACKED else None
        if plain is None:
            raise ValueError("a damaged strip")
        flags |= used_in_rows(np.frombuffer(plain, dtype=np.uint8).reshape(rows, row), bits, columns)
    return flags[:entries]


def _counted(data: memoryview, page: Page, entries: int) -> NDArray[np.bool_]:
    import tifffile

    # Its warnings quote the values of tags that it cannot read.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)
    flags = np.zeros(entries, dtype=np.bool_)
    with tifffile.TiffFile(io.BufferedReader(View(data))) as file:
        file.filehandle.seek(page.at)
        read: Any = tifffile.TiffPage(file, index=0)
        for segment, _, _ in read.segments(maxworkers=1, buffersize=_BUFFER):
            if segment is not None:
                flags[np.unique(np.asarray(segment[0]))] = True
    return flags
