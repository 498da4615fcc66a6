"""Explicit content: one judgement of the whole picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, one_of
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Whole
from veilset.detectors.shared import COARSE, copy_of
from veilset.weights import onnx

Pixels = NDArray[np.uint8]

WEIGHTS = "nsfw_mobilenet_v2"
SIDE = 224
CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")


def judge(pixels: Pixels) -> dict[str, float]:
    """Probability of each class for an RGB picture (height, width, 3)."""
    how = cv2.INTER_AREA if max(pixels.shape[:2]) > SIDE else cv2.INTER_LINEAR
    fitted = cv2.resize(pixels, (SIDE, SIDE), interpolation=how)
    planes = np.ascontiguousarray(fitted.transpose(2, 0, 1)[None], dtype=np.float32)
    (probabilities,) = onnx.run(WEIGHTS, {"image": planes})
    return {name: round(float(value), 4) for name, value in zip(CLASSES, probabilities[0], strict=True)}


@dataclass(frozen=True)
class Explicit:
    """Pictures that show sexual content, judged whole.

    What it misses is not known: no explicit picture was at hand to measure it on. Its publishers state that about 90 % of
    15,000 test pictures fall into the right one of its five classes, and nothing by class. Beachwear and bare skin are
    often taken for explicit, women more than men: have a person look before anybody is accused of anything.

    Attributes:
        classes: Which count, of `hentai`, `porn` and `sexy`; their probabilities are added.
        min_score: Lowest sum that is reported.

    *Shapes and units*: picture (height, width, 3) uint8; the finding stands for the whole picture; `detail` has the
    probability of every class, which add up to 1.

    *Raises*: MissingWeights when the network is not installed.

    *Source*: NSFWJS (MobileNet-V2), trained on pictures scraped from the web.

    >>> Explicit(classes=("porn",)).min_score
    0.5
    """

    classes: tuple[str, ...] = ("hentai", "porn", "sexy")
    min_score: float = 0.5

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("explicit",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        in_range(0, 1, min_score=self.min_score)
        if not self.classes:
            raise BadSetting("classes must name at least one class")
        for name in self.classes:
            one_of(("hentai", "porn", "sexy"), classes=name)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (WEIGHTS,)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """One finding, or none."""
        scores = judge(copy_of(sample.image, COARSE))
        score = min(1.0, sum(scores[name] for name in self.classes))
        if score < self.min_score:
            return ()
        return (Finding("explicit", Whole(), score, "explicit/nsfwjs", Risk.CONTENT, detail={"scores": scores}),)
