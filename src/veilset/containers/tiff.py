"""TIFF, BigTIFF, COG and DNG: every page is laid out anew from allowed tags, its coded strips and tiles copied."""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from veilset.containers import tiff_fields as tags
from veilset.containers.allowed import Allowed, allowed
from veilset.containers.assembly import cut_out, union
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.georeference import KEYS, LOST, UNNAMED, coarsen, is_lost, is_only_named, without_words
from veilset.containers.icc import sanitise
from veilset.containers.ifd import SIZES, Header, read_directory, read_header, write_tiff
from veilset.containers.ifd import Field as BareField
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.containers.pieces import Ledger, Piece, emit
from veilset.containers.tiff_gaps import is_filling
from veilset.containers.tiff_layout import Field, Plan, lay_out
from veilset.containers.tiff_overhang import filling_told_apart, fills, overhangs, overhangs_of, told_apart
from veilset.containers.tiff_packed import PACKED
from veilset.containers.tiff_pages import Page, every, is_raw, number, numbers, read_pages
from veilset.containers.tiff_palette import used_entries
from veilset.containers.tiff_raw import is_gain_map, raw_value
from veilset.containers.tiff_reduced import Shows, compared
from veilset.containers.tiff_samples import told_by_samples
from veilset.containers.tiff_sizes import sizes_of
from veilset.containers.tiff_strips import cleaned_strip, cleaned_tables, strip_tags
from veilset.containers.tiff_tags import nodata_of, shape_of, tags_of
from veilset.containers.tiff_values import bare_colours, kept_value
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

formats = ("tiff",)

_RESIDUE = ("coding choices", "pixel size", "sensor noise")
_UNKNOWN = "a page of reduced size was dropped, since it could not be compared with the large one"
_OVERHANG = "pixels of tiles that lie outside the page"
_FILLING = "bits that fill up the rows of a page"
_COLOURS = "palette entries that may not be used"
_MOST_SHOWN = 1 << 24
_LONGEST_FILLING = 1 << 16


def inspect(data: memoryview) -> Listing:
    """Facts, every tag, and claims over every byte."""
    header, pages = read_pages(data)
    shows = _shows(data, header, pages)
    listed = (
        *tags_of(data, header, pages),
        *_in_strips(data, header, pages),
        *_reduced_tags(data, header, pages, shows),
    )
    listed += tuple(
        TagValue(f"exif/ifd{index}/unused_palette", None, Risk.CONTENT)
        for index, same in _palettes(data, header, pages)
        if same is False
    )
    facts = _facts(data, header, pages)
    return Listing(facts, listed, tuple(_claims(data, header, pages, shows)))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the pages with nothing but what `keep` allows.

    A page of reduced size stays when it shows what the large page shows: overviews are a part of many a TIFF. Any other
    goes, as thumbnails go from a photograph.
    """
    header, pages = read_pages(data)
    orientation = _facts(data, header, pages).orientation
    what = allowed(tags_of(data, header, pages), orientation, keep)
    return _write(data, out, header, pages, what, keep)


def write_with(data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
    """Write the pages with the given block of tags and no other."""
    header, pages = read_pages(data)
    return _write(data, out, header, pages, what, Keep(orientation=False, icc=False))


def georeference_of(data: memoryview, keep: Keep) -> bytes:
    """What `keep` lets stay of the tags that place the first page's raster on the earth; empty when nothing does."""
    header, pages = read_pages(data)
    kept = _plan(data, header, pages[0], keep, raw=False, shows={}).fields
    fields = {
        tag: BareField(one.type, _turned(memoryview(one.raw), 0, len(one.raw), one.type, header))
        for tag, one in kept.items()
        if tag in tags.GEO
    }
    return write_tiff(fields, {}) if fields else b""


