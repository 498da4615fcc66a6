"""TIFF, BigTIFF, COG and DNG: every page is laid out anew from allowed tags, its coded strips and tiles copied."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from veilset.containers import tiff_fields as tags
from veilset.containers.allowed import Allowed, allowed
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.icc import sanitise
from veilset.containers.ifd import SIZES, Header, read_directory, read_header
from veilset.containers.pieces import Ledger, Piece, emit
from veilset.containers.tiff_pages import Page, decoded_size, every, number, numbers, read_pages
from veilset.containers.tiff_strips import cleaned_strip, cleaned_tables
from veilset.containers.tiff_tags import tags_of
from veilset.core.errors import Malformed

formats = ("tiff",)

_NUMBER = re.compile(rb"\s*[-+]?(?:nan|inf|[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?)\s*\0?", re.IGNORECASE)
_RESIDUE = ("coding choices", "pixel size", "sensor noise")


Places = dict[tuple[int, int], int]


@dataclass(slots=True)
class Field:
    """One entry to write; `parts` are directories whose places become its value, `strips` a page's pieces."""

    type: int
    raw: bytes
    directories: tuple[Plan, ...] = ()
    strips: bool = False


@dataclass(slots=True)
class Plan:
    """One directory to write, its fields by tag, and the pieces of its strips (each strip a list)."""

    fields: dict[int, Field]
    strips: list[list[Piece]]
    source: list[tuple[int, int]]
    place: int = 0


