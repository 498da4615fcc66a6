"""The audit's page: numbers linked to the samples behind them, charts, map, contact sheet. Private."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from veilset.core.roles import Source
from veilset.flows.beside import is_beside
from veilset.flows.report.charts import bars
from veilset.flows.report.hidden_section import hidden_section
from veilset.flows.report.missed_section import missed_section
from veilset.flows.report.page import listing, page, section, table, tiles
from veilset.flows.report.people_sections import people_sections, people_tiles
from veilset.flows.report.places_sections import places_sections, places_tiles
from veilset.flows.report.sheet import figure
from veilset.flows.report.unsearched_section import unsearched_section, unsearched_tile, unsearched_words
from veilset.flows.report.world import world
from veilset.flows.summary import Groups, Summary
from veilset.flows.workplace import write_atomically

WARNING = "PRIVATE: this report shows the people and places in the pictures. Do not share it."
SHOWN = 20


def write_page(path: Path, summary: Summary, source: Source) -> None:
    """Write `report.html`, self-contained."""
    write_atomically(
        path, page("What this set gives away", WARNING, _sections(summary, source)).encode("utf-8", "replace")
    )


def _sections(summary: Summary, source: Source) -> Iterator[str]:
    yield (
        f'<p class="soft">{escape(summary.photos)}: looked at with {escape(", ".join(summary.detectors))}. '
        "What no detector finds is not in here.</p>"
    )
    for sentence in unsearched_words(summary):
        yield f"<p>{escape(sentence[0].upper() + sentence[1:])}.</p>"
    for note in summary.notes:
        yield f"<p><strong>{escape(note)}</strong></p>"
    yield tiles(list(_tiles(summary)))
    yield section("kinds", "What was found", _groups("kind", summary.kinds, "kind of finding"))
    yield section("risks", "What it may give away", _groups("risk", summary.risks, "risk"))
    if summary.whereabouts is not None:
        yield from places_sections(summary.whereabouts)
    if "hidden" in summary.detectors:
        total = summary.kinds.get("hidden_image")
        yield hidden_section(summary.hidden, total.findings if total else 0, source)
    yield from people_sections(summary.people, summary.detectors, source)
    yield section("riskiest", "The riskiest pictures", _sheet(summary, source))
    if "face" in summary.detectors:
        yield section("faces", "Faces", *_faces(summary))
    if summary.missed is not None:
        yield missed_section(summary.missed)
    if "metadata" in summary.detectors:
        yield section("places", "Places", _map(summary))
        tags = _groups("tag", summary.tags, "place in the file")
        yield section("tags", "What the files say besides their pixels", tags)
    outside = {path: group for path, group in summary.tags.items() if is_beside(path) or path.startswith("name/")}
    if outside or summary.whereabouts is not None:
        yield section("outside", "What lies outside the files", _groups("outside", outside, "place"))
    yield from unsearched_section(summary)
    yield section("formats", "Formats", _groups("format", summary.formats, "format"))
    yield section("sources", "Who found it", _groups("source", summary.sources, "detector"))
    yield section("unreadable", "Cannot be read", _unreadable(summary))
    besides = listing("besides", "files that are no pictures, not looked at", summary.others[:200], len(summary.others))
    read = listing("sidecars", "sidecars, looked at with their pictures", summary.sidecars[:200], len(summary.sidecars))
    yield section("others", "Besides the pictures", besides, read if summary.sidecars else "")


def _tiles(summary: Summary) -> Iterator[tuple[str, str, str]]:
    """The big numbers of what was looked for."""
    yield str(summary.pictures), "pictures", "formats"
    yield from unsearched_tile(summary)
    if "face" in summary.detectors:
        with_faces = sum(group.samples for key, group in summary.faces_per_picture.items() if key != "0")
        yield str(with_faces), "show faces", "faces"
    if "metadata" in summary.detectors:
        said = summary.kinds.get("metadata")
        yield str(said.samples if said else 0), "say more than pixels", "tags"
        yield str(len(summary.places)), "tell a place", "places"
    if "hidden" in summary.detectors:
        hidden = summary.kinds.get("hidden_image")
        yield str(hidden.samples if hidden else 0), "hide another picture", "hidden"
    if summary.whereabouts is not None:
        yield from places_tiles(summary.whereabouts)
    yield from people_tiles(summary.people, summary.detectors)
    yield str(len(summary.unreadable)), "cannot be read", "unreadable"


def _faces(summary: Summary) -> Iterator[str]:
    yield "<h3>Faces per picture</h3>"
    yield _chart("per", summary.faces_per_picture, "pictures", by="samples")
    yield "<h3>Face size, geometric mean of width and height</h3>"
    yield _chart("size", summary.face_sizes, "faces", by="findings")


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
    head = (what, "findings", "files")
    rest = table(head, rows[SHOWN:], numbers=(1, 2)) if len(rows) > SHOWN else ""
    return (
        table(head, rows[:SHOWN], numbers=(1, 2))
        + (f"<details><summary>{len(rows) - SHOWN} more</summary>{rest}</details>" if rest else "")
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
    return world(summary.places) + listing("place-names", "files that tell a place", names[:200], len(names))


def _unreadable(summary: Summary) -> str:
    if not summary.unreadable:
        return '<p class="soft">every picture could be read</p>'
    return table(("file", "why"), [(escape(name), escape(why)) for name, why in summary.unreadable])
