"""Sums of a picture's cells with exact noise: the one mechanism under every mosaic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from veilset.core.noise import Noise
from veilset.dp.laplace import discrete_laplace
from veilset.dp.units import BoolArray

Pixels = NDArray[np.uint8]
Sums = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Sums (rows, columns, channels) and numbers of treated pixels (rows, columns) of a picture's cells."""

    sums: Sums
    counts: NDArray[np.int64]

    def means(self) -> NDArray[np.float32]:
        """Means clipped to 0..255 (rows, columns, channels); 0 where a cell has no treated pixel."""
        means = self.sums / np.maximum(self.counts, 1)[:, :, None]
        return np.clip(means, 0, 255).astype(np.float32)


def cell_sums(pixels: Pixels, block: int) -> Sums:
    """Sums of block x block cells (rows, columns, channels) of pixels (height, width, channels), from the top left.

    Cells at the right and bottom edges are partial.

    >>> cell_sums(np.ones((3, 3, 1), dtype=np.uint8), 2)[:, :, 0].tolist()
    [[4, 2], [2, 1]]
    """
    height, width, channels = pixels.shape
    rows = -(-height // block)
    # 257 rows of 255 just fit in 16 bits, which halves the time of the first and longest pass.
    narrow = np.uint16 if block <= 257 else np.int64
    strips = np.empty((rows, width * channels), dtype=narrow)
    flat = pixels.reshape(height, width * channels)
    for row in range(rows):
        np.add.reduce(flat[row * block : (row + 1) * block], axis=0, dtype=narrow, out=strips[row])
    starts = np.arange(0, width, block)
    sums: Sums = np.add.reduceat(strips.reshape(rows, width, channels), starts, axis=1, dtype=np.int64)
    return sums


def cells_of(pixels: Pixels, masks: Sequence[BoolArray], block: int) -> Cells:
    """The exact cells of the pixels that at least one mask covers."""
    covered = masks[0] if len(masks) == 1 else np.logical_or.reduce(masks)
    whole = bool(covered.all())
    sums = cell_sums(pixels if whole else pixels * covered[:, :, None].view(np.uint8), block)
    if whole:
        rows, columns = (np.diff([*range(0, side, block), side]) for side in covered.shape)
        return Cells(sums, np.multiply.outer(rows, columns).astype(np.int64))
    return Cells(sums, cell_sums(covered[:, :, None].view(np.uint8), block)[:, :, 0])


def noisy_cells(
    pixels: Pixels, masks: Sequence[BoolArray], block: int, epsilon: Fraction, unit: int | str, *, noise: Noise
) -> Cells:
    """Exact cell sums plus discrete Laplace noise of scale 255 * channels * changed / epsilon.

    `changed` is the most pixels that one unit touching the cell may change, in this cell and all others together: the
    sums of all cells and channels then move by at most 255 * channels * changed, so the loss is at most epsilon.

    *Shapes and units*: pixels (height, width, channels), one mask (height, width) for each finding; epsilon per unit.

    **Guarantee**

    - epsilon-differential privacy per unit for the noisy sums; the counts are public, since the masks are.

    *Raises*: nothing.

    *Source*: docs/explanation/differential_privacy.md, section "Cell sums".
    """
    cells = cells_of(pixels, masks, block)
    sums, channels = cells.sums, pixels.shape[2]
    changed = _changed(masks, cells.counts, block, unit)
    for most in np.unique(changed[cells.counts > 0]):
        at = (changed == most) & (cells.counts > 0)
        drawn = discrete_laplace(noise, Fraction(255 * channels * int(most)) / epsilon, int(at.sum()) * channels)
        sums[at] += drawn.reshape(-1, channels)
    return cells


def _changed(masks: Sequence[BoolArray], counts: NDArray[np.int64], block: int, unit: int | str) -> NDArray[np.int64]:
    """For each cell, the most pixels that one unit touching the cell may change anywhere in the picture."""
    treated = int(counts.sum())
    if unit != "face":
        return np.full_like(counts, treated if isinstance(unit, str) else min(unit, treated))
    most = np.zeros_like(counts)
    for mask in masks:
        touched = cells_of(mask[:, :, None].view(np.uint8), [mask], block).counts > 0
        most[touched] = np.maximum(most[touched], int(mask.sum()))
    return most
