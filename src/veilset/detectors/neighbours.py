"""Nearest neighbours among many vectors, by blocks of matrix products in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float16]
ROWS, FIRST, COLUMNS = 512, 4096, 16384


def neighbours(vectors: Vectors, count: int, least: float) -> Iterator[tuple[int, int, float]]:
    """(one, other, cosine), one < other: pairs of which one is among the `count` nearest of the other, in order of rows.

    *Shapes*: vectors (n, d), each of length 1; kept in half precision, multiplied in single.

    **Guarantee**

    - Exact: nothing is left to chance but how equally near vectors are ordered.
    - Memory beside the vectors is that of one block, whatever n; pairs given are at most n * count.

    Time grows with n squared times d; a comparison costs a few nanoseconds.

    >>> corner = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float16)
    >>> [(one, other) for one, other, _ in neighbours(corner, 1, 0.5)]
    [(0, 1), (1, 2)]
    """
    given: set[tuple[int, int]] = set()
    for start in range(0, len(vectors), ROWS):
        rows = vectors[start : start + ROWS].astype(np.float32)
        near, who = _best(rows, start, vectors, count, least)
        for row in range(len(rows)):
            for other, cosine in zip(who[row], near[row], strict=True):
                pair = min(start + row, int(other)), max(start + row, int(other))
                if cosine >= least and other >= 0 and pair not in given:
                    given.add(pair)
                    yield *pair, float(cosine)


def _best(
    rows: NDArray[np.float32], start: int, vectors: Vectors, count: int, least: float
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cosines (rows, count) and numbers of the nearest of each row, nearest first; -1 where there are fewer."""
    near = np.full((len(rows), count), -np.inf, np.float32)
    who = np.full((len(rows), count), -1, np.int64)
    at = 0
    while at < len(vectors):
        size = FIRST if at == 0 else COLUMNS
        cosines = rows @ vectors[at : at + size].astype(np.float32).T
        own = np.arange(start, start + len(rows)) - at
        inside = (own >= 0) & (own < cosines.shape[1])
        cosines[np.flatnonzero(inside), own[inside]] = -np.inf
        if at == 0 and cosines.shape[1] > count:
            # At first everything would be nearer than nothing; later few are nearer than the nearest so far.
            column = np.argpartition(cosines, -count, axis=1)[:, -count:]
            row = np.repeat(np.arange(len(rows)), count)
            column = column.ravel()
        else:
            row, column = np.nonzero(cosines > np.maximum(near[:, -1], least - 1e-6)[:, None])
        _merge(near, who, row, column + at, cosines[row, column])
        at += size
    return near, who


def _merge(
    near: NDArray[np.float32],
    who: NDArray[np.int64],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    cosine: NDArray[np.float32],
) -> None:
    """Take newcomers into the lists of the nearest, in place; of equally near ones the first stays."""
    count = near.shape[1]
    old = np.repeat(np.arange(len(near)), count)
    row, column = np.concatenate([old, row]), np.concatenate([who.ravel(), column])
    cosine = np.concatenate([near.ravel(), cosine])
    order = np.lexsort((column, -cosine, row))
    row, column, cosine = row[order], column[order], cosine[order]
    firsts = np.searchsorted(row, np.arange(len(near)))
    rank = np.arange(len(row)) - firsts[row]
    kept = rank < count
    near[row[kept], rank[kept]] = cosine[kept]
    who[row[kept], rank[kept]] = column[kept]
