"""ISO base media file format (ISO/IEC 14496-12): boxes, bounds-checked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from veilset.core.errors import Malformed

MOST_BOXES = 20_000


class Reader:
    """Big-endian numbers and bytes out of data[at:stop]; reading past the end is `Malformed`.

    >>> Reader(memoryview(bytes([0, 5, 65, 66, 0])), 0, 5, "demo").u(2)
    5
    """

    def __init__(self, data: memoryview, at: int, stop: int, name: str) -> None:
        if not 0 <= at <= stop <= len(data):
            raise Malformed(f"{name}: a part reaches beyond the end of the file; it is truncated or damaged")
        self.data, self.at, self.stop, self.name = data, at, stop, name

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return self.stop - self.at

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count < 0 or count > self.left:
            raise Malformed(f"{self.name}: a part ends before its content does; the file is truncated or damaged")
        self.at += count
        return bytes(self.data[self.at - count : self.at])

    def u(self, count: int) -> int:
        """The next unsigned number of `count` bytes; 0 for none."""
        return int.from_bytes(self.take(count), "big")

    def text(self) -> bytes:
        """Bytes up to a zero, or to the end where there is none."""
        rest = bytes(self.data[self.at : self.stop])
        word, zero, _ = rest.partition(b"\0")
        self.at += len(word) + len(zero)
        return word

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)


@dataclass(frozen=True, slots=True)
class Box:
    """One box: header at [start, body), content at [body, stop)."""

    kind: bytes
    start: int
    body: int
    stop: int

    @property
    def word(self) -> str:
        """The kind as a readable word; unprintable letters become `?`."""
        return "".join(chr(c) if 32 < c < 127 else "©" if c == 0xA9 else "?" for c in self.kind)


def header(data: memoryview, at: int, stop: int) -> Box | None:
    """The box that begins at `at`, or None when there is no whole header or it does not fit before `stop`."""
    if stop - at < 8:
        return None
    size, kind = struct.unpack(">I4s", data[at : at + 8])
    body = at + 8
    if size == 1:
        if stop - at < 16:
            return None
        size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
    elif size == 0:
        size = stop - at
    if kind == b"uuid":
        body += 16
    return Box(kind, at, body, at + size) if body - at <= size <= stop - at else None


def boxes(data: memoryview, start: int, stop: int, name: str, *, tail: bool = False) -> Iterator[Box]:
    """The boxes of data[start:stop], one after another.

    With `tail`, bytes after the last box come as one box of kind `tail`; without, up to 8 zero bytes may follow (the
    terminator of QuickTime's lists).

    Raises:
        Malformed: A box does not fit into its parent.
    """
    at = start
    for _ in range(MOST_BOXES):
        if at >= stop:
            return
        box = header(data, at, stop)
        if box is None:
            if tail:
                yield Box(b"tail", at, at, stop)
            elif stop - at > 8 or any(data[at:stop]):
                raise Malformed(f"{name}: a box does not fit into its parent; the file is truncated or damaged")
            return
        yield box
        at = box.stop
    raise Malformed(f"{name}: more than {MOST_BOXES} boxes in a row; no camera writes that")


def children(data: memoryview, box: Box, name: str, skip: int = 0) -> dict[bytes, list[Box]]:
    """Boxes inside a box by kind, `skip` bytes (4 for a full box) after its body begins."""
    found: dict[bytes, list[Box]] = {}
    for child in boxes(data, box.body + skip, box.stop, name):
        found.setdefault(child.kind, []).append(child)
    return found


def only(found: dict[bytes, list[Box]], kind: bytes, name: str) -> Box:
    """The one box of a kind that has to be there exactly once.

    Raises:
        Malformed: It is missing or stands there twice.
    """
    match found.get(kind, []):
        case [box]:
            return box
        case several:
            raise Malformed(f"{name}: needs exactly one {kind.decode('latin-1')} box, has {len(several)}")


def build(kind: bytes, *parts: bytes) -> bytes:
    """A box.

    >>> build(b"free", b"ab")
    b'\\x00\\x00\\x00\\nfreeab'
    """
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def build_full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A full box: version and flags before the content."""
    return build(kind, struct.pack(">I", version << 24 | flags), *parts)


def full(data: memoryview, box: Box, name: str) -> tuple[int, int, Reader]:
    """Version, flags and a reader of the rest."""
    reader = Reader(data, box.body, box.stop, name)
    version = reader.u(1)
    return version, reader.u(3), reader


def media_data(length: int) -> bytes:
    """Header of an mdat box for `length` bytes of content."""
    if length + 8 < 1 << 32:
        return struct.pack(">I4s", length + 8, b"mdat")
    return struct.pack(">I4sQ", 1, b"mdat", length + 16)
