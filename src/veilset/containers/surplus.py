"""Bytes behind the last coded block of a picture, which every decoder passes over: found and cut.

Listing and cleaning do not look for them, since telling where coded data ends takes decoding it. This does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veilset.containers.door import Door, open_source
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.core.errors import DataError
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

SEARCHED = frozenset({"jpeg", "tiff", "webp"})
NOT_PROVEN = "bytes behind the last coded block cannot be ruled out"
_SHOWN = 1 << 16
# What encoders fill the end of a stretch with.
_FILLING = b"\0\xff"
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Surplus:
    """What coded data holds besides what is decoded.

    Attributes:
        spans: (start, stop) in the file, in order.
        proven: Whether there is nothing else of the kind; False where the coding is not walked.
        said: Tags for them; empty when they are filling alone.
        missed: Why nothing could be proven, in public words.
    """

    spans: tuple[Span, ...] = ()
    proven: bool = True
    said: tuple[TagValue, ...] = ()
    missed: str = ""


def surplus_of(source: Path | bytes) -> Surplus:
    """What stands behind the last coded block in JPEG scans, in each stretch between restart markers, in WebP, in TIFF.

    *Shapes and units*: spans in bytes of the file.

    **Guarantee**
    - JPEG with Huffman coding, lossless ones too: exact to the byte; up to seven bits that fill the last byte of a
      stretch stay unread. With arithmetic coding: what libjpeg-turbo does not need for the same coefficients.
    - WebP: what libwebp does not need to show the same pixels, where it is more than 16 bytes of a partition: encoders
      leave some.
    - TIFF: every strip and tile of every page, uncompressed, or coded by Deflate, LZW, PackBits, JPEG, WebP, LZMA,
      Zstandard or a fax code (T.4, T.6); of LERC, what stands behind the blob, though not what is in it.
    - Everything else is not proven, and says so.

    Raises:
        DataError: The source cannot be read as its format.

    *Source*: ITU-T T.81, F.2, G.2 and H.1; RFC 6386, 9.5; TIFF 6.0, sections 9 to 13; ITU-T T.4 and T.6; RFC 8878.
    Decoders of the libjpeg family pass over up to seven such bytes without a warning, so none is asked for more than
    whether the last byte is needed.

    >>> surplus_of(b"GIF89a\\1\\0\\1\\0\\0\\0\\0,\\0\\0\\0\\0\\1\\0\\1\\0\\0\\2\\2D\\1\\0;").proven
    False
    """
    with open_source(source) as door:
        if door.format not in SEARCHED:
            return Surplus(proven=False, missed=f"{door.format} is not walked")
        try:
            if door.format == "tiff":
                from veilset.containers.tiff_surplus import found_in

                found = found_in(door.data)
                return _told(door, found.spans, found.beyond, found.missed)
            return _told(door, _spans(door))
        except DataError as error:
            return Surplus(proven=False, missed=error.message)


def _spans(door: Door) -> list[Span]:
    if door.format == "webp":
        from veilset.containers.webp_surplus import unneeded

        return unneeded(door.data)
    from veilset.containers.jpeg_surplus import behind_blocks

    return behind_blocks(door.data)


def without_surplus(data: bytes, found: Surplus) -> bytes:
    """The same file without the stretches that were found; lengths that a container states are put right.

    Raises:
        DataError: As `surplus_of`; or it is a TIFF that cleaning did not lay out.
    """
    if not found.spans:
        return data
    if data[:4] == b"RIFF":
        from veilset.containers.webp_surplus import cut

        return cut(memoryview(data), found.spans)
    if data[:2] in {b"II", b"MM"}:
        from veilset.containers.tiff_surplus import cut as cut_strips

        return cut_strips(memoryview(data), found.spans)
    parts, at = [], 0
    for start, stop in found.spans:
        parts.append(data[at:start])
        at = stop
    return b"".join([*parts, data[at:]])


def searched(data: bytes, residue: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    """A clean file without surplus, and its residue with what is now known of it.

    *Raises*: nothing; where nothing could be proven, the residue says so.
    """
    left = tuple(one for one in residue if one != UNSEARCHED)
    try:
        found = surplus_of(data)
        return without_surplus(data, found), left if found.proven else (*left, NOT_PROVEN)
    except DataError:
        return data, (*left, NOT_PROVEN)


def _told(door: Door, spans: list[Span], beyond: bytes = b"", missed: str = "") -> Surplus:
    """`beyond`: what is packed so that no stretch of the file is it."""
    held = b"".join(bytes(door.data[start:stop]) for start, stop in spans) + beyond
    said: tuple[TagValue, ...] = ()
    if held.strip(_FILLING):
        said = (TagValue(f"{door.format}/behind_coded_data", held[:_SHOWN], Risk.HIDDEN, len(held)),)
    return Surplus(tuple(spans), not missed, said, missed)
