"""Read a TIFF as a tree of pages, each with the stretches of coded picture that belong to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from veilset.containers import tiff_fields as tags
from veilset.containers.ifd import Directory, Entry, Header, read_directory, read_header, value_of
from veilset.core.errors import Malformed, Unsupported

_MOST_PAGES = 1 << 16
_JPEG_START, _JPEG_SIZE = 0x0201, 0x0202
# Of SGI: voxels.
_DEPTH = 0x80E5


@dataclass(slots=True)
class Page:
    """One directory: where it stands, its entries by tag, its picture's stretches, and the pages below it.

    `thumbnail`: it holds no strips but one JPEG, as the second directory of EXIF does.
    """

    at: int
    directory: Directory
    entries: dict[int, Entry]
    stretches: list[tuple[int, int]]
    children: list[Page] = field(default_factory=list)
    thumbnail: bool = False


def read_pages(data: memoryview) -> tuple[Header, list[Page]]:
    """All pages of the chain, with their SubIFDs below them.

    Raises:
        Malformed: Directories run in a circle or lie outside the file.
        Unsupported: A page is coded in a way that cannot be copied piece by piece.
    """
    header = read_header(data)
    pages: list[Page] = []
    seen: set[int] = set()
    at = header.first
    while at:
        page = _read_page(data, header, at, seen)
        pages.append(page)
        at = page.directory.next
    if not pages:
        raise Malformed("the TIFF holds no page")
    raw = is_raw(pages)
    for page in every(pages):
        _served(data, header, page, raw)
    return header, pages


def is_raw(pages: list[Page]) -> bool:
    """Whether a page says, in the form that is kept, that this is a DNG; said otherwise it would be none once rebuilt."""
    versions = [page.entries[tags.DNG_VERSION] for page in pages if tags.DNG_VERSION in page.entries]
    return any(entry.type == 1 and entry.number == 4 for entry in versions)


def every(pages: list[Page]) -> list[Page]:
    """The pages and all below them, each before its children."""
    flat: list[Page] = []
    for page in pages:
        flat += [page, *every(page.children)]
    return flat


def _read_page(data: memoryview, header: Header, at: int, seen: set[int]) -> Page:
    if at in seen or len(seen) >= _MOST_PAGES:
        raise Malformed("the pages of the TIFF run in a circle")
    seen.add(at)
    directory = read_directory(data, header, at)
    entries: dict[int, Entry] = {}
    for entry in directory.entries:
        entries.setdefault(entry.tag, entry)
    page = Page(at, directory, entries, [])
    page.stretches = _stretches(data, header, page)
    if not page.stretches and len(seen) > 1 and {_JPEG_START, _JPEG_SIZE} <= entries.keys():
        page.stretches, page.thumbnail = _jpeg_stretch(data, header, page), True
    if tags.SUB_IFDS in entries:
        for below in numbers(data, header, page, tags.SUB_IFDS):
            page.children.append(_read_page(data, header, below, seen))
    return page


def numbers(data: memoryview, header: Header, page: Page, tag: int) -> tuple[int, ...]:
    """The integers of a tag; empty when the page has none.

    Raises:
        Malformed: It holds something else, or more than fits into the file.
    """
    entry = page.entries.get(tag)
    if entry is None:
        return ()
    if entry.start + entry.size > len(data) or entry.type not in {1, 3, 4, 13, 16, 18}:
        raise Malformed(f"tag {tag:#06x} of the TIFF does not hold what it has to")
    code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}[entry.type]
    return struct.unpack_from(f"{header.order}{entry.number}{code}", data, entry.start)


def number(data: memoryview, header: Header, page: Page, tag: int, default: int = 0) -> int:
    """The one integer of a tag."""
    found = numbers(data, header, page, tag)
    return found[0] if found else default


def value(data: memoryview, header: Header, page: Page, tag: int) -> Any:
    """What a tag says; None when the page does not have it."""
    entry = page.entries.get(tag)
    return None if entry is None else value_of(data, entry, header.order)


def _stretches(data: memoryview, header: Header, page: Page) -> list[tuple[int, int]]:
    tiled = tags.TILE_OFFSETS in page.entries
    where = numbers(data, header, page, tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS)
    # GDAL and some cameras name the sizes of tiles by the strips' tag.
    sizes = numbers(data, header, page, tags.TILE_COUNTS if tags.TILE_COUNTS in page.entries else tags.STRIP_COUNTS)
    if not sizes and len(where) == 1 and number(data, header, page, 0x0103, 1) == 1:
        sizes = (decoded_size(data, header, page),)
    if len(where) != len(sizes):
        raise Malformed("a TIFF page has another number of strips than of sizes")
    found = []
    for start, size in zip(where, sizes, strict=True):
        if size and start + size > len(data):
            raise Malformed("a strip of the TIFF lies outside the file")
        found.append((start, start + size) if size else (0, 0))
    # No decoder looks at more of them than the page's size asks for.
    return found[: _shown(data, header, page)]


def _shown(data: memoryview, header: Header, page: Page) -> int:
    """How many strips or tiles a page has by its size."""
    width, height = number(data, header, page, 0x0100), number(data, header, page, 0x0101)
    planes = number(data, header, page, 0x0115, 1) if number(data, header, page, 0x011C, 1) == 2 else 1
    if tags.TILE_OFFSETS in page.entries:
        across, down = number(data, header, page, 0x0142), number(data, header, page, 0x0143)
        if not across or not down:
            raise Malformed("a page of the TIFF has tiles of no size")
        return -(-width // across) * -(-height // down) * planes
    rows = number(data, header, page, 0x0116, height) or height
    return -(-height // rows) * planes if rows else 0


def _jpeg_stretch(data: memoryview, header: Header, page: Page) -> list[tuple[int, int]]:
    start, size = number(data, header, page, _JPEG_START), number(data, header, page, _JPEG_SIZE)
    if start + size > len(data):
        raise Malformed("a thumbnail of the TIFF lies outside the file")
    return [(start, start + size)]


def decoded_size(data: memoryview, header: Header, page: Page) -> int:
    """Bytes that one full strip or tile takes before compression; 0 when that cannot be told."""
    width, height = number(data, header, page, 0x0100), number(data, header, page, 0x0101)
    bits = numbers(data, header, page, 0x0102) or (1,)
    samples = number(data, header, page, 0x0115, 1)
    if tags.TILE_OFFSETS in page.entries:
        width, rows = number(data, header, page, 0x0142), number(data, header, page, 0x0143)
    else:
        rows = min(number(data, header, page, 0x0116, height), height)
    per_pixel = bits[0] if number(data, header, page, 0x011C, 1) == 2 else bits[0] * samples
    if len(set(bits)) > 1 or number(data, header, page, 0x0106) == 6:
        return 0
    return rows * ((width * per_pixel + 7) // 8)


def _served(data: memoryview, header: Header, page: Page, raw: bool) -> None:
    if page.thumbnail and not page.children:
        return
    if not page.stretches:
        raise Unsupported("a page of the TIFF holds no strips or tiles; save it anew")
    if not number(data, header, page, 0x0100) or not number(data, header, page, 0x0101):
        raise Malformed("a page of the TIFF has no size")
    scheme = number(data, header, page, 0x0103, 1)
    if scheme == tags.OLD_JPEG:
        raise Unsupported(
            "a page of the TIFF is coded as old-style JPEG (compression 6), whose tables and data lie outside its strips; "
            "save it anew with a current program, which writes compression 7"
        )
    if scheme not in tags.COPIED:
        raise Unsupported("a page of the TIFF is coded in a way that cannot be copied safely; save it anew")
    if number(data, header, page, _DEPTH, 1) != 1:
        raise Unsupported("a page of the TIFF has a depth beside its width and height; save its layers as pages")
    if number(data, header, page, 0x0106) in {32803, 34892} and not raw:
        raise Unsupported("a camera's own raw file is not served; convert it to DNG")
