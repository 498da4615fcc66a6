"""Tracks of MP4 and QuickTime films: where each chunk of samples stands, and the track's boxes written anew."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.containers import codec_boxes
from veilset.containers.bmff import Box, Reader, boxes, build, build_full, children, full, only
from veilset.containers.codec_units import reads_like_text
from veilset.containers.contract import Keep
from veilset.containers.mp4_times import stamp
from veilset.core.errors import Malformed, Unsupported

NAME = "MP4"
VIDEO = frozenset(
    b"avc1 avc2 avc3 hvc1 hev1 dvh1 dvhe dva1 dvav av01 vp08 vp09 mp4v s263 h263 jpeg mjpa apcn apch apcs apco ap4h "
    b"ap4x".split()
)
PCM = frozenset((b"raw ", b"twos", b"sowt", b"in24", b"in32", b"fl32", b"fl64", b"alaw", b"ulaw", b"lpcm", b"NONE"))
SOUND = PCM | frozenset((b"mp4a", b"ac-3", b"ec-3", b"Opus", b"alac", b"fLaC", b"samr", b"sawb", b"ima4", b".mp3"))
# Sample tables and the bytes of one entry.
TABLES = {b"stts": 8, b"ctts": 8, b"stss": 4, b"stps": 4, b"stsc": 12}
# Frames of a codec are larger; single samples of sound are not, and there are many of them.
_SMALLEST = 8
Offsets = NDArray[np.int64]


@dataclass
class Track:
    """One track and its chunks.

    Attributes:
        chunks: (n, 2) start and stop in the file.
        samples: How many samples it has, without fragments.
        ends: For each chunk, how many samples there are up to its end.
        each: The size of each sample; None where all are of one size too small for frames.
    """

    box: Box
    id: int
    handler: bytes
    codecs: tuple[bytes, ...]
    enabled: bool
    width: int
    height: int
    matrix: tuple[int, ...]
    media: dict[bytes, list[Box]]
    table: dict[bytes, list[Box]]
    chunks: Offsets
    samples: int
    ends: Offsets
    each: Offsets | None


def read_track(data: memoryview, box: Box) -> Track:
    """A track box as values.

    Raises:
        Malformed: Its tables contradict each other or the file.
    """
    parts = children(data, box, NAME)
    version, flags, reader = full(data, only(parts, b"tkhd", NAME), NAME)
    reader.take(16 if version else 8)
    number = reader.u(4)
    reader.take(28 if version else 24)
    matrix = struct.unpack(">9i", reader.take(36))
    width, height = reader.u(4) >> 16, reader.u(4) >> 16
    media = children(data, only(parts, b"mdia", NAME), NAME)
    handler = full(data, only(media, b"hdlr", NAME), NAME)[2].take(8)[4:]
    inner = children(data, only(media, b"minf", NAME), NAME)
    table = children(data, only(inner, b"stbl", NAME), NAME)
    described = list(boxes(data, only(table, b"stsd", NAME).body + 8, only(table, b"stsd", NAME).stop, NAME))
    _check_home(data, inner)
    chunks, ends, each = _chunks(data, table, described if handler == b"soun" else [])
    samples = int(ends[-1]) if len(ends) else 0
    codecs = tuple(entry.kind for entry in described)
    media |= {kind: inner[kind] for kind in (b"vmhd", b"smhd") if kind in inner}
    return Track(
        box, number, handler, codecs, bool(flags & 1), width, height, matrix, media, table, chunks, samples, ends, each
    )


def _check_home(data: memoryview, inner: dict[bytes, list[Box]]) -> None:
    """The samples have to lie in this very file."""
    for part in inner.get(b"dinf", []):
        for table in children(data, part, NAME).get(b"dref", []):
            for entry in boxes(data, table.body + 8, table.stop, NAME):
                # QuickTime writes `alis` references; flag 1 says "this file" in every kind.
                if not full(data, entry, NAME)[1] & 1:
                    raise Unsupported(f"{NAME}: a track keeps its samples in another file")


def _numbers(data: memoryview, box: Box, kind: str, columns: int) -> NDArray[np.int64]:
    reader = full(data, box, NAME)[2]
    count = reader.u(4)
    raw = reader.take(count * columns * np.dtype(kind).itemsize)
    return np.frombuffer(raw, dtype=kind).astype(np.int64).reshape(-1, columns)


def _chunks(
    data: memoryview, table: dict[bytes, list[Box]], sounds: list[Box]
) -> tuple[Offsets, Offsets, Offsets | None]:
    if b"co64" in table:
        starts = _numbers(data, only(table, b"co64", NAME), ">u8", 1)[:, 0]
    else:
        starts = _numbers(data, only(table, b"stco", NAME), ">u4", 1)[:, 0]
    runs = _numbers(data, only(table, b"stsc", NAME), ">u4", 3)
    fixed, count, sizes = _sizes(data, table)
    if not len(starts):
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64), None
    if not len(runs) or runs[0, 0] != 1 or np.any(np.diff(runs[:, 0]) <= 0):
        raise Malformed(f"{NAME}: the chunk table is out of order")
    last = np.append(runs[1:, 0], len(starts) + 1)
    held = np.repeat(runs[:, 1], np.clip(np.minimum(last, len(starts) + 1) - runs[:, 0], 0, len(starts)))
    ends = np.minimum(np.cumsum(held), count)
    if sizes is None:
        per, each = _packet(data, sounds, fixed)
        lengths = np.diff(ends, prepend=0) * each // per
    else:
        total = np.concatenate(([0], np.cumsum(sizes)))
        lengths = np.diff(total[ends], prepend=0)
    stops = starts + lengths
    if np.any(starts < 0) or np.any(lengths < 0) or np.any(stops > len(data)):
        raise Malformed(f"{NAME}: samples lie beyond the end of the file; it is truncated")
    if sizes is None and fixed >= _SMALLEST and per == 1:
        sizes = np.full(int(ends[-1]), fixed, dtype=np.int64)
    return np.stack([starts, stops], axis=1), ends, sizes


def _sizes(data: memoryview, table: dict[bytes, list[Box]]) -> tuple[int, int, NDArray[np.int64] | None]:
    if b"stz2" in table:
        reader = full(data, only(table, b"stz2", NAME), NAME)[2]
        width, count = reader.u(4) & 255, reader.u(4)
        if width == 4:
            raw = np.frombuffer(reader.take((count + 1) // 2), dtype=np.uint8)
            return 0, count, np.stack([raw >> 4, raw & 15], axis=1).ravel()[:count].astype(np.int64)
        return (
            0,
            count,
            np.frombuffer(reader.take(count * width // 8), dtype=f">u{max(width // 8, 1)}").astype(np.int64),
        )
    reader = full(data, only(table, b"stsz", NAME), NAME)[2]
    fixed, count = reader.u(4), reader.u(4)
    if fixed:
        return fixed, count, None
    return 0, count, np.frombuffer(reader.take(4 * count), dtype=">u4").astype(np.int64)


def _packet(data: memoryview, sounds: list[Box], fixed: int) -> tuple[int, int]:
    """Samples and bytes of a packet: QuickTime counts sound by the single sample, whatever the table says."""
    if not sounds:
        return 1, fixed
    reader = Reader(data, sounds[0].body + 8, sounds[0].stop, NAME)
    version = reader.u(2)
    reader.take(6)
    channels, bits = reader.u(2), reader.u(2)
    reader.take(8)
    if version == 1:
        per, _, frame = reader.u(4), reader.u(4), reader.u(4)
        return (per, frame) if per and frame else (1, fixed)
    if version == 2:
        reader.take(28)
        frame, per = reader.u(4), reader.u(4)
        return (per, frame) if per and frame else (1, fixed)
    if sounds[0].kind in PCM and fixed == 1:
        return 1, max(1, channels * (1 if sounds[0].kind in (b"alaw", b"ulaw") else bits // 8))
    return 1, fixed


def write_track(data: memoryview, track: Track, keep: Keep, starts: Offsets, wide: bool) -> bytes:
    """The track box with nothing but what decoding and timing need; `starts` are the chunks' new places."""
    parts = children(data, track.box, NAME)
    media = only(parts, b"mdia", NAME)
    inside = children(data, media, NAME)
    head = full(data, only(inside, b"mdhd", NAME), NAME)
    size = 8 if head[0] else 4
    times = b"".join(stamp(head[2].take(size), keep) for _ in range(2))
    pace = head[2].take(4 + size)
    check_clock(pace)
    clock = build_full(b"mdhd", head[0], 0, times, pace, b"\x55\xc4", bytes(2))
    handler = build_full(b"hdlr", 0, 0, bytes(4), track.handler, bytes(13))
    sound = track.handler == b"soun"
    look = build_full(b"smhd", 0, 0, bytes(4)) if sound else build_full(b"vmhd", 0, 1, bytes(8))
    home = build(b"dinf", build_full(b"dref", 0, 0, struct.pack(">I", 1), build_full(b"url ", 0, 1)))
    table = build(b"stbl", *_table(data, track, keep, starts, wide))
    link = build(b"tref", _belongs(data, parts)) if track.handler == b"auxv" else b""
    edits = build(b"edts", _edits(data, parts)) if b"edts" in parts else b""
    return build(
        b"trak", _head(data, only(parts, b"tkhd", NAME), keep), edits,
        link,
        build(b"mdia", clock, handler, build(b"minf", look, home, table)),
    )  # fmt: skip


