"""The ethics review: a checklist with decisions, the people who took them and when, and the evidence beside each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from veilset.core.manifest import Manifest
from veilset.documents import known
from veilset.documents.checklists import ETHICS, Item
from veilset.documents.formats import FORMATS, check_formats, written
from veilset.documents.paper import UNANSWERED, Entry, Facts, Line, Paper, Section, pointer

EVIDENCE: Mapping[str, Callable[[Facts], known.Body]] = {
    "consent": known.consent,
    "counts": known.counts,
    "findings": known.findings,
    "guarantees": known.guarantees,
    "licences": known.listed("/papers/licences", "Samples read under {key}: {value}."),
    "measurements": known.measurements,
    "retention": known.retention,
}


def decided(facts: Facts, item: Item) -> Entry:
    """One item with what was decided about it. Evidence alone decides nothing."""
    evidence = EVIDENCE[item.evidence](facts) if item.evidence else ()
    decision = facts.answer("ethics", item.key)
    if decision is None:
        wanted = f"{UNANSWERED}: decide it in dataset.yaml under ethics, key {item.key}."
        return Entry(item.key, item.text, (Line(wanted), *evidence), UNANSWERED, mandatory=True)
    words = f"{decision['decision']}, by {decision['by']} on {decision['date']}."
    reason = f" {decision['reason']}" if decision.get("reason") else ""
    line = Line(words + reason, (pointer("papers", "answers", "ethics", item.key),))
    return Entry(item.key, item.text, (line, *evidence), decision["decision"], mandatory=True)


def by_section(items: tuple[Item, ...], entry: Callable[[Item], Entry]) -> tuple[Section, ...]:
    """Items under their sections, both in order."""
    titles = dict.fromkeys(item.section for item in items)
    return tuple(Section(t, tuple(entry(item) for item in items if item.section == t)) for t in titles)


@dataclass(frozen=True)
class Ethics:
    """The review that an ethics board signs. A rejected item is shown as rejected, and counts as missing for a gate.

    Attributes:
        formats: Of `md`, `html` and `json`.
    """

    formats: tuple[str, ...] = FORMATS

    name: ClassVar[str] = "ethics"

    def __post_init__(self) -> None:
        object.__setattr__(self, "formats", check_formats(self.formats))

    def paper(self, manifest: Manifest) -> Paper:
        """The review before it is written."""
        facts = Facts.of(manifest)
        sections = by_section(ETHICS, lambda item: decided(facts, item))
        title = f"Ethics review: {facts.answer('name') or 'a set without a name'}"
        return Paper(self.name, title, manifest.release, manifest.created, sections)

    def files(self, manifest: Manifest) -> dict[str, str]:
        """The review in its formats, by name relative to `public/`."""
        return written(self.paper(manifest), self.formats)

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """Items that are undecided or rejected."""
        entries = (entry for section in self.paper(manifest).sections for entry in section.entries)
        return tuple(entry.key for entry in entries if entry.status in (UNANSWERED, "rejected"))
