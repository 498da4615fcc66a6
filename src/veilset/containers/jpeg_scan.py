"""Find where a coded JPEG scan ends, at the speed of memory."""

from __future__ import annotations

import threading

import numpy as np

_CHUNK = 1 << 18


class _Scratch(threading.local):
    """The same array for chunk after chunk stays in the processor's cache."""

    def __init__(self) -> None:
        self.marks = np.empty(_CHUNK, dtype=np.bool_)


_scratch = _Scratch()


def scan_end(data: memoryview, start: int) -> int:
    """Where the first marker after `start` stands that is no restart marker; -1 when there is none.

    In coded data 0xff is followed by 0x00 or by a restart marker (0xd0 to 0xd7); runs of 0xff are fill.

    >>> scan_end(memoryview(b"ab\\xff\\0\\xff\\xd0cd\\xff\\xd9"), 0)
    8
    """
    whole = np.frombuffer(data, dtype=np.uint8)
    marks = _scratch.marks
    for base in range(start, len(data) - 1, _CHUNK):
        part = whole[base : base + _CHUNK + 1]
        hits = marks[: len(part) - 1]
        np.equal(part[:-1], 255, out=hits)
        np.logical_and(hits.view(np.uint8), part[1:], out=hits)
        # Most chunks hold no marker at all, and most pictures none but the last: the first place is found faster than all.
        first = int(hits.argmax())
        if not hits[first]:
            continue
        if part[first + 1] != 0xFF and not 0xD0 <= part[first + 1] <= 0xD7:
            return base + first
        places = hits.nonzero()[0]
        after = part[places + 1]
        ends = places[(after != 0xFF) & ((after < 0xD0) | (after > 0xD7))]
        if len(ends):
            return base + int(ends[0])
    return -1
