"""Walk the coded data of a JPEG block by block, to the bit: where each stretch of it really ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from veilset.containers.jpeg_segments import DHT, DRI, FRAMES, SCAN, SOS, Segment
from veilset.containers.jpeg_symbols import BROKEN, Bits, Codes, codes_of, first_ac, first_dc, refined_ac, sequential
from veilset.core.errors import Malformed, Unsupported

SEQUENTIAL, PROGRESSIVE, LOSSLESS = frozenset({0xC0, 0xC1}), 0xC2, 0xC3
_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
_MOST_BLOCKS, _MOST_SAMPLES = 1 << 22, 1 << 26
# Over all scans: a run of empty blocks takes no bits, but time.
_MOST_WORK = 1 << 25


class Component(NamedTuple):
    """One colour plane: its number, sampling, and its blocks when it is coded alone (rows, columns).

    In lossless coding a block is one sample.
    """

    number: int
    across: int
    down: int
    rows: int
    columns: int


@dataclass
class Walk:
    """What the segments before a scan have set."""

    frame: int
    components: dict[int, Component]
    columns: int
    rows: int
    dc: dict[int, Codes] = field(default_factory=dict)
    ac: dict[int, Codes] = field(default_factory=dict)
    every: int = 0
    work: int = 0
    known: dict[int, bytearray] = field(default_factory=dict)


def surplus(data: memoryview, found: Sequence[Segment], height: int) -> list[tuple[int, int]]:
    """Stretches inside the scans that no coded block needs, as (start, stop) in the file.

    Each stretch between restart markers is decoded symbol by symbol. Up to seven bits that fill the last byte are not
    told from it.

    Raises:
        Malformed: The coded data breaks off or cannot be decoded.
        Unsupported: Arithmetic coding, or too large.
    """
    walk, tail = _start(data, found, height), []
    for index, part in enumerate(found):
        payload = data[part.payload : part.stop]
        if part.marker == DHT:
            _read_tables(payload, walk)
        elif part.marker == DRI:
            walk.every = int.from_bytes(payload[:2], "big")
        elif part.marker == SCAN:
            header = next(one for one in reversed(found[:index]) if one.marker == SOS)
            tail += _scan(data, part, data[header.payload : header.stop], walk)
    return tail


def _start(data: memoryview, found: Sequence[Segment], height: int) -> Walk:
    frame = next(part for part in found if part.marker in FRAMES)
    if frame.marker not in SEQUENTIAL | {PROGRESSIVE, LOSSLESS}:
        raise Unsupported("a JPEG in this coding is not walked; convert it")
    body = data[frame.payload : frame.stop]
    width = int.from_bytes(body[3:5], "big")
    raw = [(body[at], body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, 6 + 3 * body[5], 3)]
    if not all(1 <= across <= 4 and 1 <= down <= 4 for _, across, down in raw):
        raise Malformed(BROKEN)
    side, most = (1, _MOST_SAMPLES) if frame.marker == LOSSLESS else (8, _MOST_BLOCKS)
    most_across, most_down = max(a for _, a, _ in raw), max(d for _, _, d in raw)
    components = {
        number: Component(
            number,
            across,
            down,
            _ceil(_ceil(height * down, most_down), side),
            _ceil(_ceil(width * across, most_across), side),
        )
        for number, across, down in raw
    }
    columns, rows = _ceil(width, side * most_across), _ceil(height, side * most_down)
    if columns * rows * sum(a * d for _, a, d in raw) > most:
        raise Unsupported("a JPEG of more than 2^22 blocks, or 2^26 samples without loss, is not walked")
    return Walk(frame.marker, components, columns, rows)


def _ceil(value: int, by: int) -> int:
    return -(-value // by)


def _read_tables(payload: memoryview, walk: Walk) -> None:
    at = 0
    while at + 17 <= len(payload):
        kind, slot = payload[at] >> 4, payload[at] & 15
        size = 17 + sum(payload[at + 1 : at + 17])
        if kind > 1 or slot > 3 or at + size > len(payload):
            return
        (walk.ac if kind else walk.dc)[slot] = codes_of(bytes(payload[at + 1 : at + size]))
        at += size


def _scan(data: memoryview, part: Segment, header: memoryview, walk: Walk) -> list[tuple[int, int]]:
    """Surplus of one scan; `header` is the payload of its SOS."""
    count = header[0]
    chosen = [(header[1 + 2 * i], header[2 + 2 * i] >> 4, header[2 + 2 * i] & 15) for i in range(count)]
    first, last, refined = header[1 + 2 * count], header[2 + 2 * count], header[3 + 2 * count] >> 4
    banded = walk.frame != LOSSLESS
    if any(number not in walk.components for number, _, _ in chosen) or (banded and (last > 63 or first > last)):
        raise Malformed(BROKEN)
    if count == 1:
        alone = walk.components[chosen[0][0]]
        units, total = [chosen[0][1:]], alone.rows * alone.columns
    else:
        units = [(d, a) for n, d, a in chosen for _ in range(walk.components[n].across * walk.components[n].down)]
        total = walk.columns * walk.rows
    walk.work += total * len(units)
    if walk.work > (_MOST_WORK if banded else _MOST_SAMPLES):
        raise Unsupported("a JPEG with so many scans of so many blocks is not walked")
    read = _reader(walk, chosen[0][0], units, first, last, refined)
    raw, base, at, tail = bytes(data[part.start : part.stop]), part.start, 0, []
    every, done = walk.every or total, 0
    for hit in [*_RESTART.finditer(raw), None]:
        stop, after = (hit.start(), hit.end()) if hit else (len(raw), len(raw))
        if done >= total:
            # Whole intervals that nothing asks for, the marker before them included.
            tail.append((base + at, base + len(raw)))
            break
        bits = Bits(raw[at:stop])
        used = _ceil(read(bits, done, min(every, total - done)), 8)
        if used > len(bits.plain):
            raise Malformed(BROKEN)
        end = at + used + bits.plain.count(b"\xff", 0, used)
        done += every
        # Once all blocks are there, a restart marker and what follows it are surplus too.
        if end < stop or (done >= total and stop < len(raw)):
            tail.append((base + end, base + (stop if done < total else len(raw))))
        if done >= total:
            break
        at = after
    else:
        raise Malformed(BROKEN)
    return tail


Reader = Callable[[Bits, int, int], int]


def _reader(walk: Walk, number: int, units: list[tuple[int, int]], first: int, last: int, refined: int) -> Reader:
    """How the units of a scan are read: (bits, the first unit, how many units) to the number of bits they took."""
    try:
        if walk.frame in SEQUENTIAL:
            tables = [(walk.dc[dc].symbol, walk.dc[dc].step, walk.ac[ac]) for dc, ac in units]
            return lambda bits, _, units_: sequential(bits, tables, units_)
        if walk.frame == LOSSLESS:
            # Early DNG writers put 16 bits behind the category of 16, the standard none.
            if any(16 in walk.dc[dc].symbol for dc, _ in units):
                raise Unsupported("a lossless JPEG with differences of 16 bits is not walked")
            ladder = [(walk.dc[dc].symbol, walk.dc[dc].step) for dc, _ in units]
            return lambda bits, _, units_: first_dc(bits, ladder, units_)
        if first == 0:
            if refined:
                return lambda _, __, units_: units_ * len(units)
            ladder = [(walk.dc[dc].symbol, walk.dc[dc].step) for dc, _ in units]
            return lambda bits, _, units_: first_dc(bits, ladder, units_)
        own = walk.components[number]
        known = walk.known.setdefault(number, bytearray(64 * own.rows * own.columns))
        codes = walk.ac[units[0][1]]
    except KeyError:
        raise Malformed(BROKEN) from None
    band = refined_ac if refined else first_ac
    return lambda bits, start, units_: band(bits, codes, known, range(start, start + units_), (first, last))
