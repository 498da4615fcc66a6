"""Blur what was found, each finding as strongly as its own size asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from veilset.core.check import in_range, positive
from veilset.core.finding import Finding
from veilset.core.guarantee import FOUND, Empirical, Guarantee
from veilset.core.noise import Noise
from veilset.core.region import BoolArray
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.operators.united import Blob, Window, repaint

REACH = 3.5
COARSE = 8.0


def gaussian(pixels: Pixels, window: Window, sigma: float) -> Pixels:
    """The `window` of `pixels` under a Gaussian blur of at least `sigma` pixels, picture borders mirrored.

    Wide blurs are computed on a smaller copy, whose averaging only adds to the blur; pixels further than 3.5 sigma
    from the window are not read.

    *Shapes*: pixels (height, width, 3) uint8 to (rows, columns, 3) uint8.
    """
    reach = math.ceil(REACH * sigma)
    rows, columns = window
    top, left = max(0, rows.start - reach), max(0, columns.start - reach)
    patch = pixels[top : rows.stop + reach, left : columns.stop + reach].astype(np.float32)
    height, width = patch.shape[:2]
    shrink = max(1.0, sigma / COARSE)
    small_height, small_width = (max(1, math.ceil(length / shrink)) for length in (height, width))
    small = patch
    if shrink > 1:
        small = cv2.resize(patch, (small_width, small_height), interpolation=cv2.INTER_AREA)
    sigma_x, sigma_y = sigma * small_width / width, sigma * small_height / height
    kernel = (2 * math.ceil(REACH * sigma_x) + 1, 2 * math.ceil(REACH * sigma_y) + 1)
    soft = cv2.GaussianBlur(small, kernel, sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REFLECT)
    if shrink > 1:
        soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    inner = soft[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    blurred: Pixels = np.clip(np.rint(inner), 0, 255).astype(np.uint8)
    return blurred


@dataclass(frozen=True)
class Blur:
    """Blur what was found, each finding as strongly as its own size asks for.

    Attributes:
        strength: Standard deviation of the Gaussian as a fraction of the grown finding's longer side.
        floor: Standard deviation below which no finding is blurred, in pixels.
        grow: Fraction of its own longer side by which each finding grows on every edge.

    *Shapes and units*: picture (height, width, 3) uint8; findings and `floor` in pixels of the upright picture.

    **Guarantee**:
        - Empirical: blur is linear and can be undone in part; the probes say how far.
        - Full strength at every pixel of the region: no feather, no share of the original laid over it.
        - A small face beside a large one is blurred by its own size, or by more where the two touch.
        - Every pixel outside the region is untouched.

    Raises:
        WrongMedia: The sample is no picture, or a finding has no place in one.
        BadSetting: A field holds a value that it cannot have.

    *Source*: Gaussian blur as in Yang et al., A Study of Face Obfuscation in ImageNet (ICML 2022). They blur picture
    and mask with the radius of the largest face, which leaves small faces beside it visible; here the strength is per
    finding and the mask is not blurred.

    >>> import numpy as np
    >>> from veilset.core.noise import SystemNoise
    >>> from veilset.core.where import Box
    >>> sample = Sample("1", Image(np.tile(np.uint8([0, 255]).repeat(8), (16, 1))[:, :, None].repeat(3, 2)))
    >>> out = Blur().apply(sample, [Finding("face", Box(4, 4, 8, 8), 1, "reviewer")], noise=SystemNoise())
    >>> row = out.sample.image.pixels[8, :, 0]
    >>> int(row[0]), int(row[15]), bool(row[4] > 30)
    (0, 255, True)
    """

    strength: float = 0.2
    floor: float = 6.0
    grow: float = 0.15

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        positive(strength=self.strength, floor=self.floor)
        in_range(0, 2, grow=self.grow)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:  # noqa: ARG002
        """Blur `findings` of `sample`."""

        def paint(pixels: Pixels, blob: Blob, _covered: BoolArray) -> Pixels:
            return gaussian(pixels, blob.window, max(self.floor, self.strength * blob.side))

        return repaint("blur", sample, findings, self.grow, paint)

    def guarantee(self) -> Guarantee:
        """Empirical: only measured."""
        return Empirical(
            ("residual",), given=(FOUND, "re-identification and restoration are measured by reidentify and deobfuscate")
        )
