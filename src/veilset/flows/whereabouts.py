"""Whose files a set holds, and where these people live, work and go: the detector `places`, put together. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from veilset.core.finding import Finding
from veilset.core.roles import Ref
from veilset.detectors.places import Places, geojson, routine, whose
from veilset.detectors.sightings import Sighting
from veilset.flows.gazetteer import near

ROLES = ("home", "work", "regular", "visited")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of one person; `radius` in metres, `score` in [0, 1], `near` the nearest town where names are installed."""

    role: str
    latitude: float
    longitude: float
    radius: int
    files: int
    days: int
    score: float
    near: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """What the files of one owner or device say together.

    Attributes:
        name: A number of this report.
        marks: Serial numbers and owner's names that join the files; empty when a shared place does.
        files: Names of the files.
        placed: How many of them tell a place themselves.
        places: The most telling first.
        utc_offset: Hours that the clock was mostly ahead of UTC.
        hours: How often each hour of the week was seen, from Monday midnight.
        together: Who was at the same place at the same time.
    """

    name: str
    marks: tuple[str, ...]
    files: tuple[str, ...]
    placed: int
    places: tuple[Place, ...]
    utc_offset: float | None
    hours: tuple[int, ...]
    together: tuple[str, ...]

    def place(self, role: str) -> Place | None:
        """The first place of a role."""
        return next((place for place in self.places if place.role == role), None)


@dataclass(frozen=True)
class Whereabouts:
    """Everybody, the most telling first; files that nothing joins and that tell no place belong to nobody."""

    people: tuple[Person, ...] = ()
    features: dict[str, Any] = field(default_factory=lambda: geojson(()))

    def count(self, role: str) -> int:
        """How many people have such a place."""
        return sum(person.place(role) is not None for person in self.people)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **{f"with_{role}": self.count(role) for role in ("home", "work")},
            "people": [asdict(person) for person in self.people],
        }


def whereabouts(
    refs: Mapping[str, Ref],
    detector: Places,
    observed: Mapping[str, Sighting],
    concluded: Mapping[str, Sequence[Finding]],
) -> Whereabouts:
    """Put together what the detector observed and concluded, by sample id."""
    ids, sightings = list(observed), list(observed.values())
    groups: dict[int, list[int]] = defaultdict(list)
    for index, number in enumerate(whose(sightings, detector.reach)):
        groups[number].append(index)
    people = []
    for number, members in groups.items():
        found = [finding for index in members for finding in concluded.get(ids[index], ())]
        if found or len(members) > 1:
            names = tuple(refs[ids[index]].name for index in members)
            people.append(_person(f"person-{number + 1}", names, [sightings[index] for index in members], found))
    ranked = sorted(people, key=_order)
    return Whereabouts(tuple(ranked), _named(geojson(finding for listed in concluded.values() for finding in listed)))


def _named(features: dict[str, Any]) -> dict[str, Any]:
    for feature in features["features"]:
        longitude, latitude = feature["geometry"]["coordinates"]
        if words := near(latitude, longitude):
            feature["properties"]["near"] = words
    return features


def _order(person: Person) -> tuple[int, int, str]:
    best = min((ROLES.index(place.role) for place in person.places), default=len(ROLES))
    return best, -len(person.files), person.name


def _person(name: str, files: tuple[str, ...], sightings: list[Sighting], found: list[Finding]) -> Person:
    offsets = Counter(sighting.offset for sighting in sightings if sighting.offset is not None)
    return Person(
        name,
        tuple(dict.fromkeys(mark for sighting in sightings for mark in sighting.marks)),
        files,
        sum(sighting.place is not None for sighting in sightings),
        tuple(sorted(_places(found), key=lambda place: (ROLES.index(place.role), -place.files, -place.score))),
        offsets.most_common(1)[0][0] if offsets else None,
        routine(sighting.local for sighting in sightings if sighting.local is not None),
        tuple(dict.fromkeys(other for finding in found for other in finding.detail.get("together_with", ()))),
    )


def _places(found: Iterable[Finding]) -> set[Place]:
    return {
        Place(
            finding.detail["role"],
            float(finding.value["latitude"]),
            float(finding.value["longitude"]),
            finding.detail["radius_m"],
            finding.detail["files"],
            finding.detail["days"],
            round(finding.score, 3),
            near(finding.value["latitude"], finding.value["longitude"]),
        )
        for finding in found
        if finding.detail["role"] in ROLES
    }
