"""Find where the codes of a GIF picture end, without decoding its pixels."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Malformed

_LONGEST = 1 << 14


@cache
def _bit_positions(smallest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each code after a clear code starts, in bits, and how wide it is: both depend on its number alone."""
    first = (1 << smallest) + 2
    numbers = np.arange(_LONGEST, dtype=np.int64)
    # The decoder's table holds one entry less than codes read, and grows a bit when it is full.
    entries = np.minimum(first + np.maximum(numbers - 1, 0), 4095)
    widths = np.maximum(np.floor(np.log2(entries)).astype(np.int64) + 1, smallest + 1)
    starts = np.concatenate(([0], np.cumsum(widths)[:-1]))
    return starts, widths


def used_bytes(coded: bytes, smallest: int) -> int:
    """How many bytes of `coded` stand up to and with the end code; all of them when there is none.

    *Shapes and units*: `coded` is the joined data blocks of one picture, `smallest` its declared code size in bits.

    Raises:
        Malformed: No GIF has such a code size.
    """
    if not 1 <= smallest <= 11:
        raise Malformed("a GIF picture declares an impossible code size")
    stream = np.frombuffer(coded + b"\0\0\0\0", dtype=np.uint8).astype(np.int64)
    limit = len(coded) * 8
    clear = 1 << smallest
    starts, widths = _bit_positions(smallest)
    at = 0
    while at < limit:
        fitting = int(np.searchsorted(starts + widths, limit - at, side="right"))
        places = at + starts[:fitting]
        low = places >> 3
        codes = (stream[low] | stream[low + 1] << 8 | stream[low + 2] << 16) >> (places & 7)
        codes &= (1 << widths[:fitting]) - 1
        marks = np.flatnonzero((codes == clear) | (codes == clear + 1))
        if not len(marks):
            if fitting < _LONGEST:
                return len(coded)
            at += int(starts[-1])
            return _used_wide(stream, at, limit, clear)
        index = int(marks[0])
        end = int(places[index] + widths[index])
        if codes[index] == clear + 1:
            return (end + 7) // 8
        at = end
    return len(coded)


def _used_wide(stream: NDArray[np.int64], at: int, limit: int, clear: int) -> int:
    """A full table is never cleared: every further code is 12 bits wide."""
    places = np.arange(at, limit - 11, 12, dtype=np.int64)
    low = places >> 3
    codes = (stream[low] | stream[low + 1] << 8 | stream[low + 2] << 16) >> (places & 7) & 4095
    ends = np.flatnonzero(codes == clear + 1)
    return (int(places[ends[0]]) + 12 + 7) // 8 if len(ends) else limit // 8
