"""The audit's page: numbers linked to the samples behind them, charts, map, contact sheet. Private."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from veilset.core.roles import Source
from veilset.flows.report.charts import bars, world
from veilset.flows.report.page import listing, page, section, table, tiles
from veilset.flows.report.sheet import figure
from veilset.flows.summary import Groups, Summary
from veilset.flows.workplace import write_atomically

WARNING = "PRIVATE: this report shows the people and places in the pictures. Do not share it."


def write_page(path: Path, summary: Summary, source: Source) -> None:
    """Write `report.html`, self-contained."""
    write_atomically(
        path, page("What this set gives away", WARNING, _sections(summary, source)).encode("utf-8", "replace")
    )


def _sections(summary: Summary, source: Source) -> Iterator[str]:
    with_faces = sum(group.samples for key, group in summary.faces_per_picture.items() if key != "0")
    yield (
        f'<p class="soft">{escape(summary.photos)}: looked at with {escape(", ".join(summary.detectors))}. '
        "What no detector finds is not in here.</p>"
    )
    yield tiles(
        [
            (str(summary.samples), "pictures", "formats"),
            (str(with_faces), "show faces", "faces"),
            (
                str(summary.kinds["metadata"].samples if "metadata" in summary.kinds else 0),
                "say more than pixels",
                "tags",
            ),
            (str(len(summary.places)), "tell a place", "places"),
            (str(len(summary.unreadable)), "cannot be read", "unreadable"),
        ]
    )
    yield section("kinds", "What was found", _groups("kind", summary.kinds, "kind of finding"))
    yield section("risks", "What it may give away", _groups("risk", summary.risks, "risk"))
    yield section("riskiest", "The riskiest pictures", _sheet(summary, source))
    yield section(
        "faces",
        "Faces",
        "<h3>Faces per picture</h3>",
        _chart("per", summary.faces_per_picture, "pictures", by="samples"),
        "<h3>Face size, geometric mean of width and height</h3>",
        _chart("size", summary.face_sizes, "faces", by="findings"),
    )
    yield section("tags", "What the files say besides their pixels", _groups("tag", summary.tags, "place in the file"))
    yield section("places", "Places", _map(summary))
    yield section("formats", "Formats", _groups("format", summary.formats, "format"))
    yield section("sources", "Who found it", _groups("source", summary.sources, "detector"))
    yield section("unreadable", "Cannot be read", _unreadable(summary))


def _groups(prefix: str, groups: Groups, what: str) -> str:
    if not groups:
        return '<p class="soft">none</p>'
    ranked = sorted(groups.items(), key=lambda item: (-item[1].samples, item[0]))
    anchors = {key: f"{prefix}-{number}" for number, (key, _) in enumerate(ranked)}
    rows = [
        (
            escape(key),
            f'<a href="#{anchors[key]}">{group.findings}</a>',
            f'<a href="#{anchors[key]}">{group.samples}</a>',
        )
        for key, group in ranked
    ]
    lists = "".join(listing(anchors[key], key, group.names, group.samples) for key, group in ranked)
    return (
        table((what, "findings", "pictures"), rows, numbers=(1, 2))
        + f"<details><summary>names</summary>{lists}</details>"
    )


def _chart(prefix: str, groups: Groups, unit: str, *, by: str) -> str:
    rows = [(key, int(getattr(group, by)), f"{prefix}-{number}") for number, (key, group) in enumerate(groups.items())]
    lists = "".join(
        listing(f"{prefix}-{number}", key, group.names, group.samples)
        for number, (key, group) in enumerate(groups.items())
    )
    return bars(rows, unit) + lists


def _sheet(summary: Summary, source: Source) -> str:
    if not summary.riskiest:
        return '<p class="soft">none</p>'
    figures = (figure(source, ref, findings, why) for _, ref, why, findings in summary.riskiest)
    return f'<div class="sheet">{"".join(figures)}</div>'


def _map(summary: Summary) -> str:
    if not summary.places:
        return '<p class="soft">no file tells a place</p>'
    names = [f"{name}: {latitude:.5f}, {longitude:.5f}" for latitude, longitude, name in summary.places]
    return world(summary.places) + listing("place-names", "pictures that tell a place", names[:200], len(names))


def _unreadable(summary: Summary) -> str:
    if not summary.unreadable:
        return '<p class="soft">every picture could be read</p>'
    return table(("file", "why"), [(escape(name), escape(why)) for name, why in summary.unreadable])
