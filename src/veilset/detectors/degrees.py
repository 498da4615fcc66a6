"""Coordinates as files write them, read as signed degrees; nonsense is no place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from veilset.core.sample import TagValue

Place = tuple[float, float]
_LIMITS = (("GPSLatitude", 90.0), ("GPSLongitude", 180.0))
_ENDS = ("GPSLatitude", "GPSLongitude", "GPSLatitudeRef", "GPSLongitudeRef")
# XMP writes "48,8.22N" or "48,8,13N"; programs that are not strict write signs, spaces and plain decimals.
_PART = r"(\d{1,3}(?:\.\d{1,15})?)"
_TEXT = re.compile(rf"([+-]?){_PART}(?:[, ]+{_PART})?(?:[, ]+{_PART})?\s*([NSEW]?)", re.IGNORECASE)


def decimal_degrees(parts: Any, reference: Any) -> float | None:
    """Degrees, minutes and seconds with N, S, E or W as signed degrees; None when they make no sense.

    >>> decimal_degrees((50.0, 30.0, 36.0), "S"), decimal_degrees("50,30.6S", None), decimal_degrees("north", None)
    (-50.51, -50.51, None)
    """
    if isinstance(parts, str):
        match = _TEXT.fullmatch(parts.strip("\0 "))
        if not match:
            return None
        degrees = decimal_degrees(tuple(float(part) for part in match.groups()[1:4] if part), match[5] or reference)
        return -degrees if match[1] == "-" and degrees is not None else degrees
    if isinstance(parts, int | float):
        parts = (parts,)
    if not isinstance(parts, tuple | list) or not 1 <= len(parts) <= 3:
        return None
    if not all(isinstance(part, int | float) and math.isfinite(part) for part in parts):
        return None
    total: float = sum(part / 60**power for power, part in enumerate(parts))
    return -total if str(reference).strip("\0 ").upper()[:1] in {"S", "W"} else total


def on_earth(latitude: Any, longitude: Any) -> bool:
    """Whether these are a place. Both zero is what devices write that know none."""
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return False
    return abs(latitude) <= 90 and abs(longitude) <= 180 and not latitude == longitude == 0


def coordinates(tags: Iterable[TagValue]) -> tuple[str, Place] | None:
    """Path and (latitude, longitude) in degrees of the first place that EXIF or XMP names.

    >>> coordinates([TagValue("xmp/exif:GPSLatitude", "48,8.4N"), TagValue("xmp/exif:GPSLongitude", "11,30.0E")])
    ('xmp/exif:GPSLatitude', (48.14, 11.5))
    """
    blocks: dict[str, dict[str, Any]] = {}
    for tag in tags:
        if tag.path.endswith(_ENDS):
            before, name, rest = tag.path.rpartition("GPSL")
            blocks.setdefault(before, {}).setdefault(name + rest, tag.value)
    for before, said in blocks.items():
        pair = [decimal_degrees(said.get(name), said.get(f"{name}Ref")) for name, _ in _LIMITS]
        if on_earth(*pair):
            return f"{before}GPSLatitude", (float(pair[0] or 0), float(pair[1] or 0))
    return None


def position(tags: Iterable[TagValue]) -> tuple[str, Place] | None:
    """Path and (latitude, longitude) in degrees of the first place that a film, a track of telemetry or a sidecar names.

    >>> position([TagValue("mp4/udta/©xyz/position", (48.1, 11.5))])
    ('mp4/udta/©xyz', (48.1, 11.5))
    """
    for tag in tags:
        if tag.path.endswith(("/position", "/positions")) and isinstance(tag.value, tuple) and tag.value:
            place = tag.value[0] if tag.path.endswith("s") else tag.value
            if isinstance(place, tuple) and len(place) == 2 and on_earth(*place):
                return tag.path.rpartition("/")[0], (float(place[0]), float(place[1]))
    return None
