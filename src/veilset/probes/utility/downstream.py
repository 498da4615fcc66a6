"""Is the treated data still good for training? Train on treated, test on clean, class by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.interval import bootstrap
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media
from veilset.probes.adversary.crops import Floats
from veilset.probes.adversary.views import Views, halves, views
from veilset.probes.attack.attribute import balanced, guess


def kept(
    probe: str,
    truth: Sequence[str],
    said: Mapping[str, Sequence[str]],
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    notes: tuple[str, ...],
) -> tuple[Measurement, ...]:
    """How much of the balanced accuracy is left; intervals draw whole groups (people or pictures)."""
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    rows = [np.flatnonzero(member == i) for i in range(len(names))]
    right, trained, plain = np.asarray(truth), np.asarray(said["treated"]), np.asarray(said["clean"])

    def score(given: NDArray[np.str_], at: NDArray[np.int64]) -> float:
        return balanced(right[at].tolist(), given[at].tolist())

    everyone = np.arange(len(right))
    values: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "kept": lambda at: score(trained, at) / max(score(plain, at), 1e-9),
        "accuracy_treated": lambda at: score(trained, at),
        "accuracy_clean": lambda at: score(plain, at),
    }
    chance = 1 / len(set(truth))
    found = []
    for name, value_of in values.items():
        value = value_of(everyone)
        low, high = bootstrap(
            np.arange(len(names), dtype=float),
            rng,
            partial(_over, value_of, rows),
            rounds=200,
        )
        guess_of = None if name == "kept" else chance
        ends = min(low, value), max(high, value)
        found.append(Measurement(probe, name, value, *ends, len(names), "higher", guess_of, notes=notes))
    for name in sorted(set(truth)):
        at = right == name
        hits, plainly = int((trained[at] == name).sum()), float((plain[at] == name).mean())
        about = (*notes, f"trained on clean data: {plainly:.3f}")
        found.append(
            Measurement.proportion(
                probe, "recall", hits, int(at.sum()), "higher", chance=chance, group=str(name), notes=about
            )
        )
    return tuple(found)


def _over(value_of: Callable[[NDArray[np.int64]], float], rows: Sequence[NDArray[np.int64]], picks: Floats) -> float:
    return value_of(np.concatenate([rows[int(i)] for i in picks]))


@dataclass(frozen=True)
class Downstream:
    """Train on treated pictures, test on clean ones, and compare with training on clean ones.

    Attributes:
        label: The label to learn.
        kind: Kind of finding to cut out; empty for whole pictures.
        side: Side of the grey pictures learned from, in pixels.
        limit: Most pairs that are looked at, drawn at random.

    *Shapes and units*: pictures, or crops of `kind`, as grey rows (side * side,) in [0, 1]; accuracies are means over the
    classes, in [0, 1]; `kept` is a ratio, and above 1 where treated data taught more.

    *Measurements*: `kept`: balanced accuracy after training on treated data, as a share of that after training on
    clean data; `accuracy_treated`, `accuracy_clean`; and `recall` of each class as a group, since a mean hides classes
    that fall. A small linear recogniser: a difference that it shows is there, one that it does not show may be.

    Raises:
        Unsupported: Fewer than two classes on both sides of the split.

    *Source*: the protocol of Yang et al., A Study of Face Obfuscation in ImageNet (ICML 2022).

    >>> Downstream().label
    'class'
    """

    label: str = "class"
    kind: str = ""
    side: int = 32
    limit: int = 1000

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(8, 112, side=self.side)
        check.in_range(8, 100_000, limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Split, train twice, test on clean."""
        seen = views(case, rng=rng, kind=self.kind, side=self.side, limit=self.limit)
        return train_and_test("downstream", seen, seen.labels(case, self.label), self.label, rng)


def train_and_test(
    probe: str, seen: Views, labels: Sequence[str], label: str, rng: np.random.Generator
) -> tuple[Measurement, ...]:
    """Train on half of the people (or pictures), released and original; test both on the other half's originals.

    Raises:
        Unsupported: Fewer than two classes on both sides of the split.
    """
    groups = [person or f"pair {pair}" for person, pair in zip(seen.people, seen.pairs, strict=True)]
    learn, test = (np.array([i for i in half if labels[i]], dtype=int) for half in halves(groups, rng))
    known = {labels[i] for i in learn}
    test = np.array([i for i in test if labels[i] in known], dtype=int)
    if len(known) < 2 or len({labels[i] for i in test}) < 2:
        raise Unsupported(f"{probe}: fewer than two classes of the label {label!r} on both sides of the split")
    lessons = [labels[i] for i in learn]

    def taught(features: Floats) -> list[str]:
        return guess(features[learn], lessons, seen.before[test], rng)

    notes = ("trained on treated, tested on clean; people (or pictures) of the test are not in the training",)
    truth = [labels[i] for i in test]
    said = {"treated": taught(seen.after), "clean": taught(seen.before)}
    return kept(probe, truth, said, [groups[i] for i in test], rng=rng, notes=notes)
