"""Recognise people in treated pictures: by a naive adversary, by one trained on treated data, and after restoration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import MissingWeights, Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Pixels
from veilset.probes.adversary.crops import Crops, Floats, gather, grey
from veilset.probes.adversary.deep import features_of, lessons, rebuild, recognised
from veilset.probes.adversary.effort import Effort
from veilset.probes.adversary.embedding import embed
from veilset.probes.adversary.recogniser import class_centres, fit
from veilset.probes.adversary.restoration import learn_restoration
from veilset.probes.adversary.scores import accepted_at, equal_error, ranks, share, worst
from veilset.weights.face_embedding import DEFAULT, MODELS, network_of

Features = Callable[[Pixels], Floats]

KNOWS = {
    "naive": "clean pictures of the same people; does not expect any treatment",
    "parrot": "pictures of the same people, treated as the release was, with fresh noise; trained on them",
    "restore": "the way back, learned from treated pictures, then a recogniser trained on clean and restored ones",
    "rebuild": "the way back, learned by a network, then a recogniser trained on clean and restored pictures",
}
NETWORKED = ("naive", "parrot", "rebuild")


def pixel_features(side: int) -> Features:
    """Grey pictures, each with mean 0 and length 1, so that brightness and contrast do not matter."""

    def features(crops: Pixels) -> Floats:
        flat = grey(crops, side)
        flat = flat - flat.mean(axis=1, keepdims=True)
        return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-3))

    return features


@dataclass(frozen=True, eq=False)
class Trial:
    """Similarity of each probe picture (rows) to each person (columns), and which column is right."""

    similarity: Floats
    truth: NDArray[np.int64]
    about: tuple[str, ...] = ()


Sides = tuple[NDArray[np.int64], NDArray[np.int64]]
Trials = dict[tuple[str, str], Trial]


def recognise(
    train: Floats, train_people: Sequence[str], probe: Floats, probe_people: Sequence[str], shrink: float
) -> Trial:
    """Train Fisher's discriminants on `train`, then compare each probe with every person's centre by cosine.

    *Shapes*: train (n, d), probe (m, d); every person of the probes is among those of the training pictures.
    """
    names = sorted(set(train_people))
    project = fit(train, train_people, shrink=shrink)
    centres = class_centres(project(train), train_people, names)
    column = {name: i for i, name in enumerate(names)}
    return Trial(np.round(project(probe) @ centres.T, 9), np.array([column[p] for p in probe_people]))


@dataclass(frozen=True)
class Reidentify:
    """Who is it? Closed set and verification, against adversaries from the weakest to the strongest.

    Attributes:
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        modes: Adversaries to play: `naive`, `parrot`, `restore`, `rebuild`.
        recogniser: `pixels` (trained on the set), `face` (pretrained), `network` (convolutional, trained on the set), or
            `auto`: all of them for which weights and torch are at hand.
        face_network: Which network `face` is: `default`, `mobileface_v2` or `dlib_resnet_v1`.
        side: Side of the grey pictures compared, in pixels.
        limit: Most pairs that are looked at, drawn at random.
        copies: How often the adversary treats each of its own pictures.
        shrink: Regularisation of the trained recogniser, 0 to 1.
        false_accepts: False accept rate at which `tar_*` is read.
        network_steps: Most steps that each network learns; 0 to leave networks out.
        network_seconds: Most seconds that each of them learns.
        device: Where they learn: `auto` (a GPU where there is one), `cpu` or `cuda`.

    *Adversary*: `naive` compares with clean pictures; `parrot` (McPherson, Shokri and Shmatikov 2016) trains on
    pictures treated by the same operators and settings with fresh noise, one recogniser per treatment; `restore`
    learns the way back first, as a linear map between features, `rebuild` between pictures, by a network. Each sees only
    what lies inside the region found. Recognisers: two trained on the set itself (principal components and Fisher's
    discriminants; a convolutional network from random weights, one for each treatment, stopped by pictures held back),
    and a pretrained face embedding where its weights are (by default `mobileface_v2`, else `dlib_resnet_v1`; the notes
    name it). Networks need torch; without it the headline says so.

    *Measurements*: `rank1`, the worst of all, at a confidence corrected for having chosen the worst; then
    `rank1_*`, `rank5_*`, `eer_*` and `tar_*` for each mode and recogniser. Chance is 1 / people. Where fewer than two
    people have two pictures each, every picture counts as a person, and the adversary must find its own original.

    *Source*: McPherson et al. 2016, with small recognisers, linear and convolutional; error rates after ISO 19795.

    >>> Reidentify(modes=("naive",)).limit
    1000
    """

    kind: str = "face"
    modes: tuple[str, ...] = ("naive", "parrot", "restore", "rebuild")
    recogniser: str = "auto"
    face_network: str = DEFAULT
    side: int = 48
    limit: int = 1000
    copies: int = 2
    shrink: float = 0.1
    false_accepts: float = 0.01
    network_steps: int = 400
    network_seconds: float = 90.0
    device: str = "auto"

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        for mode in self.modes:
            check.one_of(tuple(KNOWS), modes=mode)
        check.one_of(("auto", "pixels", "face", "network"), recogniser=self.recogniser)
        check.one_of(MODELS, face_network=self.face_network)
        check.in_range(8, 112, side=self.side)
        check.in_range(4, 100_000, limit=self.limit)
        check.in_range(1, 20, copies=self.copies)
        check.in_range(0, 1, shrink=self.shrink, false_accepts=self.false_accepts)
        self._effort()

    def _effort(self) -> Effort:
        return Effort(self.network_steps, self.network_seconds, self.device)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Every mode with every recogniser; the first measurement is the worst rank-1.

        Raises:
            Unsupported: Fewer than four regions to attack.
            MissingWeights: `recogniser: face` was asked for, and its weights are not at hand.
        """
        crops = gather(case, kind=self.kind, side=112, limit=self.limit, copies=self.copies, rng=rng)
        if len(crops) < 4:
            raise Unsupported(f"reidentify needs at least 4 regions, got {len(crops)}")
        crops, gallery, probes, own = split(crops, rng)
        about = ("no person has two pictures: each picture stands for one",) * own
        modes = self._possible(case, own and not len(crops.anew))
        sides = gallery, probes
        trials = {**self._classical(modes, crops, sides), **self._deep(modes, crops, sides, rng)}
        if not trials:
            why = self._effort().missing("any recogniser") or ("no recogniser is left for these modes",)
            raise Unsupported(f"reidentify: {why[0]}")
        found: list[Measurement] = []
        for (mode, name), trial in trials.items():
            looked = (f"face network: {network_of(self.face_network).weights}",) if name == "face" else ()
            noted = replace(trial, about=(*trial.about, *about, *looked))
            found.extend(self._measure(f"{mode}_{name}", mode, noted, rng))
        first = worst([m for m in found if m.name.startswith("rank1_")], "rank1")
        missing = self._effort().missing("recognition and restoration by networks")
        return (replace(first, notes=(*first.notes, *missing)), *found)

    def _classical(self, modes: Sequence[str], crops: Crops, sides: Sides) -> Trials:
        trials: Trials = {}
        for name, features in self._recognisers().items():
            seen = _Views(features, crops)
            for mode in modes:
                if mode != "rebuild":
                    trials[mode, name] = self._trial(mode, seen, crops, sides, self._shrink(name))
        return trials

    def _deep(self, modes: Sequence[str], crops: Crops, sides: Sides, rng: np.random.Generator) -> Trials:
        """Networks that restore, for every recogniser, and networks that recognise."""
        effort, trials = self._effort(), Trials()
        if not effort.possible:
            return trials
        given = lessons(crops, *sides, self.side)
        asked = [crops.subjects[i] for i in sides[1]]
        names = sorted(set(given.people))
        truth = np.array([names.index(person) for person in asked])
        views = {mode: (given, "") for mode in modes if mode in NETWORKED}
        if "rebuild" in views:
            views["rebuild"] = rebuild("reidentify", given, effort, rng)
            for name, features in self._recognisers().items():
                train, people, probe = features_of("rebuild", views["rebuild"][0], features)
                trial = recognise(train, people, probe, asked, self._shrink(name))
                trials["rebuild", name] = replace(trial, about=(views["rebuild"][1],))
        if self.recogniser in {"auto", "network"}:
            for mode, (view, how) in views.items():
                likeness, learned = recognised("reidentify", mode, view, names, effort, rng)
                trials[mode, "network"] = Trial(likeness, truth, (*([how] if how else []), learned))
        return trials

    def _shrink(self, recogniser: str) -> float:
        return 0.5 if recogniser == "face" else self.shrink

    def _possible(self, case: Case, only_twins: bool) -> list[str]:
        """Modes that this case allows: no clean pictures, only the parrot; nothing to imitate, only the naive one."""
        modes = [m for m in self.modes if case.knowledge.sees_originals or m == "parrot"]
        modes = [m for m in modes if m == "naive" or not only_twins]
        if not modes:
            raise Unsupported(
                f"reidentify: none of {', '.join(self.modes)} can run: no person has two pictures, and the adversary "
                "is given neither originals nor the treatment"
            )
        return modes

    def _recognisers(self) -> dict[str, Features]:
        found: dict[str, Features] = {}
        if self.recogniser in {"auto", "pixels"}:
            found["pixels"] = pixel_features(self.side)
        if self.recogniser in {"auto", "face"}:
            try:
                found["face"] = embed(network_of(self.face_network))
            except MissingWeights:
                if self.recogniser == "face":
                    raise
        return found

    def _trial(
        self,
        mode: str,
        seen: _Views,
        crops: Crops,
        sides: Sides,
        shrink: float,
    ) -> Trial:
        gallery, probes = sides
        people = [crops.subjects[i] for i in gallery]
        asked = [crops.subjects[i] for i in probes]
        clean = seen.before[gallery]
        if mode == "naive":
            return recognise(clean, people, seen.after[probes], asked, shrink)
        treated = [copy[gallery] for copy in seen.anew] or [seen.after[gallery]]
        if mode == "parrot":
            return recognise(np.concatenate(treated), people * len(treated), seen.after[probes], asked, shrink)
        restore = learn_restoration(
            np.concatenate(treated), np.concatenate([clean] * len(treated)), copies=len(treated)
        )
        train = np.concatenate([clean, *(restore(t) for t in treated)])
        return recognise(train, people * (1 + len(treated)), restore(seen.after[probes]), asked, shrink)

    def _measure(self, name: str, mode: str, trial: Trial, rng: np.random.Generator) -> tuple[Measurement, ...]:
        people = [str(t) for t in trial.truth]
        guess = 1 / trial.similarity.shape[1]
        notes = (f"adversary: {KNOWS[mode]}", *trial.about)
        place = ranks(trial.similarity, trial.truth, rng)
        first = share("reidentify", f"rank1_{name}", place == 1, people, rng=rng, chance=guess, notes=notes)
        fifth = share("reidentify", f"rank5_{name}", place <= 5, people, rng=rng, chance=min(1, 5 * guess), notes=notes)
        genuine, impostor = _pairs(trial, rng)
        eer = _interval(genuine, impostor, equal_error, rng)
        tar = _interval(genuine, impostor, lambda g, i: accepted_at(g, i, self.false_accepts), rng)
        return (
            first,
            fifth,
            Measurement("reidentify", f"eer_{name}", *eer, len(genuine), "higher", 0.5, notes=notes),
            Measurement("reidentify", f"tar_{name}", *tar, len(genuine), "lower", self.false_accepts, notes=notes),
        )


