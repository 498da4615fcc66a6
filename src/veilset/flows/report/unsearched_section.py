"""The part of an audit that says of which files the metadata alone was looked at. Private."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from veilset.flows.report.page import listing, section, table
from veilset.flows.summary import Group, Summary


def unsearched_words(summary: Summary) -> Iterator[str]:
    """Sentences for the page and the command line; none when every file was a picture."""
    groups = summary.metadata_only
    if not groups:
        return
    kinds = ", ".join(f"{group.samples} {name}" for name, group in _ranked(summary))
    files, frames = (sum(getattr(group, what) for group in groups.values()) for what in ("samples", "findings"))
    yield f"files of which the metadata alone was looked at: {files} ({kinds})"
    yield f"frames and pages not searched in them: {frames}; what they show, faces too, is not in this report"


def unsearched_tile(summary: Summary) -> Iterator[tuple[str, str, str]]:
    """The big number."""
    if summary.metadata_only:
        yield str(summary.samples - summary.pictures), "files: metadata only", "unsearched"


def unsearched_section(summary: Summary) -> Iterator[str]:
    """A table by format, and the files."""
    if not summary.metadata_only:
        return
    ranked = _ranked(summary)
    words = (
        '<p class="soft">Films, medical images, documents, archives, animations and other files that hold pictures '
        "which are not decoded here. What these files say was looked at; what they show was not: no face, text or "
        "plate was searched for in them, and none is counted.</p>"
    )
    anchors = {name: f"unsearched-{number}" for number, (name, _) in enumerate(ranked)}
    rows = [
        (f'<a href="#{anchors[name]}">{escape(name)}</a>', str(group.samples), str(group.findings))
        for name, group in ranked
    ]
    lists = "".join(listing(anchors[name], name, group.names, group.samples) for name, group in ranked)
    head = ("format", "files", "frames and pages not searched")
    yield section(
        "unsearched", "Looked at for metadata only", words, table(head, rows, numbers=(1, 2)),
        f"<details><summary>names</summary>{lists}</details>",
    )  # fmt: skip


def _ranked(summary: Summary) -> list[tuple[str, Group]]:
    return sorted(summary.metadata_only.items(), key=lambda item: (-item[1].samples, item[0]))
