"""Looking at a picture of any size in pieces of bounded size, at any scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import NONE, Floats

Pixels = NDArray[np.uint8]
Detect = Callable[[Pixels], Floats]
Part = tuple[int, int, int, int]

STRIDE = 32
TILE = 1024
OVERLAP = 192
HALVED = 0.35
NEARLY = 0.7


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


def resized(pixels: Pixels, width: int, height: int, scale: float) -> Pixels:
    """The picture at another size, about `scale` times its own, without aliasing that a network would notice.

    Far below its size it is halved first, for which the processor has instructions; a mean over areas of odd size takes
    eight times as long as a look at the four neighbours, which is as good down to about `NEARLY`.

    >>> resized(np.full((640, 480, 3), 7, np.uint8), 96, 128, 0.2).shape
    (128, 96, 3)
    """
    while scale < HALVED and not (pixels.shape[0] | pixels.shape[1]) % 2:
        half = pixels.shape[1] // 2, pixels.shape[0] // 2
        pixels, scale = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), dtype=np.uint8), 2 * scale
    if pixels.shape[:2] == (height, width):
        return pixels
    how = cv2.INTER_AREA if scale < NEARLY else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), dtype=np.uint8)


def look(
    pixels: Pixels,
    scale: float,
    detect: Detect,
    *,
    mirror: bool = False,
    tile: int = TILE,
    overlap: int = OVERLAP,
    within: Sequence[Part] | None = None,
) -> Floats:
    """Detections (n, 5) of `detect` at `scale`, in coordinates of `pixels`; memory bounded by the tile.

    Args:
        pixels: (height, width, 3).
        scale: Each tile is resized by it before it is looked at.
        detect: Takes a tile, gives (x1, y1, x2, y2, score) rows in its pixels.
        mirror: Look at the mirror image.
        tile: Longest side handed to `detect`, after scaling.
        overlap: By how much tiles overlap, after scaling: an object up to this size is whole in one of them.
        within: Parts (left, top, right, bottom) of the picture to look at; the whole of it, unless given.
    """
    height, width = pixels.shape[:2]
    longest, shared = max(2, int(tile / scale)), int(overlap / scale)
    found = [NONE]
    for x, y, end, floor in ((0, 0, width, height),) if within is None else within:
        for top, bottom in pieces(floor - y, longest, shared):
            for left, right in pieces(end - x, longest, shared):
                tile_of = (x + left, y + top, x + right, y + bottom)
                rows = _in_part(pixels[y + top : y + bottom, x + left : x + right], scale, detect, mirror)
                rows += np.array([*tile_of[:2], *tile_of[:2], 0.0])
                found.append(rows[~_cut(rows, tile_of, width, height)])
    return np.concatenate(found)


def _in_part(part: Pixels, scale: float, detect: Detect, mirror: bool) -> Floats:
    height, width = part.shape[:2]
    to_width, to_height = fitted(width * scale), fitted(height * scale)
    part = resized(part, to_width, to_height, scale)
    rows = detect(np.ascontiguousarray(part[:, ::-1]) if mirror else part)
    if mirror:
        rows = np.column_stack([to_width - rows[:, 2], rows[:, 1], to_width - rows[:, 0], rows[:, 3], rows[:, 4]])
    scaled: Floats = rows * np.array([width / to_width, height / to_height] * 2 + [1.0])
    return scaled


def _cut(rows: Floats, part: Part, width: int, height: int) -> NDArray[np.bool_]:
    """True where a box ends at a border between tiles: the neighbour sees it whole, or a coarser look does."""
    left, top, right, bottom = part
    cut: NDArray[np.bool_] = (rows[:, 0] < left + 1) & (left > 0)
    cut |= (rows[:, 1] < top + 1) & (top > 0)
    cut |= (rows[:, 2] > right - 1) & (right < width)
    cut |= (rows[:, 3] > bottom - 1) & (bottom < height)
    return cut
