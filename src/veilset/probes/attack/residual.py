"""Look for faces in the result with another network than the one that found them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from veilset.core.check import in_range, positive
from veilset.core.errors import BrokenContract, MissingWeights, Unproven
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Detector, Pair
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box, Mask, Polygon

NOT_INDEPENDENT = "not independent: the judge is a network that also found the faces, at other scales and mirrored"
UNKNOWN = "no face had been found, so it is not known which network looked"
SMALLER = 0.75


def covers(found: Box, treated: Box) -> bool:
    """Whether a face found afterwards is the one that was treated: they share half of the smaller of the two.

    >>> covers(Box(0, 0, 10, 10), Box(2, 2, 100, 100)), covers(Box(0, 0, 10, 10), Box(8, 8, 10, 10))
    (True, False)
    """
    width = min(found.x + found.width, treated.x + treated.width) - max(found.x, treated.x)
    height = min(found.y + found.height, treated.y + treated.height) - max(found.y, treated.y)
    smaller = min(found.area, treated.area)
    return width > 0 and height > 0 and width * height >= 0.5 * smaller


def networks_of(findings: Sequence[Finding]) -> frozenset[str]:
    """The networks that findings name as their source: `face/centerface+yunet` names two."""
    named = (finding.source.partition("/")[2] for finding in findings)
    return frozenset(network for names in named for network in names.split("+") if network)


@dataclass(frozen=True)
class Residual:
    """Look for faces in the result with another network than the one that found them.

    Attributes:
        model: The judge, a network of the `face` detector.
        min_score: Lowest score of the judge that counts as a face.
        pictures: Most pictures that are looked at, drawn at random.
        insist_on_independence: Refuse when the judge is a network that also found the faces.

    *Shapes and units*: `faces_left` is the share of treated faces that the judge still finds;
    `pictures_with_missed_face` the share of pictures in which it finds a face where nothing was treated.

    Where the judge's weights cannot be had, or it took part in finding the faces, the same network looks again at the
    picture, its mirror image and a smaller copy; the measurements then say that they are not independent.

    Raises:
        Unproven: Independence is insisted on and cannot be had.
        MissingWeights: No network at all can be had.
        BadSetting: A field holds a value that it cannot have.

    *Source*: residual detection as in the evaluation of face obfuscation; intervals of Clopper and Pearson, faces and
    pictures taken as independent.

    >>> Residual(model="yunet").min_score
    0.5
    """

    model: str = "yunet"
    min_score: float = 0.5
    pictures: int = 1000
    insist_on_independence: bool = False

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score)
        positive(pictures=self.pictures)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Share of treated faces still found, and share of pictures with a face that was missed."""
        chosen = np.sort(rng.permutation(len(case.pairs))[: self.pictures])
        faces_left = faces = pictures_missed = pictures = 0
        shared = known = False
        judges: dict[bool, tuple[Detector, bool]] = {}
        for number in chosen:
            pair = case.pairs[int(number)]
            if pair.after is None or not isinstance(pair.after.media, Image):
                continue
            treated = _boxes(pair)
            networks = networks_of([f for f in pair.findings if f.kind == "face"])
            known |= bool(networks)
            own = self.model in networks
            if own not in judges:
                judges[own] = self._judge(case, pair.after, networks, own=own)
            judge, fallen_back = judges[own]
            shared |= own or fallen_back
            found = _look(judge, pair.after, often=own or fallen_back)
            faces += len(treated)
            faces_left += sum(any(covers(face, box) for face in found) for box in treated)
            pictures += 1
            pictures_missed += any(not any(covers(face, box) for box in treated) for face in found)
        notes = (NOT_INDEPENDENT,) if shared else () if known else (UNKNOWN,)
        more = {"notes": notes, "independent": known and not shared}
        return (
            Measurement.proportion("residual", "faces_left", faces_left, faces, "lower", **more),
            Measurement.proportion("residual", "pictures_with_missed_face", pictures_missed, pictures, "lower", **more),
        )

    def _judge(self, case: Case, sample: Sample, networks: frozenset[str], *, own: bool) -> tuple[Detector, bool]:
        """The judge, and whether it is a stand-in because its weights cannot be had."""
        if own and self.insist_on_independence:
            raise Unproven(
                f"residual: {self.model} took part in finding the faces, so it cannot judge them; "
                "name another network in `model`, or leave it out of the detector"
            )
        if case.build is None:
            raise BrokenContract("residual needs a detector, but the case offers no way to build one")
        try:
            judge: Detector = case.build("detector", "face", {"models": (self.model,), "min_score": self.min_score})
            judge.find(sample)
        except MissingWeights:
            if self.insist_on_independence or not networks:
                raise
            stand_in = {"models": (min(networks),), "min_score": self.min_score}
            return case.build("detector", "face", stand_in), True
        return judge, False


def _boxes(pair: Pair) -> list[Box]:
    return [f.where.bounds() for f in pair.findings if f.kind == "face" and isinstance(f.where, Box | Polygon | Mask)]


def _look(judge: Detector, sample: Sample, *, often: bool) -> list[Box]:
    """Boxes that the judge finds, in pixels of the picture; with `often`, in its mirror image and a smaller copy."""
    boxes = _found(judge, sample)
    if not often:
        return boxes
    pixels = sample.image.pixels
    width = sample.image.width
    mirrored = _found(judge, sample.with_media(Image(np.ascontiguousarray(pixels[:, ::-1]))))
    boxes += [Box(width - box.x - box.width, box.y, box.width, box.height) for box in mirrored]
    if min(sample.image.shape) >= 2:
        small = cv2.resize(pixels, None, fx=SMALLER, fy=SMALLER, interpolation=cv2.INTER_AREA)
        across, down = pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]
        boxes += [
            Box(box.x * across, box.y * down, box.width * across, box.height * down)
            for box in _found(judge, sample.with_media(Image(small)))
        ]
    return boxes


def _found(judge: Detector, sample: Sample) -> list[Box]:
    return [f.where.bounds() for f in judge.find(sample) if isinstance(f.where, Box | Polygon | Mask)]
