"""Cover what was found with one colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veilset.core.check import in_range
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding
from veilset.core.guarantee import FOUND, Exact, Guarantee
from veilset.core.noise import Noise
from veilset.core.region import BoolArray
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.operators.united import Blob, repaint


@dataclass(frozen=True)
class Mask:
    """Cover what was found with one colour.

    Attributes:
        fill: Red, green and blue, 0 to 255.
        grow: Fraction of its own longer side by which each finding grows on every edge.

    *Shapes and units*: picture (height, width, 3) uint8; findings in pixels of the upright picture.

    **Guarantee**:
        - Exact: two pictures that differ only inside the treated region come out equal.
        - Every pixel of the region has the colour `fill`; every pixel outside is untouched.
        - The size, place and number of the covered regions stay visible.

    Raises:
        WrongMedia: The sample is no picture, or a finding has no place in one.
        BadSetting: A field holds a value that it cannot have.

    *Source*: elementary. Unlike tools that draw one box after another, all findings are united first and the region
    is moved out to the borders of the coded blocks, since ringing of the original beside a box gives it away.

    >>> import numpy as np
    >>> from veilset.core.noise import SystemNoise
    >>> from veilset.core.where import Box
    >>> sample = Sample("1", Image(np.full((4, 6, 3), 200, np.uint8)))
    >>> out = Mask(grow=0).apply(sample, [Finding("face", Box(1, 1, 2, 2), 1, "reviewer")], noise=SystemNoise())
    >>> out.sample.image.pixels[:, :, 0].tolist()[1]
    [200, 0, 0, 200, 200, 200]
    """

    fill: tuple[int, int, int] = (0, 0, 0)
    grow: float = 0.15

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        if len(self.fill) != 3 or not all(type(v) is int and 0 <= v <= 255 for v in self.fill):
            raise BadSetting(f"fill must be three whole numbers between 0 and 255, got {self.fill!r}")
        in_range(0, 2, grow=self.grow)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:  # noqa: ARG002
        """Cover `findings` of `sample`."""
        colour = np.asarray(self.fill, dtype=np.uint8)

        def paint(_pixels: Pixels, blob: Blob, _covered: BoolArray) -> Pixels:
            return np.broadcast_to(colour, (*blob.mask.shape, 3))

        return repaint("mask", sample, findings, self.grow, paint)

    def guarantee(self) -> Guarantee:
        """Exact for what it covers."""
        return Exact(given=(FOUND,))
