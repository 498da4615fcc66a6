"""Do detectors still find in treated pictures what they found in the originals?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Detector
from veilset.core.sample import Image, Media
from veilset.core.where import Box, Mask, Polygon
from veilset.probes.adversary.crops import chosen
from veilset.probes.adversary.scores import share


def matched(before: Sequence[Box], after: Sequence[Box], overlap: float) -> list[bool]:
    """For each box of before, whether a box of after overlaps it; each box of after counts once, best first.

    >>> matched([Box(0, 0, 10, 10), Box(50, 0, 10, 10)], [Box(1, 0, 10, 10)], 0.5)
    [True, False]
    """
    pairs = sorted(
        ((b.iou(a), i, j) for i, b in enumerate(before) for j, a in enumerate(after)), key=lambda p: p[0], reverse=True
    )
    used_before: set[int] = set()
    used_after: set[int] = set()
    for iou, i, j in pairs:
        if iou >= overlap and i not in used_before and j not in used_after:
            used_before.add(i)
            used_after.add(j)
    return [i in used_before for i in range(len(before))]


@dataclass(frozen=True)
class DetectionKept:
    """What a detector found in the originals: does it find it in the treated pictures?

    Attributes:
        detector: Name of the detector that stands for the user's own.
        settings: Its settings.
        overlap: Intersection over union from which two boxes are the same thing.
        limit: Most pictures that are looked at, drawn at random.

    *Shapes and units*: pictures (height, width, 3) uint8 of the same upright frame before and after; places as boxes in
    pixels, polygons and masks by their bounds; `overlap` and shares in [0, 1].

    *Measurements*: `kept`: share of the objects found again, intervals by pictures; each kind as a group. For things
    that should stay (persons, objects) high is good; to see whether treated faces are gone, use `residual`.

    Raises:
        Unsupported: The probe is run without a way to detectors, or the detector finds nothing in the originals.

    *Source*: recall at a given overlap, as PASCAL VOC counts it (Everingham et al. 2010); what was found in the original
    stands for the truth, and boxes are matched by overlap, best first, instead of by score.

    >>> DetectionKept().detector
    'person'
    """

    detector: str = "person"
    settings: Mapping[str, Any] = field(default_factory=dict)
    overlap: float = 0.5
    limit: int = 150

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(0, 1, overlap=self.overlap)
        check.positive(limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Detect twice, match."""
        if case.build is None:
            raise Unsupported("detection_kept needs a detector, and was given no way to one")
        judge: Detector = case.build("detector", self.detector, dict(self.settings))
        hits: list[bool] = []
        kinds: list[str] = []
        pictures: list[str] = []
        for index in chosen(len(case.pairs), self.limit, rng):
            pair = case.pairs[index]
            if (
                pair.after is None
                or not isinstance(pair.before.media, Image)
                or not isinstance(pair.after.media, Image)
            ):
                continue
            before, after = _boxes(judge.find(pair.before)), _boxes(judge.find(pair.after))
            for kind, boxes in before.items():
                hits += matched(boxes, after.get(kind, []), self.overlap)
                kinds += [kind] * len(boxes)
                pictures += [str(index)] * len(boxes)
        if not hits:
            raise Unsupported(f"detection_kept: the detector {self.detector} finds nothing in the originals")
        found = [share("detection_kept", "kept", np.array(hits), pictures, rng=rng, better="higher")]
        for kind in sorted(set(kinds)):
            at = np.array([k == kind for k in kinds])
            where = [p for p, k in zip(pictures, kinds, strict=True) if k == kind]
            one = share("detection_kept", "kept", np.array(hits)[at], where, rng=rng, better="higher", group=kind)
            found.append(one)
        return tuple(found)


def _boxes(findings: Sequence[Finding]) -> dict[str, list[Box]]:
    found: dict[str, list[Box]] = {}
    for finding in findings:
        if isinstance(finding.where, Box | Polygon | Mask):
            found.setdefault(finding.kind, []).append(finding.where.bounds())
    return found
