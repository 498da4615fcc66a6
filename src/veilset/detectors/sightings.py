"""From the tags of one file: where it was made, when by the clock on the wall, and what joins it with other files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from veilset.core.sample import TagValue

WRITTEN = "%Y:%m:%d %H:%M:%S"
COLONS = str.maketrans("-T", ": ")
MOMENT = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)$")
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
    place, path = _place(said)
    local, offset = _time(said, place)
    marks = [f"device:{said[name][0]}" for name in DEVICES if name in said and str(said[name][0]).strip(" 0\0")]
    owners = (str(said.get(name, ("",))[0]).strip().casefold() for name in OWNERS)
    marks += [f"owner:{owner}" for owner in owners if owner]
    marks += [f"subject:{subject}" for subject in sorted(subjects)]
    first = next((said[name][1] for name in (*DEVICES, *OWNERS) if name in said), "")
    return Sighting(place, local, offset, tuple(marks), path or first)


def _place(said: Mapping[str, tuple[Any, str]]) -> tuple[tuple[float, float] | None, str]:
    pair: list[float] = []
    for name, limit in (("GPSLatitude", 90.0), ("GPSLongitude", 180.0)):
        value, _ = said.get(name, (None, ""))
        sign = -1 if str(said.get(f"{name}Ref", ("",))[0])[:1].upper() in ("S", "W") else 1
        if isinstance(value, tuple) and len(value) == 3:
            value = sum(float(part) / 60**power for power, part in enumerate(value))
        if isinstance(value, int | float) and np.isfinite(value) and abs(value) <= limit:
            pair.append(sign * float(value))
    if len(pair) == 2 and pair != [0.0, 0.0]:
        return (pair[0], pair[1]), said["GPSLatitude"][1]
    for name in ("position", "positions"):
        value, path = said.get(name, ((), ""))
        first = value[0] if name == "positions" and value else value
        if isinstance(first, tuple) and len(first) == 2 and all(isinstance(part, int | float) for part in first):
            return (float(first[0]), float(first[1])), path
    return None, ""


def _time(
    said: Mapping[str, tuple[Any, str]], place: tuple[float, float] | None
) -> tuple[datetime | None, float | None]:
    """Wall-clock time and hours ahead of UTC: said, or from the satellites' clock, or from the sun."""
    wall = _moment(next((said[name][0] for name in WALL if name in said), ""))
    words = (str(said[name][0]) for name in ("OffsetTimeOriginal", "OffsetTime", WALL[-1]) if name in said)
    match = next((found for word in words if (found := OFFSET.search(word))), None)
    if match:
        offset = (1 if match[1] == "+" else -1) * (int(match[2]) + int(match[3]) / 60)
        return wall, offset
    satellites = _satellites(said)
    if wall and satellites:
        offset = round((wall - satellites).total_seconds() / 900) / 4
        if EARLIEST <= offset <= LATEST:
            return wall, offset
        # No zone is that far from UTC: the camera's clock is wrong, and the satellites' is not.
        wall = None
    universal = satellites or _moment(said.get("CreateDate", ("",))[0])
    if wall is None and universal and place:
        # The sun's time differs from the clock's by an hour or two, which does not turn night into day.
        offset = round(place[1] / 15)
        return universal + timedelta(hours=offset), float(offset)
    return wall, None


def _moment(value: Any) -> datetime | None:
    match = MOMENT.match(str(value))
    try:
        return datetime.strptime(match[0].translate(COLONS), WRITTEN) if match else None  # noqa: DTZ007 - a wall clock
    except ValueError:
        return None


def _satellites(said: Mapping[str, tuple[Any, str]]) -> datetime | None:
    day, clock = str(said.get("GPSDateStamp", ("",))[0]), said.get("GPSTimeStamp", ((),))[0]
    if not isinstance(clock, tuple) or len(clock) != 3:
        return None
    return _moment(f"{day} {int(clock[0]):02d}:{int(clock[1]):02d}:{int(clock[2]):02d}")
