"""From findings to the pixels that are treated: grown, snapped outward, united."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import WrongMedia
from veilset.core.finding import Finding
from veilset.core.sample import Grid, Image
from veilset.core.where import Box, Mask, Polygon, Whole

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels of one finding after growing and snapping.

    Only the smallest window that holds them is kept, so that a crowd in a large picture stays small in memory.

    Attributes:
        patch: (rows, columns) of the window; True where the finding is treated.
        top: First row of the window in the picture.
        left: First column of the window in the picture.
        shape: (height, width) of the picture.
        side: Longer side of the *grown* finding's bounds in pixels: sets the strength of a blur or mosaic.
        finding: What is treated here.
    """

    patch: BoolArray
    top: int
    left: int
    shape: tuple[int, int]
    side: float
    finding: Finding

    @property
    def mask(self) -> BoolArray:
        """(height, width) of the picture; True where the finding is treated."""
        return union((self,), self.shape)

    def bounds(self) -> tuple[slice, slice]:
        """Rows and columns of the smallest rectangle that holds the region."""
        height, width = self.patch.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def regions_of(image: Image, findings: Iterable[Finding], *, grow: float = 0.0) -> tuple[Region, ...]:
    """One region per finding: grown by `grow` of its own longer side, then snapped outward to the picture's blocks.

    A finding that lies wholly outside the picture has no region. `Whole` is the whole picture.

    Raises:
        WrongMedia: A finding that is nowhere in the picture's plane (a tag, a span, a track).
    """
    regions: list[Region] = []
    for finding in findings:
        area: Box | Polygon | Mask | None = None
        match finding.where:
            case Box() | Polygon() | Mask():
                area = finding.where
                bounds = area.bounds().grow(grow)
            case Whole():
                bounds = Box(0, 0, image.width, image.height)
            case other:
                raise WrongMedia(
                    f"a {finding.kind} finding stands at a {type(other).__name__}, which has no pixels in a picture"
                )
        side, steps = max(bounds.width, bounds.height), 0
        if isinstance(area, Polygon | Mask):
            bounds = area.bounds()
            steps = math.ceil(grow * max(bounds.width, bounds.height))
            by = steps + 1
            bounds = Box(bounds.x - by, bounds.y - by, bounds.width + 2 * by, bounds.height + 2 * by)
        top, left, bottom, right = _window(bounds, image.shape, image.grid)
        if bottom <= top or right <= left:
            continue
        patch = np.ones((bottom - top, right - left), dtype=bool)
        if not isinstance(area, Polygon | Mask):
            regions.append(Region(patch, top, left, image.shape, side, finding))
            continue
        patch = _paint(area, (top, left), patch.shape, steps)
        patch = Grid(image.grid.width, image.grid.height, image.grid.x - left, image.grid.y - top).snap(patch)
        rows, columns = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
        if len(rows):
            patch = patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            regions.append(Region(patch, top + int(rows[0]), left + int(columns[0]), image.shape, side, finding))
    return tuple(regions)


def union(regions: Iterable[Region], shape: tuple[int, int]) -> BoolArray:
    """Every pixel of every region, (height, width)."""
    covered = np.zeros(shape, dtype=bool)
    for region in regions:
        covered[region.bounds()] |= region.patch
    return covered


def _window(bounds: Box, shape: tuple[int, int], grid: Grid) -> tuple[int, int, int, int]:
    """Top, left, bottom, right: the pixels that `bounds` touches, moved out to block borders, inside the picture."""
    sides = []
    for low, length, block, first, size in (
        (bounds.y, bounds.height, grid.height, grid.y, shape[0]),
        (bounds.x, bounds.width, grid.width, grid.x, shape[1]),
    ):
        start, stop = max(0, math.floor(low)), min(size, math.ceil(low + length))
        if stop <= start:
            return 0, 0, 0, 0
        start, stop = (start - first) // block * block + first, -((first - stop) // block) * block + first
        sides.append((max(0, start), min(size, stop)))
    (top, bottom), (left, right) = sides
    return top, left, bottom, right


def _paint(area: Polygon | Mask, corner: tuple[int, int], shape: tuple[int, ...], steps: int) -> BoolArray:
    """The area grown by `steps` pixels, as pixels of the window of `shape` at `corner` (row, column)."""
    top, left = corner[0] - steps, corner[1] - steps
    moved: Polygon | Mask
    if isinstance(area, Polygon):
        moved = Polygon(tuple((x - left, y - top) for x, y in area.points))
    else:
        moved = Mask(area.x - left, area.y - top, area.pixels)
    wide = moved.rasterise((shape[0] + 2 * steps, shape[1] + 2 * steps))
    return _dilate(wide, steps)[steps : steps + shape[0], steps : steps + shape[1]]


def _dilate(mask: BoolArray, steps: int) -> BoolArray:
    """Every pixel within `steps` rows and columns of the mask (a square neighbourhood)."""
    for axis in (0, 1):
        padded = np.pad(mask.astype(np.int32), [(steps + 1, steps) if a == axis else (0, 0) for a in (0, 1)])
        sums = padded.cumsum(axis=axis)
        upper = np.take(sums, np.arange(2 * steps + 1, sums.shape[axis]), axis=axis)
        lower = np.take(sums, np.arange(0, sums.shape[axis] - 2 * steps - 1), axis=axis)
        mask = upper > lower
    return mask
