"""Screens: what a television, a laptop or a telephone shows may be private."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from veilset.core.check import in_range
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box
from veilset.detectors import objects

SCREENS = ("tv", "laptop", "cell_phone")


@dataclass(frozen=True)
class Screen:
    """Televisions, monitors, laptops and telephones. Paper and documents are not found: `text` finds what they say.

    Attributes:
        min_score: Lowest score that is reported. Lower finds more, and more that is no screen.
        levels: 1 looks at the whole picture alone; each further level at windows of half the side.

    *Shapes and units*: picture (height, width, 3) uint8; boxes of whole devices in pixels of the upright picture;
    `detail` names the device; scores in [0, 1].

    *Raises*: MissingWeights when the network is not installed.

    *Source*: YOLOX-nano (Ge et al. 2021), classes of COCO; a device seen from behind is found like one from the front.

    >>> Screen(min_score=0.3).levels
    2
    """

    min_score: float = 0.2
    levels: int = 2

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("screen",)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score)
        in_range(1, 4, levels=self.levels)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (objects.WEIGHTS["yolox"],)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Screens, surest first."""
        numbers = tuple(map(objects.CLASSES.index, SCREENS))
        found = objects.see(sample.image, numbers, {"yolox": self.min_score}, self.levels)
        return tuple(
            Finding(
                "screen",
                Box(x1, y1, x2 - x1, y2 - y1),
                min(1.0, score),
                "screen/yolox",
                Risk.CONTENT,
                detail={"device": objects.CLASSES[int(kind)]},
            )
            for x1, y1, x2, y2, score, kind, _ in (members[0].tolist() for members in found)
        )
