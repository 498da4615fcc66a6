"""Consent as a detector: a person in the sample who does not allow the uses of this release is a finding."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from veilset.core.check import one_of
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample, Signal, Video
from veilset.core.where import Whole
from veilset.records.consent import Question, Use

if TYPE_CHECKING:
    from veilset.records.consent_store import ConsentStore

_NOBODY_KNOWN = (
    "nobody in it is identified, so nobody can be asked; link it to its people in the consent registry, "
    "label it `people: 0` if nobody is in it, or set `unidentified: ignore`"
)
_SOME_UNKNOWN = "more people are in it than are identified; link the others, or set `unidentified: ignore`"


def keys_of(sample: Sample, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Keys under which the registry may link people to a sample: its path, some of its labels, its identity groups.

    >>> keys_of(Sample("1", Signal(__import__("numpy").zeros((1, 1)), 1.0), labels={"class": "a"}), ("class",))
    ('sample:1', 'label:class=a')
    """
    found = [f"sample:{sample.origin.name or sample.id}"]
    found += [f"label:{name}={sample.labels[name]}" for name in labels if name in sample.labels]
    found += [f"group:{group}" for group in sample.labels.get("groups", ())]
    return tuple(found)


@dataclass(frozen=True)
class Consent:
    """Finds `no_consent`: one finding for each identified person who does not allow every use, with words to act on.

    A sample without findings may be released as far as its identified people are concerned. In a group photograph one
    person's no is enough.

    Attributes:
        registry: Path of an SQLite registry, a URL, or `$NAME` of a variable that holds one.
        uses: What the release is for: research, training, recognition, publication.
        purpose: Purpose code that consents must be for; empty for any.
        link_labels: Labels of a sample to whose values people are linked.
        unidentified: What somebody unidentified is: a finding (`find`), or for other rules to treat (`ignore`).
        when: Day of the release, YYYY-MM-DD; empty for today.

    *Shapes and units*: any media; nothing is measured.

    Raises:
        Unreadable: The registry cannot be opened: without it nothing is allowed.

    *Source*: the set's own register; elementary.

    >>> Consent(unidentified="ignore").uses
    ('publication', 'research')
    """

    registry: str = "private/consent.sqlite"
    uses: tuple[str, ...] = ("publication", "research")
    purpose: str = ""
    link_labels: tuple[str, ...] = ()
    unidentified: str = "find"
    when: str = ""

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal)
    finds: ClassVar[tuple[str, ...]] = ("no_consent",)

    def __post_init__(self) -> None:
        one_of(("find", "ignore"), unidentified=self.unidentified)
        object.__setattr__(self, "uses", tuple(self.uses))
        object.__setattr__(self, "link_labels", tuple(self.link_labels))
        for use in self.uses:
            one_of(tuple(Use), uses=use)
        day(self.when)
        Question(frozenset(map(Use, self.uses)), dt.date.min)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Who does not allow it, and why."""
        store = _store(self.registry, os.getpid())
        question = Question(frozenset(map(Use, self.uses)), day(self.when), self.purpose)
        keys = keys_of(sample, self.link_labels)
        people, verdict = store.judge(keys, question, sample.subjects)
        refused = [_finding(words, subject) for subject, words in verdict.reasons]
        return (*refused, *self._unidentified(sample, len(people)))

    def until(self, sample: Sample) -> dt.date | None:
        """First day on which a consent that the sample leans on expires; None when none does."""
        store = _store(self.registry, os.getpid())
        question = Question(frozenset(map(Use, self.uses)), day(self.when), self.purpose)
        return store.decide(keys_of(sample, self.link_labels), question, sample.subjects).until

    def _unidentified(self, sample: Sample, identified: int) -> Iterator[Finding]:
        there = sample.labels.get("people")
        if self.unidentified == "ignore" or there == 0:
            return
        if identified == 0:
            yield _finding(_NOBODY_KNOWN, None)
        elif there is not None and int(there) > identified:
            yield _finding(_SOME_UNKNOWN, None)


def _finding(words: str, subject: str | None) -> Finding:
    return Finding("no_consent", Whole(), 1.0, "consent", Risk.RIGHTS, subject, {"words": words})


def day(when: str) -> dt.date:
    """The day that a setting names; today, in UTC, when it is empty."""
    try:
        return dt.date.fromisoformat(when) if when else dt.datetime.now(dt.UTC).date()
    except ValueError as error:
        raise BadSetting(f"when must be a date of the form YYYY-MM-DD, got {when!r}") from error


@lru_cache(maxsize=4)
def _store(registry: str, _process: int) -> ConsentStore:
    """The registry, opened once a process: a connection does not survive a fork."""
    from veilset.records.consent_store import ConsentStore

    return ConsentStore(registry)
