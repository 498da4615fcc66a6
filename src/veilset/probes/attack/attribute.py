"""Infer what people are, not who: gender, age, activity from treated data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import MissingWeights, Unsupported
from veilset.core.interval import bootstrap
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Signal
from veilset.probes.adversary.apparent import apparent
from veilset.probes.adversary.crops import Crops, Floats, resized
from veilset.probes.adversary.effort import Effort, on_grid
from veilset.probes.adversary.network import learn_recogniser
from veilset.probes.adversary.recogniser import fit
from veilset.probes.adversary.views import Views, halves, views


def balanced(truth: Sequence[str], guess: Sequence[str]) -> float:
    """Mean over the classes of the share recognised: 1 / classes for a guess, however unequal the classes are.

    >>> balanced(["a", "a", "a", "b"], ["a", "a", "a", "a"])
    0.5
    """
    right, member = np.asarray(truth) == np.asarray(guess), np.asarray(truth)
    return float(np.mean([right[member == name].mean() for name in np.unique(member)]))


PRETRAINED = ("gender", "sex", "age")
KNOWS = {
    "": "trained on treated data of other people, with labels",
    "naive": "trained on clean data of other people, with labels; does not expect any treatment",
    "original": "trained and tested on originals: what there was to hide",
    "network": "a network trained on treated pictures of other people, with labels",
    "face_naive": "a pretrained age and gender network, read as it reads clean faces",
    "face_parrot": "a pretrained age and gender network, read as it reads treated faces of other people",
    "face_original": "a pretrained age and gender network, on originals: what there was to hide",
}


@dataclass(frozen=True)
class Attribute:
    """Infer attributes of people never seen in training, from treated data.

    Attributes:
        attributes: Labels to infer.
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        side: Side of the grey pictures compared, in pixels.
        limit: Most pairs that are looked at, drawn at random.
        network_steps: Most steps that the network of each attribute learns; 0 to leave it out.
        network_seconds: Most seconds that it learns.
        device: Where it learns: `auto` (a GPU where there is one), `cpu` or `cuda`.

    *Adversary*: has labelled data of other people, treated by the same operators with fresh noise (or, where the
    operators are not known, half of the release with its labels), and trains Fisher's discriminants on it, and, on
    pictures and with torch, a convolutional network; the naive one has clean data only. For gender and age of faces
    there is a pretrained network too, where its weights are: what it says is read by the labels of clean faces (naive)
    or of treated ones (parrot). Each sees only what lies inside the region found.

    *Measurements*: `worst`, at a corrected confidence; then for each attribute balanced accuracy on treated data, chance
    1 / classes, interval by drawing whole people: `<attribute>` (parrot), `<attribute>_naive`, `<attribute>_network`,
    `<attribute>_face_naive`, `<attribute>_face_parrot`; and on originals, for comparison (what there was to hide),
    `<attribute>_original` and `<attribute>_face_original`.

    Raises:
        Unsupported: No sample carries one of the attributes in at least two classes on both sides of the split.

    *Source*: Fisher's discriminants (1936; several classes after Rao 1948) with a shrunken within-class scatter; the
    training on treated data after McPherson, Shokri and Shmatikov 2016; the age and gender network of face-api.js.

    >>> Attribute(attributes=("gender",)).limit
    1000
    """

    attributes: tuple[str, ...] = ("gender", "age", "activity")
    kind: str = "face"
    side: int = 24
    limit: int = 1000
    network_steps: int = 200
    network_seconds: float = 60.0
    device: str = "auto"

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Signal)

    def __post_init__(self) -> None:
        check.in_range(1, 100, attributes=len(self.attributes))
        check.in_range(8, 112, side=self.side)
        check.in_range(4, 100_000, limit=self.limit)
        self._effort()

    def _effort(self) -> Effort:
        return Effort(self.network_steps, self.network_seconds, self.device)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Every attribute that the set has labels for; the worst first.

        Raises:
            Unsupported: No sample carries one of the attributes in at least two classes on both sides of the split.
        """
        seen = views(case, rng=rng, kind=self.kind, side=self.side, limit=self.limit)
        about, faces = self._pretrained(seen)
        # The discriminants draw from `rng`, whatever else can run here; so their figures do not depend on torch or weights.
        extra = rng.spawn(1)[0]
        said: dict[str, Said] = {}
        found: dict[str, Measurement] = {}
        for name in self.attributes:
            said |= (one := self._one(name, seen, faces, seen.labels(case, name), rng, extra))
            plain = (name, f"{name}_original")
            found |= {key: answers.measured(key, rng if key in plain else extra) for key, answers in one.items()}
        if not said:
            raise Unsupported(f"attribute: too few samples carry any of the labels {', '.join(self.attributes)}")
        treated = [name for name in found if not name.endswith("_original")]
        chosen = max(treated, key=lambda name: found[name].value - (found[name].chance or 0))
        first = said[chosen].measured("worst", extra, confidence=1 - 0.05 / len(treated))
        notes = (*first.notes, f"the worst of {len(treated)}: {chosen}", *about)
        return (replace(first, notes=notes), *found.values())

    def _pretrained(self, seen: Views) -> tuple[tuple[str, ...], tuple[Floats, ...]]:
        """What could not be tried, and what a pretrained network reads before, after, and in own treatments."""
        if seen.crops is None:
            return (), ()
        about = self._effort().missing("inference by a network")
        if self.kind != "face" or not set(PRETRAINED) & set(self.attributes):
            return about, ()
        crops = seen.crops
        try:
            return about, tuple(apparent(side) for side in (crops.before, crops.after, *crops.anew))
        except MissingWeights as error:
            return (*about, f"a pretrained network was not tried: {error.message}"), ()

    def _one(
        self,
        name: str,
        seen: Views,
        faces: tuple[Floats, ...],
        labels: Sequence[str],
        rng: np.random.Generator,
        extra: np.random.Generator,
    ) -> dict[str, Said]:
        """What each adversary says of the people it never saw."""
        groups = [person or f"pair {pair}" for person, pair in zip(seen.people, seen.pairs, strict=True)]
        learn, test = (np.array([i for i in half if labels[i]], dtype=int) for half in halves(groups, rng))
        known = {labels[i] for i in learn}
        test = np.array([i for i in test if labels[i] in known], dtype=int)
        if len(known) < 2 or len({labels[i] for i in test}) < 2:
            return {}
        lessons = [labels[i] for i in learn]
        answers: dict[str, list[str]] = {}
        for prefix, sides in (("", (seen.before, seen.after, *seen.anew)), ("face_", faces)):
            if not sides or (prefix and name not in PRETRAINED):
                continue
            before, after, *anew = sides
            copies, draw = [copy[learn] for copy in anew] or [after[learn]], extra if prefix else rng
            parrot = guess(np.concatenate(copies), lessons * len(copies), after[test], draw)
            answers[f"{prefix}parrot" if prefix else ""] = parrot
            answers[f"{prefix}original"] = guess(before[learn], lessons, before[test], draw)
            answers[f"{prefix}naive"] = guess(before[learn], lessons, after[test], extra)
        effort = self._effort()
        if seen.crops is not None and effort.possible:
            answers["network"] = _by_network(seen.crops, labels, groups, (learn, test), effort, extra)
        truth, people = [labels[i] for i in test], [groups[i] for i in test]
        return {
            f"{name}_{how}" if how else name: Said(truth, answer, people, f"adversary: {KNOWS[how]}")
            for how, answer in answers.items()
        }


