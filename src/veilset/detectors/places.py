"""Where people live, work and go: what coordinates, times and serial numbers of a whole set give away together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import positive
from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, Video
from veilset.core.where import Tag
from veilset.detectors.sightings import Sighting, read_sighting

EARTH = 6_371_008.8
Degrees = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place where somebody was seen.

    Attributes:
        role: `home`, `work`, `regular` or `visited`.
        members: Positions in the list of sightings.
        score: Share of the person's telling hours that were spent there, shrunk for small numbers.
    """

    role: str
    latitude: float
    longitude: float
    radius: float
    members: tuple[int, ...]
    days: int
    score: float


def distances(place: Degrees, points: Degrees) -> Degrees:
    """Metres on the sphere from one place to each of `points` (n, 2), in degrees.

    >>> round(float(distances(np.zeros(2), np.array([[0.0, 1.0]]))[0]))
    111195

    *Source*: the haversine formula, which keeps its precision for near places.
    """
    here, there = np.radians(place), np.radians(points)
    half = np.sin((there - here) / 2) ** 2
    inner = half[:, 0] + np.cos(here[0]) * np.cos(there[:, 0]) * half[:, 1]
    result: Degrees = 2 * EARTH * np.arcsin(np.sqrt(np.clip(inner, 0, 1)))
    return result


def centre(points: Degrees) -> tuple[float, float]:
    """The middle of `points` (n, 2) that lie near one another, in degrees: poles and the date line are no edges.

    >>> [round(degrees, 6) for degrees in centre(np.array([[10.0, 179.9], [10.0, -179.7]]))]
    [10.00006, -179.9]

    *Source*: the median along each axis of the space that the sphere stands in, so that a stray point moves it little.
    """
    if (points == points[0]).all():
        return float(points[0, 0]), float(points[0, 1])
    x, y, z = np.median(_in_space(points), axis=0)
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def _in_space(points: Degrees) -> Degrees:
    """Unit vectors (n, 3) to places in degrees."""
    angles = np.radians(points)
    flat = np.cos(angles[:, 0])
    return np.stack([flat * np.cos(angles[:, 1]), flat * np.sin(angles[:, 1]), np.sin(angles[:, 0])], axis=1)


def clusters(points: Degrees, reach: float) -> NDArray[np.int64]:
    """A cluster number for each of `points` (n, 2): places joined by steps of at most `reach` metres (single linkage).

    Points are sorted into cubes of that size around the earth, so poles and the date line are places like any other.

    >>> clusters(np.array([[48.0, 11.0], [48.0001, 11.0], [0.0, 180.0], [0.0, -180.0]]), 100.0).tolist()
    [0, 0, 1, 1]
    """
    if not len(points):
        return np.zeros(0, dtype=np.int64)
    space = EARTH * _in_space(points)
    parent = list(range(len(points)))
    cubes: dict[tuple[int, ...], list[int]] = defaultdict(list)
    # In a cube of this side any two points are within reach, so only cubes have to be compared.
    for index, cell in enumerate(np.floor(space / (reach / np.sqrt(3))).astype(np.int64).tolist()):
        cubes[tuple(cell)].append(index)
    span = range(-2, 3)
    steps = [step for a in span for b in span for c in span if (step := (a, b, c)) >= (0, 0, 0)]
    for cell, inside in cubes.items():
        for index in inside:
            _join(parent, inside[0], index)
        for a, b, c in steps:
            near = cubes.get((cell[0] + a, cell[1] + b, cell[2] + c), [])
            if near and _root(parent, near[0]) != _root(parent, inside[0]) and _touch(space, inside, near, reach):
                _join(parent, inside[0], near[0])
    roots = [_root(parent, index) for index in range(len(points))]
    names = {root: number for number, root in enumerate(dict.fromkeys(roots))}
    return np.array([names[root] for root in roots], dtype=np.int64)


def _touch(space: Degrees, one: list[int], other: list[int], reach: float) -> bool:
    few, many = sorted((one, other), key=len)
    around = space[many]
    return any(bool((((around - space[index]) ** 2).sum(axis=1) <= reach**2).any()) for index in few)


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


