"""Model inversion: draw a person's face out of a recogniser that was trained on the release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media
from veilset.probes.adversary.crops import Floats, gather, grey
from veilset.probes.adversary.recogniser import class_centres, fit
from veilset.probes.adversary.scores import mean, ranks, share
from veilset.probes.adversary.softmax import log_softmax, train


def climb(
    confidence: Callable[[Floats], tuple[float, Floats]], start: Floats, *, steps: int, rate: float, patience: int = 100
) -> Floats:
    """MI-FACE: descend on 1 - confidence in [0, 1] pixels; stop at 0.99, or when it has not grown for `patience` steps.

    `confidence` gives the confidence of a picture (d,) and its gradient. Returns the best picture met.
    """
    picture, best, value, since = start, start, -1.0, 0
    for _ in range(steps):
        now, slope = confidence(picture)
        if now > value + 1e-9:
            best, value, since = picture, now, 0
        else:
            since += 1
        if now >= 0.99 or since > patience:
            break
        picture = np.clip(picture + rate * slope / max(float(np.linalg.norm(slope)), 1e-12), 0, 1)
    return best


@dataclass(frozen=True)
class Invert:
    """Does a face recogniser trained on the release give faces back?

    Attributes:
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        side: Side of the grey pictures compared, in pixels.
        limit: Most pairs that are looked at, drawn at random.
        people: Most people that the recogniser is trained on.
        steps: Most steps of the ascent.
        rate: Length of a step, in pixel values of [0, 1].
        decay: Weight decay of the recogniser.

    *Adversary*: has the recogniser's confidences and gradients and the name of a person, no picture (white box; MI-FACE
    of Fredrikson, Jha and Ristenpart 2015 on softmax regression, starting from grey). The judge is a recogniser
    trained on *other, original* pictures of the same people.

    *Measurements*: `recognised`: share of people whom the judge recognises in what was drawn for them, chance 1 /
    people; `likeness`: correlation with the mean original of the person less that with the others (chance 0).

    Raises:
        Unsupported: Fewer than two people with two pictures each.

    *Source*: MI-FACE, algorithm 1 of Fredrikson, Jha and Ristenpart 2015, without its denoising step (that belongs to
    their autoencoder); steps have a fixed length instead of following the gradient's.

    >>> Invert(steps=100).side
    32
    """

    kind: str = "face"
    side: int = 32
    limit: int = 1000
    people: int = 40
    steps: int = 500
    rate: float = 0.2
    decay: float = 1e-3

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(8, 112, side=self.side)
        check.in_range(2, 10_000, people=self.people)
        check.in_range(1, 100_000, steps=self.steps)
        check.positive(rate=self.rate)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Train the target on half of each person's released pictures, draw, and judge.

        Raises:
            Unsupported: Fewer than two people with two pictures each.
        """
        crops = gather(case, kind=self.kind, side=max(48, self.side), limit=self.limit, rng=rng)
        groups: dict[str, list[int]] = {}
        for i, person in enumerate(crops.subjects):
            if person:
                groups.setdefault(person, []).append(i)
        groups = {p: at for p, at in sorted(groups.items()) if len(at) > 1}
        if len(groups) < 2:
            raise Unsupported("invert needs at least two people with two pictures each")
        names = sorted(rng.permutation(sorted(groups))[: self.people].tolist())
        split = {name: rng.permutation(groups[name]) for name in names}
        target_at = np.concatenate([split[n][: (len(split[n]) + 1) // 2] for n in names])
        judge_at = np.concatenate([split[n][(len(split[n]) + 1) // 2 :] for n in names])
        truth = grey(crops.before, self.side)
        drawn = self._draw(grey(crops.after, self.side)[target_at], [crops.subjects[i] for i in target_at], names)
        return self._judge(drawn, truth[judge_at], [crops.subjects[i] for i in judge_at], names, rng)

    def _draw(self, features: Floats, people: list[str], names: list[str]) -> Floats:
        """One picture for each person, out of the target."""
        classes = np.array([names.index(p) for p in people])
        centre = features.mean(axis=0)
        model = train(features - centre, classes, len(names), decay=self.decay)
        weights, bias = model.weights[:-1], model.weights[-1]

        def confidence_of(which: int) -> Callable[[Floats], tuple[float, Floats]]:
            def confidence(picture: Floats) -> tuple[float, Floats]:
                share_of = np.exp(log_softmax(((picture - centre) @ weights + bias)[None]))[0]
                slope = share_of[which] * (weights[:, which] - weights @ share_of)
                return float(share_of[which]), slope

            return confidence

        grey_start = np.full(features.shape[1], 0.5)
        return np.stack(
            [climb(confidence_of(i), grey_start, steps=self.steps, rate=self.rate) for i in range(len(names))]
        )

    def _judge(
        self, drawn: Floats, truth: Floats, people: list[str], names: list[str], rng: np.random.Generator
    ) -> tuple[Measurement, ...]:
        # The judge looks at differences from the mean picture, since what is drawn carries no lighting of its own.
        project = fit(_unit(truth - truth.mean(axis=0)), people, shrink=0.3)
        centres = class_centres(project(_unit(truth - truth.mean(axis=0))), people, names)
        similarity = np.round(project(_unit(drawn - drawn.mean(axis=0))) @ centres.T, 9)
        own: NDArray[np.int64] = np.arange(len(names))
        place = ranks(similarity, own, rng)
        notes = ("adversary: white-box access to a softmax recogniser trained on the release, and the names in it",)
        first = share("invert", "recognised", place == 1, names, rng=rng, chance=1 / len(names), notes=notes)
        member = np.array([names.index(p) for p in people])
        means = np.stack([truth[member == i].mean(axis=0) for i in range(len(names))])
        likeness = _unit(drawn - drawn.mean(axis=0)) @ _unit(means - means.mean(axis=0)).T
        others = (likeness.sum(axis=1) - np.diag(likeness)) / (len(names) - 1)
        return first, mean("invert", "likeness", np.diag(likeness) - others, rng=rng, chance=0.0, notes=notes)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