@dataclass(frozen=True, eq=False, slots=True)
class Said:
    """What was so, what an adversary said, of whom, and what it knew."""

    truth: Sequence[str]
    answers: Sequence[str]
    people: Sequence[str]
    adversary: str

    def measured(self, name: str, rng: np.random.Generator, confidence: float = 0.95) -> Measurement:
        """Balanced accuracy under a name."""
        chance = 1 / len(set(self.truth))
        return measured(
            name,
            self.truth,
            self.answers,
            self.people,
            chance=chance,
            notes=(self.adversary,),
            rng=rng,
            confidence=confidence,
        )


def _by_network(
    crops: Crops,
    labels: Sequence[str],
    groups: Sequence[str],
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    effort: Effort,
    rng: np.random.Generator,
) -> list[str]:
    """A convolutional network, every class shown as often as the largest; people are held back, not pictures."""
    learn, test = sides
    classes = np.array([labels[i] for i in learn])
    largest = max((classes == name).sum() for name in set(classes))
    shown = np.concatenate([np.resize(learn[classes == name], largest) for name in sorted(set(classes))])
    at, numbers = on_grid(crops.before.shape[1]), {group: i for i, group in enumerate(dict.fromkeys(groups))}
    copies = [resized(copy, at)[shown] for copy in crops.anew] or [resized(crops.after, at)[shown]]
    network = learn_recogniser(
        "attribute",
        np.concatenate(copies),
        [labels[i] for i in shown] * len(copies),
        [numbers[groups[i]] for i in shown] * len(copies),
        effort,
        rng=rng,
    )
    scores = network.scores(resized(crops.after[test], at))
    # Ties by lot: a constant picture must not always be taken for the first class.
    return [network.names[i] for i in (np.round(scores, 6) + rng.random(scores.shape) * 1e-7).argmax(axis=1)]


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
    confidence: float = 0.95,
) -> Measurement:
    """Balanced accuracy, its interval by drawing whole people."""
    value = balanced(truth, said)
    names, member = np.unique(np.asarray(people), return_inverse=True)
    rows = [np.flatnonzero(member == i) for i in range(len(names))]
    truths, saids = np.asarray(truth), np.asarray(said)

    def drawn(picks: Floats) -> float:
        at = np.concatenate([rows[int(i)] for i in picks])
        return balanced(truths[at].tolist(), saids[at].tolist())

    low, high = bootstrap(np.arange(len(names), dtype=float), rng, drawn, confidence, rounds=300)
    return Measurement(
        "attribute",
        name,
        value,
        min(low, value),
        max(high, value),
        len(names),
        "lower",
        chance,
        confidence,
        notes=notes,
    )
