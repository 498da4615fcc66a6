"""Container formats: one small file each behind one contract (list, rebuild).

Formats are told by content, never by extension. Modules are imported when a file of their format is first seen.

>>> identify(b"\\x89PNG\\r\\n\\x1a\\n")
'png'
>>> identify(b"not a picture") is None
True
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.recognise import identify

__all__ = [
    "FORMATS",
    "Claim",
    "Facts",
    "Fate",
    "Keep",
    "Listing",
    "Rebuilt",
    "carry",
    "identify",
    "inspect",
    "rebuild",
]

FORMATS: dict[str, str] = {
    "avif": "heif",
    "bmp": "bmp",
    "dicom": "dicom",
    "gif": "gif",
    "heif": "heif",
    "jp2": "jp2",
    "jpeg": "jpeg",
    "jxl": "jxl",
    "mp4": "mp4",
    "pdf": "pdf",
    "png": "png",
    "svg": "svg",
    "tar": "archives",
    "tiff": "tiff",
    "webp": "webp",
    "zip": "archives",
}
"""Format to the module of this package that serves it. One line each, sorted."""


def inspect(source: Path | bytes) -> Listing:
    """List everything that a file says besides its pixels.

    Raises:
        Unreadable: The file cannot be opened.
        Unsupported: No module serves its format.
        Malformed: Its bytes contradict the format, or belong to nothing that the format knows.
    """
    from veilset.containers.door import open_source

    with open_source(source) as door:
        listing = door.container.inspect(door.data)
        door.check(listing.claims)
        return listing


def rebuild(source: Path | bytes, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write a file anew with nothing but its coded picture, what shows it rightly, and what `keep` allows.

    Raises:
        DataError: As `inspect`; `out` then holds nothing that may be used.
    """
    from veilset.containers.door import open_source

    with open_source(source) as door:
        rebuilt = door.container.rebuild(door.data, out, keep)
        door.check(rebuilt.claims)
        return rebuilt


def carry(original: Path | bytes, encoded: bytes, keep: Keep) -> bytes:
    """Freshly encoded bytes (of the same or another format) with the tags of `original` that `keep` allows.

    Give `keep` without `orientation` when the encoded picture already stands upright.

    Raises:
        DataError: As `inspect`, for either file.
    """
    from veilset.containers.door import carry as carried

    return carried(original, encoded, keep)
