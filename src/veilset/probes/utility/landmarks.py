"""Eye pictures: is the pupil still where it was, and is the iris region still whose it was?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Pixels
from veilset.probes.adversary.crops import Floats, chosen, gather, grey
from veilset.probes.adversary.eyes import eyes_of, pupil_centre
from veilset.probes.adversary.scores import mean, ranks, share
from veilset.probes.attack.reidentify import recognise, split


@dataclass(frozen=True)
class Landmarks:
    """Is the pupil still found where it was (gaze), and can the eye region still be matched to a person (risk)?

    Attributes:
        kind: Kind of finding that holds one eye; without any, a wide picture is taken as a strip with two eyes.
        tolerance: Displacement that still counts as kept, as a share of the eye region's width.
        limit: Most pictures that are looked at, drawn at random.

    *Shapes and units*: one eye is a box in pixels, cut out grey; `tolerance` and `displacement` in widths of that box;
    shares in [0, 1].

    *Measurements*: `pupil_kept`: share of eyes whose pupil centre moved by at most `tolerance` (`guess_kept` is what a
    fixed guess at the middle reaches, in the notes); `displacement`: mean movement as a share of the region's width;
    `region_match`, where people are known: rank-1 of a recogniser trained on treated eye regions, chance 1 / people.
    The matcher works on the periocular region in visible light, not on an infrared iris code.

    Raises:
        Unsupported: No eye region.

    *Source*: Timm and Barth 2011 for the centre; the pair of measures after John et al. 2020.

    >>> Landmarks().tolerance
    0.05
    """

    kind: str = "eye"
    tolerance: float = 0.05
    limit: int = 400

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(0, 1, tolerance=self.tolerance)
        check.positive(limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Pupils before and after; then matching."""
        moved: list[float] = []
        guessed: list[float] = []
        pictures: list[str] = []
        for index in chosen(len(case.pairs), self.limit, rng):
            for before, after in eyes_of(case.pairs[index], self.kind):
                at, now = pupil_centre(before), pupil_centre(after)
                wide = before.shape[1]
                moved.append(float(np.hypot(at[0] - now[0], at[1] - now[1])) / wide)
                guessed.append(float(np.hypot(at[0] - wide / 2, at[1] - before.shape[0] / 2)) / wide)
                pictures.append(str(index))
        if not moved:
            raise Unsupported(f"landmarks: no released picture with a region of kind {self.kind}")
        distance = np.array(moved)
        fixed = float(np.mean(np.array(guessed) <= self.tolerance))
        notes = (f"a fixed guess at the middle keeps {fixed:.3f}",)
        kept = share(
            "landmarks",
            "pupil_kept",
            distance <= self.tolerance,
            pictures,
            rng=rng,
            better="higher",
            chance=fixed,
            notes=notes,
        )
        return (kept, mean("landmarks", "displacement", distance, rng=rng, notes=notes), *self._match(case, rng))

    def _match(self, case: Case, rng: np.random.Generator) -> tuple[Measurement, ...]:
        crops, gallery, probes, own = split(
            gather(case, kind=self.kind, side=64, limit=self.limit, copies=2, rng=rng), rng
        )
        if own:
            return ()
        copies = [_gradients(copy[gallery]) for copy in crops.anew] or [_gradients(crops.after[gallery])]
        people = [crops.subjects[i] for i in gallery] * len(copies)
        asked = [crops.subjects[i] for i in probes]
        trial = recognise(np.concatenate(copies), people, _gradients(crops.after[probes]), asked, 0.3)
        place = ranks(trial.similarity, trial.truth, rng)
        notes = ("adversary: trained on eye regions treated as the release was; visible light, no iris code",)
        chance = 1 / trial.similarity.shape[1]
        return (share("landmarks", "region_match", place == 1, asked, rng=rng, chance=chance, notes=notes),)


def _gradients(crops: Pixels) -> Floats:
    """Signed gradients of the small grey picture, each picture of unit length."""
    flat = grey(crops, 32).reshape(-1, 32, 32)
    both = np.concatenate(
        [np.diff(flat, axis=1).reshape(len(flat), -1), np.diff(flat, axis=2).reshape(len(flat), -1)], 1
    )
    return np.asarray(both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-3))
