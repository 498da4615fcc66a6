"""Looking at a picture of any size in pieces of bounded size, at any scale."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import NONE, Floats

Pixels = NDArray[np.uint8]
Detect = Callable[[Pixels], Floats]

STRIDE = 32
TILE = 1024
OVERLAP = 192


def pieces(length: int, longest: int, overlap: int) -> list[tuple[int, int]]:
    """Stretches (start, stop) of at most `longest`, as even as can be, any `overlap` whole in at least one of them.

    >>> pieces(100, 40, 10)
    [(0, 40), (30, 70), (60, 100)]
    >>> pieces(30, 40, 10)
    [(0, 30)]
    """
    if length <= longest:
        return [(0, length)]
    count = -(-(length - overlap) // (longest - overlap))
    size = -(-(length + (count - 1) * overlap) // count)
    starts = [index * (length - size) // (count - 1) for index in range(count)]
    return [(start, start + size) for start in starts]


def fitted(length: float) -> int:
    """The multiple of a network's stride nearest to `length`: a slight stretch is cheaper than padding.

    >>> fitted(200), fitted(267), fitted(3)
    (192, 256, 32)
    """
    return max(STRIDE, round(length / STRIDE) * STRIDE)


def look(
    pixels: Pixels, scale: float, detect: Detect, *, mirror: bool = False, tile: int = TILE, overlap: int = OVERLAP
) -> Floats:
    """Detections (n, 5) of `detect` at `scale`, in coordinates of `pixels`; memory bounded by the tile.

    Args:
        pixels: (height, width, 3).
        scale: Each tile is resized by it before it is looked at.
        detect: Takes a tile, gives (x1, y1, x2, y2, score) rows in its pixels.
        mirror: Look at the mirror image.
        tile: Longest side handed to `detect`, after scaling.
        overlap: By how much tiles overlap, after scaling: an object up to this size is whole in one of them.
    """
    height, width = pixels.shape[:2]
    longest, shared = max(2, int(tile / scale)), int(overlap / scale)
    found = [NONE]
    for top, bottom in pieces(height, longest, shared):
        for left, right in pieces(width, longest, shared):
            rows = _in_part(pixels[top:bottom, left:right], scale, detect, mirror)
            rows += np.array([left, top, left, top, 0.0])
            found.append(rows[~_cut(rows, (left, top, right, bottom), width, height)])
    return np.concatenate(found)


def _in_part(part: Pixels, scale: float, detect: Detect, mirror: bool) -> Floats:
    height, width = part.shape[:2]
    to_width, to_height = fitted(width * scale), fitted(height * scale)
    if (to_width, to_height) != (width, height):
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = np.asarray(cv2.resize(part, (to_width, to_height), interpolation=how), dtype=np.uint8)
    rows = detect(np.ascontiguousarray(part[:, ::-1]) if mirror else part)
    if mirror:
        rows = np.column_stack([to_width - rows[:, 2], rows[:, 1], to_width - rows[:, 0], rows[:, 3], rows[:, 4]])
    scaled: Floats = rows * np.array([width / to_width, height / to_height] * 2 + [1.0])
    return scaled


def _cut(rows: Floats, part: tuple[int, int, int, int], width: int, height: int) -> NDArray[np.bool_]:
    """True where a box ends at a border between tiles: the neighbour sees it whole, or a coarser look does."""
    left, top, right, bottom = part
    cut: NDArray[np.bool_] = (rows[:, 0] < left + 1) & (left > 0)
    cut |= (rows[:, 1] < top + 1) & (top > 0)
    cut |= (rows[:, 2] > right - 1) & (right < width)
    cut |= (rows[:, 3] > bottom - 1) & (bottom < height)
    return cut
