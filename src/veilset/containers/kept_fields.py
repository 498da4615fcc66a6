"""What `Keep` allows in formats whose place for it is an XMP packet: rights, a coarse place, a month, exposure values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from veilset.containers.contract import Keep
from veilset.containers.rights_fields import rights_fields, rights_packet
from veilset.core.sample import TagValue

Fields = dict[str, tuple[str, ...]]
Place = tuple[float, float]
_DEGREES = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d{1,12})?)(?:,(\d{1,2}(?:\.\d{1,12})?))?([NSEW])")
_MOMENT = re.compile(r"(\d{4})-(\d\d)(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?)?")
_RATIONAL = re.compile(r"\d{1,6}(?:/[1-9]\d{0,5})?")
_EXPOSURE = ("exif:ExposureTime", "exif:FNumber", "exif:FocalLength", "exif:ISOSpeedRatings")
_DATES = ("exif:DateTimeOriginal", "xmp:CreateDate", "dc:date")


def kept_fields(tags: Iterable[TagValue], keep: Keep) -> Fields:
    """XMP names and values that `keep` allows.

    >>> kept_fields([TagValue("xmp/xmp:CreateDate", "2024-03-15T10:11:12")], Keep(dates="month"))
    {'xmp:CreateDate': ('2024-03',)}
    """
    tags = list(tags)
    said = {tag.path.removeprefix("xmp/"): tag.value for tag in reversed(tags) if tag.path.startswith("xmp/")}
    found: Fields = rights_fields(tags) if keep.rights else {}
    if keep.exposure:
        for name in _EXPOSURE:
            if isinstance(said.get(name), str) and _RATIONAL.fullmatch(said[name]):
                found[name] = (said[name],)
    place = _said_in_xmp(said)
    if keep.gps_grid is not None and place is not None:
        latitude, longitude = coarse(place, keep.gps_grid)
        found["exif:GPSLatitude"] = (_written(latitude, "NS"),)
        found["exif:GPSLongitude"] = (_written(longitude, "EW"),)
    if keep.dates != "drop":
        for name in _DATES:
            moment = _MOMENT.fullmatch(str(said.get(name, "")))
            if moment:
                found[name] = (moment[0] if keep.dates == "keep" else moment[0][:7],)
    return found


def kept_packet(tags: Iterable[TagValue], keep: Keep) -> bytes:
    """These fields as a packet; empty when there are none."""
    return rights_packet(kept_fields(tags, keep))


def coarse(place: Place, grid: float) -> Place:
    """A place on a grid of so many degrees, inside the ranges of latitude and longitude.

    >>> coarse((48.1371, -179.99), 0.5)
    (48.0, -180.0)
    """
    latitude, longitude = (round(round(degrees / grid) * grid, 4) for degrees in place)
    return max(-90.0, min(90.0, latitude)), max(-180.0, min(180.0, longitude))


def place_of(tags: Iterable[TagValue]) -> Place | None:
    """The first place that a film's header names, in degrees."""
    for tag in tags:
        if tag.path.endswith("/position") and isinstance(tag.value, tuple) and len(tag.value) == 2:
            latitude, longitude = tag.value
            if abs(latitude) <= 90 and abs(longitude) <= 180:
                return float(latitude), float(longitude)
    return None


def _said_in_xmp(said: Mapping[str, Any]) -> Place | None:
    pair = []
    for name, signs, limit in (("exif:GPSLatitude", "NS", 90), ("exif:GPSLongitude", "EW", 180)):
        match = _DEGREES.fullmatch(str(said.get(name, "")))
        if not match or match[4] not in signs:
            return None
        degrees = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
        if degrees > limit:
            return None
        pair.append(degrees if match[4] == signs[0] else -degrees)
    return pair[0], pair[1]


def _written(degrees: float, signs: str) -> str:
    whole, rest = divmod(abs(degrees), 1)
    return f"{int(whole)},{rest * 60:.4f}{signs[degrees < 0]}"
