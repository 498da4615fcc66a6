"""Is a treated recording still good for telling activities, and does it still tell people?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veilset.core import check
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Media, Signal
from veilset.probes.adversary.scores import share
from veilset.probes.adversary.views import Views, views
from veilset.probes.attack.attribute import guess
from veilset.probes.utility.downstream import train_and_test


@dataclass(frozen=True)
class Activity:
    """Can activities still be told from treated recordings, by a model trained on them; and who it was?

    Attributes:
        label: The label to learn.
        limit: Most recordings that are looked at, drawn at random.

    *Shapes and units*: recordings (samples, channels), the same channels in all of them, become windows of 2.5 seconds
    that overlap by half, each a row of level, spread and log energy in 16 bands per channel; shares in [0, 1].

    *Measurements*: as `downstream`, on windows of 2.5 seconds, people of the test not in the training; then
    `identity`: share of windows from the second half of each recording given to the right person by a recogniser
    trained on the first half, both treated; chance 1 / people.

    Raises:
        Unsupported: Fewer than two activities or two people.

    *Source*: the pair of measures, activity kept and identity lost, after Malekzadeh et al. 2019; they split by trial and
    train a network, we split the activity by people and train Fisher's discriminants on levels, spreads and spectra.

    >>> Activity().label
    'activity'
    """

    label: str = "activity"
    limit: int = 1000

    takes: ClassVar[tuple[type[Media], ...]] = (Signal,)

    def __post_init__(self) -> None:
        check.in_range(2, 100_000, limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Windows, split by people for the activity and by time for the identity."""
        seen = views(case, rng=rng, limit=self.limit)
        found = train_and_test("activity", seen, seen.labels(case, self.label), self.label, rng)
        return (*found, *_identity(seen, rng))


def _identity(seen: Views, rng: np.random.Generator) -> tuple[Measurement, ...]:
    pairs = np.array(seen.pairs)
    first = np.concatenate([np.arange((pairs == p).sum()) < (pairs == p).sum() / 2 for p in dict.fromkeys(seen.pairs)])
    named = np.array([bool(person) for person in seen.people])
    train, test = np.flatnonzero(first & named), np.flatnonzero(~first & named)
    people = [seen.people[i] for i in train]
    test = np.array([i for i in test if seen.people[i] in set(people)], dtype=int)
    if len(set(people)) < 2 or not len(test):
        return ()
    copies = [copy[train] for copy in seen.anew] or [seen.after[train]]
    said = guess(np.concatenate(copies), people * len(copies), seen.after[test], rng)
    hits = np.array([seen.people[i] == name for i, name in zip(test, said, strict=True)])
    notes = ("adversary: has the first half of each recording, treated as the release was, with names",)
    who = [seen.people[i] for i in test]
    return (share("activity", "identity", hits, who, rng=rng, chance=1 / len(set(people)), notes=notes),)
