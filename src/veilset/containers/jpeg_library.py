"""jpeglib's compiled library, called directly.

Its Python classes leave copies of the original in the system's temporary folder, decode every file once more only to
count scans, and cannot take names that are not UTF-8.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import cast


@cache
def library() -> ctypes.CDLL:
    """libjpeg-turbo: the one that reads and writes arithmetic coding too.

    A handle of our own: another user's choice stays as it is.
    """
    from jpeglib._bind import CJpegLib

    chosen = CJpegLib.version
    try:
        return cast(ctypes.CDLL, CJpegLib._bind_lib("turbo210"))
    finally:
        CJpegLib.version = chosen


@contextmanager
def scratch(data: bytes) -> Iterator[bytes]:
    """A path where the library finds `data`: in memory where the system has such files, so nothing is left over."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("veilset")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            yield f"/proc/self/fd/{descriptor}".encode()
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:  # pragma: no cover - systems without memfd
        path = os.path.join(folder, "coded.jpg")  # noqa: PTH118
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(data)
        yield os.fsencode(path)
