"""Persons: boxes by object detectors, outlines by a segmentation network when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, one_of
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box, Mask
from veilset.detectors import deeplab, objects
from veilset.detectors.fusion import Floats
from veilset.detectors.shared import COARSE, copy_of

BoolArray = NDArray[np.bool_]

# FastestDet answers with high scores to much that is nobody: it is heard only where it is sure.
FLOORS: Mapping[str, float] = {"fastestdet": 0.7, "yolox": 0.0}


def outline(box: Box, people: BoolArray, least: float) -> Mask | None:
    """The pixels of `people` (height, width) inside `box`; None when they fill less than `least` of it."""
    height, width = people.shape
    y1, y2 = max(0, int(box.y)), min(height, int(np.ceil(box.y + box.height)))
    x1, x2 = max(0, int(box.x)), min(width, int(np.ceil(box.x + box.width)))
    inside = people[y1:y2, x1:x2]
    return Mask(x1, y1, inside.copy()) if inside.size and inside.mean() >= least else None


@dataclass(frozen=True)
class Person:
    """People, dressed or turned away as they may be, as boxes in pixels of the upright picture.

    Found are people of whom no face is seen, too: an audit lists them beside the faces, and a release may treat them.

    Attributes:
        models: Networks to unite, of `yolox` and `fastestdet`. Every one must be installed.
        min_score: Lowest score that is reported. Lower finds more, and more that is nobody.
        levels: 1 looks at the whole picture alone; each further level at windows of half the side, for small people.
        masks: Give outlines by DeepLab in place of boxes, where it agrees that somebody is there. An outline misses
            about 15 % of a person's pixels; a box misses hardly any.

    *Shapes and units*: picture (height, width, 3) uint8; boxes and masks in pixels of the upright picture; scores in
    [0, 1], and in `detail` the best of each network.

    *Raises*: MissingWeights when a network is not installed.

    *Source*: YOLOX-nano (Ge et al. 2021), FastestDet, DeepLab-v3 (Chen et al. 2017); trained on COCO and PASCAL, whose
    photographs lean to North America and Europe. Recall by size: `benchmarks/detectors_recall.py`.

    >>> Person(min_score=0.3).models
    ('yolox',)
    """

    models: tuple[str, ...] = ("yolox",)
    min_score: float = 0.2
    levels: int = 2
    masks: bool = False

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("person",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", tuple(self.models))
        in_range(0, 1, min_score=self.min_score)
        in_range(1, 4, levels=self.levels)
        if not self.models:
            raise BadSetting("models must name at least one network")
        for model in self.models:
            one_of(objects.NETWORKS, models=model)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (*(objects.WEIGHTS[model] for model in self.models), *((deeplab.WEIGHTS,) if self.masks else ()))

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """People, surest first."""
        image = sample.image
        least = {model: max(self.min_score, FLOORS[model]) for model in self.models}
        found = objects.see(image, (objects.PERSON,), least, self.levels)
        people = deeplab.persons(copy_of(image, COARSE), image.shape) if self.masks and found else None
        return tuple(self._finding(members, people) for members in found)

    def _finding(self, members: Floats, people: BoolArray | None) -> Finding:
        x1, y1, x2, y2 = (float(edge) for edge in members[0, :4])
        box = Box(x1, y1, x2 - x1, y2 - y1)
        mask = None if people is None else outline(box, people, 0.2)
        used = sorted({int(number) for number in members[:, 6]})
        scores = {self.models[n]: round(float(members[members[:, 6] == n, 4].max()), 4) for n in used}
        source = "person/" + "+".join((*scores, *(("deeplab",) if mask is not None else ())))
        score = min(1.0, float(members[0, 4]))
        return Finding("person", box if mask is None else mask, score, source, Risk.PERSON, detail={"scores": scores})
