"""What a file says besides its pixels, as findings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample
from veilset.core.where import Tag
from veilset.detectors.degrees import coordinates, position


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
    >>> from veilset.core.sample import TagValue
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
        told = coordinates(tags) or (position(tags) if isinstance(sample.media, FileOnly) else None)
        if told is not None:
            path, place = told
            detail = {"coordinates": "degrees"}
            where = _tag(path.removesuffix("/GPSLatitude"))
            found.append(Finding("metadata", where, 1.0, source, Risk.PLACE, None, detail, place))
        return tuple(found)
