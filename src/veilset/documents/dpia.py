"""The appendix of a data-protection impact assessment: findings, treatments and residual risk, and what people add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from veilset.core.manifest import Manifest
from veilset.documents.checklists import DPIA, Item
from veilset.documents.ethics import EVIDENCE, by_section
from veilset.documents.formats import FORMATS, check_formats, written
from veilset.documents.paper import UNANSWERED, Entry, Facts, Line, Paper, pointer


def assessed(facts: Facts, item: Item) -> Entry:
    """One item: the evidence of the manifest, then what people wrote; an assessment needs both where both are asked."""
    evidence = EVIDENCE[item.evidence](facts) if item.evidence else ()
    said = facts.answer("dpia", item.key)
    if said is None:
        wanted = f"{UNANSWERED}: answer it in dataset.yaml under dpia, key {item.key}."
        return Entry(item.key, item.text, (*evidence, Line(wanted)), UNANSWERED, mandatory=True)
    line = Line(str(said), (pointer("papers", "answers", "dpia", item.key),))
    status = "measured and answered" if evidence else "answered"
    return Entry(item.key, item.text, (*evidence, line), status, mandatory=True)


@dataclass(frozen=True)
class Dpia:
    """The parts of an assessment that a tool can fill, and the questions of those it cannot. No legal advice.

    Attributes:
        formats: Of `md`, `html` and `json`.
    """

    formats: tuple[str, ...] = FORMATS

    name: ClassVar[str] = "dpia"

    def __post_init__(self) -> None:
        object.__setattr__(self, "formats", check_formats(self.formats))

    def paper(self, manifest: Manifest) -> Paper:
        """The appendix before it is written."""
        facts = Facts.of(manifest)
        sections = by_section(DPIA, lambda item: assessed(facts, item))
        title = f"Data-protection impact, appendix: {facts.answer('name') or 'a set without a name'}"
        return Paper(self.name, title, manifest.release, manifest.created, sections)

    def files(self, manifest: Manifest) -> dict[str, str]:
        """The appendix in its formats, by name relative to `public/`."""
        return written(self.paper(manifest), self.formats)

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """Keys of the items that people have not answered."""
        return self.paper(manifest).missing()
