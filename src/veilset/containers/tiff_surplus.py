"""What the strips and tiles of a TIFF hold behind the coded data that fill them, and the file without it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from veilset.containers import tiff_fields as tags
from veilset.containers.ifd import Header
from veilset.containers.jpeg_segments import EOI, FRAMES, segments
from veilset.containers.jpeg_surplus import behind_blocks
from veilset.containers.tiff_codes import deflate_end, lzw_end, packbits_end
from veilset.containers.tiff_fax import SCHEMES as FAX
from veilset.containers.tiff_fax import T4, Fax, fax_end
from veilset.containers.tiff_frames import LERC, LZMA, ZSTANDARD, lerc_end, lzma_end, zstandard_end
from veilset.containers.tiff_overhang import Overhang, overhangs_of
from veilset.containers.tiff_packed import is_known, unpacked
from veilset.containers.tiff_pages import Page, every, number, numbers, read_pages
from veilset.containers.tiff_sizes import shapes_of, sizes_of
from veilset.core.errors import DataError, Malformed, Unsupported

Span = tuple[int, int]
_LZW, _PACKBITS = 5, 32773
_PLAIN = 1
_FILL_ORDER = 0x010A
_MOST_READ = 4
_MOST_PIXELS = 1 << 28
_ELSEWHERE = "a TIFF that cleaning did not lay out is not cut; clean it first"


@dataclass
class Found:
    """Stretches that nobody shows; what is packed beyond the pixels of a strip; and why nothing is proven."""

    spans: list[Span] = field(default_factory=list)
    beyond: bytes = b""
    missed: str = ""


@dataclass(frozen=True)
class _Strip:
    """A strip by its place, with what decodes it.

    `samples`: how many it shows, in all planes; `tables`: what a JPEG one shares with the others; `shape`: rows, columns
    and samples of each pixel; `fax`: how it is coded, where it is so; `packed`: what is around a LERC one.
    """

    start: int
    stop: int
    scheme: int
    size: int
    samples: int
    tables: bytes
    overhang: Overhang | None
    shape: tuple[int, int, int] = (0, 0, 0)
    fax: Fax | None = None
    packed: int = 0


def found_in(data: memoryview) -> Found:
    """Surplus of every strip and tile of every page.

    Raises:
        Malformed: The pages cannot be read.
        Unsupported: A page is coded in a way that is not served.
    """
    header, pages = read_pages(data)
    found = Found()
    left, pixels = _MOST_READ * len(data), _MOST_PIXELS
    strips: dict[Span, set[_Strip]] = {}
    for strip in _strips(data, header, pages):
        strips.setdefault((strip.start, strip.stop), set()).add(strip)
    for strip in [one for alike in strips.values() for one in alike]:
        left -= strip.stop - strip.start
        pixels -= strip.samples if strip.scheme in tags.JPEG else 0
        if left < 0 or pixels < 0:
            raise Unsupported("a TIFF of so many strips, or so many pixels, is not searched")
        if len(strips[strip.start, strip.stop]) > 1:
            # What one page shows, another may not.
            found.missed = found.missed or "pages of a TIFF share strips, and need different parts of them"
            continue
        try:
            spans, beyond, missed = _behind(data, strip)
            found.spans += spans
            found.beyond += beyond
            found.missed = found.missed or missed
        except DataError as error:
            found.missed = found.missed or error.message
        except zlib.error:
            found.missed = found.missed or "a compressed strip is damaged"
    found.spans.sort()
    return found


def _strips(data: memoryview, header: Header, pages: list[Page]) -> Iterator[_Strip]:
    for page in every(pages):
        if page.thumbnail:
            continue
        scheme = number(data, header, page, 0x0103, 1)
        mirrored = number(data, header, page, _FILL_ORDER, 1) != 1
        if mirrored and scheme not in FAX:
            scheme = -1
        options = number(data, header, page, 0x0124 if scheme == T4 else 0x0125)
        one_bit = (numbers(data, header, page, 0x0102) or (1,)) == (1,)
        packed = (*numbers(data, header, page, 0xC5F2), 0, 0)[1]
        entry = page.entries.get(tags.JPEG_TABLES)
        tables = bytes(data[entry.start : entry.start + entry.size]) if entry else b""
        apart = number(data, header, page, 0x011C, 1) == 2
        samples = 1 if apart else number(data, header, page, 0x0115, 1)
        sizes, shapes = sizes_of(data, header, page), shapes_of(data, header, page)
        edges = overhangs_of(data, header, page)
        for span, size, (rows, columns, _), edge in zip(page.stretches, sizes, shapes, edges, strict=True):
            if span[1]:
                fax = Fax(scheme, columns, rows, options, mirrored) if scheme in FAX and one_bit else None
                shape = (rows, columns, samples)
                yield _Strip(*span, scheme, size, rows * columns * samples, tables, edge, shape, fax, packed)


def _behind(data: memoryview, strip: _Strip) -> tuple[list[Span], bytes, str]:
    """Stretches of the file behind what fills a strip; what is packed beyond that; and what is not proven."""
    view = data[strip.start : strip.stop]
    if strip.scheme in tags.JPEG:
        return _in_photograph(view, strip), b"", ""
    if tags.FILES.get(strip.scheme) == "webp":
        from veilset.containers.webp_surplus import unneeded

        # Cleaning has cut these already: the lengths inside the file have to fit.
        return [], b"".join(bytes(view[start:stop]) for start, stop in unneeded(view)), ""
    beyond, missed = b"", ""
    if strip.fax:
        end = fax_end(bytes(view), strip.fax)
    elif strip.scheme == LERC:
        end, missed = lerc_end(bytes(view), *strip.shape, strip.packed)
    elif strip.scheme in (LZMA, ZSTANDARD) and strip.size:
        end = (lzma_end if strip.scheme == LZMA else zstandard_end)(bytes(view), strip.size)
    else:
        end, beyond = _unpacked(view, strip)
    if strip.overhang and strip.scheme != LERC and not strip.fax:
        beyond += strip.overhang.said(_plain(bytes(view[:end]), strip, strip.overhang.row))
    return ([(strip.start + end, strip.stop)] if end < len(view) else []), beyond, missed


def _unpacked(view: memoryview, strip: _Strip) -> tuple[int, bytes]:
    """Where a strip ends whose bytes can be unpacked here, and what is packed beyond what is shown."""
    if strip.scheme not in {_PLAIN, _LZW, _PACKBITS} | tags.DEFLATE or not strip.size:
        raise Unsupported("strips or tiles of a TIFF in this coding are not walked")
    beyond = b""
    if strip.scheme == _PLAIN:
        end = min(strip.size, len(view))
    elif strip.scheme in tags.DEFLATE:
        end, beyond = deflate_end(view, strip.size)
    else:
        end = (lzw_end if strip.scheme == _LZW else packbits_end)(bytes(view), strip.size)
    return end, beyond


def _plain(tile: bytes, strip: _Strip, row: int) -> bytes:
    if strip.scheme == _PLAIN:
        return tile
    if strip.scheme in tags.DEFLATE:
        return zlib.decompressobj().decompress(tile, strip.size)
    plain = unpacked(tile, strip.scheme, row, strip.size // row)
    if plain is None and not is_known(strip.scheme):
        raise Unsupported(
            "the libtiff at hand does not unpack this coding, so that what lies beyond the page is not seen"
        )
    if plain is None:
        raise Malformed("a compressed strip is damaged")
    return plain


def _in_photograph(view: memoryview, strip: _Strip) -> list[Span]:
    whole, lead = _with_tables(view, strip.tables)
    found = segments(whole)
    frame = next((part for part in found if part.marker in FRAMES), None)
    if frame is None:
        raise Malformed("a JPEG strip of the TIFF holds no picture")
    _, height, width, planes = struct.unpack_from(">BHHB", whole, frame.payload)
    if height * width * planes > strip.samples:
        raise Unsupported("a JPEG strip of the TIFF holds more pixels than are shown")
    moved = strip.start - lead
    return [(moved + start, moved + stop) for start, stop in behind_blocks(whole)]


def _with_tables(view: memoryview, tables: bytes) -> tuple[memoryview, int]:
    """An abbreviated stream behind the tables that it needs, and by how much it moved back."""
    if not tables:
        return view, 0
    end = next((part.start for part in segments(memoryview(tables)) if part.marker == EOI), 0)
    return memoryview(tables[:end] + bytes(view[2:])), end - 2


def cut(data: memoryview, spans: Sequence[Span]) -> bytes:
    """A TIFF as cleaning lays it out, without these stretches of its strips; offsets and sizes are put right.

    Raises:
        Unsupported: It is laid out otherwise.
    """
    header, pages = read_pages(data)
    strips = sorted({span for page in every(pages) for span in page.stretches if span[1]})
    first = strips[0][0]
    out, moved, at = bytearray(data[:first]), {}, first
    for start, stop in strips:
        if start != at + at % 2 or any(data[at:start]):
            raise Unsupported(_ELSEWHERE)
        out += b"\0" * (len(out) % 2)
        place = len(out)
        done = start
        for low, high in spans:
            if start <= low and high <= stop:
                out += data[done:low]
                done = high
        out += data[done:stop]
        moved[stop] = (place, len(out) - place)
        at = stop
    if at != len(data):
        raise Unsupported(_ELSEWHERE)
    for page in every(pages):
        _put(out, header, page, [moved[stop] if stop else (0, 0) for _, stop in page.stretches])
    return bytes(out)


def _put(out: bytearray, header: Header, page: Page, places: list[tuple[int, int]]) -> None:
    tiled = tags.TILE_OFFSETS in page.entries
    offsets, counts = (tags.TILE_OFFSETS, tags.TILE_COUNTS) if tiled else (tags.STRIP_OFFSETS, tags.STRIP_COUNTS)
    for tag, values in ((offsets, [one for one, _ in places]), (counts, [one for _, one in places])):
        entry = page.entries[tag]
        code = {4: "I", 16: "Q"}.get(entry.type)
        if code is None or entry.number != len(values):
            raise Unsupported(_ELSEWHERE)
        struct.pack_into(f"{header.order}{len(values)}{code}", out, entry.start, *values)
