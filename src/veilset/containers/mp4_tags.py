"""What a film says besides picture and sound: user data, places, times, telemetry tracks, names, unknown boxes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence

from veilset.containers.bmff import Box, Reader, boxes, children, full, header
from veilset.containers.mp4_edits import hidden_by_edits
from veilset.containers.mp4_fragments import Part
from veilset.containers.mp4_times import when
from veilset.containers.mp4_tracks import Track
from veilset.containers.pages import windows
from veilset.containers.risks import risk_of
from veilset.containers.telemetry import MOST, positions, serial_number
from veilset.containers.xmp import read_xmp
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "MP4"
KNOWN = frozenset((b"ftyp", b"moov", b"mdat", b"moof", b"styp"))
NESTED = frozenset((b"udta", b"meta", b"ilst", b"keys"))
PLACE = re.compile(r"^([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)")
# 3GPP's boxes of text: version and flags, a packed language, then the words.
WORDS = frozenset((b"cprt", b"auth", b"titl", b"dscp", b"perf", b"gnre", b"albm"))
DEEPEST = 6
# Of a long track only so much is in its tag; all of it is read for places.
SHOWN = 1 << 20
LARGEST = 16 << 20


def film_tags(
    data: memoryview,
    top: list[Box],
    parts: dict[bytes, list[Box]],
    tracks: list[tuple[Track, bool]],
    fragments: list[tuple[Box, list[Part]]],
) -> Iterator[TagValue]:
    """Every tag of a film; each track comes with whether it is kept."""
    for kind, found in parts.items():
        if kind == b"mvhd":
            yield from _times(data, found[0], "mp4/mvhd")
        elif kind not in (b"trak", b"mvex"):
            for box in found:
                yield from box_tags(data, box, "mp4", 0)
    for track, kept in tracks:
        yield from _track_tags(data, track, kept, fragments, parts.get(b"mvhd", []))
    for box in top:
        if box.kind not in KNOWN:
            yield from box_tags(data, box, "mp4", 0)


def _times(data: memoryview, box: Box, path: str) -> Iterator[TagValue]:
    version, _, reader = full(data, box, NAME)
    for name in ("CreateDate", "ModifyDate"):
        moment = when(reader.u(8 if version else 4))
        if moment is not None:
            yield TagValue(f"{path}/{name}", moment.strftime("%Y:%m:%d %H:%M:%SZ"), Risk.TIME, 8 if version else 4)


def _track_tags(
    data: memoryview, track: Track, kept: bool, fragments: list[tuple[Box, list[Part]]], movie: list[Box]
) -> Iterator[TagValue]:
    path = f"mp4/track/{track.id}"
    found = children(data, track.box, NAME)
    yield from _times(data, found[b"tkhd"][0], f"{path}/tkhd")
    yield from _times(data, track.media[b"mdhd"][0], f"{path}/mdhd")
    handler = full(data, track.media[b"hdlr"][0], NAME)[2]
    handler.take(20)
    name = handler.rest().strip(b"\0")
    if name:
        yield TagValue(f"{path}/handler_name", _text(name), Risk.DEVICE, len(name))
    for kind in found.keys() - {b"tkhd", b"mdia", b"edts"}:
        for box in found[kind]:
            yield from box_tags(data, box, path, 0)
    yield from _description_tags(data, track, path)
    for left, unit in zip(hidden_by_edits(data, track, movie), ("frames", "seconds"), strict=True):
        if left:
            yield TagValue(f"{path}/edit_list", (left, unit), Risk.HIDDEN, 0)
    if not kept:
        yield from _hidden_track(data, track, path, fragments)


def _description_tags(data: memoryview, track: Track, path: str) -> Iterator[TagValue]:
    """The compressor's name in the codec description of a picture track."""
    for box in track.table.get(b"stsd", []):
        for entry in boxes(data, box.body + 8, box.stop, NAME):
            if track.handler == b"vide" and entry.stop - entry.body >= 78:
                name = bytes(data[entry.body + 42 : entry.body + 74])
                word = name[1 : 1 + name[0]].strip(b"\0")
                vendor = bytes(data[entry.body + 12 : entry.body + 16]).strip(b"\0")
                if word:
                    yield TagValue(f"{path}/compressor", _text(word), Risk.DEVICE, 32)
                if vendor:
                    yield TagValue(f"{path}/vendor", _text(vendor), Risk.DEVICE, 4)


