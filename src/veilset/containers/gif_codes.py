"""Find where the codes of a GIF picture end, and where its pixels do, without decoding a colour."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Malformed

_LONGEST = 1 << 14
Numbers = NDArray[np.int64]


@cache
def _bit_positions(smallest: int) -> tuple[Numbers, Numbers]:
    """Where each code after a clear code starts, in bits, and how wide it is: both depend on its number alone."""
    first = (1 << smallest) + 2
    numbers = np.arange(_LONGEST, dtype=np.int64)
    # The decoder's table holds one entry less than codes read, and grows a bit when it is full.
    entries = np.minimum(first + np.maximum(numbers - 1, 0), 4095)
    widths = np.maximum(np.floor(np.log2(entries)).astype(np.int64) + 1, smallest + 1)
    starts = np.concatenate(([0], np.cumsum(widths)[:-1]))
    return starts, widths


def needed_bytes(coded: bytes, smallest: int, pixels: int) -> bytes:
    """As much of `coded` as shows this many pixels, with its end code; all of it up to the end code where it holds fewer.

    *Shapes and units*: `coded` is the joined data blocks of one picture, `smallest` its declared code size in bits.

    Raises:
        Malformed: No GIF has such a code size, or a code stands for nothing.
    """
    left = pixels
    for read, ends, widths in _segments(coded, smallest):
        clear = 1 << smallest
        done = int(ends[-1]) if read[-1] == clear + 1 else 0
        plain = read[:-1] if read[-1] in {clear, clear + 1} else read
        lengths = _lengths(plain, clear)
        if not left and len(plain):
            # The clear code before this stretch was the last thing that anybody reads.
            return _closed(coded, int(ends[0] - widths[0]), int(widths[0]), clear)
        whole = int(lengths.sum())
        if whole > left:
            last = int(np.searchsorted(np.cumsum(lengths), left))
            return _closed(coded, int(ends[last]), int(widths[min(last + 1, len(widths) - 1)]), clear)
        left -= whole
        if done:
            return coded[: (done + 7) // 8]
    return coded


def _closed(coded: bytes, bits: int, width: int, clear: int) -> bytes:
    """The first bits of a stream, and an end code."""
    whole, rest = bits >> 3, bits & 7
    value = (coded[whole] & ((1 << rest) - 1) if rest else 0) | (clear + 1) << rest
    return coded[:whole] + value.to_bytes((rest + width + 7) // 8, "little")


def _segments(coded: bytes, smallest: int) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Codes up to and with each clear code and the end code, the bits where they end, and their widths."""
    if not 1 <= smallest <= 11:
        raise Malformed("a GIF picture declares an impossible code size")
    stream = np.frombuffer(coded + b"\0\0\0\0", dtype=np.uint8).astype(np.int64)
    limit, clear, at = len(coded) * 8, 1 << smallest, 0
    starts, widths = _bit_positions(smallest)
    while at < limit:
        fitting = int(np.searchsorted(starts + widths, limit - at, side="right"))
        places, wide = at + starts[:fitting], widths[:fitting]
        codes = _read(stream, places, wide)
        marks = np.flatnonzero((codes == clear) | (codes == clear + 1))
        if not len(marks) and fitting == _LONGEST:
            # A full table that is not cleared: every further code is 12 bits wide.
            more = np.arange(int(places[-1] + 12), limit - 11, 12, dtype=np.int64)
            places, wide = np.concatenate([places, more]), np.concatenate([wide, np.full(len(more), 12)])
            codes = _read(stream, places, wide)
            marks = np.flatnonzero((codes == clear) | (codes == clear + 1))
        stop = int(marks[0]) + 1 if len(marks) else len(codes)
        if not stop:
            return
        ends = places[:stop] + wide[:stop]
        yield codes[:stop], ends, wide[:stop]
        if not len(marks) or codes[stop - 1] == clear + 1:
            return
        at = int(ends[-1])


def _read(stream: Numbers, places: Numbers, widths: Numbers) -> Numbers:
    low = places >> 3
    codes: Numbers = (stream[low] | stream[low + 1] << 8 | stream[low + 2] << 16) >> (places & 7) & ((1 << widths) - 1)
    return codes


def _lengths(codes: Numbers, clear: int) -> Numbers:
    """How many pixels each code stands for: one more than the code that was read when its entry was made.

    Each step doubles how far back a code has been followed, so that twelve are enough for any.
    """
    back = codes - (clear + 2)
    if np.any(back >= np.arange(len(codes))):
        raise Malformed("a code of a GIF picture stands for nothing; save it anew")
    lengths = np.ones(len(codes), dtype=np.int64)
    while len(open_ := np.flatnonzero(back >= 0)):
        lengths[open_] += lengths[back[open_]]
        back[open_] = back[back[open_]]
    return lengths
