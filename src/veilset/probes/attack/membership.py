"""Was this picture in the training set? Shadow models, LiRA and RMIA against a classifier trained on the release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Signal
from veilset.probes.adversary.crops import Floats
from veilset.probes.adversary.recogniser import principal
from veilset.probes.adversary.scores import accepted_at, area
from veilset.probes.adversary.softmax import train, train_privately
from veilset.probes.adversary.views import Views, views

KNOWS = {
    "loss": "the target's confidence in the true class",
    "shadow": "shadow models, and one attack classifier on their sorted confidences (Shokri et al. 2017)",
    "lira": "shadow models with and without each picture (Carlini et al. 2022, online, global variance)",
    "rmia": "shadow models and a population to compare with (Zarifzadeh et al. 2024, gamma 1)",
}


def lira(logit: Floats, shadows: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Likelihood ratio of each picture's logit under the shadow models that had it and that had it not.

    *Shapes*: logit (n,) of the target; shadows (m, n); inside (m, n). One variance for each side, since few shadows
    cannot estimate one for each picture. Returns log ratios (n,).
    """
    means, spreads = [], []
    for side in (inside, ~inside):
        count = np.maximum(side.sum(axis=0), 1)
        mean = (shadows * side).sum(axis=0) / count
        variance = (((shadows - mean) ** 2) * side).sum() / max(int(side.sum()) - side.shape[1], 1)
        means.append(mean)
        spreads.append(max(float(np.sqrt(variance)), 1e-6))
    scores = [-((logit - m) ** 2) / (2 * s * s) - np.log(s) for m, s in zip(means, spreads, strict=True)]
    return np.asarray(scores[0] - scores[1])


def rmia(log_probability: Floats, shadows: Floats, gamma: float = 1.0) -> Floats:
    """Share of the population that each picture dominates: p(x | target) / p(x) against p(z | target) / p(z).

    *Shapes*: log_probability (n,) of the target; shadows (m, n). The population is the queried pictures themselves,
    half of which are members, so that p(x) is the plain mean over the shadows.
    """
    prior = np.log(np.maximum(np.exp(shadows).mean(axis=0), 1e-300))
    ratio = log_probability - prior
    ordered = np.sort(ratio)
    below = np.searchsorted(ordered, ratio - np.log(gamma) + 1e-12, side="right")
    ties = below - np.searchsorted(ordered, ratio - np.log(gamma) - 1e-12, side="left")
    return np.asarray((below - ties / 2) / len(ratio))


@dataclass(frozen=True, eq=False)
class Zoo:
    """Models and who was in them.

    Attributes:
        inside: (models, n).
        log_probability: Of the true class when queried (models, n).
        sorted_top: The three largest log probabilities (models, n, 3).
    """

    inside: NDArray[np.bool_]
    log_probability: Floats
    sorted_top: Floats


