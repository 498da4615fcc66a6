"""Infer what people are, not who: gender, age, activity from treated data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.interval import bootstrap
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Signal
from veilset.probes.adversary.crops import Floats
from veilset.probes.adversary.recogniser import fit
from veilset.probes.adversary.views import Views, halves, views


def balanced(truth: Sequence[str], guess: Sequence[str]) -> float:
    """Mean over the classes of the share recognised: 1 / classes for a guess, however unequal the classes are.

    >>> balanced(["a", "a", "a", "b"], ["a", "a", "a", "a"])
    0.5
    """
    right, member = np.asarray(truth) == np.asarray(guess), np.asarray(truth)
    return float(np.mean([right[member == name].mean() for name in np.unique(member)]))


@dataclass(frozen=True)
class Attribute:
    """Infer attributes of people never seen in training, from treated data.

    Attributes:
        attributes: Labels to infer.
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        side: Side of the grey pictures compared, in pixels.
        limit: Most pairs that are looked at, drawn at random.

    *Adversary*: has labelled data of other people, treated by the same operators with fresh noise (or, where the
    operators are not known, half of the release with its labels), and trains Fisher's discriminants on it.

    *Measurements*: `worst` and `<attribute>`: balanced accuracy on treated data, chance 1 / classes, interval by
    drawing whole people; `<attribute>_original`: the same on originals, for comparison (what there was to hide).

    Raises:
        Unsupported: No sample carries one of the attributes in at least two classes on both sides of the split.

    *Source*: Fisher's discriminants (1936; several classes after Rao 1948) with a shrunken within-class scatter; the
    training on treated data after McPherson, Shokri and Shmatikov 2016, who train a network where we train these.

    >>> Attribute(attributes=("gender",)).limit
    1000
    """

    attributes: tuple[str, ...] = ("gender", "age", "activity")
    kind: str = "face"
    side: int = 24
    limit: int = 1000

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Signal)

    def __post_init__(self) -> None:
        check.in_range(1, 100, attributes=len(self.attributes))
        check.in_range(8, 112, side=self.side)
        check.in_range(4, 100_000, limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Every attribute that the set has labels for; the worst first.

        Raises:
            Unsupported: No sample carries one of the attributes in at least two classes on both sides of the split.
        """
        seen = views(case, rng=rng, kind=self.kind, side=self.side, limit=self.limit)
        found: list[Measurement] = []
        for name in self.attributes:
            found += self._one(name, seen, seen.labels(case, name), rng)
        if not found:
            raise Unsupported(f"attribute: too few samples carry any of the labels {', '.join(self.attributes)}")
        treated = [m for m in found if not m.name.endswith("_original")]
        worst = max(treated, key=lambda m: m.value - (m.chance or 0))
        headline = Measurement(
            "attribute",
            "worst",
            worst.value,
            worst.low,
            worst.high,
            worst.n,
            "lower",
            worst.chance,
            notes=(*worst.notes, f"the worst of {len(treated)}: {worst.name}"),
        )
        return (headline, *found)

    def _one(self, name: str, seen: Views, labels: Sequence[str], rng: np.random.Generator) -> list[Measurement]:
        groups = [person or f"pair {pair}" for person, pair in zip(seen.people, seen.pairs, strict=True)]
        learn, test = (np.array([i for i in half if labels[i]], dtype=int) for half in halves(groups, rng))
        known = {labels[i] for i in learn}
        test = np.array([i for i in test if labels[i] in known], dtype=int)
        if len(known) < 2 or len({labels[i] for i in test}) < 2:
            return []
        copies = [copy[learn] for copy in seen.anew] or [seen.after[learn]]
        treated = guess(np.concatenate(copies), [labels[i] for i in learn] * len(copies), seen.after[test], rng)
        original = guess(seen.before[learn], [labels[i] for i in learn], seen.before[test], rng)
        truth, people = [labels[i] for i in test], [groups[i] for i in test]
        notes = ("adversary: trained on treated data of other people, with labels",)
        chance = 1 / len(set(truth))
        return [
            measured(name, truth, treated, people, chance=chance, notes=notes, rng=rng),
            measured(f"{name}_original", truth, original, people, chance=chance, notes=notes, rng=rng),
        ]


def guess(train: Floats, labels: Sequence[str], test: Floats, rng: np.random.Generator) -> list[str]:
    """The nearest class centre in Fisher's space; ties by lot."""
    names = sorted(set(labels))
    # Features of a recording have units of their own; those of pictures all lie in [0, 1], and lose nothing by it.
    spread = train.std(axis=0)
    scale = spread + 1e-2 * max(float(spread.max()), 1e-9)
    train, test = train / scale, test / scale
    project = fit(train, labels, components=60, shrink=0.02)
    taught, member = project.plain(train), np.asarray(labels)
    centres = np.stack([taught[member == name].mean(axis=0) for name in names])
    asked = project.plain(test)
    # Distance, not angle: with two classes there is one direction only, and every angle in it is 0 or 180 degrees.
    distance = np.linalg.norm(asked[:, None] - centres[None], axis=2)
    distance = np.round(distance, 9) + rng.random(distance.shape) * 1e-10
    return [names[i] for i in distance.argmin(axis=1)]


def measured(
    name: str,
    truth: Sequence[str],
    said: Sequence[str],
    people: Sequence[str],
    *,
    chance: float,
    notes: tuple[str, ...],
    rng: np.random.Generator,
) -> Measurement:
    """Balanced accuracy, its interval by drawing whole people."""
    value = balanced(truth, said)
    names, member = np.unique(np.asarray(people), return_inverse=True)
    rows = [np.flatnonzero(member == i) for i in range(len(names))]
    truths, saids = np.asarray(truth), np.asarray(said)

    def drawn(picks: Floats) -> float:
        at = np.concatenate([rows[int(i)] for i in picks])
        return balanced(truths[at].tolist(), saids[at].tolist())

    low, high = bootstrap(np.arange(len(names), dtype=float), rng, drawn, rounds=300)
    return Measurement(
        "attribute", name, value, min(low, value), max(high, value), len(names), "lower", chance, notes=notes
    )
