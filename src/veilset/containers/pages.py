"""Look at long stretches of a mapped file piece by piece, so that memory does not grow with the file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

STEP = 4 << 20


def windows(data: memoryview, start: int, stop: int, overlap: int = 0) -> Iterator[tuple[int, int]]:
    """Cut [start, stop) into pieces of `STEP` bytes, each longer by `overlap`; pages that were read are given back.

    >>> list(windows(memoryview(bytes(10)), 2, 9))
    [(2, 9)]
    """
    whole = data.obj if isinstance(data.obj, mmap.mmap) and len(data.obj) == len(data) else None
    for at in range(start, stop, STEP):
        end = min(at + STEP, stop)
        yield at, min(end + overlap, stop)
        if whole is not None and end - at == STEP:
            first = at // mmap.PAGESIZE * mmap.PAGESIZE
            whole.madvise(mmap.MADV_DONTNEED, first, end - first)
