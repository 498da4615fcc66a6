"""Look for faces in the result with another network than the one that found them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np

from veilset.core.check import in_range, positive
from veilset.core.errors import BadSetting, BrokenContract, MissingWeights, Unproven
from veilset.core.finding import Finding
from veilset.core.interval import clopper_pearson
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Detector, Pair
from veilset.core.sample import Image, Media, Pixels, Sample
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


def is_flat(pixels: Pixels, box: Box) -> bool:
    """Whether the released pixels (height, width, 3) inside a box are one colour, give or take two levels.

    One colour shows nothing: a face that a judge sees there is a guess from hair and shoulders around it.

    >>> slope = np.tile(np.arange(8, dtype=np.uint8)[:, None, None], (1, 8, 3))
    >>> is_flat(slope * 0, Box(2, 2, 4, 4)), is_flat(slope, Box(0, 0, 8, 8))
    (True, False)
    """
    inside = pixels[max(0, int(box.y)) : int(box.y + box.height), max(0, int(box.x)) : int(box.x + box.width)]
    return inside.size == 0 or bool((np.ptp(inside.reshape(-1, inside.shape[2]).astype(int), axis=0) <= 4).all())


def networks_of(findings: Sequence[Finding]) -> frozenset[str]:
    """The networks that findings name as their source: `face/centerface+yunet` names two."""
    named = (finding.source.partition("/")[2] for finding in findings)
    return frozenset(network for names in named for network in names.split("+") if network)


@dataclass(frozen=True)
class Residual:
    """Look for faces in the result with another network than the one that found them.

    Attributes:
        models: Networks of the `face` detector, best judge first: the first one judges whose weights are here and that
            took no part in finding the faces.
        min_score: Lowest score of the judge that counts as a face; 0.2 is the working point of the `face` detector.
        pictures: Most pictures that are looked at, drawn at random.
        insist_on_independence: Refuse when the judge is a network that also found the faces.

    A treated face counts as left when the judge finds it and its released pixels are not one flat colour.

    *Shapes and units*: `faces_left` is the share of treated faces that the judge still finds; `pictures_with_missed_face`
    the share of pictures in which it finds a face where nothing was treated; `pictures_still_showing` the number of
    pictures of the release with a treated face that is still found: a count, exact when every picture was looked at.

    Where every judge took part in finding the faces, or has no weights here, the same network looks again at the picture,
    its mirror image and a smaller copy; the measurements then say that they are not independent.

    Raises:
        Unproven: Independence is insisted on and cannot be had.
        MissingWeights: No network at all can be had.
        BadSetting: A field holds a value that it cannot have.

    *Source*: residual detection as in the evaluation of face obfuscation; intervals of Clopper and Pearson, faces and
    pictures taken as independent.

    >>> Residual(models=("yunet",)).min_score
    0.2
    """

    models: tuple[str, ...] = ("yunet", "ultraface", "centerface")
    min_score: float = 0.2
    pictures: int = 1000
    insist_on_independence: bool = False

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score)
        positive(pictures=self.pictures)
        if not self.models:
            raise BadSetting("models must name at least one network")

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Share of treated faces still found, and share of pictures with a face that was missed."""
        chosen = np.sort(rng.permutation(len(case.pairs))[: self.pictures])
        faces_left = faces = pictures_missed = pictures = showing = 0
        shared = known = False
        judges: dict[frozenset[str], tuple[Detector, bool]] = {}
        for number in chosen:
            pair = case.pairs[int(number)]
            if pair.after is None or not isinstance(pair.after.media, Image):
                continue
            treated = boxes_of(pair)
            networks = networks_of([f for f in pair.findings if f.kind == "face"])
            known |= bool(networks)
            if networks not in judges:
                judges[networks] = self._judge(case, pair.after, networks)
            judge, dependent = judges[networks]
            shared |= dependent
            found = _look(judge, pair.after, often=dependent)
            shown = [box for box in treated if any(covers(face, box) for face in found)]
            left = sum(not is_flat(pair.after.image.pixels, box) for box in shown)
            faces += len(treated)
            faces_left += left
            showing += left > 0
            pictures += 1
            pictures_missed += any(not any(covers(face, box) for box in treated) for face in found)
        notes = (NOT_INDEPENDENT,) if shared else () if known else (UNKNOWN,)
        more = {"notes": notes, "independent": known and not shared}
        return (
            Measurement.proportion("residual", "faces_left", faces_left, faces, "lower", **more),
            Measurement.proportion("residual", "pictures_with_missed_face", pictures_missed, pictures, "lower", **more),
            _count(showing, pictures, pictures if len(chosen) == len(case.pairs) else len(case.pairs), **more),
        )

    def _judge(self, case: Case, sample: Sample, networks: frozenset[str]) -> tuple[Detector, bool]:
        """The judge, and whether it also took part in finding the faces."""
        if case.build is None:
            raise BrokenContract("residual needs a detector, but the case offers no way to build one")
        others = [model for model in self.models if model not in networks]
        sharing = [*(model for model in self.models if model in networks), *sorted(networks - {*self.models})]
        for model in [*others, *([] if self.insist_on_independence else sharing)]:
            judge: Detector = case.build("detector", "face", {"model": model, "min_score": self.min_score})
            try:
                judge.find(sample)
            except MissingWeights:
                continue
            return judge, model in networks
        if self.insist_on_independence:
            raise Unproven(
                f"residual: none of {', '.join(self.models)} is here and took no part in finding the faces; get another "
                "with `veilset weights pull`, or leave one of them out of the detector"
            )
        raise MissingWeights(f"residual: none of {', '.join(self.models)} is here; see `veilset weights list`")


def _count(showing: int, looked: int, total: int, **more: Any) -> Measurement:
    """Pictures of the release that still show a treated face: exact after a look at all, else bounded from a sample.

    After a sample, `total` counts dropped originals too, whose number is not known then: the bound errs upwards.
    """
    if looked == total:
        return Measurement("residual", "pictures_still_showing", showing, showing, showing, looked, "lower", **more)
    low, high = (end * total for end in clopper_pearson(showing, looked))
    value = showing * total / max(looked, 1)
    return Measurement("residual", "pictures_still_showing", value, low, high, looked, "lower", **more)


def boxes_of(pair: Pair) -> list[Box]:
    """Where faces were treated."""
    return [f.where.bounds() for f in pair.findings if f.kind == "face" and isinstance(f.where, Box | Polygon | Mask)]


def _look(judge: Detector, sample: Sample, *, often: bool) -> list[Box]:
    """Boxes that the judge finds, in pixels of the picture; with `often`, in its mirror image and a smaller copy."""
    boxes = found_by(judge, sample)
    if not often:
        return boxes
    pixels = sample.image.pixels
    width = sample.image.width
    mirrored = found_by(judge, sample.with_media(Image(np.ascontiguousarray(pixels[:, ::-1]))))
    boxes += [Box(width - box.x - box.width, box.y, box.width, box.height) for box in mirrored]
    if min(sample.image.shape) >= 2:
        small = cv2.resize(pixels, None, fx=SMALLER, fy=SMALLER, interpolation=cv2.INTER_AREA)
        across, down = pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]
        boxes += [
            Box(box.x * across, box.y * down, box.width * across, box.height * down)
            for box in found_by(judge, sample.with_media(Image(small)))
        ]
    return boxes


def found_by(judge: Detector, sample: Sample) -> list[Box]:
    """Boxes that a detector finds, in pixels of the picture."""
    return [f.where.bounds() for f in judge.find(sample) if isinstance(f.where, Box | Polygon | Mask)]
