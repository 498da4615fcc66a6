"""From the tags of one file: where it was made, when by the clock on the wall, and what joins it with other files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from veilset.core.sample import TagValue
from veilset.detectors.degrees import coordinates, position

WRITTEN = "%Y:%m:%d %H:%M:%S"
COLONS = str.maketrans("-T", ": ")
MOMENT = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
OFFSET = re.compile(r"([+-])(\d\d):?([0-5]\d)$|(?<=\d)Z$|^Z$")
# A clock that nobody set says 1 or 9999; photography begins in 1826.
YEARS = range(1826, 2200)
# The clock on the wall, in the order of trust; the last one names its zone too.
WALL = ("DateTimeOriginal", "DateTimeDigitized", "DateTime", "com.apple.quicktime.creationdate")
EARLIEST, LATEST = -12.0, 14.0
DEVICES = ("BodySerialNumber", "CameraSerialNumber", "SerialNumber", "LensSerialNumber", "gopro_serial")
OWNERS = ("CameraOwnerName", "OwnerName", "Artist", "XPAuthor", "creator")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one file says about where, when and by whom. Private.

    Attributes:
        place: (latitude, longitude) in degrees.
        local: Wall-clock time.
        offset: Hours that the wall clock is ahead of UTC.
        marks: What joins it with others: serial numbers, owner names, known subjects.
        path: The tag that holds the place, or the first mark.
    """

    place: tuple[float, float] | None = field(default=None, repr=False)
    local: datetime | None = field(default=None, repr=False)
    offset: float | None = None
    marks: tuple[str, ...] = field(default=(), repr=False)
    path: str = ""


def read_sighting(tags: Sequence[TagValue], subjects: Iterable[str] = ()) -> Sighting:
    """What tags say about where, when and by whom.

    >>> read_sighting([TagValue("mp4/udta/©xyz/position", (48.0, 11.0))]).place
    (48.0, 11.0)
    """
    said: dict[str, tuple[Any, str]] = {}
    for tag in tags:
        said.setdefault(tag.path.rpartition("/")[2].rpartition(":")[2], (tag.value, tag.path))
    path, place = coordinates(tags) or position(tags) or ("", None)
    local, offset = _time(said, place)
    marks = [f"device:{said[name][0]}" for name in DEVICES if name in said and str(said[name][0]).strip(" 0\0")]
    owners = (str(said.get(name, ("",))[0]).strip().casefold() for name in OWNERS)
    marks += [f"owner:{owner}" for owner in owners if owner]
    marks += [f"subject:{subject}" for subject in sorted(subjects)]
    first = next((said[name][1] for name in (*DEVICES, *OWNERS) if name in said), "")
    return Sighting(place, local, offset, tuple(marks), path or first)


def _time(
    said: Mapping[str, tuple[Any, str]], place: tuple[float, float] | None
) -> tuple[datetime | None, float | None]:
    """Wall-clock time and hours ahead of UTC: said, or from the satellites' clock, or from the sun."""
    wall = _moment(next((said[name][0] for name in WALL if name in said), ""))
    offset = _offset(said)
    if offset is not None:
        return wall, offset
    satellites = _satellites(said)
    if wall and satellites:
        offset = round((wall - satellites).total_seconds() / 900) / 4
        if EARLIEST <= offset <= LATEST:
            return wall, offset
        # No zone is that far from UTC: the camera's clock is wrong, and the satellites' is not.
        wall = None
    universal = satellites or _of_film(said)
    if wall is None and universal and place:
        # The sun's time differs from the clock's by an hour or two, which does not turn night into day.
        offset = round(place[1] / 15)
        return universal + timedelta(hours=offset), float(offset)
    return wall, None


def _offset(said: Mapping[str, tuple[Any, str]]) -> float | None:
    """Hours ahead of UTC, as EXIF says them or as they stand behind a moment."""
    for name in ("OffsetTimeOriginal", "OffsetTime", *WALL):
        match = OFFSET.search(str(said.get(name, ("",))[0]).strip("\0 "))
        if match:
            hours = (-1 if match[1] == "-" else 1) * (int(match[2] or 0) + int(match[3] or 0) / 60)
            if EARLIEST <= hours <= LATEST:
                return hours
    return None


def _of_film(said: Mapping[str, tuple[Any, str]]) -> datetime | None:
    """A film's header counts in UTC; XMP's date of the same name is a clock on a wall."""
    value, path = said.get("CreateDate", ("", ""))
    return None if "xmp" in path else _moment(value)


def _moment(value: Any) -> datetime | None:
    match = MOMENT.match(str(value))
    try:
        moment = datetime.strptime(match[0].translate(COLONS), WRITTEN) if match else None  # noqa: DTZ007 - a wall clock
    except ValueError:
        return None
    return moment if moment and moment.year in YEARS else None


def _satellites(said: Mapping[str, tuple[Any, str]]) -> datetime | None:
    day, clock = str(said.get("GPSDateStamp", ("",))[0]), said.get("GPSTimeStamp", ((),))[0]
    if not isinstance(clock, tuple) or len(clock) != 3:
        return None
    if not all(isinstance(part, int | float) and isfinite(part) for part in clock):
        return None
    return _moment(f"{day} {int(clock[0]):02d}:{int(clock[1]):02d}:{int(clock[2]):02d}")
