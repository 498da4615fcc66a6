"""Snow: most pixels of a region become grey, the others are shown as they are."""

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
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.dp.bernoulli import exact
from veilset.dp.units import GIVEN, check_unit, most_changed, neighbours_in_words, unit_in_words


def snowed(pixels: Pixels, most: NDArray[np.int64], delta: Fraction, grey: int, noise: Noise) -> Pixels:
    """Every pixel shown with probability delta / most (rounded down to a multiple of 2**-32), else set to `grey`.

    *Shapes*: pixels (height, width, 3); most (height, width), how many pixels a unit touching the pixel may change.
    """
    thresholds = np.zeros(most.shape, dtype=np.uint32)
    for count in np.unique(most[most > 0]):
        shown = int(min(delta / int(count) * 2**32, Fraction(2**32 - 1)))
        thresholds[most == count] = shown
    words = np.frombuffer(noise.bytes(4 * most.size), dtype="<u4").reshape(most.shape)
    return np.where((words < thresholds)[:, :, None], pixels, np.uint8(grey))


@dataclass(frozen=True)
class Snow:
    """Set every pixel of the treated region to grey, but for a few that are shown as they are.

    With probability 1 - delta none of a unit's pixels is shown, and then the output says nothing about it; with
    probability delta something is shown without any noise. That is what (0, delta) means, so delta is the number to
    look at, and a delta of one half is a coin toss for each unit.

    Attributes:
        delta: Chance that anything of a unit is shown.
        pixels: The unit: a number of pixels, `face` (one treated region) or `image` (all treated regions).
        fill: Grey value of the hidden pixels.
        grow: Grow every finding by this share of its longer side.

    *Shapes and units*: picture (height, width, 3) uint8; findings in pixels of the upright picture.

    **Guarantee**

    - (0, delta)-differential privacy per unit and application, whatever the size of the picture.
    - Outside of the regions the output is the input: nothing is changed and nothing is protected there.

    *Raises*: WrongMedia for anything but a picture, BadSetting for settings out of range.

    *Source*: John and others (2020), who hide a fixed number of pixels; hiding each by itself makes the guarantee
    independent of the size of the region, and a union bound over the unit's pixels makes it hold for any unit.

    >>> Snow(delta=0.5, pixels=1).guarantee().delta
    0.5
    """

    delta: float = 0.5
    pixels: int | str = "face"
    fill: int = 127
    grow: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        in_range(1e-12, 1 - 1e-12, delta=self.delta)
        in_range(0, 255, fill=self.fill)
        in_range(0, 10, grow=self.grow)
        check_unit(self.pixels)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:
        """Treat the regions of `findings`."""
        image, regions = self._look(sample, findings)
        if not regions:
            return Outcome(sample)
        pixels = self._snowed(image, regions, noise)
        return Outcome(sample.with_media(image.treat(union(regions, image.shape), pixels)))

    def mechanism(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> NDArray[np.int64]:
        """The treated pixels (pixels, 3): what an attempt to refute looks at."""
        image, regions = self._look(sample, findings)
        return self._snowed(image, regions, noise)[union(regions, image.shape)].astype(np.int64)

    def guarantee(self) -> DP:
        """Delta per unit and application; epsilon is 0."""
        return DP(
            Event("zero_delta", {"delta": self.delta}),
            unit=unit_in_words(self.pixels),
            neighbours=neighbours_in_words(self.pixels),
            epsilon=0.0,
            delta=self.delta,
            source="John and others (2020); docs/explanation/differential_privacy.md, section Snow",
            given=GIVEN,
        )

    def _look(self, sample: Sample, findings: Sequence[Finding]) -> tuple[Image, tuple[Region, ...]]:
        if not isinstance(sample.media, Image):
            raise WrongMedia(f"snow takes pictures, not {type(sample.media).__name__}", sample.id)
        return sample.media, regions_of(sample.media, findings, grow=self.grow)

    def _snowed(self, image: Image, regions: Sequence[Region], noise: Noise) -> Pixels:
        most = most_changed([region.mask for region in regions], self.pixels)
        return snowed(image.pixels, most, exact(self.delta), self.fill, noise)