def _join(parent: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first


def people(sightings: Sequence[Sighting]) -> list[int]:
    """A person's number for each sighting: files that share any serial number or owner's name belong together.

    >>> people([Sighting(marks=("a",)), Sighting(marks=("b",)), Sighting(marks=("b", "a")), Sighting()])
    [0, 0, 0, 1]
    """
    parent = list(range(len(sightings)))
    first: dict[str, int] = {}
    for index, sighting in enumerate(sightings):
        for mark in sighting.marks:
            _join(parent, first.setdefault(mark, index), index)
    roots = [_root(parent, index) for index in range(len(sightings))]
    names = {root: number for number, root in enumerate(dict.fromkeys(roots))}
    return [names[root] for root in roots]


def whose(sightings: Sequence[Sighting], reach: float) -> list[int]:
    """As `people`, and files that carry no mark at all belong to whoever was at their place.

    Most telephones write no serial number; what was made within `reach` metres is then taken for one person's.

    >>> whose([Sighting((48.0, 11.0)), Sighting((48.0, 11.0)), Sighting((0.0, 0.0)), Sighting()], 100.0)
    [0, 0, 2, 3]
    """
    who = people(sightings)
    bare = [index for index, sighting in enumerate(sightings) if not sighting.marks and sighting.place is not None]
    labels = clusters(np.array([sightings[i].place for i in bare], dtype=np.float64).reshape(-1, 2), reach)
    first: dict[int, int] = {}
    for index, label in zip(bare, labels.tolist(), strict=True):
        who[index] = who[first.setdefault(label, index)]
    return who


def is_rest(moment: datetime) -> bool:
    """Evening, night, early morning, and all of the weekend: when most people are at home."""
    return moment.hour >= 19 or moment.hour < 7 or moment.weekday() >= 5


def is_work(moment: datetime) -> bool:
    """Working hours of a weekday."""
    return moment.weekday() < 5 and 9 <= moment.hour < 17


def spots(sightings: Sequence[Sighting], reach: float, apart: float) -> tuple[Spot, ...]:
    """One person's places, the most telling first: at most one home and one place of work.

    The home is where most nights, evenings and weekends were spent, counted by days; the place of work is where most
    working hours of weekdays were, `apart` metres or more from home; a regular place was seen on three days or more.

    Args:
        sightings: Of one person.
        reach: Metres between neighbours of one place.
        apart: Metres between home and work.
    """
    placed = [index for index, sighting in enumerate(sightings) if sighting.place is not None]
    points = np.array([sightings[index].place for index in placed], dtype=np.float64).reshape(-1, 2)
    labels = clusters(points, reach)
    groups = [[placed[i] for i in np.flatnonzero(labels == n)] for n in range(int(labels.max(initial=-1)) + 1)]
    rest = [_days(sightings, group, is_rest) for group in groups]
    work = [_days(sightings, group, is_work) for group in groups]
    home = _most(rest)
    places = [np.array([sightings[i].place for i in group], dtype=np.float64) for group in groups]
    centres = [np.array(centre(place)) for place in places]
    far = [
        0 if home is not None and distances(centres[home], centres[n][None])[0] < apart else work[n]
        for n in range(len(groups))
    ]
    office = _most(far) if home is not None else None
    found = []
    for number, group in enumerate(groups):
        days = len({moment.date() for i in group if (moment := sightings[i].local)}) or 1
        role = {home: "home", office: "work"}.get(number, "regular" if days >= 3 else "visited")
        hours, whole = (work, far) if role == "work" else (rest, rest)
        score = (hours[number] + 0.5) / (sum(whole) + 1) if role in ("home", "work") else days / (days + 2)
        middle = centres[number]
        radius = float(np.quantile(distances(middle, places[number]), 0.9))
        found.append(Spot(role, float(middle[0]), float(middle[1]), radius, tuple(group), days, min(1.0, float(score))))
    order = {"home": 0, "work": 1, "regular": 2, "visited": 3}
    return tuple(sorted(found, key=lambda spot: (order[spot.role], -len(spot.members), spot.members)))


def _days(sightings: Sequence[Sighting], group: Sequence[int], when: Any) -> int:
    moments = (sightings[index].local for index in group)
    # A night that ends in the morning is the same night.
    return len({(moment - timedelta(hours=7)).date() for moment in moments if moment and when(moment)})


def _most(counts: Sequence[int]) -> int | None:
    best = max(range(len(counts)), key=lambda n: (counts[n], -n), default=None)
    return best if best is not None and counts[best] >= 2 else None


def routine(moments: Iterable[datetime]) -> tuple[int, ...]:
    """How often each hour of the week was seen: 168 counts from Monday midnight.

    >>> routine([datetime(2024, 1, 1, 9)])[9]
    1
    """
    counted = Counter(moment.weekday() * 24 + moment.hour for moment in moments)
    return tuple(counted[hour] for hour in range(168))


def together(sightings: Sequence[Sighting], who: Sequence[int], reach: float, minutes: float) -> set[tuple[int, int]]:
    """Pairs of people who were at one place within `minutes` of one another."""
    points = [i for i, sighting in enumerate(sightings) if sighting.place is not None and sighting.local is not None]
    labels = clusters(np.array([sightings[i].place for i in points], dtype=np.float64).reshape(-1, 2), reach)
    by_place: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for index, label in zip(points, labels.tolist(), strict=True):
        moment = sightings[index].local
        if moment is not None:
            by_place[label].append((moment, who[index]))
    pairs = set()
    span = timedelta(minutes=minutes)
    for seen in by_place.values():
        # Of each person the latest sighting is the nearest one, so no other has to be compared.
        latest: dict[int, datetime] = {}
        for moment, person in sorted(seen):
            pairs |= {
                (min(person, other), max(person, other))
                for other, before in latest.items()
                if other != person and moment - before <= span
            }
            latest[person] = moment
    return pairs


@dataclass(frozen=True, slots=True)
class Places:
    """Point at likely homes, places of work and regular places of the people behind a set.

    Attributes:
        reach: Metres between neighbours of one place.
        apart: Metres that home and work lie apart, at least.
        minutes: How near in time two people have to be at one place to count as together.

    *Shapes and units*: `reach` and `apart` in metres along the sphere, `minutes` in minutes; coordinates in degrees
    (WGS 84), hours by the offset that the file names. One observation per sample: its place, time, camera and names.

    *Source*: clustering by single linkage on the sphere; roles by the hours that people keep. Missing a home is the
    failure that matters, so two evenings are enough to name one.

    >>> Places().conclude({"a": Sighting()})
    {'a': ()}
    """

    reach: float = 120.0
    apart: float = 400.0
    minutes: float = 60.0
    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("place",)

    def __post_init__(self) -> None:
        positive(reach=self.reach, apart=self.apart, minutes=self.minutes)

    def observe(self, sample: Sample) -> Sighting:
        """Where, when and by whom, as the file says it."""
        return read_sighting(sample.tags, sample.subjects)

    def conclude(self, observed: Mapping[str, Sighting]) -> Mapping[str, tuple[Finding, ...]]:
        """Every file with a place, and every file that a serial number or name joins to somebody's home."""
        ids, sightings = list(observed), list(observed.values())
        who = whose(sightings, self.reach)
        met = together(sightings, who, self.reach, self.minutes)
        found: dict[str, tuple[Finding, ...]] = dict.fromkeys(ids, ())
        for person in dict.fromkeys(who):
            members = [index for index, number in enumerate(who) if number == person]
            known = spots([sightings[index] for index in members], self.reach, self.apart)
            others = [a + b - person for a, b in sorted(met) if person in (a, b)]
            for spot in known:
                for index in (members[i] for i in spot.members):
                    found[ids[index]] = (self._finding(sightings[index], person, spot, others),)
            home = next((spot for spot in known if spot.role == "home"), None)
            for index in members if home else []:
                if not found[ids[index]] and home:
                    found[ids[index]] = (self._joined(sightings[index], person, home),)
        return found

    def _finding(self, sighting: Sighting, person: int, spot: Spot, others: list[int]) -> Finding:
        detail = {
            "role": spot.role, "person": f"person-{person + 1}", "files": len(spot.members), "days": spot.days,
            "radius_m": round(spot.radius), "together_with": [f"person-{other + 1}" for other in others],
            "utc_offset": sighting.offset,
        }  # fmt: skip
        value = {"latitude": spot.latitude, "longitude": spot.longitude, "here": sighting.place}
        return Finding("place", Tag(sighting.path), spot.score, "places", Risk.PLACE, None, detail, value)

    def _joined(self, sighting: Sighting, person: int, home: Spot) -> Finding:
        detail = {"role": "joined", "person": f"person-{person + 1}", "files": 1, "days": 1, "radius_m": 0}
        value = {"latitude": home.latitude, "longitude": home.longitude}
        return Finding("place", Tag(sighting.path), home.score / 2, "places", Risk.PLACE, None, detail, value)


def geojson(findings: Iterable[Finding]) -> dict[str, Any]:
    """Each place once, as a GeoJSON feature collection (RFC 7946). Private: it holds coordinates.

    >>> geojson([])
    {'type': 'FeatureCollection', 'features': []}
    """
    features: dict[tuple[str, str, float, float], dict[str, Any]] = {}
    for finding in findings:
        role = finding.detail.get("role")
        if finding.kind != "place" or role == "joined" or not isinstance(finding.value, Mapping):
            continue
        latitude, longitude = finding.value["latitude"], finding.value["longitude"]
        features[finding.detail["person"], str(role), latitude, longitude] = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(longitude, 6), round(latitude, 6)]},
            "properties": {**finding.detail, "score": round(finding.score, 3)},
        }
    return {"type": "FeatureCollection", "features": [features[key] for key in sorted(features)]}
