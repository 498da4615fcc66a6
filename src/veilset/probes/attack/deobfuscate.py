"""Undo a blur or a mosaic: by optimisation through the known operator, and by restoration learned from examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Media
from veilset.probes.adversary.crops import Crops, Floats, cut, gather, grey, treat_anew
from veilset.probes.adversary.recogniser import principal
from veilset.probes.adversary.scores import mean, ranks, share


def psnr(restored: Floats, truth: Floats) -> Floats:
    """Peak signal-to-noise ratio in dB of each row of pictures in [0, 1]; 100 dB where they are the same.

    >>> psnr(np.full((1, 4), 0.6), np.full((1, 4), 0.5)).round(1).tolist()
    [20.0]
    """
    error = np.mean((restored - truth) ** 2, axis=1)
    return np.asarray(10 * np.log10(1 / np.maximum(error, 1e-10)))


@dataclass(frozen=True, eq=False)
class Restoration:
    """A learned linear map from treated pictures (n, d) to originals (n, d)."""

    treated_mean: Floats
    weights: Floats
    clean_mean: Floats
    clean_basis: Floats

    def __call__(self, treated: Floats) -> Floats:
        """Restore; values may leave the range of the originals."""
        return np.asarray(self.clean_mean + (treated - self.treated_mean) @ self.weights @ self.clean_basis.T)


def learn_restoration(treated: Floats, clean: Floats, *, components: int = 150, copies: int = 1) -> Restoration:
    """The best linear guess of the original, by ridge regression between principal components.

    The originals' components are the prior: what comes out is always a mixture of what such pictures look like. The
    strength of the ridge is chosen by the error on originals left out, so noise makes the guess shrink to the mean.
    With `copies`, the rows are so many treatments of the same originals, one block after another.
    """
    treated_mean, treated_basis, _ = principal(treated, components)
    clean_mean, clean_basis, _ = principal(clean, components)
    if not treated_basis.shape[1] or not clean_basis.shape[1]:
        nothing = np.zeros((treated.shape[1], 1)), clean_mean, np.zeros((clean.shape[1], 1))
        return Restoration(treated_mean, *nothing)
    source, target = (treated - treated_mean) @ treated_basis, (clean - clean_mean) @ clean_basis
    strengths = np.linalg.norm(source, 2) ** 2 * np.logspace(-7, 3, 21)
    fold = np.arange(len(source)) % (len(source) // copies) % 4
    errors = np.zeros(len(strengths))
    for left_out in range(4):
        kept, tested = fold != left_out, fold == left_out
        if kept.any() and tested.any():
            for i, weights in enumerate(_ridges(source[kept], target[kept], strengths)):
                errors[i] += float(np.sum((target[tested] - source[tested] @ weights) ** 2))
    best = _ridges(source, target, strengths[[int(np.argmin(errors))]])[0]
    return Restoration(treated_mean, treated_basis @ best, clean_mean, clean_basis)


def _ridges(source: Floats, target: Floats, strengths: Floats) -> list[Floats]:
    """Ridge regression at every strength, from one decomposition."""
    left, singular, right = np.linalg.svd(source, full_matrices=False)
    turned = left.T @ target
    return [(right.T * (singular / (singular**2 + s))) @ turned for s in strengths]


def invert_by_iteration(treated: Floats, forward: Callable[[Floats], Floats], steps: int) -> list[Floats]:
    """Landweber iteration x <- x + (y - A x) through the operator itself, a black box; every iterate, from x = y.

    Converges to the least-squares inverse for averaging operators (blur and mosaic are close to symmetric, with
    eigenvalues in [0, 1]); stopping early is the regularisation.
    """
    guesses = [treated]
    for _ in range(steps):
        guesses.append(np.clip(guesses[-1] + treated - forward(guesses[-1]), 0, 255))
    return guesses


@dataclass(frozen=True)
class Deobfuscate:
    """Restore what a blur or mosaic hid, and see whom the restored picture shows.

    Attributes:
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        side: Side of the grey pictures compared, in pixels.
        limit: Most pairs that are looked at, drawn at random.
        steps: Steps of the iteration through the operator.
        iterated: Pictures that are iterated on; 0 to leave it out.
        releases: How often the same picture was released, each time with fresh noise.

    *Adversary*: knows operator and settings, holds other pictures of the same kind (half of the pairs), treats them
    with fresh noise and learns the way back from them; never sees the original of a target. With `releases` above 1
    the same picture was released so many times, and the adversary averages.

    *Measurements*: `identity_restored` and `identity_treated`: share of targets whose restored (or merely treated)
    picture is nearest to its own original among all targets' originals, with chance 1 / targets;
    `psnr_gain_*`: decibels won over the better of the treated picture and the mean picture; a broken attack has none.

    *Source*: Landweber 1951; linear minimum-mean-square-error estimation; Hill et al. 2016 for why such treatments
    are not viable. Learned on principal components in place of a deep network, to run in seconds.

    >>> Deobfuscate(side=32).steps
    30
    """

    kind: str = "face"
    side: int = 48
    limit: int = 400
    steps: int = 30
    iterated: int = 24
    releases: int = 1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(8, 256, side=self.side)
        check.in_range(8, 100_000, limit=self.limit)
        check.in_range(0, 1000, steps=self.steps, iterated=self.iterated)
        check.in_range(1, 100, releases=self.releases)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Restore half of the pairs with what the other half taught.

        Raises:
            Unsupported: Fewer than eight regions to learn from and to attack.
        """
        crops, learn, attack = self._split(case, rng)
        truth, seen = grey(crops.before, self.side), self._seen(crops)
        restore = _learned(crops, learn, self.side, truth, seen)
        found = [
            *self._scores(
                truth[attack], seen[attack], np.clip(restore(seen[attack]), 0, 1), truth[learn].mean(axis=0), rng
            )
        ]
        if case.knowledge.treatments and self.iterated and self.steps:
            found.extend(self._iterate(case, rng))
        return tuple(found)

    def restored(self, case: Case, *, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Originals, treated and restored targets (n, side, side) in [0, 1], for the private part of a report."""
        crops, learn, attack = self._split(case, rng)
        truth, seen = grey(crops.before, self.side), self._seen(crops)
        restore = _learned(crops, learn, self.side, truth, seen)
        shape = (-1, self.side, self.side)
        return (
            truth[attack].reshape(shape),
            seen[attack].reshape(shape),
            np.clip(restore(seen[attack]), 0, 1).reshape(shape),
        )

    def _split(self, case: Case, rng: np.random.Generator) -> tuple[Crops, NDArray[np.int64], NDArray[np.int64]]:
        crops = gather(case, kind=self.kind, side=self.side, limit=self.limit, copies=max(2, self.releases), rng=rng)
        if len(crops) < 8:
            raise Unsupported(f"deobfuscate needs at least 8 regions, got {len(crops)}")
        order = rng.permutation(len(crops))
        return crops, order[: len(crops) // 2], order[len(crops) // 2 :]

    def _seen(self, crops: Crops) -> Floats:
        """What the adversary holds of each target: one release, or the average of several."""
        seen = grey(crops.after, self.side)
        copies = [grey(copy, self.side) for copy in crops.anew[: self.releases - 1]]
        return np.asarray(np.mean([seen, *copies], axis=0))

    def _scores(
        self, truth: Floats, seen: Floats, restored: Floats, guess: Floats, rng: np.random.Generator
    ) -> tuple[Measurement, ...]:
        chance = 1 / len(truth)
        notes = (
            "adversary: knows the treatment, learned the way back from other pictures of the same kind",
            f"restored from {self.releases} release(s) of each picture",
        )
        found = []
        for name, pictures in (("identity_restored", restored), ("identity_treated", seen)):
            place = ranks(_likeness(pictures, truth), np.arange(len(truth)), rng)
            people = [str(i) for i in range(len(truth))]
            found.append(share("deobfuscate", name, place == 1, people, rng=rng, chance=chance, notes=notes))
        trivial = np.maximum(psnr(seen, truth), psnr(np.broadcast_to(guess, truth.shape), truth))
        gain = psnr(restored, truth) - trivial
        found.append(mean("deobfuscate", "psnr_restored", psnr(restored, truth), rng=rng, notes=notes))
        found.append(mean("deobfuscate", "psnr_gain_learned", gain, rng=rng, chance=0.0, notes=notes))
        return tuple(found)

    def _iterate(self, case: Case, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """The optimisation: the best number of steps is chosen on pictures that the adversary owns."""
        owned: list[Floats] = []
        targets: list[Floats] = []
        for number, index in enumerate(rng.permutation(len(case.pairs))[: 2 * self.iterated]):
            curve = self._curve(case.pairs[int(index)], case, rng)
            if curve is not None:
                (owned if number % 2 else targets).append(curve)
        if len(owned) < 2 or len(targets) < 2:
            return ()
        step = int(np.argmax(np.mean(owned, axis=0)))
        gain = np.array([curve[step] - curve[0] for curve in targets])
        notes = (f"adversary: iterates through the operator itself, {step} steps chosen on own pictures",)
        return (mean("deobfuscate", "psnr_gain_iterated", gain, rng=rng, chance=0.0, notes=notes),)

    def _curve(self, pair: Pair, case: Case, rng: np.random.Generator) -> Floats | None:
        if pair.after is None or not isinstance(pair.before.media, Image):
            return None
        if not isinstance(pair.after.media, Image) or pair.after.image.shape != pair.before.image.shape:
            return None

        def forward(guess: Floats) -> Floats:
            picture = Image(np.asarray(guess.round(), dtype=np.uint8))
            sample = treat_anew(Pair(pair.before.with_media(picture), None, pair.findings), case.knowledge, rng)
            return guess if sample is None else sample.image.pixels.astype(float)

        treated = pair.after.image.pixels.astype(float)
        box = next(
            (f.where.bounds() for f in pair.findings if f.kind == self.kind and hasattr(f.where, "bounds")), None
        )
        cuts = [
            cut(np.asarray(guess.round(), dtype=np.uint8), box, self.side)
            for guess in invert_by_iteration(treated, forward, self.steps)
        ]
        truth = grey(cut(pair.before.image.pixels, box, self.side)[None], self.side)
        return psnr(grey(np.stack(cuts), self.side), truth)


def _learned(crops: Crops, learn: NDArray[np.int64], side: int, truth: Floats, seen: Floats) -> Restoration:
    """Learned from own treatments where the operator is known, and from releases with known originals."""
    treated = [seen[learn], *(grey(copy[learn], side) for copy in crops.anew)]
    return learn_restoration(
        np.concatenate(treated), np.concatenate([truth[learn]] * len(treated)), copies=len(treated)
    )


def _likeness(pictures: Floats, originals: Floats) -> Floats:
    """Correlation of every picture with every original, after the originals' mean is taken off both."""
    centre = originals.mean(axis=0)
    left, right = pictures - pictures.mean(axis=0), originals - centre
    left = left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-9)
    right = right / np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-9)
    return np.asarray(np.round(left @ right.T, 9))
