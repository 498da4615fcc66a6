"""Coded strips and tiles without what rides behind or inside them."""

from __future__ import annotations

import struct
import zlib

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
from veilset.containers.tiff_fields import DEFLATE, JPEG
from veilset.core.errors import Malformed, Unsupported

_PICTURE = frozenset({SOI, EOI, SCAN, SOS, DNL, DQT, DHT, DAC, DRI}) | FRAMES
_STEP = 1 << 20


def cleaned_strip(data: memoryview, start: int, stop: int, scheme: int, decoded: int) -> list[Piece]:
    """Pieces of one strip: copied whole where nothing rides along, else cut or taken apart.

    `decoded` is the size of a full strip before compression, 0 when unknown. Raw strips shorter than that stay.
    """
    if scheme == 1:
        return [(start, min(stop, start + decoded) if decoded else stop)]
    if scheme in DEFLATE:
        return _deflated(data, start, stop, decoded)
    if scheme in JPEG:
        return _photograph(data, start, stop)
    return [(start, stop)]


def _deflated(data: memoryview, start: int, stop: int, decoded: int) -> list[Piece]:
    stream = zlib.decompressobj()
    pending: memoryview | bytes = data[start:stop]
    size = 0
    while len(pending) and not stream.eof:
        out = stream.decompress(pending, _STEP)
        pending = stream.unconsumed_tail
        size += len(out)
        if decoded and size > decoded:
            return [_repacked(data, start, stop, decoded)]
        if size > 1 << 31:
            raise Unsupported("a strip of more than 2 GiB of pixels is not served")
        if not out and not pending:
            break
    if not stream.eof:
        raise Malformed("a compressed strip is cut off")
    return [(start, stop - len(stream.unused_data))]


def _repacked(data: memoryview, start: int, stop: int, decoded: int) -> bytes:
    return zlib.compress(zlib.decompressobj().decompress(data[start:stop], decoded), 6)


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
