"""What a WebP holds behind the coded data that libwebp needs: in the picture's partitions, its alpha plane, its frames."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

from veilset.containers.webp import Chunk, cut_chunks
from veilset.core.errors import Malformed, Unsupported

# Encoders flush their arithmetic coder with a few bytes that no decoder asks for; five were seen in 500 pictures.
_SLACK = 16
_TAG = 10
# What Pillow decodes without calling it an attack; a header may claim anything.
_MOST_PIXELS = 89_000_000
_MOST_IN_ALL = 1 << 29
Span = tuple[int, int]


def unneeded(data: memoryview) -> list[Span]:
    """Stretches that can go without any pixel changing, where they are longer than what encoders leave.

    Raises:
        Malformed: A picture cannot be decoded.
        Unsupported: It is too large to be decoded.
    """
    found: list[Span] = []
    claimed = 0
    for name, coded, alpha in _pictures(data):
        claimed += _claimed(name, bytes(data[coded.start + 8 : coded.start + 18]))
        if claimed > _MOST_IN_ALL:
            raise Unsupported("a WebP with so many frames is not decoded to look behind them")
        body, plane = _body(data, coded), _body(data, alpha) if alpha else b""
        parts = _parts(name, body)
        sizes, length = _fewest(name, body, plane)
        base = coded.start + 8
        found += [
            (base + at + size, base + stop) for (at, stop), size in zip(parts, sizes, strict=True) if at + size < stop
        ]
        if alpha and length < len(plane):
            found.append((alpha.start + 8 + length, alpha.end))
    return sorted(found)


def _fewest(name: bytes, body: bytes, plane: bytes) -> tuple[list[int], int]:
    """How many bytes each partition, and the alpha plane, need; each cut is tried on top of those before it."""
    if _claimed(name, body) > _MOST_PIXELS:
        raise Unsupported("a WebP of more than 89 megapixels is not decoded to look behind its picture")
    shown = _decoded(name, body, plane)
    if shown is None:
        raise Malformed("a picture of the WebP cannot be decoded; save it anew")
    parts = _parts(name, body)
    sizes = [stop - start for start, stop in parts]
    for index in range(len(parts)):
        sizes = _shortened(sizes, index, lambda cut: _decoded(name, _cut_to(body, parts, cut), plane) == shown)
    shorter = _cut_to(body, parts, sizes)
    return sizes, _shortened([len(plane)], 0, lambda cut: _decoded(name, shorter, plane[: cut[0]]) == shown)[0]


def _shortened(sizes: list[int], index: int, enough: Callable[[list[int]], bool]) -> list[int]:
    """The sizes with one of them as small as can be, unless it would save no more than the encoder's slack."""

    def tried(size: int) -> bool:
        return enough([*sizes[:index], size, *sizes[index + 1 :]])

    size = sizes[index]
    if size <= _SLACK or not tried(size - _SLACK - 1):
        return sizes
    low, high = 0, size - _SLACK - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if tried(middle) else (middle + 1, high)
    return [*sizes[:index], high, *sizes[index + 1 :]]


def cut(data: memoryview, spans: Sequence[Span]) -> bytes:
    """The file without these stretches, every length in it put right."""
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    body = b"".join(_without(data, chunk, spans) for chunk in cut_chunks(data, 12, end))
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body + bytes(data[end:])


def _without(data: memoryview, chunk: Chunk, spans: Sequence[Span]) -> bytes:
    body = _body(data, chunk)
    inside = [(start, stop) for start, stop in spans if chunk.start < start and stop <= chunk.end]
    if inside and chunk.name == b"ANMF":
        body = body[:16] + b"".join(_without(data, one, spans) for one in cut_chunks(data, chunk.start + 24, chunk.end))
    elif inside and chunk.name == b"ALPH":
        body = body[: inside[0][0] - chunk.start - 8]
    elif inside:
        parts = _parts(chunk.name, body)
        ends = {stop - chunk.start - 8: start - chunk.start - 8 for start, stop in inside}
        body = _cut_to(body, parts, [ends.get(stop, stop) - start for start, stop in parts])
    return _made(chunk.name, body)


def _pictures(data: memoryview) -> Iterator[tuple[bytes, Chunk, Chunk | None]]:
    """Name and chunk of each picture or frame, and the chunk of its alpha plane."""
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    chunks = cut_chunks(data, 12, end)
    frames = [cut_chunks(data, chunk.start + 24, chunk.end) for chunk in chunks if chunk.name == b"ANMF"]
    for held in frames or [chunks]:
        alpha = next((chunk for chunk in held if chunk.name == b"ALPH"), None)
        coded = next((chunk for chunk in held if chunk.name in {b"VP8 ", b"VP8L"}), None)
        if coded:
            yield coded.name, coded, alpha if coded.name == b"VP8 " else None


