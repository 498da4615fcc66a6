"""What a file says besides its pixels, as findings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample, TagValue
from veilset.core.where import Tag


def decimal_degrees(parts: Any, reference: Any) -> float | None:
    """Degrees, minutes and seconds with N, S, E or W as signed degrees; None when they make no sense.

    >>> decimal_degrees((50.0, 30.0, 36.0), "S")
    -50.51
    """
    if not isinstance(parts, tuple | list) or not 1 <= len(parts) <= 3:
        return None
    if not all(isinstance(part, int | float) and math.isfinite(part) for part in parts):
        return None
    degrees: float = sum(part / 60**power for power, part in enumerate(parts))
    return -degrees if str(reference).strip("\0 ").upper() in {"S", "W"} else degrees


def position(tags: Iterable[TagValue]) -> tuple[str, tuple[float, float]] | None:
    """Path and (latitude, longitude) in degrees of the first place that a film, a track of telemetry or a sidecar names.

    >>> position([TagValue("mp4/udta/©xyz/position", (48.1, 11.5))])
    ('mp4/udta/©xyz', (48.1, 11.5))
    """
    for tag in tags:
        if tag.path.endswith(("/position", "/positions")) and isinstance(tag.value, tuple) and tag.value:
            place = tag.value[0] if tag.path.endswith("s") else tag.value
            if len(place) == 2 and abs(place[0]) <= 90 and abs(place[1]) <= 180:
                return tag.path.rpartition("/")[0], (float(place[0]), float(place[1]))
    return None


def coordinates(tags: Iterable[TagValue]) -> tuple[float, float] | None:
    """(latitude, longitude) in degrees from EXIF's GPS tags; None when they are absent or empty."""
    said = {tag.path: tag.value for tag in tags if tag.path.startswith("exif/gps/")}
    latitude = decimal_degrees(said.get("exif/gps/GPSLatitude"), said.get("exif/gps/GPSLatitudeRef"))
    longitude = decimal_degrees(said.get("exif/gps/GPSLongitude"), said.get("exif/gps/GPSLongitudeRef"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return None if latitude == longitude == 0 else (latitude, longitude)


@lru_cache(maxsize=4096)
def _tag(path: str) -> Tag:
    # Files of one camera say the same tags, file after file.
    return Tag(path)


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels: one finding per tag, and one for the place that its GPS tags tell.

    What is needed to show the picture (sizes, orientation, colour) is not reported. No pixel is decoded; whether a picture
    inside the file shows what the main one no longer shows is the question of the detector `hidden`.

    *Shapes and units*: findings stand at tags; coordinates are decimal degrees, and private.

    Raises:
        DataError: The file cannot be listed.

    *Source*: the containers' own listings, which account for every byte.

    >>> import numpy as np
    >>> owner = TagValue("exif/exif/CameraOwnerName", "somebody", Risk.PERSON)
    >>> sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), tags=(owner,))
    >>> [finding.where for finding in Metadata().find(sample)]
    [Tag(path='exif/exif/CameraOwnerName')]
    """

    takes: ClassVar[tuple[type[Media], ...]] = (Image, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("metadata",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Findings in the order of the file."""
        source, tags = f"metadata/{sample.format}", tuple(sample.tags)
        found = [
            Finding("metadata", _tag(tag.path), 1.0, source, tag.risk, None, {"bytes": tag.size}, tag.value)
            for tag in tags
            if not tag.technical
        ]
        place, path = coordinates(tags), "exif/gps"
        if place is None and isinstance(sample.media, FileOnly) and (named := position(tags)) is not None:
            path, place = named
        if place is not None:
            detail = {"coordinates": "degrees"}
            found.append(Finding("metadata", Tag(path), 1.0, source, Risk.PLACE, None, detail, place))
        return tuple(found)