def inspect(data: memoryview) -> Listing:
    """Facts, every tag, and claims over every byte."""
    header, pages = read_pages(data)
    listed = tags_of(data, header, pages)
    facts = _facts(data, header, pages)
    return Listing(facts, listed, tuple(_claims(data, header, pages)))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the pages with nothing but what `keep` allows."""
    header, pages = read_pages(data)
    orientation = _facts(data, header, pages).orientation
    what = allowed(tags_of(data, header, pages), orientation, keep)
    pieces = _pieces(data, header, pages, what, keep)
    return emit(pieces, data, out, _claims(data, header, pages), _residue(data, header, pages, what))


def write_with(data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
    """Write the pages with the given block of tags and no other."""
    header, pages = read_pages(data)
    pieces = _pieces(data, header, pages, what, Keep(orientation=False, icc=False))
    return emit(pieces, data, out, _claims(data, header, pages), _residue(data, header, pages, what))


def _residue(data: memoryview, header: Header, pages: list[Page], what: Allowed) -> tuple[str, ...]:
    """What stays; a smaller page may show what the large one no longer shows, and no pixel is decoded here to tell."""
    reduced = any(
        0x00FE in page.entries and any(kind & 1 for kind in numbers(data, header, page, 0x00FE))
        for page in every(pages)
    )
    raw = ("raw sensor data",) if _is_raw(pages) else ()
    return (*_RESIDUE, *what.notes, *raw, *(("a page of reduced size, not compared",) if reduced else ()))


def _is_raw(pages: list[Page]) -> bool:
    return any(tags.DNG_VERSION in page.entries for page in pages)


def _pieces(data: memoryview, header: Header, pages: list[Page], what: Allowed, keep: Keep) -> list[Piece]:
    raw = _is_raw(pages)
    plans = [_plan(data, header, page, keep, raw) for page in pages]
    plans[0].fields.pop(0x0112, None)
    _add_allowed(plans[0], header, what)
    return _lay_out(header, plans)


def _plan(data: memoryview, header: Header, page: Page, keep: Keep, raw: bool) -> Plan:
    limits = {**tags.SHOWN, **(tags.RAW if raw else {}), **(tags.GEO if keep.georeference else {})}
    if not keep.orientation:
        limits.pop(0x0112, None)
    fields: dict[int, Field] = {}
    for tag, entry in page.entries.items():
        is_text = entry.type in {2, 129} and tag not in tags.GEO
        if entry.number > limits.get(tag, 0) or entry.type not in SIZES or is_text:
            if tag in tags.NEEDED:
                raise Malformed(f"tag {tag:#06x} of the TIFF does not hold what it has to")
            continue
        fields[tag] = Field(entry.type, _raw(data, entry.start, entry.size))
    _special(data, page, fields, raw)
    profile = page.entries.get(tags.ICC)
    if keep.icc and profile is not None:
        fields[tags.ICC] = Field(7, sanitise(_raw(data, profile.start, profile.size)))
    scheme = number(data, header, page, 0x0103, 1)
    full = decoded_size(data, header, page)
    strips = [cleaned_strip(data, start, stop, scheme, full) if stop else [] for start, stop in page.stretches]
    tiled = tags.TILE_OFFSETS in page.entries
    fields[tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS] = Field(0, b"", strips=True)
    fields[tags.TILE_COUNTS if tiled else tags.STRIP_COUNTS] = Field(0, b"", strips=True)
    if page.children:
        below = tuple(_plan(data, header, child, keep, raw) for child in page.children)
        fields[tags.SUB_IFDS] = Field(0, b"", directories=below)
    return Plan(fields, strips, list(page.stretches))


def _raw(data: memoryview, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise Malformed("a value of the TIFF lies outside the file")
    return bytes(data[start : start + size])


def _special(data: memoryview, page: Page, fields: dict[int, Field], raw: bool) -> None:
    tables = page.entries.get(tags.JPEG_TABLES)
    if tables is not None:
        fields[tags.JPEG_TABLES] = Field(7, cleaned_tables(_raw(data, tables.start, tables.size)))
    nodata = page.entries.get(tags.NODATA)
    if nodata is not None and nodata.size < 32:
        text = _raw(data, nodata.start, nodata.size)
        if _NUMBER.fullmatch(text):
            fields[tags.NODATA] = Field(2, text)
    if raw and tags.DNG_MODEL in page.entries:
        # DNG readers need a model name to be there; it need not say anything.
        fields[tags.DNG_MODEL] = Field(2, b"camera\0")


def _add_allowed(plan: Plan, header: Header, what: Allowed) -> None:
    if what.icc:
        plan.fields[tags.ICC] = Field(7, what.icc)
    if what.xmp:
        plan.fields[tags.XMP] = Field(1, what.xmp)
    if not what.exif:
        return
    block = memoryview(what.exif)
    own = read_header(block)
    for entry in read_directory(block, own, own.first).entries:
        if entry.tag in {tags.EXIF_IFD, tags.GPS_IFD}:
            at = struct.unpack_from("<I", block, entry.start)[0]
            inner = {
                one.tag: Field(one.type, _turned(block, one.start, one.size, one.type, header))
                for one in read_directory(block, own, at).entries
            }
            plan.fields[entry.tag] = Field(0, b"", directories=(Plan(inner, [], []),))
        else:
            plan.fields[entry.tag] = Field(entry.type, _turned(block, entry.start, entry.size, entry.type, header))


def _turned(block: memoryview, start: int, size: int, kind: int, header: Header) -> bytes:
    """Little-endian values in the byte order of the file that they go into."""
    raw = bytes(block[start : start + size])
    width = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4}.get(kind, 1)
    if header.order == "<" or width == 1:
        return raw
    return b"".join(raw[at : at + width][::-1] for at in range(0, size, width))


def _lay_out(header: Header, plans: list[Plan]) -> list[Piece]:
    """Header, directories in order, then strips in the order of the input; returned as pieces."""
    word = 8 if header.big else 4
    at = 16 if header.big else 8
    order: list[Plan] = []
    for plan in plans:
        order += _with_children(plan)
    for plan in order:
        plan.place = at
        at += _size(plan, header)
    places, body, end = _place_strips(order, at)
    if not header.big and end >= 1 << 32:
        raise Malformed("the TIFF does not fit into 4 GiB; save it as BigTIFF")
    first = plans[0].place
    head = (
        struct.pack(header.order + "HHHQ", 43, 8, 0, first)
        if header.big
        else struct.pack(header.order + "HI", 42, first)
    )
    nexts = {id(plan): after.place for plan, after in pairwise(plans)}
    tables = [_directory(plan, header, word, nexts.get(id(plan), 0), places) for plan in order]
    magic = b"II" if header.order == "<" else b"MM"
    return [magic + head + b"".join(tables), *[piece for piece in body if piece]]


def _place_strips(order: list[Plan], at: int) -> tuple[Places, list[Piece], int]:
    """Where each strip goes, in the order of the input; strips that pages share are written once."""
    places: Places = {}
    body: list[Piece] = []
    jobs = [(plan.source[i], id(plan), i, strip) for plan in order for i, strip in enumerate(plan.strips) if strip]
    written: dict[tuple[int, int], int] = {}
    for span, key, index, strip in sorted(jobs, key=lambda job: job[:3]):
        if span not in written:
            body += [b"\0" * (at % 2), *strip]
            at += at % 2
            written[span] = at
            at += _length(strip)
        places[key, index] = written[span]
    return places, body, at


def _with_children(plan: Plan) -> list[Plan]:
    found = [plan]
    for tag in sorted(plan.fields):
        for below in plan.fields[tag].directories:
            found += _with_children(below)
    return found


def _length(pieces: list[Piece]) -> int:
    return sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces)


def _field_size(field: Field, plan: Plan, word: int) -> int:
    if field.strips:
        return word * len(plan.strips)
    return word * len(field.directories) if field.directories else len(field.raw)


def _size(plan: Plan, header: Header) -> int:
    word, entry, lead = (8, 20, 8) if header.big else (4, 12, 2)
    size = lead + entry * len(plan.fields) + word
    for field in plan.fields.values():
        length = _field_size(field, plan, word)
        size += (length + length % 2) if length > word else 0
    return size + size % 2


def _directory(plan: Plan, header: Header, word: int, following: int, places: Places) -> bytes:
    lead, entry_code, offset_code = ("Q", "HHQ", "Q") if header.big else ("H", "HHI", "I")
    rest = plan.place + (8 if header.big else 2) + (20 if header.big else 12) * len(plan.fields) + word
    table = bytearray(struct.pack(header.order + lead, len(plan.fields)))
    values = bytearray()
    for tag, field in sorted(plan.fields.items()):
        kind, raw = _packed(tag, field, plan, header, places)
        count = len(raw) // SIZES[kind]
        table += struct.pack(header.order + entry_code, tag, kind, count)
        if len(raw) <= word:
            table += raw.ljust(word, b"\0")
        else:
            table += struct.pack(header.order + offset_code, rest + len(values))
            values += raw + b"\0" * (len(raw) % 2)
    whole = bytes(table) + struct.pack(header.order + offset_code, following) + bytes(values)
    return whole + b"\0" * (len(whole) % 2)


def _packed(tag: int, field: Field, plan: Plan, header: Header, places: Places) -> tuple[int, bytes]:
    kind, code = (16, "Q") if header.big else (4, "I")
    if field.directories:
        spots = [below.place for below in field.directories]
    elif not field.strips:
        return field.type, field.raw
    elif tag in {tags.STRIP_OFFSETS, tags.TILE_OFFSETS}:
        spots = [places[id(plan), index] if strip else 0 for index, strip in enumerate(plan.strips)]
    else:
        spots = [_length(strip) for strip in plan.strips]
    return kind, struct.pack(f"{header.order}{len(spots)}{code}", *spots)


def _claims(data: memoryview, header: Header, pages: list[Page]) -> list[Claim]:
    spans: list[tuple[int, int, Fate, str]] = [(0, 16 if header.big else 8, Fate.REWRITTEN, "header")]
    for page in every(pages):
        spans.append((page.at, page.directory.stop, Fate.REWRITTEN, "directory"))
        for tag, entry in page.entries.items():
            if entry.size > (8 if header.big else 4) and entry.start + entry.size <= len(data):
                known = tag in tags.SHOWN or tag in tags.RAW or tag in tags.GEO or tag in {tags.ICC, tags.JPEG_TABLES}
                fate = Fate.REWRITTEN if known else Fate.DROPPED
                spans.append((entry.start, entry.start + entry.size, fate, f"tag {tag:#06x}"))
        spans += [(start, stop, Fate.KEPT, "strips and tiles") for start, stop in page.stretches if stop]
    ledger = Ledger()
    at = 0
    for start, stop, fate, what in sorted(spans, key=lambda span: (span[0], -span[1])):
        if stop <= at:
            continue
        ledger.add(at, min(start, stop), Fate.DROPPED, "gap")
        ledger.add(max(at, start), stop, fate, what)
        at = stop
    ledger.add(at, len(data), Fate.DROPPED, "bytes after the last page")
    return ledger.claims


def _facts(data: memoryview, header: Header, pages: list[Page]) -> Facts:
    first = pages[0]
    bits = numbers(data, header, first, 0x0102) or (1,)
    orientation = number(data, header, first, 0x0112, 1)
    photometric = number(data, header, first, 0x0106)
    return Facts(
        "tiff",
        number(data, header, first, 0x0100),
        number(data, header, first, 0x0101),
        orientation if 1 <= orientation <= 8 else 1,
        len(pages),
        bits[0],
        number(data, header, first, 0x0115, 1),
        tags.COLOURS.get(photometric, ""),
    )
