"""What the pages of a TIFF say."""

from __future__ import annotations

from veilset.containers import tiff_fields as tags
from veilset.containers.exif import CHILDREN, tag_value
from veilset.containers.exif_names import IFD0
from veilset.containers.ifd import Entry, Header, read_directory, value_of
from veilset.containers.tiff_gaps import grade, is_filling
from veilset.containers.tiff_pages import Page, every, number, numbers
from veilset.containers.tiff_values import Shape, kept_value, nodata
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_LARGE = 4096
_MOST_GAPS = 1 << 16


def tags_of(data: memoryview, header: Header, pages: list[Page]) -> tuple[TagValue, ...]:
    """Every tag of every page, as `exif/ifd0/Model`; below them the EXIF and GPS directories, XMP, IPTC and profile."""
    found: list[TagValue] = []
    for index, page in enumerate(every(pages)):
        for entry in page.directory.entries:
            found += _entry_tags(data, header, entry, page, index)
    spare = b"".join(_spare(data, header, page) for page in every(pages))
    if spare:
        found.append(TagValue("tiff/spare", spare[:_MOST_GAPS], Risk.CONTENT, len(spare)))
    gaps = _unclaimed(data, header, pages)
    if gaps:
        whole = b"".join(gaps)
        found.append(TagValue("tiff/gaps", whole[:_MOST_GAPS], grade(gaps), len(whole)))
    return tuple(found)


def _spare(data: memoryview, header: Header, page: Page) -> bytes:
    """What stands beside values that are shorter than their field, and entries of tags that were there already."""
    width = 8 if header.big else 4
    found, seen = b"", set()
    for entry in page.directory.entries:
        rest = bytes(data[entry.start + entry.size : entry.start + width]) if entry.size < width else b""
        if rest.strip(b"\0"):
            found += rest
        if entry.tag in seen:
            found += bytes(data[entry.start : entry.start + min(entry.size, _LARGE)]) or b"\0"
        seen.add(entry.tag)
    return found


def shape_of(data: memoryview, header: Header, page: Page) -> Shape:
    """What of a page decides on its other tags."""
    bits = numbers(data, header, page, 0x0102) or (1,)
    return Shape(number(data, header, page, 0x0115, 1), bits[0], number(data, header, page, 0x0106))


def nodata_of(data: memoryview, header: Header, page: Page) -> bytes | None:
    """The number of samples that are not there, as it goes out; None where it goes, or there is none."""
    entry = page.entries.get(tags.NODATA)
    if entry is None or entry.type != 2 or entry.size >= 32 or entry.start + entry.size > len(data):
        return None
    bits, form = shape_of(data, header, page).bits, number(data, header, page, 0x0153, 1)
    return nodata(bytes(data[entry.start : entry.start + entry.size]), bits, form)


def _entry_tags(data: memoryview, header: Header, entry: Entry, page: Page, index: int) -> tuple[TagValue, ...]:
    prefix = f"exif/ifd{index}/"
    if entry.start + entry.size > len(data):
        return (TagValue(f"{prefix}{IFD0.get(entry.tag, f'{entry.tag:#06x}')}", None, Risk.CONTENT, 0),)
    raw = data[entry.start : entry.start + entry.size]
    if entry.tag in CHILDREN and entry.number == 1:
        return _below(data, header, entry, index)
    if entry.tag == tags.ICC:
        from veilset.containers.icc import read_icc

        return read_icc(bytes(raw))
    if entry.tag == tags.XMP:
        from veilset.containers.xmp import read_xmp

        return read_xmp(bytes(raw))
    if entry.tag == 0x83BB:
        from veilset.containers.iptc import read_iptc

        return read_iptc(bytes(raw))
    if entry.tag == 0x8649:
        from veilset.containers.iptc import read_photoshop

        return read_photoshop(bytes(raw))
    if entry.tag in {tags.STRIP_OFFSETS, tags.STRIP_COUNTS, tags.TILE_OFFSETS, tags.TILE_COUNTS}:
        return (TagValue(prefix + IFD0[entry.tag], None, Risk.TECHNICAL, entry.size, technical=True),)
    if entry.tag in tags.SHOWN or entry.tag in tags.RAW or entry.tag == tags.JPEG_TABLES:
        return (_technical(data, header, entry, page, prefix),)
    if entry.tag == tags.NODATA and nodata_of(data, header, page) == bytes(raw):
        return (TagValue(f"{prefix}GDALNoData", None, Risk.TECHNICAL, entry.size, technical=True),)
    if entry.tag in tags.GEO:
        name = IFD0.get(entry.tag, f"{entry.tag:#06x}")
        return (TagValue(prefix + name, value_of(data, entry, header.order), Risk.PLACE, entry.size),)
    return (tag_value(data, header, entry, prefix, IFD0),)


def _technical(data: memoryview, header: Header, entry: Entry, page: Page, prefix: str) -> TagValue:
    limit = tags.SHOWN.get(entry.tag, tags.RAW.get(entry.tag, 1 << 20))
    name = IFD0.get(entry.tag, f"{entry.tag:#06x}")
    value = value_of(data, entry, header.order) if entry.size <= _LARGE else None
    technical = entry.number <= limit and entry.type not in {2, 129}
    if technical and entry.tag in tags.SHOWN:
        raw = bytes(data[entry.start : entry.start + entry.size])
        technical = kept_value(entry.tag, entry.type, raw, header.order, shape_of(data, header, page)) == raw
    return TagValue(prefix + name, value, Risk.TECHNICAL if technical else Risk.CONTENT, entry.size, technical)


def _below(data: memoryview, header: Header, entry: Entry, index: int) -> tuple[TagValue, ...]:
    label, names = CHILDREN[entry.tag]
    number = "" if index == 0 else str(index)
    try:
        found = read_directory(data, header, int(value_of(data, entry, header.order))).entries
    except (Malformed, TypeError, ValueError):
        return (TagValue(f"exif/{label}{number}/unreadable", None, Risk.CONTENT, entry.size),)
    return tuple(tag_value(data, header, one, f"exif/{label}{number}/", names) for one in found)


def _unclaimed(data: memoryview, header: Header, pages: list[Page]) -> list[bytes]:
    """Stretches that belong to no page and are more than filling."""
    spans = [(0, 16 if header.big else 8)]
    for page in every(pages):
        spans.append((page.at, page.directory.stop))
        spans += [(one.start, one.start + one.size) for one in page.directory.entries]
        spans += [span for span in page.stretches if span[1]]
        for entry in page.directory.entries:
            if entry.tag in CHILDREN and entry.number == 1:
                spans += _spans_below(data, header, entry)
    at, gaps = 0, []
    for start, stop in [*sorted(spans), (len(data), len(data))]:
        piece = bytes(data[at : min(start, at + _MOST_GAPS)])
        if start > at + _MOST_GAPS or (piece and not is_filling(piece, len(data))):
            gaps.append(piece)
        at = max(at, stop)
    return gaps


def _spans_below(data: memoryview, header: Header, entry: Entry) -> list[tuple[int, int]]:
    try:
        at = int(value_of(data, entry, header.order))
        directory = read_directory(data, header, at)
    except (Malformed, TypeError, ValueError):
        return []
    return [(at, directory.stop), *((one.start, one.start + one.size) for one in directory.entries)]
