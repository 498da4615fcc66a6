"""Find where a coded JPEG scan ends, at the speed of memory."""

from __future__ import annotations

import numpy as np

_CHUNK = 1 << 16


def scan_end(data: memoryview, start: int) -> int:
    """Where the first marker after `start` stands that is no restart marker; -1 when there is none.

    In coded data 0xff is followed by 0x00 or by a restart marker (0xd0 to 0xd7); runs of 0xff are fill.

    >>> scan_end(memoryview(b"ab\\xff\\0\\xff\\xd0cd\\xff\\xd9"), 0)
    8
    """
    # The same two arrays for every chunk stay in the processor's cache.
    marks, follows = np.empty(_CHUNK, dtype=np.bool_), np.empty(_CHUNK, dtype=np.bool_)
    for base in range(start, len(data) - 1, _CHUNK):
        part = np.frombuffer(data[base : base + _CHUNK + 1], dtype=np.uint8)
        hits, nonzero = marks[: len(part) - 1], follows[: len(part) - 1]
        np.equal(part[:-1], 255, out=hits)
        np.not_equal(part[1:], 0, out=nonzero)
        np.logical_and(hits, nonzero, out=hits)
        if not hits.any():
            continue
        for hit in np.flatnonzero(hits):
            after = int(part[hit + 1])
            if after != 0xFF and not 0xD0 <= after <= 0xD7:
                return base + int(hit)
    return -1