def check_clock(raw: bytes) -> None:
    """Raise when the steps of a second, and the length in them, are such as no film has: they are letters."""
    if raw[0] >= 0x20 or (len(raw) > 8 and raw[4] and raw[4:] != b"\xff" * 8):
        raise Malformed(f"{NAME}: a clock that no film has")


def is_matrix(raw: bytes) -> bool:
    """Whether nine numbers turn, mirror, scale or move a picture by what can be."""
    a, b, u, c, d, v, x, y, w = struct.unpack(">9i", raw)
    near = all(abs(value) <= 16 << 16 for value in (a, b, c, d))
    return near and not u and not v and max(abs(x), abs(y)) < codec_boxes.LETTERS and w in {0, 1 << 30}


def _head(data: memoryview, box: Box, keep: Keep) -> bytes:
    version, flags, reader = full(data, box, NAME)
    size = 8 if version else 4
    times = b"".join(stamp(reader.take(size), keep) for _ in range(2))
    number = reader.take(4)
    reader.take(4)
    length = reader.take(size)
    reader.take(8)
    layer, group, volume = struct.unpack(">hHH", reader.take(6))
    reader.take(2)
    matrix, sides = reader.take(36), struct.unpack(">II", reader.take(8))
    if not is_matrix(matrix):
        raise Malformed(f"{NAME}: a track is turned as no picture is")
    order = struct.pack(">hHH", layer if abs(layer) < 256 else 0, group if group < 256 else 0, min(volume, 256))
    # A part of a pixel in 256 is finer than any screen, and leaves no room for words.
    shown = struct.pack(">II", *(side & 0xFFFFFF00 for side in sides))
    return build_full(
        b"tkhd", version, flags & 15, times, number, bytes(4), length, bytes(8), order, bytes(2), matrix, shown
    )