@dataclass(frozen=True)
class Membership:
    """Does a classifier trained on the release betray whose picture was in it?

    Attributes:
        label: Label that the classifier is trained on; empty for who it is.
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        shadows: Models that are trained.
        targets: How many of them are attacked, each with all others as shadows.
        components: Principal components that the classifier sees.
        decay: Weight decay of the classifier: less remembers more.
        noise: Noise multiplier of differentially private training (gradients clipped to 1); 0 for plain training.
        side: Side of the grey pictures compared, in pixels.
        limit: Most pairs that are looked at, drawn at random.

    *Adversary*: queries the classifier with the *original* picture, or with the original treated anew where the
    operator is known; has pictures of the same kind to train shadow models; knows the label. Attacks: `loss`,
    `shadow`, `lira`, `rmia`.

    *Measurements*: `auc`, the highest of all attacks, then `auc_*` (chance 0.5) and `tpr_*` at 1 % false positives
    (chance 0.01). Intervals draw pictures. The classifier is a softmax regression on principal components: a small
    model, weakly regularised, so that it remembers; a larger one remembers more.

    Raises:
        Unsupported: Fewer than 20 samples with a label, or fewer than two classes.

    *Source*: Shokri et al. 2017; LiRA of Carlini et al. 2022, online, with one variance for all pictures; RMIA of
    Zarifzadeh et al. 2024 with gamma 1, the population being the pictures asked about. All on our small classifier.

    >>> Membership(shadows=16).targets
    6
    """

    label: str = ""
    kind: str = "face"
    shadows: int = 32
    targets: int = 6
    components: int = 60
    decay: float = 1e-4
    noise: float = 0.0
    side: int = 24
    limit: int = 600

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Signal)

    def __post_init__(self) -> None:
        check.in_range(4, 1000, shadows=self.shadows)
        check.in_range(1, self.shadows // 2, targets=self.targets)
        check.in_range(1, 500, components=self.components)
        check.in_range(0, 10, decay=self.decay)
        check.in_range(0, 1e6, noise=self.noise)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Train, query, compare; the strongest attack first.

        Raises:
            Unsupported: Fewer than 20 samples with a label, or fewer than two classes.
        """
        seen = views(case, rng=rng, kind=self.kind, side=self.side, limit=self.limit)
        labels = seen.labels(case, self.label) if self.label else seen.people
        keep = np.flatnonzero(np.array([bool(one) for one in labels]))
        names, classes = np.unique(np.array([labels[i] for i in keep]), return_inverse=True)
        if len(keep) < 20 or len(names) < 2:
            raise Unsupported("membership needs at least 20 samples in two classes; name the label to train on")
        zoo = self._train(seen, keep, classes, len(names), rng)
        found: list[Measurement] = []
        for attack in KNOWS:
            scores = np.concatenate([self._score(attack, zoo, target) for target in range(self.targets)])
            inside = np.concatenate([zoo.inside[target] for target in range(self.targets)])
            found += _measure(attack, scores, inside, (self.targets, len(keep)), rng)
        best = max((m for m in found if m.name.startswith("auc_")), key=lambda m: m.value)
        return (replace(best, name="auc", notes=(*best.notes, f"the worst of {len(KNOWS)}: {best.name}")), *found)

    def _train(
        self, seen: Views, keep: NDArray[np.int64], classes: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> Zoo:
        released, asked = seen.after[keep], (seen.anew[0] if seen.anew else seen.before)[keep]
        mean, basis, spread = principal(released, self.components)
        released, asked = ((x - mean) @ basis / np.maximum(spread, 1e-9) for x in (released, asked))
        inside = np.stack([rng.permutation(len(keep)) < len(keep) // 2 for _ in range(self.shadows)])
        own, tops = [], []
        for members in inside:
            if self.noise:
                model = train_privately(released[members], classes[members], count, noise=self.noise, rng=rng)
            else:
                model = train(released[members], classes[members], count, decay=self.decay, steps=100)
            log = model(asked)
            own.append(log[np.arange(len(keep)), classes])
            tops.append(
                -np.sort(-log, axis=1)[:, :3] if count > 2 else np.pad(-np.sort(-log, axis=1), ((0, 0), (0, 1)))
            )
        return Zoo(inside, np.stack(own), np.stack(tops))

    def _score(self, attack: str, zoo: Zoo, target: int) -> Floats:
        """Scores of one model's members and non-members; every other model is a shadow."""
        others = np.arange(len(zoo.inside)) != target
        own, shadows = zoo.log_probability[target], zoo.log_probability[others]
        if attack == "loss":
            return np.asarray(np.round(own, 9))
        if attack == "rmia":
            return rmia(own, shadows)
        if attack == "lira":
            return np.asarray(np.round(lira(_logit(own), _logit(shadows), zoo.inside[others]), 9))
        seen = np.concatenate([zoo.sorted_top, zoo.log_probability[:, :, None]], axis=2)
        lessons, member = seen[others].reshape(-1, 4), zoo.inside[others].ravel().astype(int)
        centre, scale = lessons.mean(axis=0), lessons.std(axis=0) + 1e-9
        model = train((lessons - centre) / scale, member, 2, decay=1e-4)
        log = model((seen[target] - centre) / scale)
        return np.asarray(np.round(log[:, 1] - log[:, 0], 9))


def _logit(log_probability: Floats) -> Floats:
    """log(p / (1 - p)) from log p, cut off where doubles end."""
    return np.asarray(log_probability - np.log(np.maximum(-np.expm1(log_probability), 1e-12)))


def _measure(
    attack: str, scores: Floats, inside: NDArray[np.bool_], shape: tuple[int, int], rng: np.random.Generator
) -> list[Measurement]:
    table_scores, table_inside = scores.reshape(shape), inside.reshape(shape)
    picks = [np.arange(shape[1]), *(rng.integers(0, shape[1], shape[1]) for _ in range(200))]
    areas, rates = [], []
    for pick in picks:
        drawn, member = table_scores[:, pick], table_inside[:, pick]
        areas.append(float(np.mean([area(s[i], s[~i]) for s, i in zip(drawn, member, strict=True)])))
        rates.append(float(np.mean([accepted_at(s[i], s[~i], 0.01) for s, i in zip(drawn, member, strict=True)])))
    notes = (f"adversary: {KNOWS[attack]}", f"{shape[0]} targets, each with the other models as shadows")
    found = []
    for name, values, chance in (("auc", areas, 0.5), ("tpr", rates, 0.01)):
        low, high = np.quantile(values[1:], [0.025, 0.975])
        ends = min(float(low), values[0]), max(float(high), values[0])
        found.append(
            Measurement("membership", f"{name}_{attack}", values[0], *ends, shape[1], "lower", chance, notes=notes)
        )
    return found