def _hidden_track(
    data: memoryview, track: Track, path: str, fragments: list[tuple[Box, list[Part]]]
) -> Iterator[TagValue]:
    spans = [tuple(span) for span in track.chunks.tolist()]
    spans += [
        (r.start, r.stop) for _, parts in fragments for part in parts if part.track == track.id for r in part.runs
    ]
    size = sum(stop - start for start, stop in spans)
    codec = b"".join(track.codecs[:1])
    word = "".join(chr(c) if 32 < c < 127 else "?" for c in codec)
    if track.handler in (b"vide", b"soun"):
        yield TagValue(f"{path}/{word}", (size, "bytes"), Risk.HIDDEN, size)
        return
    raw = _start(data, spans)
    yield TagValue(f"{path}/{word}", raw, Risk.PLACE if codec in (b"gpmd", b"camm", b"djmd") else Risk.CONTENT, size)
    for box in track.table.get(b"stsd", []):
        yield TagValue(f"{path}/description", bytes(data[box.body : box.stop]), Risk.DEVICE, box.stop - box.start)
    found = _positions(data, codec, spans)
    if found:
        yield TagValue(f"{path}/positions", found, Risk.PLACE, size)
    serial = serial_number(raw) if codec == b"gpmd" else ""
    if serial:
        yield TagValue(f"{path}/gopro_serial", serial, Risk.DEVICE, len(serial))


def _start(data: memoryview, spans: Sequence[tuple[int, int]]) -> bytes:
    """The first `SHOWN` bytes of a track."""
    pieces, room = [], SHOWN
    for start, stop in spans:
        pieces.append(bytes(data[start : min(stop, start + room)]))
        room -= len(pieces[-1])
        if room <= 0:
            break
    return b"".join(pieces)


