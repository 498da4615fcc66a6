"""Coded strips and tiles without what rides behind or inside them, and what that says."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from veilset.containers.contract import Keep
from veilset.containers.inner import clean_inner
from veilset.containers.jpeg_segments import (
    DAC,
    DHT,
    DNL,
    DQT,
    DRI,
    EOI,
    FRAMES,
    SCAN,
    SOI,
    SOS,
    exact_length,
    segments,
)
from veilset.containers.pieces import Piece
from veilset.containers.recognise import identify
from veilset.containers.tiff_codes import deflate_end
from veilset.containers.tiff_fields import DEFLATE, FILES, JPEG
from veilset.containers.tiff_overhang import Overhang
from veilset.containers.tiff_packed import LARGEST, PACKED, is_known, packed, unpacked
from veilset.core.errors import DataError, Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_PICTURE = frozenset({SOI, EOI, SCAN, SOS, DNL, DQT, DHT, DAC, DRI}) | FRAMES
_UNKNOWN = 1 << 62


def cleaned_strip(
    data: memoryview, start: int, stop: int, scheme: int, decoded: int, overhang: Overhang | None = None
) -> list[Piece]:
    """Pieces of one strip: copied whole where nothing rides along, else cut or taken apart.

    `decoded` is its size before compression, 0 when unknown. What `overhang` says lies outside the page becomes empty.

    Raises:
        DataError: It is damaged, or is a picture file that cannot be cleaned.
        Residue: It is a picture file that still held what it said.
    """
    if scheme == 1:
        if stop - start < decoded:
            raise Malformed("a strip of the TIFF is shorter than its pixels, so that what follows it would be shown")
        stop = min(stop, start + decoded) if decoded else stop
        tile = bytes(data[start:stop]) if overhang else b""
        return [(start, stop)] if not overhang or overhang.blanked(tile) == tile else [overhang.blanked(tile)]
    if scheme in PACKED and overhang:
        return [_packed(data, start, stop, scheme, decoded, overhang)]
    if scheme in PACKED and 0 < decoded <= LARGEST and is_known(scheme):
        # Whatever is not packed so is no picture, and may be anything.
        _plain(data, start, stop, scheme, decoded, 1)
    if scheme in DEFLATE:
        return [_deflated(data, start, stop, decoded, overhang)]
    if scheme in JPEG:
        return _photograph(data, start, stop)
    if scheme in FILES:
        if identify(bytes(data[start : min(stop, start + 4096)])) != FILES[scheme]:
            raise Malformed("a strip of the TIFF is not what its page says that it is; save it anew")
        raw = bytes(data[start:stop])
        new, _ = clean_inner(raw, Keep(orientation=False, icc=False))
        return [(start, stop)] if new == raw else [new]
    return [(start, stop)]


def _deflated(data: memoryview, start: int, stop: int, decoded: int, overhang: Overhang | None) -> Piece:
    end, beyond = deflate_end(data[start:stop], decoded or _UNKNOWN)
    if not beyond and not overhang:
        return (start, start + end)
    tile = zlib.decompressobj().decompress(data[start:stop], decoded)
    shown = overhang.blanked(tile) if overhang else tile
    return (start, start + end) if not beyond and shown == tile else zlib.compress(shown, 6)


def _packed(data: memoryview, start: int, stop: int, scheme: int, decoded: int, overhang: Overhang) -> Piece:
    tile = _plain(data, start, stop, scheme, overhang.row, decoded // overhang.row)
    shown = overhang.blanked(tile)
    return (start, stop) if shown == tile else packed(shown, scheme, overhang.row)


def _plain(data: memoryview, start: int, stop: int, scheme: int, row: int, rows: int) -> bytes:
    tile = unpacked(bytes(data[start:stop]), scheme, row, rows)
    if tile is None:
        raise Malformed("a compressed strip is damaged, so that what it holds cannot be told; save it anew")
    return tile


def strip_tags(data: memoryview, start: int, stop: int, scheme: int, path: str) -> Iterator[TagValue]:
    """What a coded strip says besides its pixels: segments and tails of a JPEG, tags of a picture file."""
    try:
        for tag in _listed(data, start, stop, scheme):
            if not tag.technical:
                yield TagValue(f"{path}/{tag.path}", tag.value, tag.risk, tag.size)
    except DataError:
        # What cannot be read does not go out either; that it is there is what the list has to say.
        yield TagValue(f"{path}/unreadable", None, Risk.CONTENT, stop - start)


def _listed(data: memoryview, start: int, stop: int, scheme: int) -> tuple[TagValue, ...]:
    if scheme in JPEG:
        from veilset.containers.jpeg_tags import tags_of

        view = data[start:stop]
        return tags_of(view, segments(view))
    if scheme in FILES and identify(bytes(data[start : min(stop, start + 4096)])) == FILES[scheme]:
        from veilset.containers import inspect as look

        return look(bytes(data[start:stop])).tags
    return ()


def _photograph(data: memoryview, start: int, stop: int) -> list[Piece]:
    view = data[start:stop]
    pieces: list[Piece] = []
    for marker, at, payload, end in segments(view):
        if marker in _PICTURE:
            need = end - payload if marker in {SOI, EOI, SCAN} else exact_length(marker, view[payload:end])
            if payload + need == end:
                pieces.append((start + at, start + end))
            elif need:
                pieces.append(
                    bytes([0xFF, marker]) + struct.pack(">H", need + 2) + bytes(view[payload : payload + need])
                )
        elif marker == 0xEE and bytes(view[payload : payload + 5]) == b"Adobe" and end - payload >= 12:
            pieces.append(b"\xff\xee\0\x0e" + bytes(view[payload : payload + 12]))
        elif marker == 0xE0 and bytes(view[payload : payload + 5]) == b"JFIF\0" and end - payload >= 14:
            pieces.append(b"\xff\xe0\0\x10" + bytes(view[payload : payload + 12]) + b"\0\0")
    return pieces


def cleaned_tables(tables: bytes) -> bytes:
    """The shared tables of JPEG-coded strips, without application segments and comments."""
    view = memoryview(tables)
    pieces = _photograph(view, 0, len(view))
    return b"".join(piece if isinstance(piece, bytes) else bytes(view[piece[0] : piece[1]]) for piece in pieces)
