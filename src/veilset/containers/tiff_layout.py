"""Directories and strips of a TIFF laid out anew, one behind the other."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

from veilset.containers import tiff_fields as tags
from veilset.containers.ifd import SIZES, Header
from veilset.containers.pieces import Piece
from veilset.core.errors import Malformed

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


def lay_out(header: Header, plans: list[Plan]) -> list[Piece]:
    """Header, directories in order, then strips in the order of the input; returned as pieces.

    Raises:
        Malformed: It does not fit into 4 GiB, and is no BigTIFF.
    """
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
    """Where each strip goes, in the order of the input; strips that pages share are written once.

    Pages of different size need different parts of what they share; then each gets its own.
    """
    places: Places = {}
    body: list[Piece] = []
    jobs = [
        (plan.source[i], turn, i, strip)
        for turn, plan in enumerate(order)
        for i, strip in enumerate(plan.strips)
        if strip
    ]
    written: dict[tuple[tuple[int, int], tuple[Piece, ...]], int] = {}
    for span, turn, index, strip in sorted(jobs, key=lambda job: job[:3]):
        part = span, tuple(strip)
        if part not in written:
            body += [b"\0" * (at % 2), *strip]
            at += at % 2
            written[part] = at
            at += _length(strip)
        places[id(order[turn]), index] = written[part]
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
