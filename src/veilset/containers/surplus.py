"""Bytes behind the last coded block of a picture, which every decoder passes over: found and cut.

Listing and cleaning do not look for them, since telling where coded data ends takes decoding it. This does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veilset.containers.door import Door, open_source
from veilset.containers.jpeg import facts_of
from veilset.containers.jpeg_segments import DRI, SCAN, UNSEARCHED, Segment, segments
from veilset.core.errors import DataError, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

SEARCHED = frozenset({"jpeg", "webp"})
NOT_PROVEN = "bytes behind the last coded block cannot be ruled out"
_SHOWN = 1 << 16
# What encoders fill the end of a stretch with.
_FILLING = b"\0\xff"


@dataclass(frozen=True, slots=True)
class Surplus:
    """What coded data holds besides what is decoded.

    Attributes:
        spans: (start, stop) in the file, in order.
        proven: Whether there is nothing else of the kind; False where the coding is not walked.
        said: A tag for them; empty when they are filling alone.
        missed: Why nothing could be proven, in public words.
    """

    spans: tuple[tuple[int, int], ...] = ()
    proven: bool = True
    said: tuple[TagValue, ...] = ()
    missed: str = ""


def surplus_of(source: Path | bytes) -> Surplus:
    """What stands behind the last coded block in JPEG scans, in each stretch between restart markers, and in WebP.

    *Shapes and units*: spans in bytes of the file.

    **Guarantee**
    - JPEG with Huffman coding: exact to the byte; up to seven bits that fill the last byte of a stretch stay unread.
    - WebP: what libwebp does not need to show the same pixels, where it is more than 16 bytes of a partition: encoders
      leave some.
    - Everything else is not proven, and says so.

    Raises:
        DataError: The source cannot be read as its format.

    *Source*: ITU-T T.81, F.2 and G.2; RFC 6386, 9.5. Decoders of the libjpeg family pass over up to seven such bytes
    without a warning, so none is asked for more than whether the last byte is needed.

    >>> surplus_of(b"GIF89a\\1\\0\\1\\0\\0\\0\\0,\\0\\0\\0\\0\\1\\0\\1\\0\\0\\2\\2D\\1\\0;").proven
    False
    """
    with open_source(source) as door:
        if door.format == "jpeg":
            return _in_jpeg(door)
        if door.format == "webp":
            from veilset.containers.webp_surplus import unneeded

            try:
                return _told(door, unneeded(door.data))
            except Unsupported as error:
                return Surplus(proven=False, missed=error.message)
        return Surplus(proven=False, missed=f"{door.format} is not walked")


def without_surplus(data: bytes, found: Surplus) -> bytes:
    """The same file without the stretches that were found; lengths that a container states are put right.

    Raises:
        DataError: As `surplus_of`.
    """
    if not found.spans:
        return data
    if data[:4] == b"RIFF":
        from veilset.containers.webp_surplus import cut

        return cut(memoryview(data), found.spans)
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


def _in_jpeg(door: Door) -> Surplus:
    found = segments(door.data)
    facts = facts_of(door.data, found, 1)
    if _last_byte_is_needed(door.data, found):
        return Surplus()
    from veilset.containers.jpeg_walk import surplus

    try:
        return _told(door, surplus(door.data, found, facts.height))
    except DataError as error:
        return Surplus(proven=False, missed=error.message)


def _last_byte_is_needed(data: memoryview, found: list[Segment]) -> bool:
    """Whether one stretch of coded data breaks off without its last byte: a quick proof that nothing stands behind it."""
    scans = [part for part in found if part.marker == SCAN]
    frame = next(part for part in found if 0xC0 <= part.marker <= 0xCF and part.marker not in {0xC4, 0xC8, 0xCC})
    planes = data[frame.payload + 5]
    if len(scans) != 1 or frame.marker not in {0xC0, 0xC1} or planes == 4 or data[frame.payload] != 8:
        return False
    start, stop = scans[0].start, scans[0].stop
    raw = bytes(data[start:stop])
    # Where restarts are announced and do not come, a decoder passes over all that is left, and wants for bytes then.
    announced = any(part.marker == DRI and any(data[part.payload : part.stop]) for part in found)
    if announced or any(bytes([0xFF, 0xD0 + number]) in raw for number in range(8)):
        return False
    stop -= 2 if raw[-2:] == b"\xff\0" else 1
    import simplejpeg

    whole = bytes(data[:stop]) + b"\xff\xd9"
    try:
        simplejpeg.decode_jpeg(whole, "GRAY", min_height=1, min_width=1)
    except ValueError as error:
        return "premature end of data segment" in str(error)
    return False


def _told(door: Door, spans: list[tuple[int, int]]) -> Surplus:
    held = b"".join(bytes(door.data[start:stop]) for start, stop in spans)
    if not held.strip(_FILLING):
        return Surplus(tuple(spans))
    tag = TagValue(f"{door.format}/behind_coded_data", held[:_SHOWN], Risk.HIDDEN, len(held))
    return Surplus(tuple(spans), said=(tag,))
