"""Does a treated picture look natural? Proxies that a machine can compute, and no more than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import BoolArray, Image, Media, Pixels
from veilset.probes.adversary.crops import Floats, chosen
from veilset.probes.adversary.scores import mean

LIMITS = "a proxy, not a study of viewers: it does not know what a face is, and rewards what is smooth and seamless"


def seam(pixels: Pixels, region: BoolArray) -> float:
    """Mean jump of grey across the region's border, over the mean jump elsewhere: 1 is seamless.

    >>> flat = np.full((8, 8, 3), 90, np.uint8)
    >>> seam(flat, np.eye(8, dtype=bool))
    1.0
    """
    plain = pixels.astype(np.float64).mean(axis=2)
    jumps = [np.abs(np.diff(plain, axis=a)) for a in (0, 1)]
    border = [np.diff(region.astype(np.int8), axis=a) != 0 for a in (0, 1)]
    across = np.concatenate([j[b] for j, b in zip(jumps, border, strict=True)])
    rest = np.concatenate([j[~b] for j, b in zip(jumps, border, strict=True)])
    if not len(across) or not len(rest):
        return 1.0
    return float((across.mean() + 1) / (rest.mean() + 1))


def sharpness(pixels: Pixels, region: BoolArray) -> float:
    """Spread of the Laplacian inside the region: fine detail."""
    plain = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(np.float64)
    return float(cv2.Laplacian(plain, cv2.CV_64F)[region].std())


def colours(one: Pixels, two: Pixels, region: BoolArray) -> float:
    """Intersection of the colour histograms inside the region (8 bins a channel), 1 for the same colours."""

    def histogram(pixels: Pixels) -> Floats:
        codes = (pixels[region].astype(int) // 32) @ np.array([64, 8, 1])
        return np.bincount(codes, minlength=512) / len(codes)

    return float(np.minimum(histogram(one), histogram(two)).sum())


@dataclass(frozen=True)
class Naturalness:
    """Seams, detail and colours of treated regions, against the same regions of the originals.

    Attributes:
        limit: Most pictures that are looked at, drawn at random.

    *Shapes and units*: pictures (height, width, 3) uint8, equal in size; the treated region is what differs by more than
    8 grey values, closed over 5 pixels; `seam` and `detail` are ratios, `colours` a share in [0, 1].

    *Measurements*: `seam`: how much more grey jumps across the border of the treated region than elsewhere, over the
    same in the original (1 is natural); `detail`: fine detail left, over the original's (1 is natural);
    `colours`: share of the colours kept. These are proxies; ask people with `viewers`.

    Raises:
        Unsupported: No picture was changed.

    *Source*: ours, none of the three being a published measure of naturalness; the spread of the Laplacian measures
    focus in Pertuz et al. 2013, the histogram intersection is that of Swain and Ballard 1991.

    >>> Naturalness().limit
    200
    """

    limit: int = 200

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.positive(limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Compare changed regions."""
        rows = [row for i in chosen(len(case.pairs), self.limit, rng) if (row := _compare(case.pairs[i])) is not None]
        if not rows:
            raise Unsupported("naturalness: no released picture of the same size was changed")
        table = np.array(rows)
        directions = (("seam", "lower"), ("detail", "higher"), ("colours", "higher"))
        return tuple(
            mean(
                "naturalness",
                name,
                table[:, at],
                rng=rng,
                better="lower" if way == "lower" else "higher",
                notes=(LIMITS,),
            )
            for at, (name, way) in enumerate(directions)
        )


def _compare(pair: Pair) -> tuple[float, float, float] | None:
    if pair.after is None or not isinstance(pair.before.media, Image) or not isinstance(pair.after.media, Image):
        return None
    if pair.after.image.shape != pair.before.image.shape:
        return None
    before, after = pair.before.image.pixels, pair.after.image.pixels
    changed = np.abs(before.astype(int) - after).max(axis=2) > 8
    region = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)).astype(bool)
    if not region.any():
        return None
    inner = cv2.erode(region.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    inner = inner if inner.any() else region
    detail = sharpness(after, inner) / max(sharpness(before, inner), 1.0)
    return seam(after, region) / seam(before, region), detail, colours(before, after, region)
