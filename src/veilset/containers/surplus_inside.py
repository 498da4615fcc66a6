"""What stands behind coded blocks, in pictures that other files hold too: documents, drawings, archives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from veilset.containers import archives, identify, pdf, svg
from veilset.containers.door import Door, open_source
from veilset.containers.surplus import SEARCHED, surplus_of
from veilset.core.errors import DataError
from veilset.core.sample import TagValue

HOLDERS = {"pdf": pdf.pictures, "svg": svg.pictures, "tar": archives.files, "zip": archives.files}


def said_behind(source: Path | bytes) -> tuple[TagValue, ...]:
    """Tags for what stands behind coded blocks in a file, or in the JPEG, TIFF and WebP files inside it, by their path.

    Cleaning what holds them always cuts it there.

    Raises:
        DataError: The source cannot be read as its format.

    >>> said_behind(b"GIF89a\\1\\0\\1\\0\\0\\0\\0,\\0\\0\\0\\0\\1\\0\\1\\0\\0\\2\\2D\\1\\0;")
    ()
    """
    with open_source(source) as door:
        if door.format in HOLDERS:
            return tuple(_inside(door))
    return surplus_of(source).said


def _inside(door: Door) -> Iterator[TagValue]:
    for path, raw in HOLDERS[door.format](door.data):
        if identify(raw[:65536]) in SEARCHED | HOLDERS.keys():
            # One that cannot be read is listed as such, and does not go out.
            with suppress(DataError):
                for tag in said_behind(raw):
                    yield TagValue(f"{path}/{tag.path}", tag.value, tag.risk, tag.size)
