"""Does an everyday filter undo the treatment? Re-quantisation, median, JPEG, denoising, sharpening up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from veilset.core import check
from veilset.core.errors import BrokenContract, Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Pixels
from veilset.probes.adversary.crops import Floats, gather, grey
from veilset.probes.adversary.scores import mean, ranks, share, worst
from veilset.probes.attack.deobfuscate import psnr


def requantise(pixels: Pixels) -> Pixels:
    """Four bits a channel, black and white kept: small steps vanish."""
    return np.asarray(np.round(pixels / 17.0) * 17, dtype=np.uint8)


def median(pixels: Pixels) -> Pixels:
    """The median of 5 x 5: single disturbed pixels vanish."""
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(pixels), 5), dtype=np.uint8)


def jpeg(pixels: Pixels) -> Pixels:
    """A JPEG of quality 30 and back: fine patterns vanish."""
    done, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])
    if not done:
        raise BrokenContract("undo: a crop could not be coded as JPEG")
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)


def denoise(pixels: Pixels) -> Pixels:
    """Non-local means (Buades, Coll and Morel 2005), strong."""
    grain = cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(pixels), None, 20, 20, 5, 15)
    return np.asarray(grain, dtype=np.uint8)


def enlarge(pixels: Pixels) -> Pixels:
    """Down by two and up again with Lanczos, then an unsharp mask: the classical stand-in for super-resolution."""
    high, wide = pixels.shape[:2]
    small = cv2.resize(pixels, (max(1, wide // 2), max(1, high // 2)), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (wide, high), interpolation=cv2.INTER_LANCZOS4)
    return np.asarray(cv2.addWeighted(large, 1.8, cv2.GaussianBlur(large, (0, 0), 3), -0.8, 0), dtype=np.uint8)


FILTERS: Mapping[str, Callable[[Pixels], Pixels]] = {
    "denoise": denoise,
    "enlarge": enlarge,
    "jpeg": jpeg,
    "median": median,
    "requantise": requantise,
}


@dataclass(frozen=True)
class Undo:
    """Filters that everybody has, against the treatment.

    Attributes:
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        filters: Filters to try.
        limit: Most pairs that are looked at, drawn at random.
        side: Side of the grey pictures compared, in pixels.

    *Adversary*: holds the originals, filters what was released, and looks for the nearest original; no training.

    *Measurements*: `twin`, the worst filter, at a corrected confidence; `twin_untouched` without any filter;
    `twin_<filter>`: share of regions nearest to their own original, chance 1 / regions; `psnr_gain_<filter>`: decibels
    won over the treated region (chance 0).

    Raises:
        Unsupported: Fewer than two released regions.

    *Source*: non-local means of Buades, Coll and Morel 2005; the others are textbook filters. Trying cheap filters
    against a defence follows Carlini and Wagner 2017, who did so with defences against adversarial examples.

    >>> Undo(filters=("median",)).limit
    150
    """

    kind: str = "face"
    filters: tuple[str, ...] = tuple(FILTERS)
    limit: int = 150
    side: int = 64

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        for name in self.filters:
            check.one_of(tuple(FILTERS), filters=name)
        check.in_range(2, 10_000, limit=self.limit)
        check.in_range(16, 256, side=self.side)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Every filter; the worst first.

        Raises:
            Unsupported: Fewer than two released regions.
        """
        crops = gather(case, kind=self.kind, side=self.side, limit=self.limit, rng=rng)
        if len(crops) < 2:
            raise Unsupported(f"undo needs at least 2 released regions, got {len(crops)}")
        truth, treated = grey(crops.before, 32), psnr(grey(crops.after, 32), grey(crops.before, 32))
        found = [self._twin("untouched", grey(crops.after, 32), truth, rng)]
        for name in self.filters:
            cleaned = grey(np.stack([FILTERS[name](c) for c in crops.after]), 32)
            found.append(self._twin(name, cleaned, truth, rng))
            gain = psnr(cleaned, truth) - treated
            found.append(mean("undo", f"psnr_gain_{name}", gain, rng=rng, chance=0.0, notes=_notes(name)))
        return (worst([m for m in found if m.name.startswith("twin_")], "twin"), *found)

    def _twin(self, name: str, pictures: Floats, truth: Floats, rng: np.random.Generator) -> Measurement:
        def unit(rows: Floats) -> Floats:
            rows = rows - rows.mean(axis=1, keepdims=True)
            return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))

        n = len(truth)
        place = ranks(np.round(unit(pictures) @ unit(truth).T, 9), np.arange(n), rng)
        people = [str(i) for i in range(n)]
        return share("undo", f"twin_{name}", place == 1, people, rng=rng, chance=1 / n, notes=_notes(name))


def _notes(name: str) -> tuple[str, ...]:
    return (f"adversary: holds the originals; filter: {name}; no training",)