def _belongs(data: memoryview, parts: dict[bytes, list[Box]]) -> bytes:
    """Whose alpha plane an auxiliary track is."""
    links = [link for box in parts.get(b"tref", []) for link in children(data, box, NAME).get(b"auxl", [])]
    return b"".join(build(b"auxl", Reader(data, link.body, link.stop, NAME).take(4)) for link in links[:1])


def _edits(data: memoryview, parts: dict[bytes, list[Box]]) -> bytes:
    listed = children(data, parts[b"edts"][0], NAME).get(b"elst", [])
    if not listed:
        return b""
    version, flags, reader = full(data, listed[0], NAME)
    count = reader.u(4)
    raw = reader.take(count * (20 if version else 12))
    most = 1 << 56 if version else codec_boxes.LETTERS
    for length, begin, rate in struct.iter_unpack(">QqI" if version else ">IiI", raw):
        # An animated picture that goes on for ever says so by the largest length that there is.
        endless = length in {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}
        if rate not in {0, 1 << 16} or abs(begin) >= most or not (length < most or endless):
            raise Malformed(f"{NAME}: an edit list of times that no film has")
    # Flag 1 of an animated picture says "again and again".
    return build_full(b"elst", version, flags & 1, struct.pack(">I", count), raw)


def _table(data: memoryview, track: Track, keep: Keep, starts: Offsets, wide: bool) -> list[bytes]:
    made = [_descriptions(data, track, keep)]
    for kind, each in TABLES.items():
        for box in track.table.get(kind, [])[:1]:
            version, _, reader = full(data, box, NAME)
            count = reader.u(4)
            rows = np.frombuffer(reader.take(count * each), dtype=">u4").reshape(-1, each // 4)
            needed = _needed(kind, rows, track.samples, len(track.chunks), len(track.codecs))
            made.append(build_full(kind, version, 0, struct.pack(">I", len(needed)), needed.tobytes()))
    for box in track.table.get(b"sdtp", [])[:1]:
        hints = full(data, box, NAME)[2].take(track.samples)
        made += [build_full(b"sdtp", 0, 0, hints)] * (not reads_like_text(hints))
    fixed, _, sizes = _sizes(data, track.table)
    listed = b"" if sizes is None else sizes[: track.samples].astype(">u4").tobytes()
    if fixed >= codec_boxes.LETTERS and track.samples:
        raise Malformed(f"{NAME}: samples larger than samples are")
    made.append(build_full(b"stsz", 0, 0, struct.pack(">II", fixed if track.samples else 0, track.samples), listed))
    places = starts.astype(">u8" if wide else ">u4").tobytes()
    made.append(build_full(b"co64" if wide else b"stco", 0, 0, struct.pack(">I", len(starts)), places))
    return made


def _needed(kind: bytes, rows: NDArray[Any], samples: int, chunks: int, codecs: int) -> NDArray[Any]:
    """The rows of a table that are about samples and chunks that are there.

    Raises:
        Malformed: Chunks are of a codec that is not described.
    """
    if kind in (b"stts", b"ctts"):
        before = np.cumsum(rows[:, 0], dtype=np.int64) - rows[:, 0]
        wanted = (before < samples) & (rows[:, 0] > 0)
        timed: NDArray[Any] = rows[wanted].copy()
        timed[:, 0] = np.minimum(timed[:, 0], samples - before[wanted])
        # Times before others are negative; no time is so long that it could be four letters.
        if np.any(np.abs(timed[:, 1].astype(np.uint32).view(np.int32).astype(np.int64)) >= codec_boxes.LETTERS):
            raise Malformed(f"{NAME}: frames of a length that no film has")
        return timed
    if kind == b"stsc":
        if np.any(rows[:, 2] > codecs):
            raise Malformed(f"{NAME}: chunks are of a codec that is not described")
        told: NDArray[Any] = rows[rows[:, 0] <= chunks]
        return told
    rising = np.diff(rows[:, 0].astype(np.int64), prepend=0) > 0
    numbered: NDArray[Any] = rows[(rows[:, 0] <= samples) & rising]
    return numbered


def _descriptions(data: memoryview, track: Track, keep: Keep) -> bytes:
    box = only(track.table, b"stsd", NAME)
    version, _, reader = full(data, box, NAME)
    count = reader.u(4)
    made = [_description(data, entry, track.handler, keep) for entry in boxes(data, reader.at, box.stop, NAME)]
    if count != len(made):
        raise Malformed(f"{NAME}: a track says {count} codecs and has {len(made)}")
    return build_full(b"stsd", version, 0, struct.pack(">I", count), *made)


def _description(data: memoryview, entry: Box, handler: bytes, keep: Keep) -> bytes:
    allowed = SOUND if handler == b"soun" else VIDEO
    if entry.kind in (b"encv", b"enca", b"drmi", b"drms"):
        raise Unsupported(f"{NAME}: the film is protected (encrypted) and cannot be cleaned")
    if entry.kind not in allowed:
        raise Unsupported(f"{NAME}: tracks coded as {entry.word!r} are not served; convert the film to H.264 and AAC")
    reader = Reader(data, entry.body, entry.stop, NAME)
    if handler == b"soun":
        reader.take(8)
        version = reader.u(2)
        reader.take(6)
        fixed = bytes(6) + b"\0\1" + struct.pack(">H", version) + bytes(6) + _sound(reader.take(12))
        fixed += _more_sound(reader.take({0: 0, 1: 16, 2: 36}.get(version, 0)))
    else:
        # Vendor, compressor name and quality settings go; the rest is size, resolution and depth.
        reader.take(24)
        sizes = reader.take(4) + struct.pack(">II", 72 << 16, 72 << 16)
        reader.take(8 + 38)
        depth = reader.take(2)
        reader.take(2)
        fixed = bytes(6) + b"\0\1" + bytes(16) + sizes + bytes(4) + b"\0\1" + bytes(32) + depth + b"\xff\xff"
    inner = [codec_boxes.rewrite(data, part, keep) for part in boxes(data, reader.at, entry.stop, NAME)]
    return build(entry.kind, fixed, *(part for part in inner if part))


def _sound(raw: bytes) -> bytes:
    """Channels, bits and rate of sound."""
    channels, bits, coder, _, rate = struct.unpack(">HHHHI", raw)
    if channels > 256 or bits > 64:
        raise Malformed(f"{NAME}: sound of more channels or bits than there are")
    return struct.pack(">HHHHI", channels, bits, coder if coder in {0, 0xFFFE, 0xFFFF} else 0, 0, rate)


def _more_sound(raw: bytes) -> bytes:
    """What QuickTime's later versions say of sound: packets, or a rate as a real number."""
    if len(raw) == 36:
        size, rate, channels, mark, *rest = struct.unpack(">IdIIIIII", raw)
        right = size < 1 << 16 and 0 < rate < 1e7 and channels <= 256 and mark == 0x7F000000
        # No sound is sampled at a part of a hertz in 256.
        raw = struct.pack(">IdIIIIII", size, round(rate * 256) / 256 if right else 0, channels, mark, *rest)
    else:
        right, rest = True, list(struct.unpack(f">{len(raw) // 4}I", raw))
    if not right or any(value >= codec_boxes.LETTERS for value in rest):
        raise Malformed(f"{NAME}: sound in packets that no codec has")
    return raw