def _positions(data: memoryview, codec: bytes, spans: Sequence[tuple[int, int]]) -> tuple[tuple[float, float], ...]:
    """Places of a telemetry track, as many as `telemetry.MOST`, evenly over its length; chunk by chunk."""
    if codec not in (b"gpmd", b"camm"):
        return ()
    found: list[tuple[float, float]] = []
    for start, stop in spans[:: max(1, len(spans) // MOST)]:
        found += positions(codec, bytes(data[start : min(stop, start + SHOWN)]))
        if len(found) >= MOST:
            break
    return tuple(found[:MOST])


def box_tags(data: memoryview, box: Box, path: str, depth: int) -> Iterator[TagValue]:
    """A box that goes: its children where it has them, its text where it has some, else its bytes."""
    path = f"{path}/{box.word}"
    if box.kind in NESTED and depth < DEEPEST:
        # QuickTime writes `meta` as a plain box, ISO media as a full one.
        plain = header(data, box.body, box.stop)
        skip = 0 if box.kind in (b"udta", b"ilst") or (box.kind == b"meta" and plain and plain.kind == b"hdlr") else 4
        skip = 8 if box.kind == b"keys" else skip
        try:
            inner = list(boxes(data, min(box.body + skip, box.stop), box.stop, NAME))
        except Malformed:
            inner = []
        named = _key_names(data, inner) if box.kind == b"meta" else []
        for child in inner:
            if child.kind == b"ilst" and named:
                yield from _by_key(data, child, path, named)
            else:
                yield from box_tags(data, child, path, depth + 1)
        if inner:
            return
    if not _says_something(data, box):
        return
    raw = bytes(data[box.body : min(box.stop, box.body + LARGEST)])
    if box.kind in (b"uuid", b"XMP_") and b"<x:xmpmeta" in raw[:256]:
        yield from read_xmp(raw)
        return
    value = said(box.kind, raw)
    risk = Risk.PLACE if box.kind in (b"\xa9xyz", b"loci", b"GPS ") else risk_of(box.word)
    yield TagValue(path, value, risk, box.stop - box.start)
    yield from _places(path, box.kind, value, raw)
    serial = serial_number(raw) if box.kind == b"GPMF" else ""
    if serial:
        yield TagValue(f"{path}/gopro_serial", serial, Risk.DEVICE, len(serial))


def _says_something(data: memoryview, box: Box) -> bool:
    """Whether a box holds anything but zeros; read step by step, since a box of free room may be of any size."""
    return any(bytes(data[start:stop]).strip(b"\0") for start, stop in windows(data, box.body, box.stop))


def _places(path: str, kind: bytes, value: str | bytes, raw: bytes) -> Iterator[TagValue]:
    """The position that a value holds: ISO 6709 in words, or 3GPP's numbers of 16 bits before and after the point."""
    words = value if isinstance(value, str) else ""
    place = PLACE.match(words)
    if place and (kind == b"\xa9xyz" or "/" in words):
        yield TagValue(f"{path}/position", (float(place[1]), float(place[2])), Risk.PLACE, len(raw))
    if kind == b"loci" and len(raw) > 6:
        wide = raw[6:8] in (b"\xfe\xff", b"\xff\xfe")
        end = next((at + 2 for at in range(6, len(raw) - 1, 2) if raw[at : at + 2] == b"\0\0"), 0) if wide else 0
        end = end or raw.find(b"\0", 6) + 1
        if end and end + 9 <= len(raw):
            longitude, latitude = (part / 65536 for part in struct.unpack_from(">ii", raw, end + 1))
            yield TagValue(f"{path}/position", (latitude, longitude), Risk.PLACE, len(raw))


def _key_names(data: memoryview, inner: list[Box]) -> list[str]:
    """Apple's names of the values in a list, in order; empty when it has none."""
    for keys in (box for box in inner if box.kind == b"keys"):
        try:
            return [_text(bytes(data[key.body : key.stop])) for key in boxes(data, keys.body + 8, keys.stop, NAME)]
        except Malformed:
            return []
    return []


def _by_key(data: memoryview, listed: Box, path: str, named: list[str]) -> Iterator[TagValue]:
    """Values of a list whose kinds are numbers of names."""
    for box in boxes(data, listed.body, listed.stop, NAME):
        number = int.from_bytes(box.kind, "big")
        if not 1 <= number <= len(named):
            yield from box_tags(data, box, f"{path}/ilst", DEEPEST)
            continue
        raw = bytes(data[box.body : box.stop])
        name, value = named[number - 1], said(box.kind, raw)
        place = f"{path}/{name}"
        yield TagValue(place, value, Risk.PLACE if "location" in name else risk_of(name), box.stop - box.start)
        yield from _places(place, box.kind, value, raw)


def said(kind: bytes, raw: bytes) -> str | bytes:
    """The text in a user data box, or its bytes."""
    view = Reader(memoryview(raw), 0, len(raw), NAME)
    if kind[:1] == b"\xa9" and len(raw) > 4 and 0 < int.from_bytes(raw[:2], "big") <= len(raw) - 4:
        size = view.u(2)
        view.take(2)
        return _text(view.take(size))
    data = raw.find(b"data")
    if 0 <= data <= 8 and len(raw) >= data + 12:
        raw = raw[data + 12 :]
    if kind in WORDS and data < 0 and len(raw) > 6 and not any(raw[:4]):
        words = raw[6:]
        return (words.decode("utf-16", "replace") if words[:2] in (b"\xfe\xff", b"\xff\xfe") else _text(words)).strip(
            "\0"
        )
    text = raw.strip(b"\0")
    return _text(text) if text and all(c >= 32 or c in (9, 10, 13) for c in text) else raw


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
