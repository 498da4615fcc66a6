"""Judge a cleaned file without any of the readers that cleaned it: raw searches and nothing else.

What the original said (values, and every readable run of bytes outside its coded picture) is searched for in the output
in ASCII, UTF-16 of both byte orders, and inside inflated streams. Marks of nested files and blocks are searched too.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from veilset.containers.codec_units import is_text
from veilset.containers.pages import windows
from veilset.containers.readable import readable_runs

SHORTEST = 8
# So many letters in a row come into coded data by chance once in some terabytes.
LONG = 24
READABLE = "readable text inside the coded picture"
# Samples in these are coded, so that words in them are words.
CODED = frozenset({"avif", "gif", "heif", "jp2", "jpeg", "jxl", "mp4", "webp"})
_RUN = re.compile(rb"[\x20-\x7e]{%d,}" % SHORTEST)
# Two characters stand before the repeated group: groups are slow to begin, and nearly every place fails at once.
_WIDE_LITTLE = re.compile(rb"[\x20-\x7e]\0[\x20-\x7e]\0(?:[\x20-\x7e]\0){%d,}" % (SHORTEST - 2))
_WIDE_BIG = re.compile(rb"\0[\x20-\x7e]\0[\x20-\x7e](?:\0[\x20-\x7e]){%d,}" % (SHORTEST - 2))
_LONGEST = 4096
NESTING = frozenset({"dicom", "pdf", "svg", "tar", "zip"})
_PICTURES = {b"\xff\xd8\xff", b"\x89PN", b"GIF"}
_SEGMENT = re.compile(rb"\xff[\xe0-\xef\xfe](..)", re.DOTALL)
_CHUNK_OF_TEXT = re.compile(rb"(\0...)(?:tEXt|iTXt|eXIf)", re.DOTALL)
_MOST_SEARCHED = 1 << 26
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_MOST_INFLATED = 1 << 22
_MOST_STREAMS = 256
_NESTED: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("a second JPEG", re.compile(rb"\xff\xd8\xff[\xc0-\xfe].{2}(?:JFIF|Exif|Adobe|ICC_)", re.DOTALL)),
    ("a PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("a film", re.compile(rb"\0\0\0.ftyp(?:mp4|isom|qt  |heic|mif1|avif|M4V)", re.DOTALL)),
    ("an archive", re.compile(rb"PK\x03\x04")),
    ("a document", re.compile(rb"%PDF-1")),
    ("image resources", re.compile(rb"8BIM[\x03\x04\x07\x0b\x0f]")),
    ("a manifest", re.compile(rb"jumb.{4}jumdc2pa", re.DOTALL)),
    ("extended XMP", re.compile(rb"ns\.adobe\.com/xmp/extension")),
    ("a maker note", re.compile(rb"Apple iOS\0|OLYMP\0|FUJIFILM\x0c|AOC\0|Panasonic\0")),
)
# Words that the cleaner itself writes, and that formats are full of.
_OURS = (
    b"JFIF",
    b"Exif",
    b"ICC_PROFILE",
    b"profile",
    b"XML:com.adobe.xmp",
    b"NETSCAPE2.0",
    b"ANIMEXTS1.0",
    b"ICCRGBG1012",
    b"metadata",
    b"Description",
    b"x-default",
)
# Pieces of the Huffman tables that the JPEG standard prints, of the usual curve of sRGB, and words of every colour
# profile's header.
_STANDARD_TABLES = re.compile(
    rb"#\(-27;@EJOTY\^chmrw\||[%&]?'\(\)\*|4?56789:?|CDEFGHIJ?|STUVWXYZ?|[cC]?defghij?|[sS]?tuvwxyz?"
    rb"|(?:mntr|scnr|prtr|spac)(?:RGB |GRAY|CMYK|Lab )(?:XYZ|Lab)"
)


class Sliced(Protocol):
    """Bytes, in memory or on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, where: slice, /) -> bytes | memoryview: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was still there, in public words: kinds and places, never values."""

    found: tuple[str, ...]
    searched: int
    needles: int
    readable: bool = False


def text_in(raw: bytes) -> set[bytes]:
    """Readable runs of at least eight characters, in ASCII and in UTF-16.

    >>> b"Somebody Else" in text_in("Somebody Else".encode("utf-16-le"))
    True
    """
    found = set(_RUN.findall(raw))
    found |= {run[::2] for run in _WIDE_LITTLE.findall(raw)}
    found |= {run[1::2] for run in _WIDE_BIG.findall(raw)}
    return {run.strip() for run in found if len(run.strip()) >= SHORTEST}


def needles_of(values: Iterable[Any]) -> set[bytes]:
    """What to search for: text values, and readable runs in binary ones.

    >>> needles_of(["Nikon D70 of somebody", 3, b"\\0\\1\\2SN 12345678"]) == {b"Nikon D70 of somebody", b"SN 12345678"}
    True
    """
    found: set[bytes] = set()
    for value in values:
        if isinstance(value, str):
            raw = value.strip().encode("utf-8", "replace")
            if len(raw) >= SHORTEST:
                found.add(raw[:256])
        elif isinstance(value, bytes):
            # Coding tables of a thumbnail read like text, and are the main picture's as often as not.
            bare = value.lstrip(b"\0")
            found |= _text_of_picture(bare) if bare[:3] in _PICTURES else text_in(value[:_MOST_INFLATED])
    return {needle for needle in found if not _harmless(needle)}


def _text_of_picture(picture: bytes) -> set[bytes]:
    """Readable runs in the application segments and comments of a picture, not in its tables."""
    found: set[bytes] = set()
    for hit in _SEGMENT.finditer(picture, 0, 1 << 16) if picture[:2] == b"\xff\xd8" else ():
        found |= text_in(picture[hit.end() : hit.start() + 2 + int.from_bytes(hit.group(1), "big")])
    for hit in _CHUNK_OF_TEXT.finditer(picture):
        found |= text_in(picture[hit.end() : hit.end() + min(int.from_bytes(hit.group(1), "big"), 1 << 20)])
    return found


def slices_of(values: Iterable[Any]) -> set[bytes]:
    """A stretch from near the end of every coded picture among the values: no other picture shares it."""
    pictures = [value for value in values if isinstance(value, bytes) and value[:3] in _PICTURES]
    ends = {picture[-48:-16] for picture in pictures}
    return {end for end in ends if len(set(end)) >= 16}


def _harmless(needle: bytes) -> bool:
    rest = _STANDARD_TABLES.sub(b"", needle)
    return len(rest) < SHORTEST or len(set(rest)) <= 4 or needle in _OURS


def verify(
    output: Sliced,
    copied: Sequence[tuple[int, int, int]],
    values: Callable[[], Iterable[Any]],
    *,
    permitted: Callable[[], Iterable[Any]] = tuple,
    shown: Callable[[], bytes] = bytes,
    source: memoryview | None = None,
    thorough: bool = False,
    nested: bool = True,
) -> Verdict:
    """Search an output for what its original said.

    Bytes that were written anew are searched whole. Coded picture data is searched for long readable runs, and those
    for the values; `thorough` searches all of it for every value, in every encoding.

    Args:
        output: The cleaned file.
        copied: (input start, output start, length) of coded picture data.
        values: Gives what the original said; asked for only when there is something to compare it with.
        permitted: Gives what was kept on purpose.
        shown: Gives words and numbers that the picture itself is made of.
        source: The input. When given, coded data is searched there, where it was copied from and is at hand.
        thorough: Search coded data for short values too.
        nested: Look for whole files inside; not in formats of `NESTING`, whose parts are each judged alone.
    """
    written = _written(output, copied)
    found = _nested(written) if nested else []
    suspects = {run for run in text_in(written) if not _harmless(run)}
    streams = _inflated(written)
    coded = memoryview(output[:]) if source is None else source
    runs = [
        run
        for start, at, size in copied
        for first in (at if source is None else start,)
        for low, high in windows(coded, first, first + size, overlap=_LONGEST)
        for run in _runs_in(coded[low:high])
    ]
    readable = any(is_text(run, LONG) for run in runs)
    if not (thorough or suspects or streams or runs):
        return Verdict(tuple(found), len(output), 0)
    kept = b"\0".join([*sorted(needles_of(permitted())), shown()])
    said = list(values())
    needles = {needle for needle in needles_of(said) if needle not in kept}
    found += _search(written, needles | slices_of(said), "bytes written anew")
    for stream in streams:
        found += _search(stream, needles, "an inflated stream")
    found += _search(b"\0".join(runs), needles, "coded picture data")
    if thorough:
        found += _search(bytes(output[:_MOST_SEARCHED]), needles, "the file")
    return Verdict(tuple(dict.fromkeys(found)), len(output), len(needles), readable)


def says_words(coded: bytes) -> bool:
    """Whether so many letters in a row stand in coded data as do not come there by chance.

    >>> says_words(bytes(40) + b"Somebody was here at 17 o'clock" + bytes(40)), says_words(bytes(range(256)) * 40)
    (True, False)
    """
    return any(is_text(run, LONG) for run in _runs_in(memoryview(coded)))


def _runs_in(coded: memoryview) -> list[bytes]:
    runs = [bytes(coded[start:stop]) for start, stop in readable_runs(coded)]
    return [run for run in runs if not _harmless(run)]


def _written(output: Sliced, copied: Sequence[tuple[int, int, int]]) -> bytes:
    parts, at = [], 0
    for _, start, size in sorted(copied, key=lambda one: one[1]):
        parts.append(bytes(output[at:start]))
        at = start + size
    return b"\xff".join([*parts, bytes(output[at:])])


def _search(raw: bytes, needles: set[bytes], place: str) -> list[str]:
    if len(raw) < SHORTEST:
        return []
    for needle in needles:
        if needle in raw:
            return [f"a value of the original in {place}"]
        # Without its last zero the little-endian form is a part of the big-endian one.
        if needle.decode("latin-1").encode("utf-16-le")[:-1] in raw:
            return [f"a value of the original, in UTF-16, in {place}"]
    return []


def _nested(written: bytes) -> list[str]:
    return [f"{what} inside the file" for what, pattern in _NESTED if pattern.search(written, 16)]


def _inflated(raw: bytes) -> list[bytes]:
    streams = []
    view = memoryview(raw)
    for number, hit in enumerate(_ZLIB.finditer(raw)):
        if number >= _MOST_STREAMS:
            break
        try:
            stream = zlib.decompressobj(47).decompress(view[hit.start() :], _MOST_INFLATED)
        except zlib.error:
            continue
        if len(stream) >= SHORTEST:
            streams.append(stream)
    return streams