def _pairs(trial: Trial, rng: np.random.Generator, impostors: int = 20) -> tuple[Floats, Floats]:
    """Genuine scores (n,) and some impostor scores (n, k) of each probe picture."""
    n, people = trial.similarity.shape
    rows = np.arange(n)[:, None]
    others = rng.permuted(np.tile(np.arange(1, people), (n, 1)), axis=1)[:, :impostors]
    return trial.similarity[rows[:, 0], trial.truth], trial.similarity[rows, (trial.truth[:, None] + others) % people]


def _interval(
    genuine: Floats, impostor: Floats, score: Callable[[Floats, Floats], float], rng: np.random.Generator
) -> tuple[float, float, float]:
    """A score with its bootstrap interval over probe pictures: value, low, high."""
    value = score(genuine, impostor.ravel())
    draws = [rng.integers(0, len(genuine), len(genuine)) for _ in range(200)]
    low, high = np.quantile([score(genuine[d], impostor[d].ravel()) for d in draws], [0.025, 0.975])
    return value, min(float(low), value), max(float(high), value)


class _Views:
    """Features of every view of the crops, computed once."""

    def __init__(self, features: Features, crops: Crops) -> None:
        self.before, self.after = features(crops.before), features(crops.after)
        self.anew = [features(copy) for copy in crops.anew]


def split(crops: Crops, rng: np.random.Generator) -> tuple[Crops, NDArray[np.int64], NDArray[np.int64], bool]:
    """Half of each person's pictures for the adversary, half to attack; people with one picture are left out.

    Where fewer than two people have two pictures each, every picture becomes a person of its own, and stands on both
    sides: the adversary has the originals, and looks for their treated twins.
    """
    positions: dict[str, list[int]] = {}
    for i, person in enumerate(crops.subjects):
        if person:
            positions.setdefault(person, []).append(i)
    several = {person: at for person, at in positions.items() if len(set(np.asarray(crops.pairs)[at])) > 1}
    if len(several) < 2:
        everyone = np.arange(len(crops))
        return replace(crops, subjects=tuple(f"picture {i}" for i in everyone)), everyone, everyone, True
    gallery: list[int] = []
    probes: list[int] = []
    for at in several.values():
        order = rng.permutation(at).tolist()
        gallery += order[: (len(order) + 1) // 2]
        probes += order[(len(order) + 1) // 2 :]
    return crops, np.array(gallery), np.array(probes), False
