"""What the adversary sees: the same region before, after, and treated once more by the adversary's own hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding, by_kind
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Image, Pixels, Sample
from veilset.core.where import Box, Mask, Polygon

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Crops:
    """Regions cut from pairs, all of one size.

    Attributes:
        before: (n, side, side, 3) uint8, from the originals.
        after: The same regions of the released pictures.
        anew: (copies, n, side, side, 3): originals treated by the adversary with fresh noise; no copies when the
            treatment is not known.
        subjects: Pseudonym of the person in each crop; empty when unknown.
        pairs: Index of the pair that each crop was cut from.
        whole: Whether whole pictures were taken, for want of findings.
        dropped: Pairs that hold nothing after treatment, and so nothing to attack.
    """

    before: Pixels
    after: Pixels
    anew: Pixels
    subjects: tuple[str, ...]
    pairs: tuple[int, ...]
    whole: bool
    dropped: int

    def __len__(self) -> int:
        return len(self.before)

    def take(self, keep: Sequence[int] | NDArray[np.int64]) -> Crops:
        """The crops at the positions `keep`."""
        at = np.asarray(keep, dtype=int)
        return replace(
            self,
            before=self.before[at],
            after=self.after[at],
            anew=self.anew[:, at],
            subjects=tuple(self.subjects[i] for i in at),
            pairs=tuple(self.pairs[i] for i in at),
        )


def treat_anew(pair: Pair, knowledge: Knowledge, rng: np.random.Generator) -> Sample | None:
    """The original of `pair`, treated by the adversary: the same operators and settings, other noise.

    By the release's own code where that is handed over, so that kinds hide from one another and files are coded as they
    were there. Seeded noise is right here: it protects nobody.
    """
    if knowledge.again is not None:
        return knowledge.again(pair.before, pair.findings, noise=SeededNoise(rng.bytes(16)))
    sample = pair.before
    groups = by_kind(pair.findings)
    rules = knowledge.treatments
    in_order = [(kind, rules[kind]) for kind in rules if kind in groups]
    in_order += [(kind, rules["*"]) for kind in groups if kind not in rules and "*" in rules]
    for kind, operator in in_order:
        if isinstance(sample.media, operator.takes):
            outcome = operator.apply(sample, groups[kind], noise=SeededNoise(rng.bytes(16)))
            if outcome.sample is None:
                return None
            sample = outcome.sample
    return sample


def subject_of(pair: Pair, finding: Finding | None = None) -> str:
    """Who is seen: the finding's own subject, else the only subject of the sample, else nobody known."""
    if finding is not None and finding.subject:
        return finding.subject
    return next(iter(pair.before.subjects)) if len(pair.before.subjects) == 1 else ""


def cut(pixels: Pixels, box: Box | None, side: int) -> Pixels:
    """The pixels under `box` (the whole picture without one), resized to (side, side, 3)."""
    height, width = pixels.shape[:2]
    if box is not None:
        x0, y0 = max(0, int(np.floor(box.x))), max(0, int(np.floor(box.y)))
        x1, y1 = min(width, int(np.ceil(box.x + box.width))), min(height, int(np.ceil(box.y + box.height)))
        pixels = pixels[y0:y1, x0:x1]
    way = cv2.INTER_AREA if min(pixels.shape[:2]) >= side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (side, side), interpolation=way), dtype=np.uint8)


def _places(pair: Pair, kind: str) -> Iterator[tuple[Box, Finding]]:
    for finding in pair.findings:
        if finding.kind == kind and isinstance(finding.where, Box | Polygon | Mask):
            box = finding.where.bounds()
            height, width = pair.before.image.shape
            if min(box.width, box.height) >= 4 and box.x < width - 2 and box.y < height - 2:
                yield box, finding


def chosen(count: int, limit: int, rng: np.random.Generator) -> list[int]:
    """At most `limit` positions out of `count`, in order, drawn without favour."""
    return sorted(rng.permutation(count)[:limit].tolist())


def gather(
    case: Case, *, kind: str = "face", side: int = 112, limit: int = 1000, copies: int = 0, rng: np.random.Generator
) -> Crops:
    """Cut every finding of `kind` out of at most `limit` pairs, or take whole pictures when nothing of it was found.

    Raises:
        Unsupported: No pair holds a picture that was released.
    """
    order = chosen(len(case.pairs), limit, rng)
    known = bool(case.knowledge.treatments)
    rows: list[tuple[Pixels, Pixels, list[Pixels], str, int]] = []
    wholes: list[tuple[Pixels, Pixels, list[Pixels], str, int]] = []
    dropped = 0
    for index in order:
        pair = case.pairs[index]
        if pair.after is None:
            dropped += 1
            continue
        if not isinstance(pair.before.media, Image) or not isinstance(pair.after.media, Image):
            continue
        before, after = pair.before.image.pixels, _same_size(pair.after.image.pixels, pair.before.image.shape)
        treated = [treat_anew(pair, case.knowledge, rng) for _ in range(copies if known else 0)]
        again = [after if t is None else _same_size(t.image.pixels, pair.before.image.shape) for t in treated]
        for box, finding in _places(pair, kind):
            cuts = [cut(a, box, side) for a in again]
            rows.append((cut(before, box, side), cut(after, box, side), cuts, subject_of(pair, finding), index))
        if not rows:
            cuts = [cut(a, None, side) for a in again]
            wholes.append((cut(before, None, side), cut(after, None, side), cuts, subject_of(pair), index))
    whole = not rows
    rows = rows or wholes
    if not rows:
        raise Unsupported("no pair holds a released picture, so there is nothing to attack")
    stacked = (
        np.stack([np.stack(r[2]) for r in rows], axis=1) if rows[0][2] else np.empty((0, len(rows), side, side, 3))
    )
    return Crops(
        np.stack([r[0] for r in rows]),
        np.stack([r[1] for r in rows]),
        stacked.astype(np.uint8, copy=False),
        tuple(r[3] for r in rows),
        tuple(r[4] for r in rows),
        whole,
        dropped,
    )


def _same_size(pixels: Pixels, shape: tuple[int, int]) -> Pixels:
    if pixels.shape[:2] == shape:
        return pixels
    resized = cv2.resize(np.ascontiguousarray(pixels), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def grey(crops: Pixels, side: int) -> Floats:
    """Flat grey pictures (n, side * side) in [0, 1], averaged down from (n, s, s, 3).

    >>> grey(np.full((2, 8, 8, 3), 255, np.uint8), 4).shape
    (2, 16)
    """
    out = np.empty((len(crops), side * side))
    for row, crop in enumerate(crops):
        small = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_AREA)
        out[row] = small.ravel() / 255.0
    return out
