"""From findings to the pixels that are treated: grown, snapped outward, united."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import WrongMedia
from veilset.core.finding import Finding
from veilset.core.sample import Image
from veilset.core.where import Box, Mask, Polygon, Whole

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels of one finding after growing and snapping.

    Attributes:
        mask: (height, width) of the picture; True where the finding is treated.
        side: Longer side of the *grown* finding's bounds in pixels: sets the strength of a blur or mosaic.
        finding: What is treated here.
    """

    mask: BoolArray
    side: float
    finding: Finding

    def bounds(self) -> tuple[slice, slice]:
        """Rows and columns of the smallest rectangle that holds the region."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def regions_of(image: Image, findings: Iterable[Finding], *, grow: float = 0.0) -> tuple[Region, ...]:
    """One region per finding: grown by `grow` of its own longer side, then snapped outward to the picture's blocks.

    A finding that lies wholly outside the picture has no region. `Whole` is the whole picture.

    Raises:
        WrongMedia: A finding that is nowhere in the picture's plane (a tag, a span, a track).
    """
    regions = []
    for finding in findings:
        match finding.where:
            case Box() as box:
                grown = box.grow(grow)
                mask, side = grown.rasterise(image.shape), max(grown.width, grown.height)
            case Polygon() | Mask() as area:
                bounds = area.bounds()
                side = max(bounds.width, bounds.height)
                mask, side = _dilate(area.rasterise(image.shape), grow * side), side * (1 + 2 * grow)
            case Whole():
                mask, side = np.ones(image.shape, dtype=bool), float(max(image.shape))
            case other:
                raise WrongMedia(
                    f"a {finding.kind} finding stands at a {type(other).__name__}, which has no pixels in a picture"
                )
        mask = image.grid.snap(mask)
        if mask.any():
            regions.append(Region(mask, side, finding))
    return tuple(regions)


def union(regions: Iterable[Region], shape: tuple[int, int]) -> BoolArray:
    """Every pixel of every region, (height, width)."""
    covered = np.zeros(shape, dtype=bool)
    for region in regions:
        covered |= region.mask
    return covered


def _dilate(mask: BoolArray, by: float) -> BoolArray:
    """Every pixel within `by` rows and columns of the mask (a square neighbourhood)."""
    steps = int(np.ceil(by))
    for axis in (0, 1):
        padded = np.pad(mask.astype(np.int32), [(steps + 1, steps) if a == axis else (0, 0) for a in (0, 1)])
        sums = padded.cumsum(axis=axis)
        upper = np.take(sums, np.arange(2 * steps + 1, sums.shape[axis]), axis=axis)
        lower = np.take(sums, np.arange(0, sums.shape[axis] - 2 * steps - 1), axis=axis)
        mask = upper > lower
    return mask
