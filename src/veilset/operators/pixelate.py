"""Replace what was found by a coarse mosaic of true means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, positive
from veilset.core.finding import Finding
from veilset.core.guarantee import FOUND, Empirical, Guarantee
from veilset.core.noise import Noise
from veilset.core.region import BoolArray
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.operators.united import Blob, repaint

Integers = NDArray[np.int64]
_GREY = 128


def cells_of(mask: BoolArray, cell: int) -> Integers:
    """A number for the cell of every pixel of `mask`, -1 outside it.

    Rows and columns are shared out evenly into cells of at least `cell` pixels a side. Where the mask cuts a cell down
    to less than a quarter, the rest joins the neighbour that has most pixels: no value rests on a sliver.

    *Shapes*: mask (height, width) to (height, width).

    >>> cells_of(np.ones((2, 5), dtype=bool), 2).tolist()
    [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]
    """
    height, width = mask.shape
    down, across = max(1, height // cell), max(1, width // cell)
    rows, columns = np.arange(height) * down // height, np.arange(width) * across // width
    labels = rows[:, None] * across + columns[None, :]
    if not mask.all():
        counts = np.bincount(labels[mask], minlength=down * across).reshape(down, across)
        labels = _joined(counts, cell * cell / 4)[labels]
    return np.where(mask, labels, -1)


def _joined(counts: Integers, least: float) -> Integers:
    """For each cell, the cell whose value it takes: itself, or its fullest neighbour while it has too few pixels."""
    down, across = counts.shape
    numbers = np.arange(down * across).reshape(down, across)
    # Ties are broken by number, so that every step goes up and the walk ends.
    rank = counts.astype(np.int64) * (down * across) + numbers
    padded_rank, padded_number = np.pad(rank, 1, constant_values=-1), np.pad(numbers, 1, constant_values=-1)
    shifts = [(dy, dx) for dy in range(3) for dx in range(3)]
    ranks = np.stack([padded_rank[dy : dy + down, dx : dx + across] for dy, dx in shifts])
    around = np.stack([padded_number[dy : dy + down, dx : dx + across] for dy, dx in shifts])
    best = np.take_along_axis(around, ranks.argmax(axis=0)[None], axis=0)[0]
    target: Integers = np.where((counts > 0) & (counts < least), best, numbers).ravel()
    while not np.array_equal(target, target[target]):
        target = target[target]
    return target


def mosaic(pixels: Pixels, labels: Integers) -> Pixels:
    """Each pixel replaced by the mean of its cell, rounded to the nearest whole number, halves up.

    A cell of one pixel, whose mean would be that pixel, becomes mid-grey.

    Sums are whole numbers and counts are those of the pixels that are there, so the mean is exact.

    *Shapes*: pixels (height, width, 3) uint8, labels (height, width), -1 stays as it is.
    """
    inside = labels >= 0
    chosen = labels[inside]
    counts = np.bincount(chosen)
    result = pixels.copy()
    for channel in range(3):
        # Sums of at most 2**53 are exact in the float64 that bincount adds in.
        sums = np.bincount(chosen, weights=pixels[:, :, channel][inside]).astype(np.int64)
        means = np.where(counts == 1, _GREY, (2 * sums + counts) // np.maximum(1, 2 * counts))
        result[:, :, channel][inside] = means.astype(np.uint8)[chosen]
    return result


@dataclass(frozen=True)
class Pixelate:
    """Replace what was found by a coarse mosaic of true means.

    Attributes:
        cells: Cells across the longer side of the grown finding, at most: large faces get large cells.
        floor: Smallest side of a cell in pixels.
        grow: Fraction of its own longer side by which each finding grows on every edge.

    *Shapes and units*: picture (height, width, 3) uint8; findings and `floor` in pixels of the upright picture.

    **Guarantee**:
        - Empirical: recognisers trained on mosaics read them; the probes say how well.
        - Every cell is constant and equal to the rounded mean of all of its pixels: no source pixel is published. A
          region of a single pixel becomes mid-grey.
        - No value rests on a sliver: a cell that the region's outline cuts below a quarter joins its neighbour.
        - Touching findings share one mosaic, of the largest one's cells.
        - Every pixel outside the region is untouched.

    Raises:
        WrongMedia: The sample is no picture, or a finding has no place in one.
        BadSetting: A field holds a value that it cannot have.

    *Source*: elementary; attacked by McPherson, Shokri and Shmatikov, Defeating Image Obfuscation with Deep Learning
    (2016). Common tools resize to the nearest pixel and so publish one original sample per cell; here cells hold means.

    >>> import numpy as np
    >>> from veilset.core.noise import SystemNoise
    >>> from veilset.core.where import Box
    >>> sample = Sample("1", Image(np.arange(16, dtype=np.uint8).reshape(4, 4)[:, :, None].repeat(3, 2)))
    >>> face = Finding("face", Box(0, 0, 4, 4), 1, "reviewer")
    >>> Pixelate(2, floor=2).apply(sample, [face], noise=SystemNoise()).sample.image.pixels[:, :, 0].tolist()
    [[8, 8, 8, 8], [8, 8, 8, 8], [8, 8, 8, 8], [8, 8, 8, 8]]
    """

    cells: int = 8
    floor: int = 8
    grow: float = 0.15

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        positive(cells=self.cells, floor=self.floor)
        in_range(0, 2, grow=self.grow)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:  # noqa: ARG002
        """Pixelate `findings` of `sample`."""

        def paint(pixels: Pixels, blob: Blob, _covered: BoolArray) -> Pixels:
            cell = max(self.floor, math.ceil(blob.side / self.cells))
            return mosaic(pixels[blob.window], cells_of(blob.mask, cell))

        return repaint("pixelate", sample, findings, self.grow, paint)

    def guarantee(self) -> Guarantee:
        """Empirical: only measured."""
        return Empirical(
            ("residual",), given=(FOUND, "re-identification and restoration are measured by reidentify and deobfuscate")
        )
