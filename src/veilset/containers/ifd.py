"""Image file directories, the shelves of TIFF and EXIF: entries read (classic and BigTIFF), and small ones written."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from veilset.core.errors import Malformed

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_ENTRIES = 4096
_SINGLE = {(order, kind): struct.Struct(order + code).unpack_from for order in "<>" for kind, code in _CODES.items()}


class Entry(NamedTuple):
    """One directory entry: `start` and `size` say where its value lies, relative to the header."""

    tag: int
    type: int
    number: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """Byte order (`<` or `>`), whether offsets have 64 bits, and where the first directory lies."""

    order: str
    big: bool
    first: int


class Directory(NamedTuple):
    """The entries of one directory, where the next one lies (0: none), and where this one ends."""

    entries: tuple[Entry, ...]
    next: int
    stop: int


@cache
def _layouts(order: str, big: bool) -> tuple[struct.Struct, struct.Struct, struct.Struct]:
    return (
        (struct.Struct(order + "Q"), struct.Struct(order + "HHQ8s"), struct.Struct(order + "Q"))
        if big
        else (struct.Struct(order + "H"), struct.Struct(order + "HHI4s"), struct.Struct(order + "I"))
    )


def read_header(data: memoryview) -> Header:
    """The header at the start of `data`.

    Raises:
        Malformed: It is no TIFF header.
    """
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        raise Malformed("a TIFF header was expected, and there is none")
    magic = struct.unpack_from(order + "H", data, 2)[0]
    if magic == 43:
        width, zero, first = struct.unpack_from(order + "HHQ", data, 4)
        if (width, zero) != (8, 0):
            raise Malformed("a BigTIFF header has offsets of an unknown width")
        return Header(order, True, first)
    return Header(order, False, struct.unpack_from(order + "I", data, 4)[0])


def read_directory(data: memoryview, header: Header, at: int) -> Directory:
    """The directory at `at`.

    Raises:
        Malformed: It does not fit into `data`.
    """
    entry_of, offset_of = _layouts(header.order, header.big)[1:]
    start, stop = _table(data, header, at)
    inline, width = offset_of.size, entry_of.size
    found = []
    place = start + width - inline
    unpack, sizes, make = offset_of.unpack, SIZES, tuple.__new__
    for tag, kind, number, raw in entry_of.iter_unpack(data[start:stop]):
        size = sizes.get(kind, 1) * number
        found.append(make(Entry, (tag, kind, number, place if size <= inline else unpack(raw)[0], size)))
        place += width
    following = 0
    if stop + inline <= len(data):
        following = offset_of.unpack_from(data, stop)[0]
        stop += inline
    return Directory(tuple(found), following, stop)


def entries_of(data: memoryview, header: Header, at: int, wanted: int) -> list[Entry]:
    """The entries with one tag in the directory at `at`, as `read_directory` gives them, without the others.

    Raises:
        Malformed: The directory does not fit into `data`.
    """
    entry_of, offset_of = _layouts(header.order, header.big)[1:]
    start, stop = _table(data, header, at)
    found = []
    for index, (tag, kind, number, raw) in enumerate(entry_of.iter_unpack(data[start:stop])):
        if tag == wanted:
            size = SIZES.get(kind, 1) * number
            inside = start + (index + 1) * entry_of.size - offset_of.size
            found.append(Entry(tag, kind, number, inside if size <= offset_of.size else offset_of.unpack(raw)[0], size))
    return found


def _table(data: memoryview, header: Header, at: int) -> tuple[int, int]:
    """Where the entries of the directory at `at` start and stop."""
    count_of, entry_of, _ = _layouts(header.order, header.big)
    if at < 8 or at + count_of.size > len(data):
        raise Malformed("a directory lies outside the file")
    count = count_of.unpack_from(data, at)[0]
    start = at + count_of.size
    stop = start + count * entry_of.size
    if count > _MOST_ENTRIES or stop > len(data):
        raise Malformed("a directory does not fit into the file")
    return start, stop


def value_of(data: memoryview, entry: Entry, order: str) -> Any:
    """What an entry says: text, a number, a tuple of numbers (rationals as pairs divided), or bytes.

    Raises:
        Malformed: The value lies outside `data`.
    """
    _, kind, number, start, size = entry
    stop = start + size
    if stop > len(data):
        raise Malformed(f"the value of tag {entry.tag:#06x} lies outside its block")
    if number == 1 and (one := _SINGLE.get((order, kind))):
        return one(data, start)[0]
    if kind in {2, 129}:
        return str(data[start:stop], "utf-8", "replace").rstrip("\0")
    if kind in {5, 10}:
        parts = struct.unpack(f"{order}{2 * number}{'I' if kind == 5 else 'i'}", data[start:stop])
        values = tuple([n / d if d else 0.0 for n, d in zip(parts[::2], parts[1::2], strict=True)])
        return values[0] if len(values) == 1 else values
    code = _CODES.get(kind)
    if code is None or (kind == 1 and number > 16):
        return bytes(data[start:stop])
    numbers = struct.unpack(f"{order}{number}{code}", data[start:stop])
    return numbers[0] if len(numbers) == 1 else numbers


class Field(NamedTuple):
    """One entry to write: TIFF type, and the packed bytes (in the order that `write` is told)."""

    type: int
    raw: bytes


def pack(order: str, kind: int, values: Sequence[int] | bytes | str) -> Field:
    """A field from plain values (rationals as flat numerators and denominators).

    >>> pack("<", 3, [6])
    Field(type=3, raw=b'\\x06\\x00')
    """
    if isinstance(values, str):
        return Field(kind, values.encode() + b"\0")
    if isinstance(values, bytes):
        return Field(kind, values)
    code = {5: "I", 10: "i"}.get(kind) or _CODES[kind]
    return Field(kind, struct.pack(f"{order}{len(values)}{code}", *values))


def write_tiff(ifd0: Mapping[int, Field], children: Mapping[int, Mapping[int, Field]]) -> bytes:
    """A little-endian TIFF structure: one directory, and under it one directory for each pointer tag of `children`.

    >>> write_tiff({0x0112: pack("<", 3, [6])}, {}).hex()
    '49492a0008000000010012010300010000000600000000000000'
    """
    blocks = bytearray(b"II*\0\x08\0\0\0")
    used = {pointer: fields for pointer, fields in children.items() if fields}
    own = {**ifd0, **{pointer: Field(4, bytes(4)) for pointer in used}}
    at = _append_directory(blocks, own)
    for pointer, fields in sorted(used.items()):
        index = sorted(own).index(pointer)
        struct.pack_into("<I", blocks, at + 2 + 12 * index + 8, len(blocks))
        _append_directory(blocks, fields)
    return bytes(blocks)


def _append_directory(blocks: bytearray, fields: Mapping[int, Field]) -> int:
    at = len(blocks)
    rest = at + 2 + 12 * len(fields) + 4
    table, values = bytearray(struct.pack("<H", len(fields))), bytearray()
    for tag, field in sorted(fields.items()):
        count = len(field.raw) // SIZES[field.type]
        if len(field.raw) <= 4:
            place = field.raw.ljust(4, b"\0")
        else:
            place = struct.pack("<I", rest + len(values))
            values += field.raw + b"\0" * (len(field.raw) % 2)
        table += struct.pack("<HHI", tag, field.type, count) + place
    blocks += table + bytes(4) + values
    return at