def _write(data: memoryview, out: BinaryIO, header: Header, pages: list[Page], what: Allowed, keep: Keep) -> Rebuilt:
    shows = _shows(data, header, pages)
    pieces = _pieces(data, header, pages, what, keep, shows)
    raw = ("raw sensor data",) if is_raw(pages) else ()
    dropped = (_UNKNOWN,) if Shows.UNKNOWN in shows.values() else ()
    schemes = {number(data, header, page, 0x0103, 1) for page in every(pages)}
    coded = (UNSEARCHED,) if schemes - tags.EXACT else ()
    unseen = any(overhangs(data, header, page) and not told_apart(data, header, page) for page in every(pages))
    beyond: tuple[str, ...] = (_OVERHANG,) if unseen else ()
    filled = any(fills(data, header, page) and not filling_told_apart(data, header, page) for page in every(pages))
    beyond += (_FILLING,) if filled else ()
    colours = (_COLOURS,) if any(same is None for _, same in _palettes(data, header, pages)) else ()
    lost = _lost_place(data, header, pages, keep)
    told = told_by_samples(data, header, pages, pieces)
    residue = (*_RESIDUE, *what.notes, *raw, *colours, *dropped, *coded, *beyond, *lost, *told)
    return emit(pieces, data, out, _as_written(_claims(data, header, pages, shows), pieces), residue)


def _lost_place(data: memoryview, header: Header, pages: list[Page], keep: Keep) -> tuple[str, ...]:
    if not keep.georeference:
        return ()
    keys = [page.entries[KEYS] for page in every(pages) if KEYS in page.entries]
    held = [Field(3, _raw(data, one.start, one.size)) for one in keys]
    if keep.gps_grid is None:
        return (UNNAMED,) if any(is_only_named(one, header.order) for one in held) else ()
    return (LOST,) if any(is_lost(one, header.order) for one in held) else ()


def _as_written(claims: list[Claim], pieces: list[Piece]) -> list[Claim]:
    """The claims once it is known which parts of the strips were copied."""
    copied = union(piece for piece in pieces if isinstance(piece, tuple))
    ledger = Ledger()
    for claim in claims:
        low = bisect_right(copied, (claim.start, claim.start)) - 1
        inside = copied[max(low, 0) : bisect_left(copied, (claim.stop, 0))]
        at = claim.start
        for start, stop in cut_out((claim.start, claim.stop), inside) if claim.fate is Fate.KEPT else []:
            ledger.add(at, start, claim.fate, claim.what)
            ledger.add(start, stop, Fate.DROPPED, "bytes in strips that no decoder shows, or that were packed anew")
            at = stop
        ledger.add(at, claim.stop, claim.fate, claim.what)
    return ledger.claims


def _in_strips(data: memoryview, header: Header, pages: list[Page]) -> list[TagValue]:
    """What coded strips say, each stretch once: pages may share them."""
    found: list[TagValue] = []
    seen: set[tuple[int, int]] = set()
    for index, page in enumerate(every(pages)):
        scheme = number(data, header, page, 0x0103, 1)
        for span in () if page.thumbnail else page.stretches:
            if span[1] and span not in seen:
                seen.add(span)
                found += strip_tags(data, *span, scheme, f"exif/ifd{index}/strips")
    return found


def _shows(data: memoryview, header: Header, pages: list[Page]) -> dict[int, Shows]:
    """What pages of reduced size show; a thumbnail as EXIF has it goes in any case."""

    def standalone(page: Page) -> bytes:
        return _alone(data, header, page)

    thumbnails = {page.at: Shows.OTHER for page in every(pages) if page.thumbnail}
    return compared(data, header, pages, standalone) | thumbnails


def _alone(data: memoryview, header: Header, page: Page) -> bytes:
    """One page as a file of its own, so that any decoder can show it; a JPEG where it is one."""
    scheme = number(data, header, page, 0x0103, 1)
    if page.thumbnail:
        return bytes(data[slice(*page.stretches[0])])
    if scheme in tags.JPEG and len(page.stretches) == 1 and tags.JPEG_TABLES not in page.entries:
        return bytes(data[slice(*page.stretches[0])])
    plan = _plan(data, header, Page(page.at, page.directory, page.entries, page.stretches), Keep(), raw=False, shows={})
    plan.fields.pop(tags.SUB_IFDS, None)
    pieces = lay_out(header, [plan])
    return b"".join(piece if isinstance(piece, bytes) else bytes(data[piece[0] : piece[1]]) for piece in pieces)


