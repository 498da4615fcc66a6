"""Read EXIF: every entry of every directory, the thumbnail, and what lies between them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from veilset.containers.exif_names import EXIF, GPS, IFD0, INTEROP, TECHNICAL
from veilset.containers.ifd import Directory, Entry, Header, entries_of, read_directory, read_header, value_of
from veilset.containers.risks import risk_of
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

CHILDREN: dict[int, tuple[str, dict[int, str]]] = {
    0x8769: ("exif", EXIF),
    0x8825: ("gps", GPS),
    0xA005: ("interop", INTEROP),
}
_MOST_DIRECTORIES = 16
_POINTERS = {4, 13}
ORIENTATION = 0x0112
_BROKEN = (Malformed, ValueError, OverflowError)


def read_exif(data: memoryview, root: str = "exif") -> tuple[TagValue, ...]:
    """Every tag of an EXIF block (a TIFF structure), as `exif/ifd0/Model`.

    A block that cannot be read whole still gives what was read, and one tag `exif/unreadable` for the block: a
    cleaner drops it all the same.

    >>> from veilset.containers.ifd import pack, write_tiff
    >>> [tag.path for tag in read_exif(memoryview(write_tiff({0x010F: pack("<", 2, "maker")}, {})))]
    ['exif/ifd0/Make']
    """
    tags: list[TagValue] = []
    try:
        header = read_header(data)
        spans = _read_chain(data, header, root, tags)
        slack = _between(data, spans)
        if slack:
            tags.append(TagValue(f"{root}/slack", slack, Risk.CONTENT, len(slack)))
    except _BROKEN:
        tags.append(TagValue(f"{root}/unreadable", bytes(data), Risk.CONTENT, len(data)))
    return tuple(tags)


def orientation_of(data: memoryview) -> int:
    """EXIF orientation 1 to 8; 1 when there is none or it cannot be read."""
    try:
        header = read_header(data)
        for entry in entries_of(data, header, header.first, ORIENTATION):
            if entry.number == 1 and entry.type in {1, 3, 4}:
                value = value_of(data, entry, header.order)
                return value if 1 <= value <= 8 else 1
    except _BROKEN:
        return 1
    return 1


def _between(data: memoryview, spans: list[tuple[int, int]]) -> bytes:
    """Bytes of a block that no entry points at, when any of them says something."""
    parts, at = [], 8
    for start, stop in sorted(spans):
        if start > at:
            parts.append(bytes(data[at:start]))
        at = max(at, stop)
    parts.append(bytes(data[at:]))
    slack = b"".join(parts)
    return slack if slack.strip(b"\0") else b""


def _read_chain(data: memoryview, header: Header, root: str, tags: list[TagValue]) -> list[tuple[int, int]]:
    waiting: list[tuple[str, dict[int, str], int]] = [("ifd0", IFD0, header.first)]
    seen: set[int] = set()
    spans: list[tuple[int, int]] = []
    number = 0
    children = CHILDREN
    while waiting:
        name, names, at = waiting.pop(0)
        if at in seen or len(seen) >= _MOST_DIRECTORIES:
            raise Malformed("directories point at one another")
        seen.add(at)
        directory = read_directory(data, header, at)
        prefix = f"{root}/{name}/"
        spans.append((at, directory.stop))
        spans += [(start, start + size) for _, _, _, start, size in directory.entries]
        for entry in directory.entries:
            child = children.get(entry.tag)
            if child and entry.number == 1 and entry.type in _POINTERS and names is not GPS:
                waiting.append((*child, value_of(data, entry, header.order)))
            else:
                tags.append(tag_value(data, header, entry, prefix, names))
        if name.startswith("ifd"):
            spans += _thumbnail(data, header, directory, prefix, tags)
            if directory.next:
                number += 1
                waiting.append((f"ifd{number}", IFD0, directory.next))
    return spans


def tag_value(data: memoryview, header: Header, entry: Entry, prefix: str, names: dict[int, str]) -> TagValue:
    """One entry as a tag; its value is None when its pointer leads outside the block."""
    path, risk, technical = _called(prefix, names.get(entry.tag), entry.tag)
    return TagValue(path, _lenient(data, header, entry), risk, entry.size, technical)


@lru_cache(maxsize=4096)
def _called(prefix: str, name: str | None, number: int) -> tuple[str, Risk, bool]:
    """Path and risk of a tag, and whether it is needed to show the picture. Files of one camera ask the same."""
    if name is None:
        return f"{prefix}{number:#06x}", Risk.CONTENT, False
    if name in TECHNICAL:
        return prefix + name, Risk.TECHNICAL, True
    return prefix + name, risk_of(name), False


def _lenient(data: memoryview, header: Header, entry: Entry) -> Any:
    try:
        return value_of(data, entry, header.order)
    except _BROKEN:
        # A dangling pointer is common in maker-edited files: the tag is there, its value is not.
        return None


def _thumbnail(
    data: memoryview, header: Header, directory: Directory, prefix: str, tags: list[TagValue]
) -> list[tuple[int, int]]:
    entries = {entry.tag: entry for entry in directory.entries}
    for where, length in ((0x0201, 0x0202), (0x0111, 0x0117)):
        if where in entries and length in entries and not (where == 0x0111 and prefix.endswith("ifd0/")):
            start = _lenient(data, header, entries[where])
            size = _lenient(data, header, entries[length])
            if isinstance(start, int) and isinstance(size, int) and size:
                picture = bytes(data[start : start + size])
                tags.append(TagValue(f"{prefix}thumbnail", picture, Risk.HIDDEN, size))
                return [(start, start + size)]
    return []
