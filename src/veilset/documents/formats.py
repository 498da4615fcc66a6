"""The formats a paper is written in."""

from __future__ import annotations

from collections.abc import Iterable

from veilset.core.check import one_of
from veilset.documents.html import to_html
from veilset.documents.markdown import to_markdown
from veilset.documents.paper import FOLDER, Paper

FORMATS = ("html", "json", "md")


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """The formats as a tuple.

    Raises:
        BadSetting: One of them is not known.
    """
    chosen = tuple(formats)
    for name in chosen:
        one_of(FORMATS, formats=name)
    return chosen


def written(paper: Paper, formats: Iterable[str]) -> dict[str, str]:
    """The paper's texts by name relative to `public/`."""
    return {f"{FOLDER}{paper.name}.{name}": _text(paper, name) for name in formats}


def _text(paper: Paper, name: str) -> str:
    manifest = "../manifest.json"
    match name:
        case "html":
            return to_html(paper, manifest)
        case "md":
            return to_markdown(paper, manifest)
    return paper.to_json()
