"""Looking at a picture of any size in pieces of bounded size, at any scale."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import NONE, Floats

Pixels = NDArray[np.uint8]


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin so that any stretch of `overlap` lies whole in at least one of them.

    >>> starts(100, 40, 10)
    [0, 30, 60]
    >>> starts(30, 40, 10)
    [0]
    """
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def look(
    pixels: Pixels, scale: float, detect: Callable[[Pixels], Floats], *, mirror: bool = False, tile: int, overlap: int
) -> Floats:
    """Detections (n, 5) of `detect` at `scale`, in coordinates of `pixels`; memory bounded by the tile.

    Args:
        pixels: (height, width, 3).
        scale: Each tile is resized by it before it is looked at.
        detect: Takes a tile, gives (x1, y1, x2, y2, score) rows in its pixels.
        mirror: Look at the mirror image.
        tile: Longest side handed to `detect`, after scaling.
        overlap: By how much tiles overlap, after scaling.
    """
    height, width = pixels.shape[:2]
    size, shared = max(1, int(tile / scale)), int(overlap / scale)
    found = []
    for top in starts(height, size, shared):
        for left in starts(width, size, shared):
            part = pixels[top : top + size, left : left + size]
            rows = _in_part(part, scale, detect, mirror)
            inside = _not_cut(rows, part.shape[:2], (top, left), (height, width))
            found.append(rows[inside] + (left, top, left, top, 0))
    return np.concatenate(found) if found else NONE


def _in_part(part: Pixels, scale: float, detect: Callable[[Pixels], Floats], mirror: bool) -> Floats:
    height, width = part.shape[:2]
    to_width, to_height = max(1, round(width * scale)), max(1, round(height * scale))
    if (to_width, to_height) != (width, height):
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = cv2.resize(part, (to_width, to_height), interpolation=how).astype(np.uint8, copy=False)
    rows = detect(np.ascontiguousarray(part[:, ::-1]) if mirror else part)
    if mirror:
        rows = np.column_stack([to_width - rows[:, 2], rows[:, 1], to_width - rows[:, 0], rows[:, 3], rows[:, 4]])
    factor = np.array([width / to_width, height / to_height] * 2 + [1.0])
    return rows * factor


def _not_cut(rows: Floats, part: tuple[int, ...], at: tuple[int, int], whole: tuple[int, int]) -> NDArray[np.bool_]:
    """False where a box ends at a border between tiles: the neighbour sees it whole, or a coarser look does."""
    (top, left), (height, width) = at, whole
    margin = 1.0
    cut = np.zeros(len(rows), dtype=bool)
    cut |= (rows[:, 0] < margin) & (left > 0)
    cut |= (rows[:, 1] < margin) & (top > 0)
    cut |= (rows[:, 2] > part[1] - margin) & (left + part[1] < width)
    cut |= (rows[:, 3] > part[0] - margin) & (top + part[0] < height)
    return ~cut
