"""Faces, by the union of independent networks at several scales."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, joined, one_of, positive
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box
from veilset.detectors import centerface, ultraface, yunet
from veilset.detectors.calibration import FLOOR, Plan, gather, probability, score
from veilset.detectors.focus import around
from veilset.detectors.fusion import Floats, groups
from veilset.detectors.plans import FINE, plan_for
from veilset.detectors.shared import copy_of, shared
from veilset.detectors.tiles import Part, look
from veilset.weights import store

Pixels = NDArray[np.uint8]


class Kernel(Protocol):
    """Faces (n, 5) in an RGB picture (height, width, 3), as corners and score above `min_score`."""

    def __call__(self, pixels: Pixels, min_score: float) -> Floats:
        """Faces of one tile."""


@dataclass(frozen=True, slots=True)
class Network:
    """How to run one network: its weights, its kernel, and the longest side of a tile that keeps memory small."""

    weights: str
    detect: Kernel
    tile: int


NETWORKS: Mapping[str, Network] = {
    "centerface": Network(centerface.WEIGHTS, centerface.detect, 1024),
    "ultraface": Network(ultraface.WEIGHTS, ultraface.detect, 2048),
    "yunet": Network(yunet.WEIGHTS, yunet.detect, 1408),
}
DEFAULT = ("centerface", "yunet")
# How much finer the quick look is, where tiles take the place of the finest looks at the whole.
BESIDE_TILES = 1.3


def looks_at(pixels: Pixels, base: float, plan: Plan, *, mirror: bool = False) -> list[Floats]:
    """What each look of a plan sees (n, 5), in pixels of the picture (height, width, 3).

    Where the plan asks for hints, later looks go where the first was at least that sure, be it less than its floor.
    """
    height, width = pixels.shape[:2]

    def taken(name: str, scale: float, min_score: float, within: Sequence[Part] | None = None) -> Floats:
        detect = partial(NETWORKS[name].detect, min_score=min_score)
        return look(pixels, base * scale, detect, mirror=mirror, tile=NETWORKS[name].tile, within=within)

    (name, scale), *later = plan.looks
    first = taken(name, scale, min(FLOOR[name], plan.hint or 1.0))
    hints, seen = first[first[:, 4] > plan.hint], [first[first[:, 4] > FLOOR[name]]]
    for name, scale in later:
        within = around(hints, base * scale, width, height) if plan.hint else None
        seen.append(taken(name, scale, FLOOR[name], within))
    return seen


def see(pixels: Pixels, base: float, plan: Plan, *, mirror: bool = False) -> tuple[Floats, Floats, Floats]:
    """All looks of a plan: boxes with score (n, 5), chances (n,), and each look's own score (n, looks).

    *Shapes*: pixels (height, width, 3); boxes in its pixels. `base` is the scale that the plan's scales multiply.
    """
    boxes, scores = gather(looks_at(pixels, base, plan, mirror=mirror), plan)
    chances = probability(boxes * base, scores, plan)
    return np.column_stack([boxes, score(chances, boxes * base, plan)]), chances, scores


@dataclass(frozen=True)
class Face:
    """Faces of people, as boxes in pixels of the upright picture.

    Every network looks at several scales; boxes that overlap become one finding, whose `detail` keeps each network's
    own best score and the calibrated chance. Large pictures are looked at coarsely for large faces and in tiles for
    small ones, so that time and memory stay bounded whatever the size.

    Attributes:
        model: `default`, or networks joined by `+`: `centerface`, `yunet`, `ultraface`. `default` is
            `centerface+yunet`, and YuNet alone when `quick`; where YuNet is not installed it is `centerface` alone, and
            `source` says so.
        effort: `thorough` finds the most; `quick` takes a tenth of the time, looks with YuNet alone, and finds about what
            CenterFace does at full size, faces below 16 px a little better: in pictures of up to `quick_megapixels`.
        min_score: Lowest score reported. 0.2 is the working point at every size of face; it is not a probability.
        mirror: Look at the mirror image: a second opinion of the same networks.
        coarse_megapixels: Pictures above are shrunk to it for the coarse looks of `thorough`.
        quick_megapixels: Pictures above are shrunk to it when `quick`: more finds smaller faces, and takes longer.
        finest_megapixels: Above it the tiled looks are shrunk too: it bounds time, at the price of the tiniest faces.

    *Shapes and units*: picture (height, width, 3) uint8; boxes in pixels of the upright picture; scores in [0, 1].

    Raises:
        MissingWeights: A network that `model` names is not installed.

    *Source*: fusion of CenterFace (Xu et al. 2019) and YuNet (Wu et al. 2023), calibrated by us.

    >>> Face(model="yunet").networks()
    ('yunet',)
    """

    model: str = "default"
    effort: str = "thorough"
    min_score: float = 0.2
    mirror: bool = False
    coarse_megapixels: float = 0.3
    quick_megapixels: float = 1.0
    finest_megapixels: float = 8.0

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("face",)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score)
        one_of(("quick", "thorough"), effort=self.effort)
        positive(coarse_megapixels=self.coarse_megapixels, finest_megapixels=self.finest_megapixels)
        positive(quick_megapixels=self.quick_megapixels)
        joined(NETWORKS, model=self.model)

    @cached_property
    def _networks(self) -> tuple[str, ...]:
        if self.model != "default":
            return tuple(sorted(self.model.split("+")))
        if not store.installed(yunet.WEIGHTS):
            return ("centerface",)
        return ("yunet",) if self.effort == "quick" else DEFAULT

    def networks(self) -> tuple[str, ...]:
        """The networks that will look, in alphabetical order; those that are installed when it is first asked."""
        return self._networks

    def weights(self) -> tuple[str, ...]:
        """Weights that must be installed, for a flow to pull before it starts."""
        return tuple(NETWORKS[network].weights for network in self.networks())

    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of how it looked."""
        if not self._is_without_second():
            return ()
        missing = f"the weights {yunet.WEIGHTS} are not installed"
        return (f"face looked with CenterFace alone ({missing}): it misses more of the small faces.",)

    def _is_without_second(self) -> bool:
        return self.model == "default" and "yunet" not in self.networks()

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Faces, best first."""
        image, networks = sample.image, self.networks()
        rows: list[tuple[Floats, dict[str, Any]]] = []
        for base, plan in self._tiers(image.width * image.height / 1e6, networks):
            key = ("face", base, plan, self.mirror)
            boxes, chances, scores = shared(image, key, partial(_tier, image, base, plan, mirror=self.mirror))
            rows += [
                (boxes[index], _detail(scores[index], float(chances[index]), plan))
                for index in np.flatnonzero(boxes[:, 4] >= self.min_score)
            ]
        return _findings(rows, "face/" + "+".join(networks), self._is_without_second())

    def _tiers(self, megapixels: float, networks: tuple[str, ...]) -> list[tuple[float, Plan]]:
        """(base scale, plan): the whole picture coarsely, then in tiles where the coarse looks do not reach.

        Where tiles follow, a quick look at the whole is enough for the large faces: the time is better spent on tiles.
        """
        coarse = plan_for(networks, self.effort)
        if self.effort == "quick":
            return [(min(1.0, math.sqrt(self.quick_megapixels / megapixels)), coarse)]
        base = min(1.0, math.sqrt(self.coarse_megapixels / megapixels))
        fine = FINE.get("yunet" if "yunet" in networks else networks[0])
        finest = min(1.0, math.sqrt(self.finest_megapixels / megapixels))
        if fine and finest > 1.2 * base * coarse.finest:
            return [(min(1.0, BESIDE_TILES * base), plan_for(networks, "quick")), (finest / fine.finest, fine)]
        return [(base, coarse)]


def _tier(image: Image, base: float, plan: Plan, *, mirror: bool) -> tuple[Floats, Floats, Floats]:
    """What `see` gives, in pixels of the whole picture, which is decoded no finer than the tier needs."""
    pixels = copy_of(image, base * plan.finest * max(image.width, image.height))
    shrunk = pixels.shape[1] / image.width
    boxes, chances, scores = see(pixels, base / shrunk, plan, mirror=mirror)
    back = np.array([image.width / pixels.shape[1], image.height / pixels.shape[0]] * 2 + [1.0])
    return boxes * back, chances, scores


def _detail(scores: Floats, chance: float, plan: Plan) -> dict[str, Any]:
    best: dict[str, float] = {}
    for (network, _), value in zip(plan.looks, scores, strict=True):
        if value > 0:
            best[network] = max(best.get(network, 0.0), round(float(value), 4))
    return {"scores": best, "probability": round(chance, 4)}


def _findings(rows: list[tuple[Floats, dict[str, Any]]], source: str, alone: bool) -> tuple[Finding, ...]:
    """One finding per face: what two tiers saw is joined, the better box kept."""
    if not rows:
        return ()
    boxes = np.array([box for box, _ in rows])
    findings = []
    for group in groups(boxes, 0.4):
        x1, y1, x2, y2, best = (float(value) for value in boxes[group[0]])
        detail = dict(rows[group[0]][1])
        detail["scores"] = {
            network: max(rows[member][1]["scores"].get(network, 0.0) for member in group)
            for network in sorted({name for member in group for name in rows[member][1]["scores"]})
        }
        if alone:
            detail["absent"] = ["yunet"]
        findings.append(Finding("face", Box(x1, y1, x2 - x1, y2 - y1), best, source, Risk.PERSON, detail=detail))
    return tuple(findings)