def _reduced_tags(data: memoryview, header: Header, pages: list[Page], shows: Mapping[int, Shows]) -> list[TagValue]:
    found = []
    for index, page in enumerate(every(pages)):
        if page.at not in shows:
            continue
        same = shows[page.at] is Shows.SAME
        size = sum(stop - start for start, stop in page.stretches)
        value = _alone(data, header, page) if not same and 0 < size <= _MOST_SHOWN else None
        risk = Risk.TECHNICAL if same else Risk.HIDDEN
        found.append(TagValue(f"exif/ifd{index}/reduced_page", value, risk, size, technical=same))
    return found


def _pieces(
    data: memoryview, header: Header, pages: list[Page], what: Allowed, keep: Keep, shows: Mapping[int, Shows]
) -> list[Piece]:
    raw = is_raw(pages)
    plans = []
    for page in pages:
        if _stays(page, shows):
            plans.append(_plan(data, header, page, keep, raw, shows))
        else:
            plans += _in_its_place(data, header, page, keep, raw, shows)
    plans[0].fields.pop(0x0112, None)
    _add_allowed(plans[0], header, what)
    return lay_out(header, plans)


def _stays(page: Page, shows: Mapping[int, Shows]) -> bool:
    return shows.get(page.at, Shows.SAME) is Shows.SAME


def _in_its_place(
    data: memoryview, header: Header, page: Page, keep: Keep, raw: bool, shows: Mapping[int, Shows]
) -> list[Plan]:
    """What lay below a page that goes: the first of it takes the page's place, with what says how raw data is developed."""
    below = [_plan(data, header, child, keep, raw, shows) for child in page.children if _stays(child, shows)]
    if not below:
        return []
    first, rest = below[0], tuple(below[1:])
    own = _plan(data, header, page, keep, raw, shows).fields if raw else {}
    first.fields |= {tag: field for tag, field in own.items() if tag in tags.RAW and tag not in first.fields}
    if tags.DNG_MODEL in own:
        first.fields[tags.DNG_MODEL] = own[tags.DNG_MODEL]
    if rest:
        inner = first.fields.get(tags.SUB_IFDS)
        first.fields[tags.SUB_IFDS] = Field(0, b"", directories=((*inner.directories, *rest) if inner else rest))
    return [first]


def _plan(data: memoryview, header: Header, page: Page, keep: Keep, raw: bool, shows: Mapping[int, Shows]) -> Plan:
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
        value = _value(data, header, page, tag)
        if value is not None:
            fields[tag] = Field(entry.type, value)
    if keep.georeference:
        (without_words(fields, header.order) if keep.gps_grid is None else coarsen(fields, header.order, keep.gps_grid))
    _special(data, header, page, fields, raw)
    profile = page.entries.get(tags.ICC)
    if keep.icc and profile is not None:
        fields[tags.ICC] = Field(7, sanitise(_raw(data, profile.start, profile.size)))
    scheme = number(data, header, page, 0x0103, 1)
    whole = zip(page.stretches, sizes_of(data, header, page), overhangs_of(data, header, page), strict=True)
    # In reversed order the bits of packed data are meant, which nothing here unpacks.
    packed = scheme if scheme not in PACKED or number(data, header, page, 0x010A, 1) == 1 else -1
    strips = [cleaned_strip(data, *span, packed, size, edge) if span[1] else [] for span, size, edge in whole]
    tiled = tags.TILE_OFFSETS in page.entries
    fields[tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS] = Field(0, b"", strips=True)
    fields[tags.TILE_COUNTS if tiled else tags.STRIP_COUNTS] = Field(0, b"", strips=True)
    below = tuple(_plan(data, header, child, keep, raw, shows) for child in page.children if _stays(child, shows))
    if below:
        fields[tags.SUB_IFDS] = Field(0, b"", directories=below)
    return Plan(fields, strips, list(page.stretches))


def _value(data: memoryview, header: Header, page: Page, tag: int) -> bytes | None:
    """The value of a tag as it goes out; None where it goes."""
    entry = page.entries[tag]
    raw = _raw(data, entry.start, entry.size)
    if tag not in tags.SHOWN:
        return raw_value(tag, entry.type, raw, header.order) if tag in tags.RAW else raw
    shape = shape_of(data, header, page)
    kept = kept_value(tag, entry.type, raw, header.order, shape)
    if tag != tags.COLOURS_OF or kept is None:
        return kept
    used = _colours(data, header, page)
    return kept if used is None else bare_colours(kept, header.order, used)


