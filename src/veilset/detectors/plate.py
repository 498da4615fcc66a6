"""Licence plates: text of a plate's proportions on or near a vehicle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, positive
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box, Polygon
from veilset.detectors import objects, text_regions

Corners = NDArray[np.float64]


def proportions(corners: Corners) -> float:
    """Longer over shorter side of a rectangle (4, 2).

    >>> proportions(np.array([[0, 0], [40, 0], [40, 10], [0, 10.0]]))
    4.0
    """
    sides = np.hypot(*(corners - np.roll(corners, 1, axis=0)).T)
    longer, shorter = max(sides[0], sides[1]), min(sides[0], sides[1])
    return float(longer / max(shorter, 1e-6))


def near(place: Box, vehicles: list[Box], reach: float) -> bool:
    """Whether the middle of `place` lies in a vehicle whose edges were moved outward by `reach` of its longer side."""
    x, y = place.x + place.width / 2, place.y + place.height / 2
    grown = [vehicle.grow(reach) for vehicle in vehicles]
    return any(box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height for box in grown)


@dataclass(frozen=True)
class Plate:
    """Licence plates, found as text of their proportions: no network for plates is at hand.

    Text on a vehicle that is no plate (a maker's name, a telephone number on a van) is reported as well; a plate in a
    picture that shows too little of its vehicle is found only with `anywhere`.

    Attributes:
        min_score: Lowest mean probability of the text that is reported.
        min_vehicle: Lowest score at which a vehicle counts.
        narrowest: Least ratio of the text's longer to its shorter side.
        widest: Greatest ratio.
        reach: How far outside of a vehicle a plate may lie, as a fraction of the vehicle's longer side.
        margin: The text is grown by this fraction of its shorter side, so that it covers the plate around it.
        anywhere: Report such text without a vehicle, too, at half its score: it finds more, street signs among it.
        side: Longer side, in pixels, that the picture is scaled to for text.

    *Shapes and units*: picture (height, width, 3) uint8; polygons of four corners in pixels; scores in [0, 1].

    *Raises*: MissingWeights when a network is not installed.

    *Source*: PP-OCRv3 text detection, and YOLOX-nano for cars, motorcycles, buses and trucks; ours put together.
    Measured on United States, European and Brazilian plates: `benchmarks/detectors_recall.py`.

    >>> Plate(anywhere=False).widest
    9.0
    """

    min_score: float = 0.3
    min_vehicle: float = 0.1
    narrowest: float = 1.5
    widest: float = 9.0
    reach: float = 0.1
    margin: float = 0.35
    anywhere: bool = True
    side: int = 1280

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("plate",)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score, min_vehicle=self.min_vehicle, reach=self.reach, margin=self.margin)
        in_range(320, 4096, side=self.side)
        positive(narrowest=self.narrowest)
        if self.widest < self.narrowest:
            raise BadSetting(f"widest must be at least narrowest, got {self.widest} and {self.narrowest}")

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (text_regions.WEIGHTS, objects.WEIGHTS["yolox"])

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Plates, surest first."""
        image = sample.image
        least = min(1.0, self.min_score * (2 if self.anywhere else 1))
        texts = [
            (corners, score)
            for corners, score in text_regions.see(image, self.min_score, self.side)
            if self.narrowest <= proportions(corners) <= self.widest
        ]
        if not texts:
            return ()
        seen = objects.see(image, objects.VEHICLES, {"yolox": self.min_vehicle}, 1)
        vehicles = [Box(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in (one[0, :4].tolist() for one in seen)]
        found = []
        for corners, score in texts:
            where = Polygon(tuple((float(x), float(y)) for x, y in text_regions.framed(corners, self.margin)))
            beside = near(where.bounds(), vehicles, self.reach)
            if beside or (self.anywhere and score >= least):
                held = min(1.0, score if beside else score / 2)
                detail = {"on_vehicle": beside}
                found.append(Finding("plate", where, held, "plate/ppocr_det+yolox", Risk.PERSON, detail=detail))
        return tuple(sorted(found, key=lambda one: -one.score))
