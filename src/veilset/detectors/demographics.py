"""Apparent age and gender of faces: what a network reads from a picture, with how far it is usually off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, positive
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box
from veilset.detectors import centerface
from veilset.detectors.landmarks import view
from veilset.detectors.looked_at import faces_of
from veilset.weights import onnx

Pixels = NDArray[np.uint8]

WEIGHTS = "age_gender"
SIDE = 112
LOOSE = 0.2
GROUPS = (("child", 13.0), ("teenager", 18.0), ("adult", 60.0), ("senior", math.inf))
# Printed by `benchmarks/detectors_recall.py fits` from 4000 labelled faces: logistic curve of "under 18" by apparent age,
# logistic curve of "male" by the network's log odds, and the range that 80 % of true ages lie in, by apparent age.
_MINOR = (6.846, -0.3756)
_MALE = (-0.0764, 1.2250)
_RANGES = (
    (3.0, -0.5, 1.7),
    (6.0, -2.0, 3.7),
    (10.0, -2.2, 4.1),
    (16.0, -3.5, 4.9),
    (26.0, -5.1, 6.4),
    (30.0, -6.1, 7.8),
    (40.0, -9.9, 8.7),
    (math.inf, -11.5, 9.2),
)


def crop(pixels: Pixels, box: Box) -> Pixels:
    """A loose square (112, 112, 3) around a face."""
    side = max(box.width, box.height) * (1 + 2 * LOOSE)
    x, y = box.x + (box.width - side) / 2, box.y + (box.height - side) / 2
    scale = SIDE / side
    return view(pixels, np.array([[scale, 0, -x * scale], [0, scale, -y * scale]]), SIDE)


def apparent(age: float, male: float) -> dict[str, Any]:
    """What the two outputs of the network mean, from its errors on labelled faces.

    *Shapes*: age in years, male in [0, 1]. `age_low` and `age_high` hold the true age for 8 of 10 labelled faces.

    >>> seen = apparent(15.0, 0.5)
    >>> seen["group"], seen["gender"], seen["age_low"] < 15 < seen["age_high"], seen["minor"] > 0.5
    ('teenager', 'uncertain', True, True)
    """
    below, above = next((low, high) for limit, low, high in _RANGES if age < limit)
    held = min(max(male, 1e-4), 1 - 1e-4)
    chance = 1 / (1 + math.exp(-_MALE[0] - _MALE[1] * math.log(held / (1 - held))))
    gender = "male" if chance >= 0.8 else "female" if chance <= 0.2 else "uncertain"
    return {
        "age": round(age, 1),
        "age_low": round(max(0.0, age + below), 1),
        "age_high": round(age + above, 1),
        "group": next(name for name, limit in GROUPS if age < limit),
        "minor": round(1 / (1 + math.exp(-_MINOR[0] - _MINOR[1] * age)), 4),
        "male": round(chance, 4),
        "gender": gender,
    }


@dataclass(frozen=True)
class Demographics:
    """Apparent age group and gender of every face, to know whom a set shows: above all, whether it shows minors.

    Apparent: what a network trained on labelled photographs says, never what somebody is. Findings are personal data,
    stay in `private/`, and are shown as counts with intervals alone.

    Attributes:
        min_score: Lowest score of a face that is judged.
        min_side: Smaller faces (geometric mean of the sides, in pixels) are not judged.
        minor_from: Chance of being under 18 from which `detail` says `likely_minor`; low, so that few are missed.

    *Shapes and units*: picture (height, width, 3) uint8; boxes in pixels of the upright picture; ages in years;
    the score is that of the face.

    *Raises*: MissingWeights when a network is not installed.

    *Source*: the age and gender network of face-api.js; error ranges from 4000 UTKFace scores, which it may have been
    trained on: elsewhere it errs more. Gender, where one is said, is right for 98 % of those labelled white and 92 %
    of those labelled asian, for whom it is left unsaid four times as often.

    >>> Demographics(minor_from=0.5).min_side
    24.0
    """

    min_score: float = 0.3
    min_side: float = 24.0
    minor_from: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("demographics",)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score, minor_from=self.minor_from)
        positive(min_side=self.min_side)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (WEIGHTS, centerface.WEIGHTS)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """One finding for each face that is large enough, in the order of the face detector."""
        faces = faces_of(sample.image, self.min_score, self.min_side)
        return tuple(self._finding(sample.image.pixels, box, score) for box, score in faces)

    def _finding(self, pixels: Pixels, box: Box, score: float) -> Finding:
        planes = np.ascontiguousarray(crop(pixels, box).transpose(2, 0, 1)[None], dtype=np.float32)
        age, gender = onnx.run(WEIGHTS, {"image": planes}, ("age", "gender_male_female"))
        seen = apparent(float(age[0, 0]), float(gender[0, 0]))
        seen["likely_minor"] = seen["minor"] >= self.minor_from
        return Finding("demographics", box, score, "demographics/age_gender", Risk.PERSON, detail=seen)
