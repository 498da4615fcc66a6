"""Find readable stretches in coded picture data, eight bytes at a time."""

from __future__ import annotations

import re
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHORTEST = 16
_WORDS = 1 << 15
_HIGH, _SPACES, _ONES = (np.uint64(0x0101010101010101 * byte) for byte in (0x80, 0x20, 0x01))
_HIGH_HALF, _SPACES_HALF, _ONES_HALF = (np.uint32(0x01010101 * byte) for byte in (0x80, 0x20, 0x01))
_RUN = re.compile(rb"[\x20-\x7e]+")
_LONG = re.compile(rb"[\x20-\x7e]{%d,}" % SHORTEST)
_FEW = 1 << 11


class _Scratch(threading.local):
    """The same two arrays for chunk after chunk: fresh memory costs more than looking into it."""

    def __init__(self) -> None:
        self.masked = np.empty(_WORDS, dtype=np.uint64)
        self.seven = np.empty(_WORDS, dtype=np.bool_)


_scratch = _Scratch()


def readable_runs(data: memoryview) -> list[tuple[int, int]]:
    """Stretches of at least 16 printable bytes, found without looping over bytes.

    Any such stretch holds a whole word of eight bytes, whatever its alignment, and four more on one side of it. Words of
    seven-bit bytes are rare in coded data, printable ones rarer still; only around those is anything looked at byte by
    byte.

    >>> readable_runs(memoryview(b"\\0" * 9 + b"sixteen letters!" + b"\\0"))
    [(9, 25)]
    """
    if len(data) < _FEW:
        return [hit.span() for hit in _LONG.finditer(data)]
    words = np.frombuffer(data[: len(data) // 8 * 8], dtype=np.uint64)
    found: list[tuple[int, int]] = []
    end = 0
    for word in _printable(words).tolist():
        at = 8 * word
        if at < end:
            continue
        start, end = _around(data, at, end)
        if end - start >= SHORTEST:
            found.append((start, end))
    return found


def _printable(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Which words hold printable bytes alone, and have four more before or after them, as far as `words` tells."""
    masked, seven = _scratch.masked, _scratch.seven
    places = []
    for base in range(0, len(words), _WORDS):
        part = words[base : base + _WORDS]
        count = len(part)
        np.bitwise_and(part, _HIGH, out=masked[:count])
        places.append(np.equal(masked[:count], 0, out=seven[:count]).nonzero()[0] + base)
    hits = np.concatenate(places) if places else np.empty(0, dtype=np.int64)
    hits = hits[_plain(words[hits], _HIGH, _SPACES, _ONES)]
    if not len(hits):
        return hits
    halves, last = words.view(np.uint32), len(words) - 1
    before = halves[2 * hits - 1]
    after = halves[np.minimum(2 * hits + 2, 2 * last + 1)]
    sides = _plain(before, _HIGH_HALF, _SPACES_HALF, _ONES_HALF) | _plain(after, _HIGH_HALF, _SPACES_HALF, _ONES_HALF)
    chosen: NDArray[np.int64] = hits[sides | (hits == 0) | (hits == last)]
    return chosen


def _plain(values: NDArray[Any], high: Any, spaces: Any, ones: Any) -> NDArray[np.bool_]:
    """Which words hold no byte but 0x20 to 0x7e.

    The lowest byte under a space borrows into its eighth bit when spaces are taken away; a delete character carries into
    its own when ones are added.
    """
    plain: NDArray[np.bool_] = ((values | (values - spaces) | (values + ones)) & high) == 0
    return plain


def _around(data: memoryview, at: int, least: int) -> tuple[int, int]:
    """The whole run around the word at `at`, from `least` on."""
    start = at
    while start > least and 0x20 <= data[start - 1] <= 0x7E:
        start -= 1
    hit = _RUN.match(data, at)
    return start, hit.end() if hit else at
