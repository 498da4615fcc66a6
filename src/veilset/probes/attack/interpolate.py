"""Rebuild a picture from the pixels that an operator left untouched: what Snow and sampling leave is often enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import BoolArray, Image, Media, Pixels
from veilset.core.where import Box, Mask, Polygon
from veilset.probes.adversary.crops import Floats, chosen, grey
from veilset.probes.adversary.scores import mean, ranks, share


def left_untouched(pixels: Pixels, least: float = 0.05) -> BoolArray:
    """Pixels (height, width) that do not hold the filling value.

    The filling is the most frequent colour, when it covers at least `least` of the region and is far more frequent
    than its neighbours in brightness; without one, every pixel counts as untouched.

    >>> left_untouched(np.full((4, 4, 3), 127, np.uint8)).any()
    np.False_
    """
    codes = pixels.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    values, counts = np.unique(codes, return_counts=True)
    fill = int(values[np.argmax(counts)])
    if counts.max() < least * codes.size:
        return np.ones(codes.shape, dtype=bool)
    near = [fill + step * 0x010101 for step in (-2, -1, 1, 2)]
    around = max((int(counts[values == code].sum()) for code in near), default=0)
    if counts.max() < 3 * around:
        return np.ones(codes.shape, dtype=bool)
    return np.asarray(codes != fill)


def fill_between(pixels: Pixels, known: BoolArray) -> NDArray[np.uint8]:
    """The picture with every unknown pixel interpolated: linear over the triangulation of the known, nearest outside.

    *Shapes*: pixels (height, width, 3) uint8, known (height, width). Fewer than four known pixels: their mean.
    """
    from scipy.interpolate import LinearNDInterpolator
    from scipy.ndimage import distance_transform_edt

    if known.all():
        return pixels
    if known.sum() < 4:
        level = pixels[known].mean(axis=0) if known.any() else np.full(3, 127.0)
        return np.broadcast_to(level.round().astype(np.uint8), pixels.shape)
    where = distance_transform_edt(~known, return_distances=False, return_indices=True)
    nearest = pixels[tuple(where)]
    points = np.argwhere(known)
    if np.linalg.matrix_rank(points - points.mean(axis=0)) < 2:
        return np.asarray(nearest)
    linear = LinearNDInterpolator(points, pixels[known].astype(float))(np.argwhere(~known))
    out = nearest.copy()
    out[~known] = np.where(np.isnan(linear), nearest[~known], linear).round().clip(0, 255).astype(np.uint8)
    return np.asarray(out, dtype=np.uint8)


@dataclass(frozen=True)
class Interpolate:
    """Restore from the pixels left.

    Attributes:
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        limit: Most pairs that are looked at, drawn at random.
        window: Larger regions are cut down to this side around their middle, in pixels.
        side: Side of the grey pictures compared, in pixels.

    *Adversary*: sees the release alone; tells filled pixels by their common value; needs no training, no operator.

    *Measurements*: `psnr_gain`: decibels won over the better of the treated region and one flat colour (chance 0);
    `psnr_restored`; `identity_restored`: share of restored regions nearest to their own original among all of them
    (chance 1 / regions); `pixels_left`: share of pixels that were not filled.

    *Source*: linear interpolation over the Delaunay triangulation; compare Reilly and Fan 2021, who use the same to
    *show* sampled pictures.

    >>> Interpolate().window
    128
    """

    kind: str = "face"
    limit: int = 60
    window: int = 128
    side: int = 48

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(2, 10_000, limit=self.limit)
        check.in_range(16, 1024, window=self.window)
        check.in_range(8, 256, side=self.side)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Fill every region between its untouched pixels.

        Raises:
            Unsupported: Fewer than two released regions.
        """
        regions = [region for i in chosen(len(case.pairs), self.limit, rng) for region in self._regions(case.pairs[i])][
            : self.limit
        ]
        if len(regions) < 2:
            raise Unsupported(f"interpolate needs at least 2 released regions, got {len(regions)}")
        gain, quality, left, originals, restored = [], [], [], [], []
        for before, after in regions:
            known = left_untouched(after)
            filled = fill_between(after, known)
            flat = after[known].mean(axis=0) if known.any() else np.full(3, 127.0)
            trivial = max(_psnr(after, before), _psnr(np.broadcast_to(flat, before.shape), before))
            quality.append(_psnr(filled, before))
            gain.append(quality[-1] - trivial)
            left.append(float(known.mean()))
            originals.append(grey(before[None], self.side)[0])
            restored.append(grey(np.ascontiguousarray(filled)[None], self.side)[0])
        notes = ("adversary: sees the release alone and interpolates between pixels that do not hold the fill",)
        place = ranks(_correlation(np.stack(restored), np.stack(originals)), np.arange(len(regions)), rng)
        people = [str(i) for i in range(len(regions))]
        chance = 1 / len(regions)
        return (
            share("interpolate", "identity_restored", place == 1, people, rng=rng, chance=chance, notes=notes),
            mean("interpolate", "psnr_gain", np.array(gain), rng=rng, chance=0.0, notes=notes),
            mean("interpolate", "psnr_restored", np.array(quality), rng=rng, notes=notes),
            mean("interpolate", "pixels_left", np.array(left), rng=rng, notes=notes),
        )

    def _regions(self, pair: Pair) -> list[tuple[Pixels, Pixels]]:
        """Regions before and after at their own resolution; of a large one, its middle."""
        if pair.after is None or not isinstance(pair.before.media, Image) or not isinstance(pair.after.media, Image):
            return []
        if pair.after.image.shape != pair.before.image.shape:
            return []
        places = [f.where for f in pair.findings if f.kind == self.kind]
        boxes = [w.bounds() for w in places if isinstance(w, Box | Polygon | Mask)]
        height, width = pair.before.image.shape
        found = []
        for box in boxes or [Box(0, 0, width, height)]:
            x, y = int(box.x + max(0, box.width - self.window) / 2), int(box.y + max(0, box.height - self.window) / 2)
            w, h = int(min(self.window, box.width)), int(min(self.window, box.height))
            rows, columns = slice(max(0, y), max(0, y + h)), slice(max(0, x), max(0, x + w))
            before, after = pair.before.image.pixels[rows, columns], pair.after.image.pixels[rows, columns]
            if min(before.shape[:2]) >= 4:
                found.append((before, after))
        return found


def _psnr(guess: NDArray[np.generic], truth: Pixels) -> float:
    error = float(np.mean((guess.astype(float) - truth) ** 2))
    return float(10 * np.log10(255**2 / max(error, 255**2 * 1e-10)))


def _correlation(left: Floats, right: Floats) -> Floats:
    def unit(rows: Floats) -> Floats:
        rows = rows - rows.mean(axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))

    return np.asarray(np.round(unit(left) @ unit(right).T, 9))
