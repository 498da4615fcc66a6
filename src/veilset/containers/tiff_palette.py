"""Which entries of its palette a TIFF page uses."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.containers.tiff_pages import Page
from veilset.containers.view import View

_MOST_PIXELS = 1 << 28
_BUFFER = 1 << 20


def used_entries(data: memoryview, page: Page, entries: int, pixels: int) -> NDArray[np.bool_] | None:
    """One flag for each entry; None where the page has too many pixels, or cannot be decoded here."""
    if pixels > _MOST_PIXELS:
        return None
    # Whatever a decoder dies of, the colours are not known.
    with suppress(Exception):
        return _counted(data, page, entries)
    return None


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
