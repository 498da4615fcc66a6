"""Which of many 64-bit hashes differ from another in a few bits at most, without comparing every one with every other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]

BITS = 64
WIDEST = 22
"""Bits of the widest band: its table has four million places."""
AT_ONCE = 1 << 20


class Band(NamedTuple):
    """Some neighbouring bits: known rows in order of them, and where in that order each value begins."""

    shift: int
    width: int
    order: Rows
    starts: Rows


class HashIndex:
    """Known hashes, by bands of bits: two that differ in few bits agree in nearly all bits of at least one band.

    With m bands and at most r differing bits, some band differs in at most r // m of them (pigeonhole), so looking up
    every value so near in every band misses nothing. A band has about log2(n) bits, so that a look-up meets few known
    hashes: the search is exact, and its time for hashes that lie evenly grows as n to a power below 2.

    *Shapes and units*: known (n,) uint64; `most` in bits. Memory grows with n alone.

    *Source*: multi-index hashing (Norouzi, Punjani, Fleet 2012); instead of removing pairs found twice, a pair counts
    in the first band that finds it.

    >>> index = HashIndex(np.array([0b0000, 0b0111], dtype=np.uint64), most=1)
    >>> [tuple(int(v) for v in found) for found in zip(*next(index.near(np.array([0b0011], dtype=np.uint64))))]
    [(0, 1, 1)]
    """

    def __init__(self, known: Hashes, most: int) -> None:
        self._known = known
        self._most = most
        width = min(WIDEST, max(8, int(np.log2(max(len(known), 1)))))
        edges = np.linspace(0, BITS, BITS // width + 1).round().astype(int)
        self._bands = [self._band(int(low), int(high - low)) for low, high in itertools.pairwise(edges)]
        self._radius = most // len(self._bands)

    def near(self, queries: Hashes) -> Iterator[tuple[Rows, Rows, NDArray[np.uint8]]]:
        """(rows of queries, rows of known hashes, differing bits), in pieces; each pair once, in no order."""
        for number, band in enumerate(self._bands):
            keys = _values(queries, band.shift, band.width)
            for mask in _masks(band.width, self._radius):
                wanted = keys ^ mask
                first = band.starts[wanted]
                for rows, places in _pieces(first, band.starts[wanted + 1] - first):
                    found = band.order[places]
                    differing = queries[rows] ^ self._known[found]
                    bits = np.bitwise_count(differing)
                    kept = bits <= self._most
                    kept[kept] = self._is_first(differing[kept], number)
                    if kept.any():
                        yield rows[kept], found[kept], bits[kept]

    def _band(self, shift: int, width: int) -> Band:
        keys = _values(self._known, shift, width)
        counts = np.bincount(keys, minlength=1 << width)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Band(shift, width, np.argsort(keys, kind="stable"), starts)

    def _is_first(self, differing: Hashes, number: int) -> NDArray[np.bool_]:
        """Whether no band before `number` has found the pair."""
        new = np.ones(len(differing), dtype=bool)
        for band in self._bands[:number]:
            new &= np.bitwise_count(_values(differing, band.shift, band.width)) > self._radius
        return new


def _values(hashes: Hashes, shift: int, width: int) -> Rows:
    values: Rows = ((hashes >> np.uint64(shift)) & np.uint64((1 << width) - 1)).astype(np.int64)
    return values


def _masks(width: int, radius: int) -> Iterator[int]:
    """Every way to change at most `radius` of `width` bits."""
    for count in range(min(radius, width) + 1):
        for places in itertools.combinations(range(width), count):
            yield sum(1 << place for place in places)


def _pieces(first: Rows, counts: Rows) -> Iterator[tuple[Rows, Rows]]:
    """(query, place in a band's order) of every look-up, about `AT_ONCE` at a time whatever a band holds."""
    rows = np.flatnonzero(counts)
    upto = np.cumsum(counts[rows])
    start = 0
    while start < len(rows):
        before = upto[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(upto, before + AT_ONCE, side="right")))
        some = rows[start:stop]
        many = counts[some]
        begins = np.repeat(first[some] - (np.cumsum(many) - many), many)
        yield np.repeat(some, many), begins + np.arange(int(many.sum()))
        start = stop
