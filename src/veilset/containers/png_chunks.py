"""Cut a PNG into chunks, and measure its compressed pictures against their declared sizes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from veilset.core.errors import Malformed, Unsupported

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MOST_DECODED = 1 << 32
_STEP = 1 << 20


class Chunk(NamedTuple):
    """One chunk: its four-letter name, where it starts, and where it stops (its checksum included)."""

    name: bytes
    start: int
    stop: int

    @property
    def body(self) -> slice:
        """Where its payload lies."""
        return slice(self.start + 8, self.stop - 4)


@dataclass(frozen=True, slots=True)
class Head:
    """The IHDR chunk."""

    width: int
    height: int
    depth: int
    kind: int
    interlaced: bool

    @property
    def channels(self) -> int:
        """Samples per pixel as stored."""
        return _CHANNELS[self.kind]

    def decoded_size(self, width: int, height: int) -> int:
        """Bytes that a picture of this kind takes before compression, filter bytes included."""
        bits = self.channels * self.depth
        if not self.interlaced:
            return height * (1 + (width * bits + 7) // 8)
        total = 0
        for x, y, dx, dy in ADAM7:
            columns, rows = (width - x + dx - 1) // dx, (height - y + dy - 1) // dy
            if columns > 0 and rows > 0:
                total += rows * (1 + (columns * bits + 7) // 8)
        return total


def chunks(data: memoryview) -> tuple[list[Chunk], int]:
    """Every chunk up to IEND, and where IEND stops. Checksums of chunks that a picture needs are verified.

    Raises:
        Malformed: It is cut off, or a chunk that the picture needs is damaged.
    """
    if data[:8] != SIGNATURE:
        raise Malformed("a PNG starts with its signature, this does not")
    found: list[Chunk] = []
    at = 8
    while True:
        if at + 12 > len(data):
            raise Malformed("the PNG is cut off before its end chunk")
        size, name = struct.unpack_from(">I4s", data, at)
        stop = at + 12 + size
        if stop > len(data) or not name.isalpha():
            raise Malformed("a PNG chunk does not fit into the file")
        if not name[0] & 32 and zlib.crc32(data[at + 4 : stop - 4]) != struct.unpack_from(">I", data, stop - 4)[0]:
            raise Malformed("a PNG chunk that the picture needs has a wrong checksum")
        found.append(Chunk(name, at, stop))
        at = stop
        if name == b"IEND":
            return found, at


def read_head(data: memoryview, found: Sequence[Chunk]) -> Head:
    """The header chunk.

    Raises:
        Malformed: It is not first, or says what no PNG may say.
        Unsupported: Apple's own variant.
    """
    if found[0].name == b"CgBI":
        raise Unsupported("this PNG is in the private form of iOS; save it anew as a plain PNG")
    if found[0].name != b"IHDR" or found[0].stop - found[0].start != 25:
        raise Malformed("a PNG starts with one header chunk of 13 bytes")
    width, height, depth, kind, method, filters, interlace = struct.unpack_from(">IIBBBBB", data, found[0].start + 8)
    if not width or not height or depth not in _DEPTHS.get(kind, set()) or method or filters or interlace > 1:
        raise Malformed("the PNG header says what no PNG may say")
    return Head(width, height, depth, kind, bool(interlace))


def make_chunk(name: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum.

    >>> make_chunk(b"IEND", b"").hex()
    '0000000049454e44ae426082'
    """
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


class Measured(NamedTuple):
    """A compressed picture: bytes that the stream takes, and whether it holds more pixels than it declares."""

    used: int
    surplus: bytes
    overlong: bool


def measure(
    parts: Sequence[memoryview], expected: int, look: Callable[[bytes, int], None] = lambda _, __: None
) -> Measured:
    """Inflate a picture in small steps and compare with the declared size; `look` sees each step, and where it begins.

    Raises:
        Malformed: Fewer bytes than declared, or a broken stream.
        Unsupported: More than 4 GiB of pixels.
    """
    if expected > _MOST_DECODED:
        raise Unsupported("a PNG of more than 4 GiB of pixels is not served")
    stream = zlib.decompressobj()
    decoded, used, extra = 0, 0, b""
    for part in parts:
        pending: memoryview | bytes = part
        while len(pending) and not stream.eof:
            out = stream.decompress(pending, _STEP)
            pending = stream.unconsumed_tail
            look(out, decoded)
            decoded += len(out)
            if decoded > expected and not extra:
                extra = out[-(decoded - expected) :]
            if not out and not pending:
                break
            if decoded > expected + _STEP:
                return Measured(0, extra, True)
        used += len(part) - (len(stream.unused_data) if stream.eof else 0)
        if stream.eof:
            break
    if decoded < expected or not stream.eof:
        raise Malformed("the PNG holds fewer pixels than it declares")
    return Measured(used, extra, decoded > expected)


def recompress(parts: Sequence[memoryview], expected: int) -> bytes:
    """The first `expected` bytes of a picture, compressed anew."""
    stream, packer = zlib.decompressobj(), zlib.compressobj(6)
    made, left = [], expected
    for part in parts:
        pending: memoryview | bytes = part
        while len(pending) and left and not stream.eof:
            out = stream.decompress(pending, min(_STEP, left))
            pending = stream.unconsumed_tail
            left -= len(out)
            made.append(packer.compress(out))
            if not out and not pending:
                break
    return b"".join(made) + packer.flush()
