"""Objects of PDF (ISO 32000-1, clause 7): numbers, names, strings, lists, dictionaries, streams, and their places."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from veilset.containers.pdf_filters import PLAIN
from veilset.core.errors import Malformed, Unsupported

NAME = "PDF"
SPACE = b"\0\t\n\f\r "
DELIMITERS = b"()<>[]{}/%"
TOKEN = re.compile(rb"[^\0\t\n\f\r ()<>\[\]{}/%]+")
BLANK = re.compile(rb"(?:[\0\t\n\f\r ]+|%[^\r\n]*)*")
NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)\Z")
REFERENCE = re.compile(rb"(\d{1,10})[\0\t\n\f\r ]+(\d{1,5})[\0\t\n\f\r ]+R(?![^\0\t\n\f\r ()<>\[\]{}/%])")
DEEPEST = 64
MOST_OBJECTS = 100_000
MOST_INFLATED = 256 << 20


class Name(bytes):
    """A name, without its slash."""


class Word(bytes):
    """An operator or keyword."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer to an object."""

    number: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream: its dictionary, and where its bytes stand in the file."""

    entries: dict[bytes, Any]
    start: int = 0
    stop: int = 0


@dataclass
class Cursor:
    """Reads objects from bytes, one after the other."""

    raw: bytes
    at: int = 0

    def skip(self) -> None:
        """Past blanks and comments."""
        match = BLANK.match(self.raw, self.at)
        self.at = match.end() if match else self.at

    def next(self, depth: int = 0) -> Any:
        """The next object, or a `Word` where there is none; `Word(b"")` at the end.

        Raises:
            Malformed: Brackets do not match, or objects are nested too deep.
        """
        if depth > DEEPEST:
            raise Malformed(f"{NAME}: objects are nested deeper than {DEEPEST} levels")
        self.skip()
        lead = self.raw[self.at : self.at + 1]
        if lead == b"/":
            return self._name()
        if lead == b"(":
            return self._string()
        if self.raw.startswith(b"<<", self.at):
            return self._dictionary(depth)
        if lead == b"<":
            return self._hex()
        if lead == b"[":
            self.at += 1
            return self._array(depth)
        if lead in (b"]", b">", b"{", b"}", b")"):
            self.at += 2 if self.raw.startswith(b">>", self.at) else 1
            return Word(lead * 2 if lead == b">" else lead)
        pointer = REFERENCE.match(self.raw, self.at)
        if pointer:
            self.at = pointer.end()
            return Ref(int(pointer[1]))
        return self._plain()

    def _plain(self) -> Any:
        match = TOKEN.match(self.raw, self.at)
        if not match:
            return Word(b"")
        self.at = match.end()
        word = match[0]
        if NUMBER.match(word) and len(word) < 32:
            return float(word) if b"." in word else int(word)
        return {b"true": True, b"false": False, b"null": None}.get(word, Word(word))

    def _name(self) -> Name:
        match = TOKEN.match(self.raw, self.at + 1)
        self.at = match.end() if match else self.at + 1
        word = match[0] if match else b""
        return Name(re.sub(rb"#([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), word))

    def _hex(self) -> bytes:
        end = self.raw.find(b">", self.at)
        if end < 0:
            raise Malformed(f"{NAME}: a string does not end")
        digits = bytes(c for c in self.raw[self.at + 1 : end] if c not in SPACE)
        self.at = end + 1
        try:
            return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
        except ValueError:
            raise Malformed(f"{NAME}: a string holds what is no hexadecimal digit") from None

    def _string(self) -> bytes:
        level, at, out = 1, self.at + 1, bytearray()
        escapes = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
        while level:
            letter = self.raw[at : at + 1]
            at += 1
            if not letter:
                raise Malformed(f"{NAME}: a string does not end")
            if letter == b"\\":
                octal = re.compile(rb"[0-7]{1,3}").match(self.raw, at)
                step = self.raw[at : at + 1]
                out += bytes([int(octal[0], 8) & 255]) if octal else b"" if step in b"\r\n" else escapes.get(step, step)
                at += len(octal[0]) if octal else 2 if self.raw.startswith(b"\r\n", at) else 1
                continue
            level += (letter == b"(") - (letter == b")")
            out += letter if level else b""
        self.at = at
        return bytes(out)

    def _array(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while True:
            item = self.next(depth + 1)
            if isinstance(item, Word):
                if item == b"]":
                    return found
                raise Malformed(f"{NAME}: an array does not end")
            found.append(item)

    def _dictionary(self, depth: int) -> dict[bytes, Any]:
        self.at += 2
        found: dict[bytes, Any] = {}
        while True:
            key = self.next(depth + 1)
            if isinstance(key, Word) and key == b">>":
                return found
            value = self.next(depth + 1) if isinstance(key, Name) else Word(b"")
            if isinstance(value, Word):
                raise Malformed(f"{NAME}: a dictionary is broken")
            found[bytes(key)] = value


def inflate(raw: bytes, most: int = MOST_INFLATED) -> tuple[bytes, int]:
    """At most `most` bytes of a zlib stream, and how many bytes of `raw` it used.

    Raises:
        Malformed: It is damaged or does not end.
    """
    engine = zlib.decompressobj()
    try:
        out = engine.decompress(raw, most)
    except zlib.error:
        raise Malformed(f"{NAME}: a compressed stream is damaged") from None
    return out, len(raw) - len(engine.unused_data) - len(engine.unconsumed_tail)


def unpredict(raw: bytes, columns: int) -> bytes:
    """Undo the PNG predictors "none", "sub" and "up" with one byte a sample, as cross-reference streams use them."""
    if columns < 1 or len(raw) % (columns + 1):
        raise Malformed(f"{NAME}: a cross-reference stream has rows of the wrong length")
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(-1, columns + 1)
    out = np.zeros((len(rows) + 1, columns), dtype=np.uint8)
    for number, row in enumerate(rows, 1):
        if row[0] > 2:
            raise Unsupported(f"{NAME}: a cross-reference stream uses a rare predictor; print to a new file")
        out[number] = np.cumsum(row[1:], dtype=np.uint8) if row[0] == 1 else row[1:] + out[number - 1] * (row[0] == 2)
    return out[1:].tobytes()


@dataclass
class Document:
    """Where each object stands, newest revision first; objects are read when asked for."""

    data: memoryview
    places: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    trailer: dict[bytes, Any] = field(default_factory=dict)
    revisions: int = 0
    cache: dict[int, Any] = field(default_factory=dict)
    packs: dict[int, list[Any]] = field(default_factory=dict)
    inflated: int = 0

    def __post_init__(self) -> None:
        self.raw = bytes(self.data)
        at = self.raw.rfind(b"startxref")
        start = Cursor(self.raw, at + 9).next() if at >= 0 else None
        seen: set[int] = set()
        waiting = [start]
        while waiting:
            place = waiting.pop(0)
            if not isinstance(place, int) or not 0 <= place < len(self.raw) or place in seen:
                raise Malformed(f"{NAME}: the table of objects is not where the file says; it is truncated or damaged")
            seen.add(place)
            part = self._table(place) if self.raw.startswith(b"xref", place) else self._stream_table(place)
            self.revisions += 1
            self.trailer = {**part, **self.trailer}
            waiting += [part[key] for key in (b"XRefStm", b"Prev") if key in part]
        if b"Encrypt" in self.trailer:
            raise Unsupported(f"{NAME}: encrypted; save it without a password first")

    def _table(self, at: int) -> dict[bytes, Any]:
        cursor = Cursor(self.raw, at + 4)
        while True:
            first = cursor.next()
            if first == b"trailer" and isinstance(first, Word):
                break
            count = cursor.next()
            if not isinstance(first, int) or not isinstance(count, int) or not 0 <= count <= MOST_OBJECTS:
                raise Malformed(f"{NAME}: the table of objects is broken")
            for number in range(first, first + count):
                offset, generation, kind = cursor.next(), cursor.next(), cursor.next()
                if not isinstance(offset, int) or not isinstance(generation, int) or kind not in (b"n", b"f"):
                    raise Malformed(f"{NAME}: the table of objects is broken")
                self.places.setdefault(number, (1 if kind == b"n" else 0, offset, generation))
        trailer = cursor.next()
        if not isinstance(trailer, dict):
            raise Malformed(f"{NAME}: the file has no trailer")
        return trailer

    def _stream_table(self, at: int) -> dict[bytes, Any]:
        stream = self.read_at(at)
        if not isinstance(stream, Stream) or stream.entries.get(b"Type") != b"XRef":
            raise Malformed(f"{NAME}: the table of objects is not where the file says")
        widths = stream.entries.get(b"W")
        if not isinstance(widths, list) or len(widths) != 3:
            raise Malformed(f"{NAME}: the table of objects is broken")
        if not all(isinstance(width, int) and 0 <= width <= 8 for width in widths):
            raise Malformed(f"{NAME}: the table of objects is broken")
        rows = self.decoded(stream)
        listed = stream.entries.get(b"Index", [0, stream.entries.get(b"Size", 0)])
        cursor = 0
        for first, count in zip(listed[::2], listed[1::2], strict=True):
            for number in range(first, first + min(count, MOST_OBJECTS)):
                fields = []
                for width in widths:
                    fields.append(int.from_bytes(rows[cursor : cursor + width], "big") if width else None)
                    cursor += width
                kind = 1 if fields[0] is None else fields[0]
                self.places.setdefault(number, (kind, fields[1] or 0, fields[2] or 0))
        return stream.entries

    def read_at(self, at: int) -> Any:
        """The object whose `n g obj` stands at `at`."""
        cursor = Cursor(self.raw, at)
        number, generation, word = cursor.next(), cursor.next(), cursor.next()
        if not isinstance(number, int) or not isinstance(generation, int) or word != b"obj":
            raise Malformed(f"{NAME}: an object is not where the table says; the file is damaged")
        value = cursor.next()
        cursor.skip()
        if not isinstance(value, dict) or not self.raw.startswith(b"stream", cursor.at):
            return value
        start = cursor.at + 6
        start += 2 if self.raw.startswith(b"\r\n", start) else 1
        length = self.get(value.get(b"Length"))
        if not isinstance(length, int) or not 0 <= length <= len(self.raw) - start:
            raise Malformed(f"{NAME}: a stream reaches beyond the end of the file; it is truncated")
        if not self.raw[start + length : start + length + 32].lstrip(SPACE).startswith(b"endstream"):
            raise Malformed(f"{NAME}: a stream is not as long as it says")
        return Stream(value, start, start + length)

    def get(self, value: Any) -> Any:
        """The value itself, or what it points at."""
        for _ in range(8):
            if not isinstance(value, Ref):
                return value
            value = self.object(value.number)
        raise Malformed(f"{NAME}: objects point at one another")

    def object(self, number: int) -> Any:
        """An object by its number; None where the table knows none."""
        if number in self.cache:
            return self.cache[number]
        kind, first, second = self.places.get(number, (0, 0, 0))
        self.cache[number] = None
        if kind == 1:
            self.cache[number] = self.read_at(first)
        elif kind == 2:
            members = self._pack(first)
            self.cache[number] = members[second] if second < len(members) else None
        return self.cache[number]

    def _pack(self, number: int) -> list[Any]:
        if number not in self.packs:
            self.packs[number] = []
            stream = self.object(number)
            if not isinstance(stream, Stream):
                raise Malformed(f"{NAME}: objects are packed into something that is no stream")
            raw, count, first = self.decoded(stream), stream.entries.get(b"N"), stream.entries.get(b"First")
            if not isinstance(count, int) or not isinstance(first, int) or not 0 <= count <= MOST_OBJECTS:
                raise Malformed(f"{NAME}: packed objects are broken")
            head = Cursor(raw)
            offsets = [(head.next(), head.next())[1] for _ in range(count)]
            if not all(isinstance(offset, int) for offset in offsets):
                raise Malformed(f"{NAME}: packed objects are broken")
            self.packs[number] = [Cursor(raw, first + offset).next() for offset in offsets]
        return self.packs[number]

    def decoded(self, stream: Stream) -> bytes:
        """The content of a stream that is plain or compressed with Flate.

        Raises:
            Unsupported: It is coded in another way.
        """
        raw = self.raw[stream.start : stream.stop]
        kinds, settings = self.filters(stream)
        for kind, setting in zip(kinds, settings, strict=True):
            if kind in PLAIN:
                raw = PLAIN[bytes(kind)](raw)
            elif kind in (b"FlateDecode", b"Fl"):
                raw, _ = inflate(raw, MOST_INFLATED - self.inflated)
            else:
                raise Unsupported(f"{NAME}: a stream is coded in a way that is not served; print to a new file")
            self.inflated += len(raw)
            if self.inflated >= MOST_INFLATED:
                raise Unsupported(f"{NAME}: unpacks to more than {MOST_INFLATED >> 20} MB")
            if setting.get(b"Predictor", 1) > 1:
                raw = unpredict(raw, self.get(setting.get(b"Columns", 1)))
        return raw

    def filters(self, stream: Stream) -> tuple[list[bytes], list[dict[bytes, Any]]]:
        """Filter names in order, and the settings of each."""
        kinds = self.get(stream.entries.get(b"Filter", []))
        kinds = [self.get(kind) for kind in kinds] if isinstance(kinds, list) else [kinds]
        settings = self.get(stream.entries.get(b"DecodeParms", []))
        settings = [self.get(one) or {} for one in (settings if isinstance(settings, list) else [settings])]
        if not all(isinstance(kind, Name) for kind in kinds) or not all(isinstance(one, dict) for one in settings):
            raise Malformed(f"{NAME}: a stream does not say how it is coded")
        return kinds, (settings + [{}] * len(kinds))[: len(kinds)]
