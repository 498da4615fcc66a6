"""What every paper is made of before it becomes Markdown, HTML or JSON; and the facts that papers are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

from veilset.core.manifest import Manifest

FOLDER = "papers/"
AT_ROOT = ("README.md", "croissant.json")
UNANSWERED = "UNANSWERED"


@dataclass(frozen=True, slots=True)
class Line:
    """One statement, and where in the manifest (JSON pointers) its evidence stands."""

    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under a head; one pointer per row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A question or heading with what is said under it.

    Attributes:
        key: Where an answer goes in `dataset.yaml`; empty when nothing is asked.
        title: The question.
        body: What is said.
        status: `measured`, `answered`, `measured and answered`, or `UNANSWERED`.
        mandatory: The paper is not complete without an answer.
    """

    key: str
    title: str
    body: tuple[Line | Table, ...]
    status: str = "measured"
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a paper."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole paper: a pure function of a manifest.

    Attributes:
        name: Of the document.
        title: Of the paper.
        release: Id of the release it is about.
        created: When that was made.
        sections: What it says.
    """

    name: str
    title: str
    release: str
    created: str
    sections: tuple[Section, ...]

    def missing(self) -> tuple[str, ...]:
        """Keys of mandatory questions without an answer."""
        entries = (entry for section in self.sections for entry in section.entries)
        return tuple(entry.key for entry in entries if entry.mandatory and entry.status == UNANSWERED)

    def to_json(self) -> str:
        """The paper as JSON."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


class Document(Protocol):
    """One kind of paper: a frozen dataclass whose fields are its settings in a policy."""

    name: ClassVar[str]

    def files(self, manifest: Manifest) -> dict[str, str]:
        """Texts by name relative to `public/`; the same for the same manifest."""

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """What a gate may ask for and `dataset.yaml` does not answer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A manifest as plain values, without the files that the papers themselves are.

    Public aggregates stand in `papers`: `answers` (the content of `dataset.yaml`), `findings` (kind to `count` and
    `samples`), `formats`, `labels`, `taken` (`first`, `last`), `licences` (census), `consent` (`uses`, `refused`,
    `until`), `retention` (`next`), `distribution` (words to
    words). Each may be missing: then what it would say is not known, and is not said.
    """

    plain: Mapping[str, Any]

    @classmethod
    def of(cls, manifest: Manifest) -> Facts:
        """The facts of a manifest."""
        plain = json.loads(manifest.to_json())
        plain["files"] = [entry for entry in plain["files"] if not is_paper(entry["name"])]
        return cls(plain)

    def at(self, pointer: str) -> Any:
        """The value at a JSON pointer; None when there is none."""
        value: Any = self.plain
        for part in pointer.removeprefix("/").split("/") if pointer else ():
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list):
                value = value[int(key)] if key.isdigit() and int(key) < len(value) else None
            else:
                value = value.get(key) if isinstance(value, dict) else None
        return value

    def answer(self, *path: str) -> Any:
        """What `dataset.yaml` says at a path of keys; None when it says nothing."""
        return self.at(pointer("papers", "answers", *path)) or None


def pointer(*parts: object) -> str:
    """A JSON pointer through these keys and indices.

    >>> pointer("papers", "answers", "a/b")
    '/papers/answers/a~1b'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def is_paper(name: str) -> bool:
    """Whether a file of `public/` is written by this wing, and therefore cannot be what a paper speaks about."""
    return name.startswith(FOLDER) or name in AT_ROOT


def show(value: Any) -> str:
    """A value as the manifest writes it: numbers are never rounded, so that a reader finds them there.

    >>> show(0.05), show("x"), show([1, 2]), show(True)
    ('0.05', 'x', '1, 2', 'true')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(map(show, value))
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
