"""Does an everyday filter undo the treatment, or a learned one? Median, JPEG, denoising, upscaling, restoration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import cv2
import numpy as np

from veilset.core import check
from veilset.core.errors import BrokenContract, Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Pixels
from veilset.probes.adversary.crops import Crops, Floats, gather, grey, groups_of
from veilset.probes.adversary.effort import Effort, on_grid
from veilset.probes.adversary.restorer import Restorer, learn_restorer
from veilset.probes.adversary.scores import mean, ranks, share, worst
from veilset.probes.adversary.views import halves
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
LEARNED = {
    "restore": "a network taught by treated pictures of other people",
    "upscale": "a network that makes pictures four times as large, taught by clean pictures of other people",
}
SCALE = 4
FEWEST = 4


def shrink(crops: Pixels) -> Pixels:
    """A quarter of each side by area, and back by cubic interpolation: what an upscaler is given.

    >>> shrink(np.zeros((2, 32, 32, 3), np.uint8)).shape
    (2, 32, 32, 3)
    """
    side = crops.shape[1]
    small = [cv2.resize(c, (side // SCALE, side // SCALE), interpolation=cv2.INTER_AREA) for c in crops]
    return np.stack([cv2.resize(c, (side, side), interpolation=cv2.INTER_CUBIC) for c in small])


@dataclass(frozen=True)
class Undo:
    """Filters that everybody has, and two learned ones, against the treatment.

    Attributes:
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        filters: Filters to try.
        limit: Most regions that are attacked, drawn at random; learned filters learn from as many others.
        side: Side of the pictures compared, in pixels.
        network_steps: Most steps that each learned filter learns; 0 to leave them out.
        network_seconds: Most seconds that each of them learns.
        device: Where they learn: `auto` (a GPU where there is one), `cpu` or `cuda`.

    *Adversary*: holds the originals, filters what was released, and looks for the nearest original. `upscale` (super-
    resolution) has learned from clean pictures of other people what four times as large a picture looks like, and knows
    nothing of the treatment; `restore` has learned from treated pictures of other people. Both need torch.

    *Measurements*: `twin`, the worst filter, at a corrected confidence; `twin_untouched` without any filter;
    `twin_<filter>`: share of regions nearest to their own original, chance 1 / regions; `psnr_gain_<filter>`: decibels
    won over the treated region (chance 0).

    Raises:
        Unsupported: Fewer than two released regions.

    *Source*: non-local means of Buades, Coll and Morel 2005; learned upscaling after Dong et al. 2014, with our small
    U-Net; the others are textbook filters. Trying cheap filters against a defence follows Carlini and Wagner 2017, who
    did so with defences against adversarial examples.

    >>> Undo(filters=("median",)).limit
    150
    """

    kind: str = "face"
    filters: tuple[str, ...] = (*FILTERS, *LEARNED)
    limit: int = 150
    side: int = 64
    network_steps: int = 200
    network_seconds: float = 60.0
    device: str = "auto"

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        for name in self.filters:
            check.one_of((*FILTERS, *LEARNED), filters=name)
        check.in_range(2, 10_000, limit=self.limit)
        check.in_range(16, 256, side=self.side)
        self._effort()

    def _effort(self) -> Effort:
        return Effort(self.network_steps, self.network_seconds, self.device)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Every filter; the worst first.

        Raises:
            Unsupported: Fewer than two released regions.
        """
        effort, wanted = self._effort(), [name for name in self.filters if name in LEARNED]
        deep = bool(wanted) and effort.possible
        limit, copies = self.limit * (2 if deep else 1), int(deep)
        crops = gather(case, kind=self.kind, side=on_grid(self.side), limit=limit, copies=copies, rng=rng)
        if len(crops) < 2:
            raise Unsupported(f"undo needs at least 2 released regions, got {len(crops)}")
        learned: dict[str, Restorer] = {}
        about: tuple[str, ...] = ()
        if deep:
            learn, attack = halves(groups_of(crops), rng)
            if min(len(learn), len(attack)) >= FEWEST:
                lessons, crops = crops.take(learn), crops.take(attack)
                learned = {name: _learn(name, lessons, effort, rng) for name in wanted}
            else:
                about = ("learned filters not tried: too few other people to learn from",)
        elif wanted:
            about = effort.missing(f"learned filters ({', '.join(wanted)})")
        return self._every(crops, learned, about, rng)

    def _every(
        self, crops: Crops, learned: Mapping[str, Restorer], about: tuple[str, ...], rng: np.random.Generator
    ) -> tuple[Measurement, ...]:
        truth, treated = grey(crops.before, 32), psnr(grey(crops.after, 32), grey(crops.before, 32))
        found = [self._twin("untouched", grey(crops.after, 32), truth, "no filter", rng)]
        for name in self.filters:
            if name in FILTERS:
                cleaned, how = np.stack([FILTERS[name](c) for c in crops.after]), f"filter: {name}; no training"
            elif name in learned:
                given = shrink(crops.after) if name == "upscale" else crops.after
                cleaned, how = learned[name](given), f"{LEARNED[name]}, {learned[name].learned.in_words()}"
            else:
                continue
            found.append(self._twin(name, grey(cleaned, 32), truth, how, rng))
            gain = psnr(grey(cleaned, 32), truth) - treated
            found.append(mean("undo", f"psnr_gain_{name}", gain, rng=rng, chance=0.0, notes=_notes(how)))
        first = worst([m for m in found if m.name.startswith("twin_")], "twin")
        return (replace(first, notes=(*first.notes, *about)), *found)

    def _twin(self, name: str, pictures: Floats, truth: Floats, how: str, rng: np.random.Generator) -> Measurement:
        def unit(rows: Floats) -> Floats:
            rows = rows - rows.mean(axis=1, keepdims=True)
            return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))

        n = len(truth)
        place = ranks(np.round(unit(pictures) @ unit(truth).T, 9), np.arange(n), rng)
        people = [str(i) for i in range(n)]
        return share("undo", f"twin_{name}", place == 1, people, rng=rng, chance=1 / n, notes=_notes(how))


def _notes(how: str) -> tuple[str, ...]:
    return (f"adversary: holds the originals; {how}",)


def _learn(name: str, lessons: Crops, effort: Effort, rng: np.random.Generator) -> Restorer:
    """A learned filter: from treated to clean, or from small to large."""
    treated = [shrink(lessons.before)] if name == "upscale" else [lessons.after, *lessons.anew]
    return learn_restorer("undo", np.stack(treated), lessons.before, groups_of(lessons), effort, rng=rng)
