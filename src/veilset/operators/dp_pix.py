"""DP-Pix: a mosaic of noisy cell means, differentially private for the pixels, the face or the picture treated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, one_of
from veilset.core.errors import WrongMedia
from veilset.core.finding import Finding
from veilset.core.guarantee import DP, Event
from veilset.core.noise import Noise
from veilset.core.region import Region, regions_of, union
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.dp.bernoulli import exact
from veilset.dp.cells import Cells, Sums, noisy_cells
from veilset.dp.units import GIVEN, check_unit, neighbours_in_words, unit_in_words

SMOOTH = ("none", "median", "blur", "upsample")


def fill(cells: Cells, shape: tuple[int, int], block: int, smooth: str) -> Pixels:
    """Pixels (height, width, channels) from noisy cells. It sees no original pixel, so it costs no epsilon."""
    known = (cells.counts > 0).astype(np.float32)
    means = cells.means()
    if smooth == "median":
        means = _median(means, known)
    if smooth in ("none", "median"):
        return _repeat(np.rint(means).astype(np.uint8), shape, block)
    size = (means.shape[1] * block, means.shape[0] * block)
    way = cv2.INTER_NEAREST if smooth == "blur" else cv2.INTER_LINEAR
    # Cells without treated pixels carry no weight, here and in the blur.
    stack = np.dstack((means * known[:, :, None], known))
    large = cv2.resize(stack, size, interpolation=way)[: shape[0], : shape[1]]
    if smooth == "blur":
        large = cv2.GaussianBlur(large, (99, 99), 0, borderType=cv2.BORDER_CONSTANT)
    values = large[:, :, :-1] / np.maximum(large[:, :, -1:], 1e-6)
    filled: Pixels = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return filled


def luminance(pixels: Pixels) -> Pixels:
    """Integer luminance (height, width, 1), 0..255: one number per pixel, so one channel to pay for."""
    weighed = pixels.astype(np.uint16) @ np.array([77, 150, 29], dtype=np.uint16)
    grey: Pixels = (weighed >> 8).astype(np.uint8)[:, :, None]
    return grey


@dataclass(frozen=True)
class DpPix:
    """Replace every cell of the treated region by its mean with noise that makes the picture differentially private.

    The noise is drawn once per cell and channel, on the integer sum of the cell's treated pixels. Cells stand on a grid
    from the top-left corner of the picture, so the grid says nothing. With `pixels: face` all pixels of a region may
    change at once, which is the unit to choose when a face must be protected; with a number, only so many.

    Attributes:
        block: Side of a cell in pixels.
        epsilon: Loss per unit and application.
        pixels: The unit: a number of pixels, `face` (one treated region) or `image` (all treated regions).
        grey: Keep luminance alone: a third of the noise.
        smooth: Post-processing: `none`, `median` (of 3 x 3 cells), `blur` (DP-Blur, Gaussian of 99 pixels), `upsample`.
        grow: Grow every finding by this share of its longer side.

    *Shapes and units*: picture (height, width, 3) uint8; findings in pixels of the upright picture.

    **Guarantee**

    - epsilon-differential privacy per unit and application, for grey and colour, partial cells and regions of any
      shape; smoothing, clipping, rounding and later JPEG coding are post-processing and cost nothing.
    - Outside of the regions the output is the input: nothing is changed and nothing is protected there.

    *Raises*: WrongMedia for anything but a picture, BadSetting for settings out of range.

    *Source*: Fan (2018), "Image pixelization with differential privacy"; Fan (2019) for the blur. Ours differs: noise
    on exact integer sums instead of floating-point means, true counts in partial cells, one budget over the channels,
    and the whole face as a unit. Proof: docs/explanation/differential_privacy.md.

    >>> print(DpPix(block=16, epsilon=0.5, pixels=16).guarantee().in_words().split(";")[0])
    Differential privacy with epsilon 0.5 per 16 pixels and application
    """

    block: int = 16
    epsilon: float = 0.5
    pixels: int | str = "face"
    grey: bool = False
    smooth: str = "none"
    grow: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        in_range(1, 4096, block=self.block)
        in_range(1e-6, 1e6, epsilon=self.epsilon)
        in_range(0, 10, grow=self.grow)
        one_of(SMOOTH, smooth=self.smooth)
        check_unit(self.pixels)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:
        """Treat the regions of `findings`."""
        image, regions = self._look(sample, findings)
        if not regions:
            return Outcome(sample)
        filled = fill(self._cells(image, regions, noise), image.shape, self.block, self.smooth)
        treated = image.treat(union(regions, image.shape), np.broadcast_to(filled, (*image.shape, 3)))
        return Outcome(sample.with_media(treated))

    def mechanism(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Sums:
        """The noisy sums (cells, channels) that `apply` post-processes: what an attempt to refute looks at."""
        cells = self._cells(*self._look(sample, findings), noise)
        return cells.sums[cells.counts > 0]

    def guarantee(self) -> DP:
        """Epsilon per unit and application."""
        return DP(
            Event("laplace", {"epsilon": self.epsilon}),
            unit=unit_in_words(self.pixels),
            neighbours=neighbours_in_words(self.pixels),
            epsilon=self.epsilon,
            source="Fan (2018), section 3; docs/explanation/differential_privacy.md, section Cell sums",
            given=GIVEN,
        )

    def _look(self, sample: Sample, findings: Sequence[Finding]) -> tuple[Image, tuple[Region, ...]]:
        if not isinstance(sample.media, Image):
            raise WrongMedia(f"dp_pix takes pictures, not {type(sample.media).__name__}", sample.id)
        return sample.media, regions_of(sample.media, findings, grow=self.grow)

    def _cells(self, image: Image, regions: Sequence[Region], noise: Noise) -> Cells:
        pixels = luminance(image.pixels) if self.grey else image.pixels
        masks = [region.mask for region in regions]
        return noisy_cells(pixels, masks, self.block, exact(self.epsilon), self.pixels, noise=noise)


def _repeat(cells: Pixels, shape: tuple[int, int], block: int) -> Pixels:
    rows, _, channels = cells.shape
    lines = np.repeat(cells, block, axis=1)[:, : shape[1]]
    tall = np.empty((*shape, channels), dtype=np.uint8)
    for row in range(rows):
        tall[row * block : (row + 1) * block] = lines[row]
    return tall


def _median(means: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each cell and its neighbours (3 x 3); cells without treated pixels do not vote."""
    votes = np.where(known[:, :, None] > 0, means, np.nan)
    padded = np.pad(votes, ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    heard = np.where(known[:, :, None, None, None] > 0, windows, 0)
    median: NDArray[np.float32] = np.nanmedian(heard, axis=(3, 4)).astype(np.float32)
    return median
