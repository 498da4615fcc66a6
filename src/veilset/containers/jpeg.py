"""JPEG: coded scans and their tables are copied; everything else goes, or is written anew."""

from __future__ import annotations

import struct
from typing import BinaryIO

from veilset.containers.allowed import Allowed, allowed, is_plain, only_shown
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.exif import orientation_of
from veilset.containers.jpeg_segments import (
    DAC,
    DHT,
    DNL,
    DQT,
    DRI,
    EOI,
    FILL,
    FRAMES,
    SCAN,
    SOI,
    SOS,
    TAIL,
    UNSEARCHED,
    Segment,
    exact_length,
    profile_of,
    segments,
    starts,
)
from veilset.containers.jpeg_tables import TABLES, used_tables
from veilset.containers.pieces import Ledger, Piece, emit
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

formats = ("jpeg",)

_PICTURE = frozenset({SCAN, SOS, DNL, DQT, DHT, DAC, DRI}) | FRAMES
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_ICC_PART = 65519
_UNUSED, _RIDDEN = "tables that nothing uses", "tables and headers with more than they need"
_UNKNOWN = "unknown segment"
_RESIDUE = ("quantisation and entropy tables", "pixel size", "sensor noise", UNSEARCHED)


def inspect(data: memoryview) -> Listing:
    """Facts, every tag, and claims over every byte."""
    from veilset.containers.jpeg_tags import tags_of

    found = segments(data)
    facts = facts_of(data, found, _orientation(data, found))
    claims = tuple(_plan(data, found, Allowed())[1])
    return Listing(facts, (*tags_of(data, found), *_unused(claims)), claims)


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the coded picture with nothing but what `keep` allows."""
    found = segments(data)
    orientation = _orientation(data, found)
    facts_of(data, found, orientation)
    if is_plain(keep):
        what = only_shown(orientation, profile_of(data, found), keep)
    else:
        from veilset.containers.jpeg_tags import tags_of

        what = allowed(tags_of(data, found), orientation, keep)
    return _write(data, out, found, what)


def write_with(data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
    """Write the coded picture with the given block of tags and no other."""
    found = segments(data)
    facts_of(data, found, 1)
    return _write(data, out, found, what)


def _write(data: memoryview, out: BinaryIO, found: list[Segment], what: Allowed) -> Rebuilt:
    pieces, claims = _plan(data, found, what)
    return emit(pieces, data, out, claims, (*_RESIDUE, *what.notes))


def _plan(data: memoryview, found: list[Segment], what: Allowed) -> tuple[list[Piece], list[Claim]]:
    """Pieces of the output and claims of the input, in one walk."""
    ledger = Ledger()
    body: list[Piece] = []
    jfif = b""
    adobe = b""
    used = used_tables(data, found)
    shown = _colour_headers(data, found)
    for index, (marker, start, payload, stop) in enumerate(found):
        if marker in TABLES:
            _table(data, found[index], used.get(index, []), body, ledger)
        elif marker in _PICTURE:
            _copy(data, found[index], body, ledger)
        elif index == shown.get(0xE0):
            jfif = _jfif(bytes(data[payload + 5 : payload + 12]))
            ledger.add(start, stop, _fate(data, start, stop, jfif), "JFIF header")
        elif index == shown.get(0xEE):
            adobe = b"\xff\xee\0\x0eAdobe\0d\0\0\0\0" + bytes(data[payload + 11 : payload + 12])
            ledger.add(start, stop, _fate(data, start, stop, adobe), "Adobe colour transform")
        elif marker in {SOI, EOI}:
            ledger.add(start, stop, Fate.KEPT, "start and end of the picture")
        else:
            ledger.add(start, stop, Fate.DROPPED, _called(marker))
    head = b"\xff\xd8" + jfif + _blocks(what) + adobe
    end = next(part for part in found if part.marker == EOI)
    return [head, *body, (end.start, end.stop)], ledger.claims


def _fate(data: memoryview, start: int, stop: int, new: bytes) -> Fate:
    return Fate.KEPT if new == data[start:stop] else Fate.REWRITTEN


def _colour_headers(data: memoryview, found: list[Segment]) -> dict[int, int]:
    """Where the headers of JFIF and Adobe stand that decoders go by: the first and the last of those before the scans."""
    chosen: dict[int, int] = {}
    for index, (marker, _, payload, stop) in enumerate(found):
        if marker == SOS:
            break
        if marker == 0xEE and starts(data, payload, b"Adobe") and stop - payload >= 12:
            chosen[marker] = index
        elif marker == 0xE0 and starts(data, payload, b"JFIF\0") and stop - payload >= 14:
            chosen.setdefault(marker, index)
    return chosen


def _unused(claims: tuple[Claim, ...]) -> list[TagValue]:
    """A tag for tables that no scan uses and for what rides in headers: only named, as a used one may hold the same."""
    sizes = [claim.stop - claim.start for claim in claims if claim.what in {_UNUSED, _RIDDEN, _UNKNOWN}]
    return [TagValue("jpeg/unused_tables", None, Risk.CONTENT, sum(sizes))] if sizes else []


def _called(marker: int) -> str:
    if marker == TAIL:
        return "bytes after the picture"
    if marker == FILL:
        return "fill bytes"
    return "comment" if marker == 0xFE else f"application segment {marker - 0xE0}" if marker >= 0xE0 else _UNKNOWN


def _jfif(fields: bytes) -> bytes:
    """The header with a version and a unit that exist; the two densities are what is left of its freedom."""
    version = fields[:2] if fields[:2] in {b"\1\0", b"\1\1", b"\1\2"} else b"\1\1"
    return b"\xff\xe0\0\x10JFIF\0" + version + bytes([fields[2] if fields[2] <= 2 else 0]) + fields[3:] + b"\0\0"


def _table(data: memoryview, part: Segment, used: list[tuple[int, int]], body: list[Piece], ledger: Ledger) -> None:
    """A segment of tables: copied where each is used, else written anew from those that are."""
    marker, start, payload, stop = part
    if sum(high - low for low, high in used) == stop - payload:
        body.append((start, stop))
        ledger.add(start, stop, Fate.KEPT, "tables and headers of the picture")
        return
    if used:
        kept = b"".join(bytes(data[low:high]) for low, high in used)
        body.append(bytes([0xFF, marker]) + struct.pack(">H", len(kept) + 2) + kept)
    ledger.add(start, stop, Fate.REWRITTEN if used else Fate.DROPPED, _RIDDEN if used else _UNUSED)


def _copy(data: memoryview, part: Segment, body: list[Piece], ledger: Ledger) -> None:
    marker, start, payload, stop = part
    if marker == SCAN:
        body.append((start, stop))
        ledger.add(start, stop, Fate.KEPT, "coded scans")
        return
    need = exact_length(marker, data[payload:stop])
    if payload + need == stop:
        body.append((start, stop))
        ledger.add(start, stop, Fate.KEPT, "tables and headers of the picture")
    else:
        if need:
            body.append(bytes([0xFF, marker]) + struct.pack(">H", need + 2) + bytes(data[payload : payload + need]))
        ledger.add(start, stop, Fate.REWRITTEN, _RIDDEN)


def _blocks(what: Allowed) -> bytes:
    made = b""
    if what.exif:
        made += _segment(0xE1, _EXIF + what.exif)
    if what.xmp:
        made += _segment(0xE1, _XMP + what.xmp)
    parts = [what.icc[at : at + _ICC_PART] for at in range(0, len(what.icc), _ICC_PART)]
    for number, part in enumerate(parts, 1):
        made += _segment(0xE2, _ICC + bytes([number, len(parts)]) + part)
    return made


def _segment(marker: int, payload: bytes) -> bytes:
    if len(payload) > 65533:
        raise Malformed("what has to be kept does not fit into one JPEG segment")
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def _orientation(data: memoryview, found: list[Segment]) -> int:
    for marker, _, payload, stop in found:
        if marker == SOS:
            break
        if marker == 0xE1 and starts(data, payload, _EXIF):
            return orientation_of(data[payload + 6 : stop])
    return 1


def facts_of(data: memoryview, found: list[Segment], orientation: int) -> Facts:
    """Sizes and colour of the one frame.

    Raises:
        Malformed: There is not exactly one frame, or no scan.
    """
    frames = [part for part in found if part.marker in FRAMES]
    if len(frames) != 1 or not any(part.marker == SCAN for part in found):
        raise Malformed("a JPEG holds one frame and at least one scan")
    payload = frames[0].payload
    exact_length(frames[0].marker, data[payload : frames[0].stop])
    bits, height, width, channels = struct.unpack_from(">BHHB", data, payload)
    if height == 0:
        height = next((struct.unpack_from(">H", data, part.payload)[0] for part in found if part.marker == DNL), 0)
    if not width or not height or channels not in {1, 2, 3, 4}:
        raise Malformed("a JPEG frame has no size, or an unknown number of channels")
    return Facts("jpeg", width, height, orientation, 1, bits, channels, _colour(data, found, channels))


def _colour(data: memoryview, found: list[Segment], channels: int) -> str:
    if channels < 3:
        return "grey"
    headers = _colour_headers(data, found)
    transform = data[found[headers[0xEE]].payload + 11] if 0xEE in headers else None
    if channels == 4:
        return "ycck" if transform == 2 else "cmyk"
    frame = next(part for part in found if part.marker in FRAMES)
    ids = bytes(data[frame.payload + 6 : frame.payload + 15 : 3])
    if transform == 0 or (transform is None and 0xE0 not in headers and ids == b"RGB"):
        return "rgb"
    return "ycc"
