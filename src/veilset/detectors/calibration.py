"""Which looks are taken at a picture, and how what they say becomes one calibrated score.

A logistic model reads, for every group of overlapping boxes, how sure each look was and how large the box is. The
numbers below were fitted by `benchmarks/fit_face_fusion.py` on one half of the labelled pictures; the other half is
what `benchmarks/face_recall.py` reports on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats, fused_boxes, groups, logit

# Below these scores a look says nothing.
FLOOR: Mapping[str, float] = {"centerface": 0.03, "ultraface": 0.1, "yunet": 0.08}
# How sure a network is when it says the same number: CenterFace is modest, UltraFace is not.
_OFFSET: Mapping[str, float] = {"centerface": 1.2, "ultraface": -1.0, "yunet": 0.0}
SAME = 0.4
# The score that stands for the tuned working point, at every size of face.
WORKING_POINT = 0.2
# log2 of the side, after scaling by the tier's base, beyond which the labelled pictures hold too few faces to fit on.
LARGEST = 6.0
EDGES = np.array([8.0, 16.0, 32.0, 64.0])


@dataclass(frozen=True, slots=True)
class Plan:
    """Looks at one picture, and the model that reads them.

    Attributes:
        looks: (network, scale) of each look, relative to the tier's base scale.
        evidence: Weight of each look's log odds above its floor.
        by_size: Weight of the same, times log2(side / 16).
        prior: Constant, and the weights of log2(side) and its square.
        bar: Log odds that a box must reach to be worth `WORKING_POINT`, in the size classes that `EDGES` divide.
        hint: The score that the first look must give for the other looks to look there too; 0: they look everywhere.
    """

    looks: tuple[tuple[str, float], ...]
    evidence: tuple[float, ...]
    by_size: tuple[float, ...]
    prior: tuple[float, float, float]
    bar: tuple[float, ...]
    hint: float = 0.0

    @property
    def finest(self) -> float:
        """The largest scale among the looks."""
        return max(scale for _, scale in self.looks)


def gather(seen: list[Floats], plan: Plan) -> tuple[Floats, Floats]:
    """Boxes (n, 4) that one or more looks saw, and each look's score for them (n, looks), 0 where it saw nothing.

    *Shapes*: seen: one (m, 5) array per look of the plan, all in the same pixels.
    """
    every = np.concatenate(seen)
    look = np.repeat(np.arange(len(seen)), [len(found) for found in seen])
    certain = np.concatenate([own_certainty(found[:, 4:], (plan.looks[n],))[:, 0] for n, found in enumerate(seen)])
    sure = np.column_stack([every[:, :4], certain])
    number, count = np.zeros(len(every), dtype=np.intp), 0
    for group in groups(sure, SAME):
        number[group] = count
        count += 1
    scores = np.zeros((count, len(plan.looks)))
    np.maximum.at(scores, (number, look), every[:, 4])
    return fused_boxes(sure, number, count), scores


def own_certainty(scores: Floats, looks: Sequence[tuple[str, float]]) -> Floats:
    """Scores of different networks made comparable, by a fixed shift of their log odds; 0 stays 0."""
    shift = np.array([_OFFSET[network] for network, _ in looks])
    certain: Floats = np.where(scores > 0, 1 / (1 + np.exp(-logit(scores) - shift)), 0.0)
    return certain


def features(boxes: Floats, scores: Floats, plan: Plan) -> Floats:
    """What the model reads: (n, 2 * looks + 2)."""
    floors = np.array([FLOOR[network] for network, _ in plan.looks])
    evidence = np.where(scores > 0, logit(np.maximum(scores, floors)) - logit(floors), 0.0)
    size = np.minimum(log_side(boxes), LARGEST)
    return np.column_stack([evidence, evidence * (size[:, None] - 4), size, size**2])


def log_side(boxes: Floats) -> Floats:
    """log2 of the square root of the area, at least 0."""
    sides: Floats = np.log2(np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 1.0)) / 2
    return sides


def size_class(boxes: Floats) -> NDArray[np.intp]:
    """Number of the class that `EDGES` puts each box in."""
    return np.searchsorted(np.log2(EDGES), log_side(boxes), side="right")


def probability(boxes: Floats, scores: Floats, plan: Plan) -> Floats:
    """Calibrated chance that each box is a face, on pictures like those it was fitted on."""
    odds = features(boxes, scores, plan) @ np.array([*plan.evidence, *plan.by_size, *plan.prior[1:]]) + plan.prior[0]
    chance: Floats = 1 / (1 + np.exp(-odds))
    # There the surest look may speak for itself; the finer looks are not asked: they see parts of a large face.
    outside = log_side(boxes) >= LARGEST
    coarse = [number for number, (_, scale) in enumerate(plan.looks) if scale <= max(1.0, plan.looks[0][1])]
    own = own_certainty(scores[outside], plan.looks)[:, coarse]
    chance[outside] = np.maximum(chance[outside], own.max(axis=1, initial=0.0))
    return chance


def score(chances: Floats, boxes: Floats, plan: Plan) -> Floats:
    """Chances moved so that `WORKING_POINT` is the tuned bar at every size.

    The bar falls as faces grow: overlooking a large face gives away more, and few large boxes are false.
    """
    bar = np.array(plan.bar)[size_class(boxes)]
    odds = np.log(chances + 1e-12) - np.log1p(-np.minimum(chances, 1 - 1e-12))
    moved: Floats = 1 / (1 + np.exp(-(odds - bar + np.log(WORKING_POINT / (1 - WORKING_POINT)))))
    return moved