def _colours(data: memoryview, header: Header, page: Page) -> NDArray[np.bool_] | None:
    """Which entries of its palette a page uses; None where that cannot be told."""
    return used_entries(data, header, page, 1 << shape_of(data, header, page).bits)


def _palettes(data: memoryview, header: Header, pages: list[Page]) -> Iterator[tuple[int, bool | None]]:
    """Pages with a palette, by their number, and whether all of its entries are used; None where that cannot be told."""
    for index, page in enumerate(every(pages)):
        if tags.COLOURS_OF in page.entries and shape_of(data, header, page).photometric == 3:
            used = _colours(data, header, page)
            same = used is not None and _value(data, header, page, tags.COLOURS_OF) == _raw(
                data, page.entries[tags.COLOURS_OF].start, page.entries[tags.COLOURS_OF].size
            )
            yield index, None if used is None else same


def _raw(data: memoryview, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise Malformed("a value of the TIFF lies outside the file")
    return bytes(data[start : start + size])


def _special(data: memoryview, header: Header, page: Page, fields: dict[int, Field], raw: bool) -> None:
    tables = page.entries.get(tags.JPEG_TABLES)
    if tables is not None:
        fields[tags.JPEG_TABLES] = Field(7, cleaned_tables(_raw(data, tables.start, tables.size)))
    empty = nodata_of(data, header, page)
    if empty is not None:
        fields[tags.NODATA] = Field(2, empty)
    for tag in tags.GAIN_MAPS.keys() & fields.keys():
        if not is_gain_map(fields[tag].raw, tag, header.order):
            del fields[tag]
    if raw and tags.DNG_MODEL in page.entries:
        # DNG readers need a model name to be there; it need not say anything.
        fields[tags.DNG_MODEL] = Field(2, b"camera\0")


def _add_allowed(plan: Plan, header: Header, what: Allowed) -> None:
    if what.icc:
        plan.fields[tags.ICC] = Field(7, what.icc)
    if what.xmp:
        plan.fields[tags.XMP] = Field(1, what.xmp)
    for block in filter(None, (what.exif, what.georeference)):
        _add_block(plan, header, memoryview(block))


def _add_block(plan: Plan, header: Header, block: memoryview) -> None:
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
    """Little-endian values in the byte order of the file that they go into, and the other way round."""
    raw = bytes(block[start : start + size])
    width = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8}.get(kind, 1)
    if header.order == "<" or width == 1:
        return raw
    return b"".join(raw[at : at + width][::-1] for at in range(0, size, width))


def _claims(data: memoryview, header: Header, pages: list[Page], shows: Mapping[int, Shows]) -> list[Claim]:
    spans: list[tuple[int, int, Fate, str]] = [(0, 16 if header.big else 8, Fate.REWRITTEN, "header")]
    for page in every(pages):
        spans.append((page.at, page.directory.stop, Fate.REWRITTEN, "directory"))
        for tag, entry in page.entries.items():
            if entry.size > (8 if header.big else 4) and entry.start + entry.size <= len(data):
                known = tag in tags.SHOWN or tag in tags.RAW or tag in tags.GEO or tag in tags.LAID_OUT
                fate = Fate.REWRITTEN if known else Fate.DROPPED
                spans.append((entry.start, entry.start + entry.size, fate, f"tag {tag:#06x}"))
        stays = _stays(page, shows)
        fate, called = (Fate.KEPT, "strips and tiles") if stays else (Fate.DROPPED, "a page of reduced size")
        spans += [(start, stop, fate, called) for start, stop in page.stretches if stop]
    ledger = Ledger()
    at = 0
    for start, stop, fate, what in sorted(spans, key=lambda span: (span[0], -span[1], span[2] is Fate.DROPPED)):
        if stop <= at:
            continue
        _gap(data, at, start, ledger)
        ledger.add(max(at, start), stop, fate, what)
        at = stop
    _gap(data, at, len(data), ledger, "bytes after the last page")
    return ledger.claims


def _gap(data: memoryview, start: int, stop: int, ledger: Ledger, called: str = "gap") -> None:
    filling = stop - start <= _LONGEST_FILLING and is_filling(bytes(data[start:stop]), len(data))
    ledger.add(start, stop, Fate.REWRITTEN if filling else Fate.DROPPED, "filling" if filling else called)


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
