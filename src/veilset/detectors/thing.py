"""Animals and objects: what people hold, sit on or stand beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from veilset.core.check import in_range, one_of
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box
from veilset.detectors import objects

NAMES = tuple(objects.CLASSES[1:])


@dataclass(frozen=True)
class Thing:
    """Animals and objects of the COCO classes; the kind of a finding is the class, such as `dog` or `car`.

    For audits of the kind "a dog held by a person", and for sets in which an object gives something away.

    Attributes:
        classes: Which to look for, such as `dog`, `bicycle`, `cell_phone`.
        min_score: Lowest score that is reported.
        levels: 1 looks at the whole picture alone; each further level at windows of half the side.

    *Shapes and units*: picture (height, width, 3) uint8; boxes in pixels of the upright picture; scores in [0, 1].

    *Raises*: MissingWeights when the network is not installed.

    *Source*: YOLOX-nano (Ge et al. 2021), trained on COCO.

    >>> Thing(classes=("dog",)).classes
    ('dog',)
    """

    classes: tuple[str, ...] = ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
    min_score: float = 0.3
    levels: int = 1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = NAMES

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        in_range(0, 1, min_score=self.min_score)
        in_range(1, 4, levels=self.levels)
        if not self.classes:
            raise BadSetting("classes must name at least one class")
        for name in self.classes:
            one_of(NAMES, classes=name)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (objects.WEIGHTS["yolox"],)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Things, surest first."""
        numbers = tuple(map(objects.CLASSES.index, self.classes))
        found = objects.see(sample.image, numbers, {"yolox": self.min_score}, self.levels)
        return tuple(
            Finding(
                objects.CLASSES[int(kind)], Box(x1, y1, x2 - x1, y2 - y1), min(1.0, score), "thing/yolox", Risk.CONTENT
            )
            for x1, y1, x2, y2, score, kind, _ in (members[0].tolist() for members in found)
        )
