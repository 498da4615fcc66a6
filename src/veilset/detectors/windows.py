"""A picture of any size as a pyramid of square windows: the whole first, then halves, quarters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats

Pixels = NDArray[np.uint8]

# Boxes of what a border cuts often stop a little short of it: this part of a window's side counts as the border.
NEAR = 0.02


def windows(height: int, width: int, levels: Iterable[int], smallest: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of every window: level k has windows of the longer side over 2^k that overlap by a quarter.

    A level whose windows would be smaller than `smallest` pixels is left out: there is nothing finer to see.

    >>> [len(list(windows(480, 640, range(levels), 300))) for levels in (1, 2, 3)]
    [1, 7, 7]
    """
    for level in levels:
        side = -(-max(height, width) // 2**level)
        if level and side < smallest:
            return
        for top in _starts(height, side):
            for left in _starts(width, side):
                yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def look_through(pixels: Pixels, detect: Callable[[Pixels], Floats], *, levels: Iterable[int], smallest: int) -> Floats:
    """Rows (n, 6), corners first, of `detect` in every window, in pixels of the whole; memory is bounded by one window.

    What a window's inner border cuts is left to the window that shows it whole.
    """
    height, width = pixels.shape[:2]
    found = [np.empty((0, 6))]
    for rows, columns in windows(height, width, levels, smallest):
        seen = detect(pixels[rows, columns])
        seen = seen + np.pad([columns.start, rows.start] * 2, (0, seen.shape[1] - 4))
        near = NEAR * max(rows.stop - rows.start, columns.stop - columns.start)
        cut = (seen[:, 0] < columns.start + near) & (columns.start > 0)
        cut |= (seen[:, 1] < rows.start + near) & (rows.start > 0)
        cut |= (seen[:, 2] > columns.stop - near) & (columns.stop < width)
        cut |= (seen[:, 3] > rows.stop - near) & (rows.stop < height)
        found.append(seen[~cut])
    return np.concatenate(found)


def _starts(length: int, side: int) -> list[int]:
    """Where windows begin so that any quarter of a side lies whole in at least one of them."""
    if length <= side:
        return [0]
    shared = side // 4
    count = -(-(length - shared) // (side - shared))
    return [round(index * (length - side) / (count - 1)) for index in range(count)]
