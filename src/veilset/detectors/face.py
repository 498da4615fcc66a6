"""Faces, by the union of independent networks at several scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, one_of
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box
from veilset.detectors import centerface, ultraface, yunet
from veilset.detectors.fusion import Floats, fused_box, groups
from veilset.detectors.tiles import look
from veilset.weights import store

Pixels = NDArray[np.uint8]

NETWORKS: Mapping[str, tuple[str, Callable[[Pixels, float], Floats]]] = {
    "centerface": (centerface.WEIGHTS, centerface.detect),
    "ultraface": (ultraface.WEIGHTS, ultraface.detect),
    "yunet": (yunet.WEIGHTS, yunet.detect),
}


@dataclass(frozen=True)
class Face:
    """Faces of people, as boxes in pixels of the upright picture.

    Attributes:
        models: Networks to unite, of `centerface`, `yunet` and `ultraface`. The first must be installed; the others
            are used when they are, and `source` says which were.
        min_score: Lowest score that is reported. Lower finds more, and more that is no face.

    *Shapes and units*: picture (height, width, 3) uint8; boxes in pixels of the upright picture; scores in [0, 1].

    *Source*: CenterFace (Xu et al. 2019), YuNet (Wu et al. 2023) and UltraFace, on tiles at several scales;
    boxes of one face are fused.

    >>> Face(min_score=0.3).models[0]
    'centerface'
    """

    models: tuple[str, ...] = ("centerface", "yunet")
    min_score: float = 0.2

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("face",)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score)
        if not self.models:
            raise BadSetting("models must name at least one network")
        for model in self.models:
            one_of(NETWORKS, models=model)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Faces, best first."""
        pixels = sample.image.pixels
        used = [m for m in self.models if m == self.models[0] or store.installed(NETWORKS[m][0])]
        rows = []
        for number, model in enumerate(used):
            detect = partial(NETWORKS[model][1], min_score=self.min_score)
            for scale in (0.5, 1.0, 2.0) if model == "yunet" else (0.5, 1.0):
                found = look(pixels, scale, detect, tile=1600, overlap=256)
                rows.append(np.column_stack([found, np.full(len(found), number)]))
        every = np.concatenate(rows)
        return tuple(_finding(every[group], used) for group in groups(every[:, :5], 0.4))


def _finding(members: Floats, used: list[str]) -> Finding:
    x1, y1, x2, y2 = (float(edge) for edge in fused_box(members[:, :5]))
    scores = {
        used[int(number)]: round(float(members[members[:, 5] == number, 4].max()), 4)
        for number in np.unique(members[:, 5])
    }
    return Finding(
        "face",
        Box(x1, y1, x2 - x1, y2 - y1),
        min(1.0, float(members[:, 4].max())),
        "face/" + "+".join(used),
        Risk.PERSON,
        detail={"scores": scores},
    )
