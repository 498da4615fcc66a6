"""The item model of HEIF (ISO/IEC 23008-12): what stands in a meta box, and a meta box written anew."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from veilset.containers.bmff import Box, Reader, boxes, build, build_full, children, full, only
from veilset.core.errors import Malformed, Unsupported

MOST_ITEMS = 4096


@dataclass
class Item:
    """One item: its kind, its name, and where its bytes stand in the file.

    Attributes:
        extents: (start, stop) in the file, in order.
        properties: (index from 1, essential) into the property list.
        size: Bytes of its `infe` entry.
    """

    id: int
    kind: bytes = b""
    name: bytes = b""
    hidden: bool = False
    content_type: bytes = b""
    extents: list[tuple[int, int]] = field(default_factory=list)
    properties: list[tuple[int, bool]] = field(default_factory=list)


@dataclass
class Meta:
    """A meta box as values."""

    box: Box
    primary: int
    items: dict[int, Item]
    properties: list[Box]
    references: list[tuple[bytes, int, tuple[int, ...]]]
    idat: Box | None
    unread: list[Box]

    def from_item(self, kind: bytes, source: int) -> tuple[int, ...]:
        """The items that `source` refers to under `kind`."""
        return tuple(to for word, start, ends in self.references if word == kind and start == source for to in ends)

    def to_item(self, kind: bytes, target: int) -> tuple[int, ...]:
        """The items that refer to `target` under `kind`."""
        return tuple(start for word, start, ends in self.references if word == kind and target in ends)


def read_meta(data: memoryview, box: Box, name: str) -> Meta:
    """The items of a meta box.

    Raises:
        Malformed: Its parts contradict each other.
        Unsupported: Protected items, or data outside the file.
    """
    found = children(data, box, name, skip=4)
    primary = only(found, b"pitm", name)
    version, _, reader = full(data, primary, name)
    first = reader.u(2 if version == 0 else 4)
    idat = found[b"idat"][0] if b"idat" in found else None
    items = _read_infos(data, only(found, b"iinf", name), name)
    _read_locations(data, only(found, b"iloc", name), idat, items, name)
    properties = _read_properties(data, only(found, b"iprp", name), items, name)
    references = [entry for part in found.get(b"iref", []) for entry in _read_references(data, part, name)]
    if b"ipro" in found:
        raise Unsupported(
            f"{name}: protected (encrypted) items cannot be cleaned; export the picture without protection"
        )
    if first not in items:
        raise Malformed(f"{name}: the primary item does not exist")
    known = {b"hdlr", b"pitm", b"iinf", b"iloc", b"iprp", b"iref", b"idat", b"dinf"}
    unread = [part for kind, parts in found.items() if kind not in known for part in parts]
    return Meta(box, first, items, properties, references, idat, unread)


def _read_infos(data: memoryview, box: Box, name: str) -> dict[int, Item]:
    version, _, reader = full(data, box, name)
    count = reader.u(2 if version == 0 else 4)
    items: dict[int, Item] = {}
    for entry in boxes(data, reader.at, box.stop, name):
        version, flags, inside = full(data, entry, name)
        if entry.kind != b"infe" or version not in (2, 3):
            raise Unsupported(f"{name}: item entries of an unknown version; convert the file anew")
        item = Item(inside.u(2 if version == 2 else 4))
        protection = inside.u(2)
        item.kind, item.name, item.hidden = inside.take(4), inside.text(), bool(flags & 1)
        if item.kind in (b"mime", b"uri "):
            item.content_type = inside.text()
        if protection:
            raise Unsupported(f"{name}: protected (encrypted) items cannot be cleaned")
        if item.id in items or len(items) >= MOST_ITEMS:
            raise Malformed(f"{name}: an item stands there twice, or there are more than {MOST_ITEMS}")
        items[item.id] = item
    if count != len(items):
        raise Malformed(f"{name}: says {count} items and has {len(items)}")
    return items


def _read_locations(data: memoryview, box: Box, idat: Box | None, items: dict[int, Item], name: str) -> None:
    version, _, reader = full(data, box, name)
    if version > 2:
        raise Unsupported(f"{name}: item locations of version {version} are not known")
    sizes = reader.u(2)
    offset_size, length_size, base_size, index_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    total = 0
    for _ in range(reader.u(2 if version < 2 else 4)):
        item = items.get(reader.u(2 if version < 2 else 4))
        method = reader.u(2) & 15 if version else 0
        reference = reader.u(2)
        base = reader.u(base_size)
        spans = []
        for _ in range(reader.u(2)):
            reader.u(index_size if version else 0)
            start = base + reader.u(offset_size)
            spans.append((start, start + reader.u(length_size)))
        total += len(spans)
        if item is None:
            continue
        if item.extents or total > MOST_ITEMS * 16:
            raise Malformed(f"{name}: an item has two places")
        item.extents = [_placed(span, method | reference << 4, idat, len(data), name) for span in spans]


def _placed(span: tuple[int, int], method: int, idat: Box | None, size: int, name: str) -> tuple[int, int]:
    if method > 1:
        raise Unsupported(f"{name}: items inside items, or data outside the file, are not served")
    if method == 1 and idat is None:
        raise Malformed(f"{name}: an item lies in a box that is not there")
    base, limit = (idat.body, idat.stop) if method == 1 and idat else (0, size)
    start, stop = base + span[0], base + span[1]
    if not start < stop <= limit:
        raise Malformed(f"{name}: an item reaches beyond the end of the file, or has no length; it is truncated")
    return start, stop


def _read_properties(data: memoryview, box: Box, items: dict[int, Item], name: str) -> list[Box]:
    found = children(data, box, name)
    listed = list(boxes(data, (store := only(found, b"ipco", name)).body, store.stop, name))
    for part in found.get(b"ipma", []):
        version, flags, reader = full(data, part, name)
        for _ in range(reader.u(4)):
            item = items.get(reader.u(2 if version == 0 else 4))
            for _ in range(reader.u(1)):
                value = reader.u(2 if flags & 1 else 1)
                top = 15 if flags & 1 else 7
                index = value & ((1 << top) - 1)
                if index > len(listed):
                    raise Malformed(f"{name}: a property is named that does not exist")
                if item is not None and index:
                    item.properties.append((index, bool(value >> top)))
    return listed


def _read_references(data: memoryview, box: Box, name: str) -> list[tuple[bytes, int, tuple[int, ...]]]:
    version, _, reader = full(data, box, name)
    width = 2 if version == 0 else 4
    found = []
    for entry in boxes(data, reader.at, box.stop, name):
        inside = Reader(data, entry.body, entry.stop, name)
        start = inside.u(width)
        found.append((entry.kind, start, tuple(inside.u(width) for _ in range(inside.u(2)))))
    return found


def write_meta(
    kept: list[Item],
    primary: int,
    properties: list[bytes],
    references: list[tuple[bytes, int, tuple[int, ...]]],
    places: dict[int, tuple[int, int]],
) -> bytes:
    """A meta box with nothing but the items of `kept`; `places` gives (offset, length) in the file for each."""
    handler = build_full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13))
    wide = any(item.id > 0xFFFF for item in kept)
    infos = [
        build_full(
            b"infe",
            3 if wide else 2,
            int(item.hidden),
            _id(item.id, wide),
            bytes(2),
            item.kind,
            b"\0",
            item.content_type + b"\0" if item.kind == b"mime" else b"",
        )
        for item in kept
    ]
    locations = b"".join(_id(item.id, wide) + bytes(4) + struct.pack(">HII", 1, *places[item.id]) for item in kept)
    counted = struct.pack(">I" if wide else ">H", len(kept))
    links = b"".join(
        build(kind, _id(start, wide), struct.pack(">H", len(ends)), *(_id(end, wide) for end in ends))
        for kind, start, ends in references
    )
    return build_full(
        b"meta", 0, 0, handler,
        build_full(b"pitm", int(wide), 0, _id(primary, wide)),
        build_full(b"iloc", 2 if wide else 1, 0, b"\x44\x00", counted, locations),
        build_full(b"iinf", int(wide), 0, counted, *infos),
        build_full(b"iref", int(wide), 0, links) if links else b"",
        build(b"iprp", build(b"ipco", *properties), _associations(kept, wide)),
    )  # fmt: skip


def _id(value: int, wide: bool) -> bytes:
    return struct.pack(">I" if wide else ">H", value)


def _associations(kept: list[Item], wide: bool) -> bytes:
    ordered = sorted((item for item in kept if item.properties), key=lambda item: item.id)
    entries = b"".join(
        _id(item.id, wide)
        + bytes([len(item.properties)])
        + b"".join(struct.pack(">H", index | essential << 15) for index, essential in item.properties)
        for item in ordered
    )
    return build_full(b"ipma", int(wide), 1, struct.pack(">I", len(ordered)), entries)
