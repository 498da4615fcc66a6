"""Find the treated twin of a known original by what was left around the person: background, name, order, time, size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

import cv2
import numpy as np

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.core.where import Box, Mask, Polygon
from veilset.probes.adversary.crops import Floats, chosen
from veilset.probes.adversary.scores import ranks, share, worst

CLUES = {
    "background": "compares what lies outside the treated regions",
    "picture": "compares whole pictures",
    "name": "compares file names",
    "order": "sorts both sets by name and compares places",
    "time": "sorts both sets by time of writing and compares places",
    "size": "compares file sizes",
}


def outside(pixels: Pixels, findings: Sequence[Finding], side: int, *, whole: bool = False) -> Floats:
    """A small grey picture (side * side,) of unit length, its treated regions levelled to the mean of the rest."""
    around = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_AREA)
    flat = around.astype(float).ravel()
    shape = (pixels.shape[0], pixels.shape[1])
    covered = np.zeros(shape, dtype=bool)
    for finding in findings:
        if not whole and isinstance(finding.where, Box | Polygon | Mask):
            covered |= finding.where.rasterise(shape)
    weight = cv2.resize((~covered).astype(np.float32), (side, side), interpolation=cv2.INTER_AREA).ravel() > 0.99
    if not weight.any():
        return np.zeros(side * side)
    flat = np.where(weight, flat - flat[weight].mean(), 0.0)
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-6))


def trigrams(name: str, width: int = 1024) -> Floats:
    """A relative file name without its extension as a unit vector of its trigrams, wherever in the name they stand.

    >>> bool(trigrams("IMG_0007") @ trigrams("IMG_0007") > trigrams("IMG_0007") @ trigrams("IMG_0008"))
    True
    """
    stem = f"^{PurePosixPath(name).with_suffix('')}$".lower()
    out = np.zeros(width)
    for i in range(len(stem) - 2):
        out[int.from_bytes(stem[i : i + 3].encode(), "big") % 1021] += 1
    return np.asarray(out / max(float(np.linalg.norm(out)), 1e-6))


def places(values: Sequence[str] | Sequence[int]) -> Floats:
    """Place of each value in sorted order, equal values sharing a place."""
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(float)


@dataclass(frozen=True)
class Link:
    """Which released file was made from this original?

    Attributes:
        clues: What to compare: `background`, `picture`, `name`, `order`, `time`, `size`.
        limit: Most pairs that are looked at, drawn at random.
        side: Side of the grey pictures compared, in pixels.

    *Adversary*: holds the originals (or others taken at the same time and place), and looks at everything but the
    person: background, whole picture, file name, order, time of writing, size. No training.

    *Measurements*: `twin`, the worst clue, at a confidence corrected for having chosen the worst; `twin_*` for each:
    share of originals whose nearest released file is their own twin; chance is 1 / files. Names, order, times and
    sizes are compared only where the released files were read back.

    Raises:
        Unsupported: Fewer than two released pictures, or clues that need files which were not read back.

    *Source*: ours: record linkage (Fellegi and Sunter 1969) by the nearest neighbour in one clue at a time, without their
    weighting of clues against each other, so that the report can name the clue that gives a file away.

    >>> Link(clues=("background",)).side
    32
    """

    clues: tuple[str, ...] = tuple(CLUES)
    limit: int = 500
    side: int = 32

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        for clue in self.clues:
            check.one_of(tuple(CLUES), clues=clue)
        check.in_range(2, 10_000, limit=self.limit)
        check.in_range(4, 256, side=self.side)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Every clue that this case allows; the worst first.

        Raises:
            Unsupported: Fewer than two released pictures.
        """
        sides = [s for i in chosen(len(case.pairs), self.limit, rng) if (s := self._look(case.pairs[i])) is not None]
        if len(sides) < 2:
            raise Unsupported(f"link needs at least 2 released pictures, got {len(sides)}")
        read_back = any(before.origin != after.origin for before, after, _ in sides)
        found = []
        for clue in self.clues:
            if clue in ("background", "picture") or read_back:
                likeness = self._likeness(clue, sides)
                found.append(self._measure(clue, likeness, rng))
        if not found:
            raise Unsupported("link: the clues asked for need released files that were read back")
        return (worst(found, "twin"), *found)

    def _look(self, pair: Pair) -> tuple[Sample, Sample, Mapping[str, Floats]] | None:
        """What is kept of a pair: both without their pixels, and their small pictures."""
        if pair.after is None or not isinstance(pair.before.media, Image) or not isinstance(pair.after.media, Image):
            return None
        small: dict[str, Floats] = {}
        for clue in ("background", "picture"):
            if clue in self.clues:
                views = [
                    outside(s.image.pixels, pair.findings, self.side, whole=clue == "picture")
                    for s in (pair.before, pair.after)
                ]
                small[clue] = np.stack(views)
        nothing = Image(np.zeros((1, 1, 3), dtype=np.uint8))
        return pair.before.with_media(nothing), pair.after.with_media(nothing), small

    def _likeness(self, clue: str, sides: Sequence[tuple[Sample, Sample, Mapping[str, Floats]]]) -> Floats:
        befores, afters = [b for b, _, _ in sides], [a for _, a, _ in sides]
        if clue in ("background", "picture"):
            views = np.stack([small[clue] for _, _, small in sides])
            return np.asarray(np.round(views[:, 0] @ views[:, 1].T, 9))
        if clue == "name":
            left, right = (np.stack([trigrams(s.origin.name) for s in side]) for side in (befores, afters))
            return np.asarray(np.round(left @ right.T, 9))
        if clue == "size":
            left, right = (np.log1p([s.origin.size for s in side]) for side in (befores, afters))
            return np.asarray(-np.abs(left[:, None] - right[None]))
        if clue == "order":
            left, right = (places([s.origin.name for s in side]) for side in (befores, afters))
        else:
            left, right = (places([s.origin.modified_ns for s in side]) for side in (befores, afters))
        return np.asarray(-np.abs(left[:, None] - right[None]))

    def _measure(self, clue: str, likeness: Floats, rng: np.random.Generator) -> Measurement:
        n = len(likeness)
        place = ranks(likeness, np.arange(n, dtype=np.int64), rng)
        people = [str(i) for i in range(n)]
        notes = (f"adversary: holds the originals and {CLUES[clue]}",)
        return share("link", f"twin_{clue}", place == 1, people, rng=rng, chance=1 / n, notes=notes)
