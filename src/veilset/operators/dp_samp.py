"""DP-Samp: a few pixels at fixed places, each reported by randomised response, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.errors import WrongMedia
from veilset.core.finding import Finding
from veilset.core.guarantee import DP, Event
from veilset.core.noise import Noise
from veilset.core.region import Region, regions_of, union
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Sample
from veilset.dp.bernoulli import exact
from veilset.dp.cells import Cells
from veilset.dp.randomised_response import randomised_response
from veilset.dp.units import GIVEN, BoolArray, check_unit, most_changed, neighbours_in_words, unit_in_words
from veilset.operators.dp_pix import fill, luminance


def reported(
    values: NDArray[np.int64], changed: NDArray[np.int64], levels: int, epsilon: Fraction, noise: Noise
) -> NDArray[np.int64]:
    """Levels (samples,) by randomised response with epsilon / changed, the samples that one unit may change."""
    out = values.copy()
    for count in np.unique(changed):
        at = changed == count
        out[at] = randomised_response(noise, values[at], levels, epsilon / int(count))
    return out


def middles(shape: tuple[int, ...], block: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (n, 1) and columns (m,) of the middle pixel of every block; the last of a block cut before its middle."""
    rows, columns = (np.minimum(np.arange(0, side, block) + block // 2, side - 1) for side in shape)
    return rows[:, None], columns


@dataclass(frozen=True)
class DpSamp:
    """Sample one pixel in every block, report its luminance level by randomised response, interpolate the rest.

    Attributes:
        block: Side of the square that one sampled pixel, the one in its middle, stands for.
        levels: Number of luminance levels, 0..255 in equal steps.
        epsilon: Loss per unit and application.
        pixels: The unit: a number of pixels, `face` (one treated region) or `image` (all treated regions).
        grow: Grow every finding by this share of its longer side.

    *Shapes and units*: picture (height, width, 3) uint8; findings in pixels of the upright picture; epsilon per unit.

    **Guarantee**

    - epsilon-differential privacy per unit and application; places and levels are fixed before the picture is seen.
    - Outside of the regions the output is the input: nothing is changed and nothing is protected there.

    *Raises*: WrongMedia for anything but a picture, BadSetting for settings out of range.

    *Source*: after Reilly and Fan (2021). Theirs clusters the intensities, keeps pixels of the largest clusters with
    their places and true values, and so shows outputs that a neighbour cannot give; ours samples at fixed places and
    reports each value by randomised response, which is what makes the theorem true.

    >>> DpSamp(epsilon=0.5, pixels=1).guarantee().unit
    '1 pixel'
    """

    block: int = 8
    levels: int = 8
    epsilon: float = 0.5
    pixels: int | str = "face"
    grow: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        in_range(1, 4096, block=self.block)
        in_range(2, 256, levels=self.levels)
        in_range(1e-6, 1e6, epsilon=self.epsilon)
        in_range(0, 10, grow=self.grow)
        check_unit(self.pixels)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:
        """Treat the regions of `findings`."""
        image, regions = self._look(sample, findings)
        if not regions:
            return Outcome(sample)
        grid = self._grid([region.mask for region in regions])
        cells = Cells(np.zeros((*grid.shape, 1), dtype=np.int64), (grid > 0).astype(np.int64))
        levels = self._reported(image, grid, noise)
        cells.sums[grid > 0, 0] = np.rint(levels * (255 / (self.levels - 1))).astype(np.int64)
        filled = fill(cells, image.shape, self.block, "upsample")
        treated = image.treat(union(regions, image.shape), np.broadcast_to(filled, (*image.shape, 3)))
        return Outcome(sample.with_media(treated))

    def mechanism(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> NDArray[np.int64]:
        """The reported levels (samples, 1) that `apply` interpolates: what an attempt to refute looks at."""
        image, regions = self._look(sample, findings)
        return self._reported(image, self._grid([region.mask for region in regions]), noise)[:, None]

    def guarantee(self) -> DP:
        """Epsilon per unit and application."""
        return DP(
            Event("randomised_response", {"epsilon": self.epsilon}),
            unit=unit_in_words(self.pixels),
            neighbours=neighbours_in_words(self.pixels),
            epsilon=self.epsilon,
            source="Kairouz, Oh and Viswanath (2016); docs/explanation/differential_privacy.md, section Sampled pixels",
            given=GIVEN,
        )

    def _look(self, sample: Sample, findings: Sequence[Finding]) -> tuple[Image, tuple[Region, ...]]:
        if not isinstance(sample.media, Image):
            raise WrongMedia(f"dp_samp takes pictures, not {type(sample.media).__name__}", sample.id)
        return sample.media, regions_of(sample.media, findings, grow=self.grow)

    def _grid(self, masks: Sequence[BoolArray]) -> NDArray[np.int64]:
        """For each block, how many samples a unit touching its sample may change; 0 where none is treated."""
        return most_changed([mask[middles(mask.shape, self.block)] for mask in masks], self.pixels)

    def _reported(self, image: Image, grid: NDArray[np.int64], noise: Noise) -> NDArray[np.int64]:
        grey = luminance(image.pixels)[:, :, 0][middles(image.shape, self.block)][grid > 0].astype(np.int64)
        return reported(grey * self.levels // 256, grid[grid > 0], self.levels, exact(self.epsilon), noise)
