"""Undo a blur or a mosaic: by optimisation through the known operator, and by restoration learned from examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Media, Pixels
from veilset.probes.adversary.crops import Crops, Floats, cut, gather, grey, groups_of, treat_anew
from veilset.probes.adversary.effort import Effort, on_grid
from veilset.probes.adversary.restoration import Restoration, learn_restoration
from veilset.probes.adversary.restorer import Restorer, learn_restorer
from veilset.probes.adversary.scores import mean, ranks, share, worst
from veilset.probes.adversary.views import halves

SAME = "taught by other pictures, of the same people too"
OTHERS = "taught by pictures of other people"


def psnr(restored: Floats, truth: Floats) -> Floats:
    """Peak signal-to-noise ratio in dB of each row of pictures in [0, 1]; 100 dB where they are the same.

    >>> psnr(np.full((1, 4), 0.6), np.full((1, 4), 0.5)).round(1).tolist()
    [20.0]
    """
    error = np.mean((restored - truth) ** 2, axis=1)
    return np.asarray(10 * np.log10(1 / np.maximum(error, 1e-10)))


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
        side: Side of the pictures compared, in pixels.
        limit: Most pairs that are looked at, drawn at random.
        steps: Steps of the iteration through the operator.
        iterated: Pictures that are iterated on; 0 to leave it out.
        releases: How often the same picture was released, each time with fresh noise.
        network_steps: Most steps that the restoring network learns; 0 to leave it out.
        network_seconds: Most seconds that it learns.
        device: Where it learns: `auto` (a GPU where there is one), `cpu` or `cuda`.

    *Adversary*: knows operator and settings, treats pictures of its own with fresh noise and learns the way back from
    them; never sees the original of a target. `learned`, a linear map, holds other pictures, of the same people too;
    `network` holds public faces, of other people than the targets, and `learned_strangers` is the linear map taught by
    the same faces. With `releases` above 1 the same picture was released so many times, and the adversary averages.

    *Measurements*: `identity_restored`, the worst of `learned` and `network`, at a corrected confidence; then for each
    way `identity_*`: share of targets whose picture is nearest to its own original among all targets' originals, with
    chance 1 / targets; `psnr_*`; and `psnr_gain_*`: decibels won over the better of the treated picture and the mean
    picture; a broken attack has none. `identity_treated` restores nothing. `*_iterated` are over the fewer pictures that
    are iterated on. The network needs torch; without it the headline says that it was not tried.

    *Source*: Landweber 1951; linear minimum-mean-square-error estimation; Hill et al. 2016 for why such treatments
    are not viable; the network is a small U-Net (Ronneberger, Fischer and Brox 2015) that corrects the linear estimate.

    >>> Deobfuscate(side=32).steps
    30
    """

    kind: str = "face"
    side: int = 48
    limit: int = 400
    steps: int = 30
    iterated: int = 24
    releases: int = 1
    network_steps: int = 400
    network_seconds: float = 90.0
    device: str = "auto"

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(8, 256, side=self.side)
        check.in_range(8, 100_000, limit=self.limit)
        check.in_range(0, 1000, steps=self.steps, iterated=self.iterated)
        check.in_range(1, 100, releases=self.releases)
        self._effort()

    def _effort(self) -> Effort:
        return Effort(self.network_steps, self.network_seconds, self.device)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Restore half of the pictures with what the other half taught, and half of the people likewise.

        Raises:
            Unsupported: Fewer than eight regions to learn from and to attack.
        """
        crops, order = self._gather(case, rng)
        learn, attack = order[: len(crops) // 2], order[len(crops) // 2 :]
        truth, seen = grey(crops.before, self.side), self._seen(crops)
        linear = np.clip(_learned(crops, learn, self.side, truth, seen)(seen[attack]), 0, 1)
        pictures = {"learned": (linear, f"a linear map; {SAME}"), "treated": (seen[attack], "nothing restored")}
        found = self._scores(truth[attack], seen[attack], pictures, truth[learn].mean(axis=0), rng)
        effort = self._effort()
        if effort.possible:
            found += self._strangers(crops, truth, seen, effort, rng)
        if case.knowledge.treatments and self.iterated and self.steps:
            found += self._iterate(case, rng)
        named = [m for m in found if m.name in ("identity_learned", "identity_network")]
        first = worst(named, "identity_restored")
        return (replace(first, notes=(*first.notes, *effort.missing("restoration by a network"))), *found)

    def restored(self, case: Case, *, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Originals, treated and restored targets (n, side, side) in [0, 1], for the private part of a report."""
        crops, order = self._gather(case, rng)
        learn, attack = order[: len(crops) // 2], order[len(crops) // 2 :]
        truth, seen = grey(crops.before, self.side), self._seen(crops)
        effort = self._effort()
        if effort.possible:
            back = grey(self._network(crops, learn, effort, rng)(self._averaged(crops)[attack]), self.side)
        else:
            back = np.clip(_learned(crops, learn, self.side, truth, seen)(seen[attack]), 0, 1)
        shape = (-1, self.side, self.side)
        return truth[attack].reshape(shape), seen[attack].reshape(shape), back.reshape(shape)

    def _gather(self, case: Case, rng: np.random.Generator) -> tuple[Crops, NDArray[np.int64]]:
        side, copies = on_grid(self.side), max(2, self.releases)
        crops = gather(case, kind=self.kind, side=side, limit=self.limit, copies=copies, rng=rng)
        if len(crops) < 8:
            raise Unsupported(f"deobfuscate needs at least 8 regions, got {len(crops)}")
        return crops, rng.permutation(len(crops))

    def _strangers(
        self, crops: Crops, truth: Floats, seen: Floats, effort: Effort, rng: np.random.Generator
    ) -> list[Measurement]:
        """The network, and beside it the linear map, both taught by faces of other people."""
        learn, attack = halves(groups_of(crops), rng)
        who = OTHERS
        if min(len(learn), len(attack)) < 4:
            order = rng.permutation(len(crops))
            learn, attack, who = order[: len(crops) // 2], order[len(crops) // 2 :], SAME
        restorer = self._network(crops, learn, effort, rng)
        linear = np.clip(_learned(crops, learn, self.side, truth, seen)(seen[attack]), 0, 1)
        pictures = {
            "network": (
                grey(restorer(self._averaged(crops)[attack]), self.side),
                f"a network, {restorer.learned.in_words()}; {who}",
            ),
            "learned_strangers": (linear, f"a linear map; {who}"),
        }
        return self._scores(truth[attack], seen[attack], pictures, truth[learn].mean(axis=0), rng)

    def _seen(self, crops: Crops) -> Floats:
        """What the adversary holds of each target: one release, or the average of several."""
        seen = grey(crops.after, self.side)
        copies = [grey(copy, self.side) for copy in crops.anew[: self.releases - 1]]
        return np.asarray(np.mean([seen, *copies], axis=0))

    def _averaged(self, crops: Crops) -> Pixels:
        """The same in colour, at the side that the network works at."""
        several = [crops.after, *crops.anew[: self.releases - 1]]
        return np.asarray(np.mean(several, axis=0).round() if len(several) > 1 else crops.after, dtype=np.uint8)

    def _network(self, crops: Crops, learn: NDArray[np.int64], effort: Effort, rng: np.random.Generator) -> Restorer:
        """Learned like the linear map: from own treatments, and from releases with known originals."""
        treated = [self._averaged(crops)[learn]]
        if self.releases == 1:
            treated += [copy[learn] for copy in crops.anew]
        groups = np.asarray(groups_of(crops))[learn].tolist()
        return learn_restorer("deobfuscate", np.stack(treated), crops.before[learn], groups, effort, rng=rng)

    def _scores(
        self,
        truth: Floats,
        seen: Floats,
        pictures: Mapping[str, tuple[Floats, str]],
        guess: Floats,
        rng: np.random.Generator,
    ) -> list[Measurement]:
        """Identity and decibels of each way, against the treated picture and the adversary's mean picture."""
        trivial = np.maximum(psnr(seen, truth), psnr(np.broadcast_to(guess, truth.shape), truth))
        found = []
        for name, (picture, about) in pictures.items():
            notes = (f"adversary: knows the treatment; {about}", f"{self.releases} release(s) of each picture")
            found.append(_identity(f"identity_{name}", picture, truth, notes, rng))
            if name == "treated":
                continue
            reached = psnr(picture, truth)
            found.append(mean("deobfuscate", f"psnr_{name}", reached, rng=rng, notes=notes))
            found.append(mean("deobfuscate", f"psnr_gain_{name}", reached - trivial, rng=rng, chance=0.0, notes=notes))
        return found

    def _iterate(self, case: Case, rng: np.random.Generator) -> list[Measurement]:
        """The optimisation: the best number of steps is chosen on pictures that the adversary owns."""
        owned: list[Iterated] = []
        targets: list[Iterated] = []
        for number, index in enumerate(rng.permutation(len(case.pairs))[: 2 * self.iterated]):
            one = self._curve(case.pairs[int(index)], case, rng)
            if one is not None:
                (owned if number % 2 else targets).append(one)
        if len(owned) < 2 or len(targets) < 2:
            return []
        step = int(np.argmax(np.mean([one.curve for one in owned], axis=0)))
        gain = np.array([one.curve[step] - one.curve[0] for one in targets])
        notes = (f"adversary: iterates through the operator itself, {step} steps chosen on own pictures",)
        pictures, truth = np.stack([one.guesses[step] for one in targets]), np.stack([one.truth for one in targets])
        return [
            _identity("identity_iterated", pictures, truth, notes, rng),
            mean("deobfuscate", "psnr_gain_iterated", gain, rng=rng, chance=0.0, notes=notes),
        ]

    def _curve(self, pair: Pair, case: Case, rng: np.random.Generator) -> Iterated | None:
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
        guesses = grey(np.stack(cuts), self.side)
        return Iterated(truth[0], guesses, psnr(guesses, truth))


@dataclass(frozen=True, eq=False, slots=True)
class Iterated:
    """One picture under iteration: its original (d,), every iterate (steps + 1, d), and their PSNR (steps + 1,)."""

    truth: Floats
    guesses: Floats
    curve: Floats


def _identity(
    name: str, pictures: Floats, truth: Floats, notes: tuple[str, ...], rng: np.random.Generator
) -> Measurement:
    """Share of pictures that are nearest to their own original."""
    place = ranks(_likeness(pictures, truth), np.arange(len(truth)), rng)
    people = [str(i) for i in range(len(truth))]
    return share("deobfuscate", name, place == 1, people, rng=rng, chance=1 / len(truth), notes=notes)


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
