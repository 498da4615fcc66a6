"""The parts of the audit's page that say whom a set shows, and where to look first. Private."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from veilset.core.roles import Source
from veilset.flows.people import COLUMNS, People
from veilset.flows.report.page import section, table
from veilset.flows.report.sheet import figure

DRAWN = 24
CLASSES = 500
_TITLES = {"faceless": "persons without a face", "judged": "faces judged", "minors": "likely under 18"}


def people_sections(people: People, detectors: tuple[str, ...], source: Source) -> Iterator[str]:
    """Sections for the detectors that ran."""
    if {"face", "person"} <= set(detectors):
        yield section("first", "Look at these first: detectors disagree", *_first(people, source))
    if "demographics" in detectors:
        yield section("shares", "Apparent age and gender", _shares(people))
    if len(people.classes) > 1 or set(detectors) & {"person", "demographics", "explicit", "text", "plate"}:
        yield section("classes", "By class folder", _classes(people, detectors))


def people_tiles(people: People, detectors: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Big numbers of the detectors that ran."""
    if {"face", "person"} <= set(detectors):
        yield str(people.with_faceless), "show a person without a visible face", "first"
    if "demographics" in detectors:
        yield str(people.with_minors), "likely show somebody under 18", "shares"


def _first(people: People, source: Source) -> Iterator[str]:
    ranked = people.ranked()
    yield (
        '<p class="soft">A person without a face may be turned away, or a face was missed: only a look can tell. '
        f"{people.faceless} of {people.persons} persons have no visible face. "
        f"The {min(DRAWN, len(ranked))} most urgent of {len(ranked)} listed pictures are drawn; "
        "disagreements.csv lists them.</p>"
    )
    if ranked:
        figures = (figure(source, ref, findings, why) for _, ref, why, findings in ranked[:DRAWN])
        yield f'<div class="sheet">{"".join(figures)}</div>'


def _shares(people: People) -> str:
    rows = [
        (escape(what), escape(name), str(count), f"{count / n:.1%}" if n else "", f"{low:.1%} to {high:.1%}")
        for what, name, count, n, low, high in people.shares()
    ]
    return (
        f'<p class="soft">Of {people.judged} faces that were large enough to be judged. Intervals (exact, 95 %) are of the '
        "share in pictures like these; that a judgement may be wrong comes on top. Apparent is not what people are.</p>"
        + table(("what", "group", "faces", "share", "interval"), rows, numbers=(2, 3, 4))
    )


def _classes(people: People, detectors: tuple[str, ...]) -> str:
    needs = {
        "faces": "face",
        "persons": "person",
        "faceless": "person",
        "judged": "demographics",
        "minors": "demographics",
        "female": "demographics",
        "male": "demographics",
        "explicit": "explicit",
        "text": "text",
        "plates": "plate",
    }
    shown = [column for column in COLUMNS if needs.get(column, detectors[0]) in detectors]
    ranked = sorted(people.classes.items(), key=lambda one: (-one[1]["faces"] - one[1]["persons"], one[0]))
    rows = [(escape(name), *(str(row[column]) for column in shown)) for name, row in ranked[:CLASSES]]
    rest = f'<p class="soft">and {len(ranked) - CLASSES} more, in classes.csv</p>' if len(ranked) > CLASSES else ""
    head = ("folder", *(_TITLES.get(column, column) for column in shown))
    return table(head, rows, numbers=range(1, len(head))) + rest
