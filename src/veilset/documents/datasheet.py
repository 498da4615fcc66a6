"""The datasheet: every question of Datasheets for Datasets, answered from measurements, from people, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from veilset.core.manifest import Manifest
from veilset.documents.formats import FORMATS, check_formats, written
from veilset.documents.known import MEASURED
from veilset.documents.paper import UNANSWERED, Entry, Facts, Line, Paper, Section, pointer
from veilset.documents.questions import TITLES, Question, in_section


def answered(facts: Facts, question: Question) -> Entry:
    """What is measured for a question, then what people answered; neither stands for the other."""
    measured = MEASURED[question.key](facts) if question.key in MEASURED else ()
    said = facts.answer("datasheet", question.key)
    body = (
        *measured,
        *((Line(str(said), (pointer("papers", "answers", "datasheet", question.key),)),) if said else ()),
    )
    if not body:
        wanted = f"{UNANSWERED}: answer it in dataset.yaml under datasheet, key {question.key}."
        return Entry(question.key, question.text, (Line(wanted),), UNANSWERED, question.mandatory)
    status = " and ".join(word for word, there in (("measured", measured), ("answered", said)) if there)
    return Entry(question.key, question.text, body, status, question.mandatory)


@dataclass(frozen=True)
class Datasheet:
    """The seven sections with all their questions.

    **Guarantee**

    - The same manifest gives the same bytes.
    - Every number in it stands in the manifest, and every statement from a measurement links to where.
    - A question without an answer is shown as unanswered; nothing is filled in for it.

    Attributes:
        formats: Of `md`, `html` and `json`.

    *Source*: Gebru et al., Datasheets for Datasets, Communications of the ACM 64 (2021); the questions in our words.
    """

    formats: tuple[str, ...] = FORMATS

    name: ClassVar[str] = "datasheet"

    def __post_init__(self) -> None:
        object.__setattr__(self, "formats", check_formats(self.formats))

    def paper(self, manifest: Manifest) -> Paper:
        """The datasheet before it is written."""
        facts = Facts.of(manifest)
        sections = tuple(
            Section(title, tuple(answered(facts, question) for question in in_section(key)))
            for key, title in TITLES.items()
        )
        title = f"Datasheet: {facts.answer('name') or 'a set without a name'}"
        return Paper(self.name, title, manifest.release, manifest.created, sections)

    def files(self, manifest: Manifest) -> dict[str, str]:
        """The datasheet in its formats, by name relative to `public/`."""
        return written(self.paper(manifest), self.formats)

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """Keys of the mandatory questions that nobody and nothing answers."""
        return self.paper(manifest).missing()
