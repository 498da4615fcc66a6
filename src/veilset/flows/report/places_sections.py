"""The parts of the audit's page that say where people live, work and go, and what lies beside their files. Private."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from veilset.flows.gazetteer import CREDIT, INSTALL, towns
from veilset.flows.report.charts import week
from veilset.flows.report.page import listing, section, table
from veilset.flows.report.world import Point, world
from veilset.flows.whereabouts import Person, Place, Whereabouts

DRAWN = 40
LISTED = 500
NAMES = 200
SEEN = 2000
_SAID = {"home": "likely home", "work": "likely work", "regular": "regular place", "visited": "seen there"}


def places_tiles(found: Whereabouts) -> Iterator[tuple[str, str, str]]:
    """The big numbers."""
    yield str(found.count("home")), "likely homes", "whereabouts"
    yield str(found.count("work")), "likely places of work", "whereabouts"


def places_sections(found: Whereabouts) -> Iterator[str]:
    """The map and table of everybody, then each person's own places, files and hours."""
    yield section("whereabouts", "Where these people live, work and go", *_everybody(found))
    drawn = [_one(person) for person in found.people[:DRAWN]]
    if drawn:
        rest = len(found.people) - len(drawn)
        more = f'<p class="soft">and {rest} more, in audit.json and places.geojson</p>' if rest > 0 else ""
        yield section("persons", "One by one", *drawn, more)


def _everybody(found: Whereabouts) -> Iterator[str]:
    yield (
        '<p class="soft">Files are joined by camera serial numbers and owner names, and, where they carry neither, by a '
        "shared place. A home is where evenings, nights and weekends were spent, a place of work where the working hours "
        "of weekdays were. Likely is not certain. The same places are in places.geojson, beside this page.</p>"
    )
    drawn = _map([(place, f"{person.name}: {_SAID[place.role]}") for person in found.people for place in person.places])
    if drawn:
        yield drawn + f'<p class="soft">{CREDIT if towns() else INSTALL}</p>'
    rows = [row for person in found.people[:LISTED] for row in _rows(person)]
    if not rows:
        yield '<p class="soft">no file tells a place, and nothing joins one with another</p>'
        return
    head = (
        "who",
        "files",
        "place",
        "near",
        "latitude",
        "longitude",
        "within m",
        "files there",
        "days",
        "score",
        "with",
    )
    yield table(head, rows, numbers=(1, 4, 5, 6, 7, 8, 9))
    if len(found.people) > LISTED:
        yield f'<p class="soft">and {len(found.people) - LISTED} more people, in audit.json</p>'


def _map(places: Sequence[tuple[Place, str]]) -> str:
    """Places that tell something of a person, and smaller those that were merely visited."""
    points: list[Point] = []
    seen: list[Point] = []
    for place, words in places:
        (seen if place.role == "visited" else points).append((place.latitude, place.longitude, words))
    return world(points, seen[:SEEN]) if points or seen else ""


def _rows(person: Person) -> Iterator[tuple[str, ...]]:
    told = [place for place in person.places if place.role != "visited"] or person.places[:1]
    anchor = f'<a href="#{escape(person.name)}">{escape(person.name)}</a>'
    others = escape(", ".join(person.together))
    if not told:
        yield anchor, str(len(person.files)), "joined, no place", "", "", "", "", "", "", "", others
    for place in told:
        yield (
            anchor,
            str(len(person.files)),
            _SAID[place.role],
            escape(place.near),
            f"{place.latitude:.5f}",
            f"{place.longitude:.5f}",
            str(place.radius),
            str(place.files),
            str(place.days),
            f"{place.score:.2f}",
            others,
        )


def _one(person: Person) -> str:
    zone = "unknown" if person.utc_offset is None else f"UTC{person.utc_offset:+g}"
    marks = "".join(f"<li>{escape(mark)}</li>" for mark in person.marks[:NAMES])
    joined = f"<p>Joined by</p><ul>{marks}</ul>" if marks else "<p>Joined by a shared place alone.</p>"
    return (
        f'<details id="{escape(person.name)}"><summary>{escape(person.name)}: {len(person.files)} files, {person.placed} '
        f"with a place of their own; clock {zone}</summary>{joined}"
        + _map([(place, " ".join((_SAID[place.role], place.near)).strip()) for place in person.places])
        + (week(person.hours) if any(person.hours) else "")
        + listing(f"{person.name}-files", "files", person.files[:NAMES], len(person.files))
        + "</details>"
    )