def _body(data: memoryview, chunk: Chunk) -> bytes:
    return bytes(data[chunk.start + 8 : chunk.end])


def _parts(name: bytes, body: bytes) -> list[Span]:
    """Where the partitions of a picture lie in it; a lossless picture is one."""
    if name == b"VP8L":
        return [(0, len(body))]
    first = int.from_bytes(body[:3], "little") >> 5
    count = _partitions(body[_TAG : _TAG + first])
    at = _TAG + first + 3 * (count - 1)
    if at > len(body):
        raise Malformed("the partitions of a WebP picture do not fit into it")
    parts = [(_TAG, _TAG + first)]
    for index in range(count - 1):
        size = int.from_bytes(body[_TAG + first + 3 * index :][:3], "little")
        parts.append((at, min(at + size, len(body))))
        at += size
    if at > len(body):
        raise Malformed("the partitions of a WebP picture do not fit into it")
    return [*parts, (at, len(body))]


def _cut_to(body: bytes, parts: Sequence[Span], sizes: Sequence[int]) -> bytes:
    """The picture with its partitions cut to these sizes."""
    cut = [body[start : start + size] for (start, _), size in zip(parts, sizes, strict=True)]
    if len(parts) == 1:
        return cut[0]
    head = (int.from_bytes(body[:3], "little") & 31 | sizes[0] << 5).to_bytes(3, "little") + body[3:_TAG]
    table = b"".join(size.to_bytes(3, "little") for size in sizes[1:-1])
    return b"".join([head, cut[0], table, *cut[1:]])


def _claimed(name: bytes, body: bytes) -> int:
    """Pixels that the header of a picture claims."""
    if name == b"VP8L":
        packed = int.from_bytes(body[1:5], "little")
        return (1 + (packed & 0x3FFF)) * (1 + (packed >> 14 & 0x3FFF))
    width, height = struct.unpack_from("<HH", body, 6)
    return int((width & 0x3FFF) * (height & 0x3FFF))


def _decoded(name: bytes, body: bytes, alpha: bytes) -> bytes | None:
    from PIL import Image as PillowImage

    made = _made(name, body)
    if alpha:
        width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", body, 6))
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        made = _made(b"VP8X", b"\x10\0\0\0" + size) + _made(b"ALPH", alpha) + made
    try:
        with PillowImage.open(
            BytesIO(b"RIFF" + struct.pack("<I", 4 + len(made)) + b"WEBP" + made), formats=["WEBP"]
        ) as image:
            return image.convert("RGBA").tobytes()
    except (OSError, ValueError, SyntaxError):
        return None


def _made(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _partitions(first: bytes) -> int:
    """How many partitions of coefficients the frame header declares (RFC 6386, 9.3 to 9.5)."""
    read = _Flags(first)
    read.number(2)
    if read.number(1):
        new_map, new_data = read.number(1), read.number(1)
        if new_data:
            read.number(1)
            read.optional([8] * 4 + [7] * 4)
        if new_map:
            read.optional([8] * 3)
    read.number(10)
    if read.number(1) and read.number(1):
        read.optional([7] * 8)
    return 1 << read.number(2)


class _Flags:
    """The boolean decoder at even odds, in which a frame header is written."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 2
        self.value, self.range, self.shifted = int.from_bytes(raw[:2].ljust(2, b"\0"), "big"), 255, 0

    def number(self, bits: int) -> int:
        found = 0
        for _ in range(bits):
            found = found << 1 | self._flag()
        return found

    def optional(self, sizes: Sequence[int]) -> None:
        """Values that a flag says are there; the last bit of a signed one is its sign."""
        for bits in sizes:
            if self._flag():
                self.number(bits)

    def _flag(self) -> int:
        split = 1 + ((self.range - 1) * 128 >> 8)
        big = split << 8
        flag = int(self.value >= big)
        if flag:
            self.range, self.value = self.range - split, self.value - big
        else:
            self.range = split
        while self.range < 128:
            self.value, self.range, self.shifted = self.value << 1, self.range << 1, self.shifted + 1
            if self.shifted == 8:
                self.shifted = 0
                if self.at < len(self.raw):
                    self.value |= self.raw[self.at]
                    self.at += 1
        return flag
