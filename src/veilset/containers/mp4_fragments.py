"""Fragments of MP4 films: where each run of samples stands, and a moof box written anew."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from veilset.containers.bmff import Box, Reader, boxes, build, build_full, children, full, only
from veilset.containers.codec_boxes import LETTERS
from veilset.core.errors import Malformed, Unsupported

NAME = "MP4"


@dataclass
class Run:
    """One `trun` box and the stretch of the file that its samples fill."""

    box: Box
    start: int
    stop: int
    samples: int
    sizes: NDArray[np.int64]


@dataclass
class Part:
    """One `traf` box."""

    track: int
    box: Box
    runs: list[Run] = field(default_factory=list)


def default_sizes(data: memoryview, found: dict[bytes, list[Box]]) -> dict[int, int]:
    """Track number to the size that its fragments' samples have unless they say another."""
    sizes = {}
    for box in found.get(b"mvex", []):
        for entry in children(data, box, NAME).get(b"trex", []):
            reader = full(data, entry, NAME)[2]
            number, _, _, size = (reader.u(4) for _ in range(4))
            sizes[number] = size
    return sizes


def write_extends(data: memoryview, found: dict[bytes, list[Box]], kept: set[int]) -> bytes:
    """The mvex box with the kept tracks alone."""
    for box in found.get(b"mvex", []):
        entries = children(data, box, NAME).get(b"trex", [])
        raw = [_defaults(Reader(data, entry.body, entry.stop, NAME).take(24)) for entry in entries]
        return build(b"mvex", *(build(b"trex", one) for one in raw if int.from_bytes(one[4:8], "big") in kept))
    return b""


def _defaults(raw: bytes) -> bytes:
    """Defaults of samples; what is larger than any can be is none, and four bits of the flags are reserved."""
    number, codec, length, size, flags = struct.unpack_from(">5I", raw, 4)
    length, size = (0 if value >= LETTERS else value for value in (length, size))
    return bytes(4) + struct.pack(">5I", number, codec if codec < LETTERS else 1, length, size, flags & 0x0FFFFFFF)


def read_fragment(data: memoryview, box: Box, sizes: dict[int, int]) -> list[Part]:
    """The runs of a moof box.

    Raises:
        Malformed: Samples lie outside the file.
        Unsupported: The fragment is encrypted.
    """
    parts: list[Part] = []
    end = box.start
    for part in boxes(data, box.body, box.stop, NAME):
        if part.kind != b"traf":
            continue
        found = children(data, part, NAME)
        if found.keys() & {b"senc", b"saiz", b"saio"}:
            raise Unsupported(f"{NAME}: the film is protected (encrypted) and cannot be cleaned")
        _, flags, reader = full(data, only(found, b"tfhd", NAME), NAME)
        number = reader.u(4)
        base = reader.u(8) if flags & 1 else box.start if flags & 0x20000 or not parts else end
        reader.take(4 * bool(flags & 2) + 4 * bool(flags & 8))
        size = reader.u(4) if flags & 16 else sizes.get(number, 0)
        parts.append(Part(number, part))
        at = base
        for run in found.get(b"trun", []):
            parts[-1].runs.append(one := _run(data, run, base, at, size))
            at = end = one.stop
    return parts


def _run(data: memoryview, box: Box, base: int, at: int, size: int) -> Run:
    _, flags, reader = full(data, box, NAME)
    count = reader.u(4)
    if flags & 1:
        at = base + int.from_bytes(reader.take(4), "big", signed=True)
    reader.take(4 * bool(flags & 4))
    columns = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    table = np.frombuffer(reader.take(4 * count * len(columns)), dtype=">u4").reshape(-1, max(len(columns), 1))
    length = int(table[:, columns.index(0x200)].sum(dtype=np.int64)) if 0x200 in columns else count * size
    if at < 0 or at + length > len(data):
        raise Malformed(f"{NAME}: a fragment's samples lie outside the file; it is truncated")
    # Samples without a byte may be said to be as many as one likes.
    sizes = table[:, columns.index(0x200)].astype(np.int64) if 0x200 in columns else np.full(count if size else 0, size)
    return Run(box, at, at + length, count, sizes)


def write_fragment(data: memoryview, box: Box, parts: list[Part], offsets: dict[int, int]) -> bytes:
    """A moof box with the given parts; `offsets` are places from the moof's first byte, by the run's old place."""
    head = Reader(data, (only(children(data, box, NAME), b"mfhd", NAME)).body, box.stop, NAME).take(8)
    return build(b"moof", build(b"mfhd", bytes(4), head[4:]), *(_write_part(data, part, offsets) for part in parts))


def _write_part(data: memoryview, part: Part, offsets: dict[int, int]) -> bytes:
    found = children(data, part.box, NAME)
    _, flags, reader = full(data, only(found, b"tfhd", NAME), NAME)
    number = reader.take(4)
    reader.take(8 * (flags & 1))
    columns = [bit for bit in (2, 8, 16, 32) if flags & bit]
    rest = b"".join(_number(reader.take(4), reserved=bit == 32) for bit in columns)
    made = [build_full(b"tfhd", 0, flags & 0x1003A | 0x20000, number, rest)]
    for box in found.get(b"tfdt", []):
        version, _, reader = full(data, box, NAME)
        begins = reader.take(8 if version else 4)
        if version and begins[0]:
            raise Malformed(f"{NAME}: a fragment that begins later than films last")
        made.append(build_full(b"tfdt", version, 0, begins))
    for run in part.runs:
        version, flags, reader = full(data, run.box, NAME)
        reader.take(8 if flags & 1 else 4)
        first = _number(reader.take(4), reserved=True) if flags & 4 else b""
        columns = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
        place = struct.pack(">Ii", run.samples, offsets[run.start])
        made.append(build_full(b"trun", version, flags & 0xF05 | 1, place, first, _rows(reader, run.samples, columns)))
    return build(b"traf", *made)


def _number(raw: bytes, *, reserved: bool = False) -> bytes:
    """A number of a fragment; of flags, the four reserved bits go."""
    if reserved:
        return bytes([raw[0] & 0x0F]) + raw[1:]
    if raw[0] >= 0x20:
        raise Malformed(f"{NAME}: a fragment with numbers that no film has")
    return raw


def _rows(reader: Reader, count: int, columns: list[int]) -> bytes:
    """Lengths, sizes, flags and shifts of samples, none of which could be four letters."""
    table = np.frombuffer(reader.take(4 * count * len(columns)), dtype=">u4").reshape(-1, max(len(columns), 1)).copy()
    for place, bit in enumerate(columns):
        if bit == 0x400:
            table[:, place] &= 0x0FFFFFFF
        elif np.any(np.abs(table[:, place].astype(np.uint32).view(np.int32).astype(np.int64)) >= LETTERS):
            raise Malformed(f"{NAME}: a fragment with numbers that no film has")
    return table.tobytes()
