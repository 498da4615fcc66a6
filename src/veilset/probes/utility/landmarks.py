"""Eye pictures: is the pupil still where it was, and is the iris region still whose it was?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Media, Pixels
from veilset.core.where import Box, Mask, Polygon
from veilset.probes.adversary.crops import Floats, chosen, gather, grey
from veilset.probes.adversary.scores import mean, ranks, share
from veilset.probes.attack.reidentify import recognise, split


def pupil_centre(eye: NDArray[np.uint8]) -> tuple[float, float]:
    """Centre (x, y), in pixel indices, of the dark disc in a grey eye picture: where most gradients point away from.

    *Source*: means of gradients (Timm and Barth 2011): the point c that maximises the mean of the squared inner
    products of the unit displacement from c and the unit gradient, weighted by darkness. Searched on a picture of at
    most 48 pixels a side.

    >>> y, x = np.mgrid[0:40, 0:60]
    >>> disc = np.where((x - 36) ** 2 + (y - 18) ** 2 < 81, 20, 200).astype(np.uint8)
    >>> tuple(round(v) for v in pupil_centre(disc))
    (36, 18)
    """
    high, wide = eye.shape
    scale = min(1.0, 48 / max(high, wide))
    small = cv2.resize(eye, (max(8, round(wide * scale)), max(8, round(high * scale))), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small.astype(np.float64), (0, 0), 1.0)
    down, across = np.gradient(smooth)
    strength = np.hypot(across, down)
    strong = strength > strength.mean() + 0.3 * strength.std()
    if not strong.any():
        return (wide - 1) / 2, (high - 1) / 2
    ys, xs = np.nonzero(strong)
    gx, gy = across[strong] / strength[strong], down[strong] / strength[strong]

    def score(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
        dx, dy = xs[None] - columns[:, None], ys[None] - rows[:, None]
        length = np.maximum(np.hypot(dx, dy), 1e-9)
        # Dark inside and bright outside: the gradient points away from the centre, so only outward products count.
        along = np.maximum((dx * gx + dy * gy) / length, 0) ** 2
        return np.asarray(along.mean(axis=1) * (255 - smooth[rows, columns]))

    row, column = 0, 0
    # Every second place first, then all around the best: the score is smooth over more than that.
    for step, reach in ((2, max(small.shape)), (1, 2)):
        rows = np.arange(max(0, row - reach), min(small.shape[0], row + reach + 1), step)
        columns = np.arange(max(0, column - reach), min(small.shape[1], column + reach + 1), step)
        places = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        best = int(np.argmax(score(*places)))
        row, column = int(places[0][best]), int(places[1][best])
    return (column + 0.5) * wide / small.shape[1] - 0.5, (row + 0.5) * high / small.shape[0] - 0.5


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
    `iris_match`, where people are known: rank-1 of a recogniser trained on treated eye regions, chance 1 / people.
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
        return (share("landmarks", "iris_match", place == 1, asked, rng=rng, chance=chance, notes=notes),)


def eyes_of(pair: Pair, kind: str) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Each eye of a pair, grey, before and after: regions of `kind`, else the halves of a strip, else the picture.

    A picture at least twice as wide as high is taken as a strip with two eyes.
    """
    if pair.after is None or not isinstance(pair.before.media, Image) or not isinstance(pair.after.media, Image):
        return []
    if pair.after.image.shape != pair.before.image.shape:
        return []
    places = [f.where for f in pair.findings if f.kind == kind]
    boxes = [w.bounds() for w in places if isinstance(w, Box | Polygon | Mask)]
    high, wide = pair.before.image.shape
    if not boxes:
        halves = [Box(0, 0, wide / 2, high), Box(wide / 2, 0, wide / 2, high)]
        boxes = halves if wide >= 2 * high else [Box(0, 0, wide, high)]
    return [(_cut(pair.before.image.pixels, b), _cut(pair.after.image.pixels, b)) for b in boxes]


def _cut(pixels: Pixels, box: Box) -> NDArray[np.uint8]:
    y, x = slice(max(0, int(box.y)), int(box.y + box.height)), slice(max(0, int(box.x)), int(box.x + box.width))
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels[y, x]), cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _gradients(crops: Pixels) -> Floats:
    """Signed gradients of the small grey picture, each picture of unit length."""
    flat = grey(crops, 32).reshape(-1, 32, 32)
    both = np.concatenate(
        [np.diff(flat, axis=1).reshape(len(flat), -1), np.diff(flat, axis=2).reshape(len(flat), -1)], 1
    )
    return np.asarray(both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-3))
