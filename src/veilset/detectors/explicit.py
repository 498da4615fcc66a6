"""Explicit content: one judgement of the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, joined, one_of
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Whole
from veilset.detectors.shared import COARSE, copy_of
from veilset.weights import onnx, store

Pixels = NDArray[np.uint8]

SIDE = 224
# What OpenNSFW is given: the middle of a picture of this side, blue first, less the mean of its training pictures.
WHOLE = 256
MEAN = np.array([104.0, 117.0, 123.0], np.float32)
CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")
WEIGHTS: Mapping[str, str] = {"nsfwjs": "nsfw_mobilenet_v2", "open_nsfw": "open_nsfw"}


def judge(pixels: Pixels) -> dict[str, float]:
    """Probability of each class of NSFWJS for an RGB picture (height, width, 3)."""
    planes = np.ascontiguousarray(_fitted(pixels, SIDE).transpose(2, 0, 1)[None], dtype=np.float32)
    (probabilities,) = onnx.run(WEIGHTS["nsfwjs"], {"image": planes})
    return {name: round(float(value), 4) for name, value in zip(CLASSES, probabilities[0], strict=True)}


def judge_open(pixels: Pixels) -> dict[str, float]:
    """What OpenNSFW says of an RGB picture (height, width, 3).

    *Source*: yahoo/open_nsfw, `classify_nsfw.py`.
    """
    margin = (WHOLE - SIDE) // 2
    middle = _fitted(pixels, WHOLE)[margin : margin + SIDE, margin : margin + SIDE, ::-1]
    # It was trained on pictures that were coded once more after they had been cut, and judges others differently.
    _, coded = cv2.imencode(".jpg", middle, (cv2.IMWRITE_JPEG_QUALITY, 75))
    middle = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    (probabilities,) = onnx.run(WEIGHTS["open_nsfw"], {"input:0": (middle.astype(np.float32) - MEAN)[None]})
    return {"nsfw": round(float(probabilities[0, 1]), 4)}


def _fitted(pixels: Pixels, side: int) -> Pixels:
    how = cv2.INTER_AREA if max(pixels.shape[:2]) > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=how), dtype=np.uint8)


JUDGES: Mapping[str, Callable[[Pixels], dict[str, float]]] = {"nsfwjs": judge, "open_nsfw": judge_open}


@dataclass(frozen=True)
class Explicit:
    """Pictures that show sexual content, judged whole.

    What it misses is not known: no explicit picture was at hand to measure it on. The publishers of NSFWJS state that about
    90 % of 15,000 test pictures fall into the right one of its five classes, and nothing by class; those of OpenNSFW state
    nothing. Beachwear and bare skin are often taken for explicit, women more than men: have a person look before anybody
    is accused of anything.

    Attributes:
        model: `nsfwjs`, `open_nsfw`, or `nsfwjs+open_nsfw`, of which the surer counts. `default` is what is installed of
            them, and asks for `open_nsfw`, which anybody can pull, where nothing is.
        classes: Which count of what NSFWJS says, of `hentai`, `porn` and `sexy`; their probabilities are added.
        min_score: Lowest score that is reported.

    *Shapes and units*: picture (height, width, 3) uint8; the finding stands for the whole picture; `detail` has every
    probability: those of NSFWJS add up to 1, `nsfw` is OpenNSFW's.

    *Raises*: MissingWeights when a network is not installed.

    *Source*: NSFWJS (MobileNet-V2), trained on pictures scraped from the web; OpenNSFW (Yahoo 2016, a thin ResNet-50).

    >>> Explicit(classes=("porn",), model="nsfwjs+open_nsfw").weights()
    ('nsfw_mobilenet_v2', 'open_nsfw')
    """

    classes: tuple[str, ...] = ("hentai", "porn", "sexy")
    min_score: float = 0.5
    model: str = "default"

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("explicit",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        in_range(0, 1, min_score=self.min_score)
        if not self.classes:
            raise BadSetting("classes must name at least one class")
        for name in self.classes:
            one_of(("hentai", "porn", "sexy"), classes=name)
        joined(JUDGES, model=self.model)

    @cached_property
    def _networks(self) -> tuple[str, ...]:
        if self.model != "default":
            return tuple(sorted(self.model.split("+")))
        return tuple(name for name in JUDGES if store.installed(WEIGHTS[name])) or ("open_nsfw",)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return tuple(WEIGHTS[network] for network in self._networks)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """One finding, or none."""
        pixels = copy_of(sample.image, COARSE)
        said: dict[str, float] = {}
        for network in self._networks:
            said |= JUDGES[network](pixels)
        score = max(min(1.0, sum(said.get(name, 0.0) for name in self.classes)), said.get("nsfw", 0.0))
        if score < self.min_score:
            return ()
        source = "explicit/" + "+".join(self._networks)
        return (Finding("explicit", Whole(), score, source, Risk.CONTENT, detail={"scores": said}),)
