"""A drawn marketplace: product photos from phones, in which the sellers' homes must be pointed at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from veilset.core.finding import Risk
from veilset.core.sample import Image, Sample, TagValue
from veilset.detectors.metadata import Metadata
from veilset.detectors.places import Places, clusters, distances, geojson, people, routine, spots, together
from veilset.detectors.sightings import Sighting, read_sighting

METRE = 1 / 111_195


def exif(
    place: tuple[float, float] | None, moment: datetime, serial: str = "", owner: str = "", zone: int = 0
) -> list[TagValue]:
    """Tags as a phone writes them: degrees, minutes and seconds with a hemisphere, and the clock on the wall."""
    tags = [TagValue("exif/exif/DateTimeOriginal", f"{moment:%Y:%m:%d %H:%M:%S}", Risk.TIME)]
    tags.append(TagValue("exif/exif/OffsetTimeOriginal", f"{zone:+03d}:00", Risk.TIME))
    if place:
        for value, name, signs in ((place[0], "GPSLatitude", "NS"), (place[1], "GPSLongitude", "EW")):
            minutes, degrees = np.modf(abs(value))
            seconds, minutes = np.modf(minutes * 60)
            tags.append(TagValue(f"exif/gps/{name}", (float(degrees), float(minutes), float(seconds * 60)), Risk.PLACE))
            tags.append(TagValue(f"exif/gps/{name}Ref", signs[value < 0], Risk.PLACE))
    if serial:
        tags.append(TagValue("exif/exif/BodySerialNumber", serial, Risk.DEVICE))
    if owner:
        tags.append(TagValue("exif/exif/CameraOwnerName", owner, Risk.PERSON))
    return tags


def sample(name: str, tags: list[TagValue], subjects: frozenset[str] = frozenset()) -> Sample:
    return Sample(name, Image(np.zeros((1, 1, 3), np.uint8)), subjects, tags=tags)


def marketplace(rng: np.random.Generator, sellers: int) -> tuple[list[Sample], dict[str, tuple[float, float]]]:
    """Photos of goods: most in the evening at home, some at a place of work, some anywhere, half without a place."""
    samples, homes = [], {}
    for seller in range(sellers):
        home = np.array([rng.uniform(-60, 60), rng.uniform(-179, 179)])
        office = home + rng.uniform(0.02, 0.1, 2) * rng.choice([-1, 1], 2)
        homes[f"serial-{seller}"] = (float(home[0]), float(home[1]))
        for number in range(24):
            day = datetime(2024, 3, 4, tzinfo=UTC).replace(tzinfo=None) + timedelta(days=int(rng.integers(0, 60)))
            at_work = rng.random() < 0.4
            if at_work:
                day += timedelta(days=(-day.weekday()) % 7 if day.weekday() >= 5 else 0)
            moment = day + timedelta(hours=float(rng.uniform(9, 17) if at_work else rng.uniform(19, 23)))
            stray = rng.random() < 0.1
            centre = home + rng.uniform(-0.5, 0.5, 2) if stray else office if at_work else home
            noise = rng.normal(0, 12, 2) * METRE / np.array([1, max(np.cos(np.radians(home[0])), 0.1)])
            place = tuple(float(v) for v in centre + noise) if rng.random() < 0.6 else None
            samples.append(sample(f"s{seller}-{number}", exif(place, moment, f"serial-{seller}")))
    return samples, homes


def test_the_sellers_homes_are_pointed_at() -> None:
    samples, homes = marketplace(np.random.default_rng(7), 40)
    places = Places()
    found = places.conclude({one.id: places.observe(one) for one in samples})
    hits, named = 0, set()
    for seller, home in homes.items():
        number = seller.removeprefix("serial-")
        mine = [finding for name, listed in found.items() if name.startswith(f"s{number}-") for finding in listed]
        near = [
            finding for finding in mine if finding.detail["role"] == "home"
            and distances(np.array(home), np.array([[finding.value["latitude"], finding.value["longitude"]]]))[0] < 60
        ]  # fmt: skip
        hits += bool(near)
        named |= {finding.detail["person"] for finding in mine}
        work = {finding.detail["role"] for finding in mine}
        assert "home" not in work or near, "a home was named that is not one"
    assert hits >= 38
    assert len(named) == 40


def test_files_without_a_place_are_joined_to_the_home_by_their_camera() -> None:
    evening = datetime(2024, 3, 4, 21)  # noqa: DTZ001
    tags = [exif((48.0, 11.0), evening + timedelta(days=d), "SN1") for d in range(3)] + [exif(None, evening, "SN1")]
    places = Places()
    found = places.conclude({str(i): places.observe(sample(str(i), t)) for i, t in enumerate(tags)})
    assert found["3"][0].detail["role"] == "joined"
    assert found["3"][0].value == pytest.approx({"latitude": 48.0, "longitude": 11.0})
    assert found["0"][0].detail["role"] == "home"


def test_places_are_private_and_details_hold_none() -> None:
    evening = datetime(2024, 3, 4, 21)  # noqa: DTZ001
    places = Places()
    observed = {
        str(d): places.observe(sample(str(d), exif((48.137, 11.575), evening + timedelta(days=d), "SN-SECRET", "Anna")))
        for d in range(3)
    }
    found = places.conclude(observed)
    said = (
        repr(observed) + repr(found) + "".join(json.dumps(dict(f.detail)) for listed in found.values() for f in listed)
    )
    for secret in ("48.13", "11.57", "SN-SECRET", "Anna", "anna"):
        assert secret not in said
    assert all(f.risk is Risk.PLACE and f.kind == "place" for listed in found.values() for f in listed)


def test_distance_equals_the_spherical_law_of_cosines() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        one, other = (np.array([rng.uniform(-90, 90), rng.uniform(-180, 180)]) for _ in range(2))
        a, b = np.radians(one), np.radians(other)
        cosine = np.sin(a[0]) * np.sin(b[0]) + np.cos(a[0]) * np.cos(b[0]) * np.cos(a[1] - b[1])
        assert distances(one, other[None])[0] == pytest.approx(6_371_008.8 * np.arccos(np.clip(cosine, -1, 1)), abs=1)


def test_clusters_equal_brute_force_single_linkage() -> None:
    rng = np.random.default_rng(11)
    points = np.concatenate(
        [rng.normal(c, 40 * METRE, (30, 2)) for c in ((10, 20), (10.002, 20), (89.999, 5), (0, 180))]
    )
    points[:, 1] = (points[:, 1] + 180) % 360 - 180
    near = np.stack([distances(p, points) for p in points]) <= 100
    labels = np.arange(len(points))
    for _ in range(len(points)):
        labels = np.array([labels[row].min() for row in near])
    ours = clusters(points, 100.0)
    assert (
        len(set(zip(labels.tolist(), ours.tolist(), strict=True)))
        == len(set(labels.tolist()))
        == len(set(ours.tolist()))
    )


def test_people_are_joined_by_any_shared_mark() -> None:
    marks = [("device:1",), ("owner:anna",), ("device:1", "owner:anna"), ("device:2",), ()]
    assert people([Sighting(marks=m) for m in marks]) == [0, 0, 0, 1, 2]


def test_a_place_of_work_is_told_from_home() -> None:
    monday = datetime(2024, 3, 4)  # noqa: DTZ001
    seen = [Sighting((48.0, 11.0), monday + timedelta(days=d, hours=22)) for d in range(4)]
    seen += [Sighting((48.05, 11.05), monday + timedelta(days=d, hours=11)) for d in range(4)]
    seen += [Sighting((48.09, 11.0), monday + timedelta(days=d, hours=18)) for d in range(3)]
    assert [spot.role for spot in spots(seen, 120, 400)] == ["home", "work", "regular"]
    assert spots([Sighting((48.0, 11.0), monday)], 120, 400)[0].role == "visited"


def test_a_large_set_at_one_place_takes_a_moment_only() -> None:
    points = np.random.default_rng(1).normal((48, 11), 10 * METRE, (20_000, 2))
    assert clusters(points, 120.0).max() == 0


def test_two_people_at_one_place_and_time_are_together() -> None:
    noon = datetime(2024, 3, 4, 12)  # noqa: DTZ001
    seen = [
        Sighting((1.0, 2.0), noon),
        Sighting((1.0, 2.0), noon + timedelta(minutes=30)),
        Sighting((1.0, 2.0), noon + timedelta(hours=5)),
    ]
    assert together(seen, [0, 1, 2], 100, 60) == {(0, 1)}


def test_the_clock_on_the_wall_is_inferred() -> None:
    wall = datetime(2024, 3, 4, 14, 0, 5)  # noqa: DTZ001
    tags = [
        *exif((48.0, 11.0), wall)[:1],
        TagValue("exif/gps/GPSDateStamp", "2024:03:04"),
        TagValue("exif/gps/GPSTimeStamp", (13.0, 0.0, 0.0)),
    ]
    assert read_sighting(tags).offset == 1.0
    film = [TagValue("mp4/mvhd/CreateDate", "2024:03:04 06:00:00Z"), TagValue("mp4/udta/©xyz/position", (37.0, -122.0))]
    assert read_sighting(film).local == datetime(2024, 3, 3, 22)  # noqa: DTZ001
    assert read_sighting(exif((-33.9, -70.6), wall)).place == pytest.approx((-33.9, -70.6))
    assert (
        read_sighting(
            [TagValue("exif/gps/GPSLatitude", (91.0, 0.0, 0.0)), TagValue("exif/gps/GPSLongitude", (1.0, 0.0, 0.0))]
        ).place
        is None
    )


def test_routine_counts_hours_of_the_week() -> None:
    counts = routine([datetime(2024, 3, 10, 23, 59)])  # noqa: DTZ001
    assert len(counts) == 168
    assert counts[167] == 1


def test_geojson_holds_each_place_once_with_longitude_first() -> None:
    evening = datetime(2024, 3, 4, 21)  # noqa: DTZ001
    places = Places()
    found = places.conclude(
        {str(d): places.observe(sample(str(d), exif((48.0, 11.0), evening + timedelta(days=d), "S"))) for d in range(3)}
    )
    plain = json.loads(json.dumps(geojson(f for listed in found.values() for f in listed)))
    assert [feature["geometry"]["coordinates"] for feature in plain["features"]] == [[11.0, 48.0]]
    assert plain["features"][0]["properties"]["role"] == "home"


EVENING = datetime(2024, 3, 4, 21)  # noqa: DTZ001 - a clock on a wall


@pytest.mark.parametrize(
    ("points", "middle"),
    [
        ([(10, 179.9998), (10, -179.9998), (10, 179.9999), (10, -179.9999)], (10, 180)),
        ([(89.9999, 0), (89.9999, 90), (89.9999, 180), (89.9999, -90)], (90, 0)),
        ([(-89.9999, 10), (-89.9999, -170)], (-90, 0)),
        ([(-33.8568, 151.2153), (-33.8569, 151.2154)], (-33.85685, 151.21535)),
        ([(0, -0.0001), (0, 0.0001)], (0, 0)),
    ],
)
def test_a_home_on_the_date_line_or_a_pole_is_pointed_at(
    points: list[tuple[float, float]], middle: tuple[float, float]
) -> None:
    seen = [Sighting(place, EVENING + timedelta(days=day), marks=("one",)) for day, place in enumerate(points)]
    (spot,) = spots(seen, 120, 400)
    assert spot.role == "home"
    assert spot.radius < 60
    assert distances(np.array(middle, float), np.array([[spot.latitude, spot.longitude]]))[0] < 1


@pytest.mark.parametrize(
    ("latitude", "longitude", "place"),
    [
        ("48,8.22N", "11,34.5E", (48.137, 11.575)),
        ("48,8,13.2S", "11,34,30W", (-48.137, -11.575)),
        ("48.137", "-11.575", (48.137, -11.575)),
        ("91,0N", "11,0E", None),
        ("north", "11,0E", None),
        ("0,0N", "0,0E", None),
    ],
)
def test_a_place_that_only_xmp_names_counts(latitude: str, longitude: str, place: tuple[float, float] | None) -> None:
    tags = [TagValue("xmp/exif:GPSLatitude", latitude), TagValue("xmp/exif:GPSLongitude", longitude)]
    assert read_sighting(tags).place == (None if place is None else pytest.approx(place))
    found = [one.value for one in Metadata().find(sample("x", tags)) if one.detail.get("coordinates")]
    assert found == ([] if place is None else [pytest.approx(place)])


NAN = float("nan")


@pytest.mark.parametrize("part", [NAN, None, "4", float("inf"), ()])
@pytest.mark.parametrize("name", ["exif/gps/GPSLatitude", "exif/gps/GPSTimeStamp", "exif/gps/GPSLatitudeRef"])
def test_nonsense_in_a_tag_is_no_place_and_no_crash(name: str, part: object) -> None:
    said = {tag.path: tag for tag in exif((48.0, 11.0), EVENING)}
    said["exif/gps/GPSDateStamp"] = TagValue("exif/gps/GPSDateStamp", "2024:03:04")
    said.pop("exif/exif/OffsetTimeOriginal")
    said[name] = TagValue(name, (part, 0.0, 0.0))
    sighting = read_sighting(list(said.values()))
    assert sighting.place in (None, (48.0, 11.0))
    assert sighting.local == EVENING


@pytest.mark.parametrize("place", [(NAN, 1.0), (500.0, 1.0), (0.0, 0.0), ("a", "b")])
def test_a_film_s_position_off_the_earth_is_none(place: tuple[object, object]) -> None:
    assert read_sighting([TagValue("mp4/udta/©xyz/position", place)]).place is None


@pytest.mark.parametrize("day", ["0001:01:01", "9999:12:31", "0000:00:00", "2024:13:45"])
def test_a_date_that_cannot_be_is_no_date(day: str) -> None:
    tags = [tag for tag in exif((48.0, -170.0), EVENING) if "Date" not in tag.path and "Offset" not in tag.path]
    tags += [TagValue("exif/gps/GPSDateStamp", day), TagValue("exif/gps/GPSTimeStamp", (1.0, 0.0, 0.0))]
    tags += [TagValue("exif/exif/DateTimeOriginal", f"{day} 01:00:00")]
    assert read_sighting(tags).local is None
    assert list(Places().conclude({"a": read_sighting(tags), "b": read_sighting(tags)})) == ["a", "b"]


@pytest.mark.parametrize(
    ("offset", "hours"), [("+02:00\0", 2), ("-03:30", -3.5), ("Z", 0), (" +0545 ", 5.75), ("+25:00", None), ("?", None)]
)
def test_offsets_as_cameras_write_them(offset: str, hours: float | None) -> None:
    tags = [TagValue("e/DateTimeOriginal", "2024:03:04 21:00:00"), TagValue("e/OffsetTimeOriginal", offset)]
    assert read_sighting(tags).offset == hours


def test_xmp_s_date_is_the_clock_on_the_wall_and_not_utc() -> None:
    place = exif((48.0, 150.0), EVENING)[2:]
    assert read_sighting([*place, TagValue("mp4/moov/CreateDate", "2024:03:04 11:00:00")]).local == EVENING
    assert read_sighting([*place, TagValue("xmp/xmp:CreateDate", "2024-03-04T11:00:00")]).local is None


def test_a_crowd_at_one_place_takes_no_square_of_its_size() -> None:
    import time

    seen = [Sighting((1.0, 1.0), EVENING + timedelta(seconds=number)) for number in range(4000)]
    start = time.process_time()
    assert len(together(seen, [number % 40 for number in range(4000)], 120, 120)) == 40 * 39 // 2
    assert time.process_time() - start < 3
