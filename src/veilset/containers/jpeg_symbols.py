"""Read coded JPEG blocks symbol by symbol, and say how many bits they took."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from veilset.core.errors import Malformed

BROKEN = "the coded data of the JPEG is damaged, so that where it ends cannot be told; open it and save it anew"
_WINDOW = 1 << 16
_EOB = 1 << 16


class Codes(NamedTuple):
    """A Huffman table by what the next 16 bits are.

    Attributes:
        symbol: The next symbol; -1 where no code starts.
        length: Bits of its code.
        step: Bits of code and value together.
        many: As many symbols as the bits tell: bits, coefficients passed << 8, and 1 << 16 where the block ends.
    """

    symbol: list[int]
    length: list[int]
    step: list[int]
    many: list[int]


class Bits:
    """One stretch between restart markers, without stuffing."""

    def __init__(self, raw: bytes) -> None:
        self.plain = raw.replace(b"\xff\0", b"\xff")
        padded = np.frombuffer(self.plain + bytes(8), dtype=np.uint8).astype(np.uint32)
        words = padded[:-3] << 24 | padded[1:-2] << 16 | padded[2:-1] << 8 | padded[3:]
        self.words = memoryview(words.data)
        self.size = 8 * len(self.plain)

    def at(self, place: int) -> int:
        """The 16 bits from bit `place` on."""
        return int(self.words[place >> 3]) >> (16 - (place & 7)) & 0xFFFF


@lru_cache(maxsize=16)
def codes_of(table: bytes) -> Codes:
    """The table of a DHT segment: 16 counts, then symbols.

    Raises:
        Malformed: The data is damaged.
    """
    symbol, length = np.full(_WINDOW, -1, dtype=np.int64), np.zeros(_WINDOW, dtype=np.int64)
    code, at = 0, 16
    for bits in range(1, 17):
        for _ in range(table[bits - 1]):
            low, high = code << (16 - bits), (code + 1) << (16 - bits)
            if high > _WINDOW:
                raise Malformed(BROKEN)
            symbol[low:high], length[low:high] = table[at], bits
            code, at = code + 1, at + 1
        code <<= 1
    step = np.where(symbol < 0, 0, length + (symbol & 15))
    return Codes(symbol.tolist(), length.tolist(), step.tolist(), _many(symbol, step).tolist())


def _many(symbol: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Symbols of a sequential block that lie whole in a window; the first one even where its value does not."""
    window = np.arange(_WINDOW)
    bits, passed = np.zeros(_WINDOW, dtype=np.int64), np.zeros(_WINDOW, dtype=np.int64)
    ends, runs = np.zeros(_WINDOW, dtype=np.bool_), np.ones(_WINDOW, dtype=np.bool_)
    for turn in range(8):
        place = (window << np.minimum(bits, 16)) & 0xFFFF
        now, size = symbol[place], step[place]
        end = (now & 15 == 0) & (now != 0xF0) & (now >= 0)
        runs &= (now >= 0) & ((bits + size <= 16) | (turn == 0))
        bits += np.where(runs, size, 0)
        passed += np.where(runs & ~end, (now >> 4) + 1, 0)
        ends |= runs & end
        runs &= ~end
    return bits | passed << 8 | np.where(ends, _EOB, 0)


def sequential(bits: Bits, tables: list[tuple[list[int], list[int], Codes]], units: int) -> int:
    """Bits that `units` units of a sequential scan take; one table pair for each block of a unit.

    Raises:
        Malformed: The data is damaged.
    """
    place, words, size = 0, bits.words, bits.size
    for _ in range(units):
        for symbol, step, codes in tables:
            window = words[place >> 3] >> (16 - (place & 7)) & 0xFFFF
            if symbol[window] < 0:
                raise Malformed(BROKEN)
            place += step[window]
            many, at = codes.many, 1
            while at < 64:
                if place > size:
                    raise Malformed(BROKEN)
                window = words[place >> 3] >> (16 - (place & 7)) & 0xFFFF
                entry = many[window]
                after = at + (entry >> 8 & 0xFF)
                if after < 64 and entry:
                    place += entry & 0xFF
                    if entry >= _EOB:
                        break
                    at = after
                else:
                    place, at = _one(codes, window, place, at)
        if place > size:
            raise Malformed(BROKEN)
    return place


def _one(codes: Codes, window: int, place: int, at: int) -> tuple[int, int]:
    """One symbol alone, near the end of a block."""
    symbol = codes.symbol[window]
    place += codes.step[window]
    if symbol >= 0 and symbol & 15 == 0 and symbol != 0xF0:
        return place, 64
    at += (symbol >> 4) + 1
    if symbol < 0 or at > 64:
        raise Malformed(BROKEN)
    return place, at


def first_dc(bits: Bits, ladder: list[tuple[list[int], list[int]]], units: int) -> int:
    """Bits of the first scan of DC values in a progressive picture.

    Raises:
        Malformed: The data is damaged.
    """
    place, words, size = 0, bits.words, bits.size
    for _ in range(units):
        for symbol, step in ladder:
            if place > size:
                raise Malformed(BROKEN)
            window = words[place >> 3] >> (16 - (place & 7)) & 0xFFFF
            if symbol[window] < 0:
                raise Malformed(BROKEN)
            place += step[window]
    return place


def first_ac(bits: Bits, codes: Codes, known: bytearray, blocks: range, band: tuple[int, int]) -> int:
    """Bits of the first scan of an AC band; `known` notes which coefficients are no longer zero.

    Raises:
        Malformed: The data is damaged.
    """
    place, run = 0, 0
    first, last = band
    for block in blocks:
        if run:
            run -= 1
            continue
        at, base = first, 64 * block
        while at <= last:
            symbol, place = _next(bits, codes, place)
            many, size = symbol >> 4, symbol & 15
            if size:
                at += many
                if at > last:
                    raise Malformed(BROKEN)
                known[base + at] = 1
                place += size
                at += 1
            elif many == 15:
                at += 16
            else:
                run = (1 << many) - 1 + (bits.at(place) >> (16 - many))
                place += many
                break
    return place


def refined_ac(bits: Bits, codes: Codes, known: bytearray, blocks: range, band: tuple[int, int]) -> int:
    """Bits of a later scan of an AC band; `known` says and notes which coefficients are no longer zero.

    Raises:
        Malformed: The data is damaged.
    """
    place, run = 0, 0
    first, last = band
    for block in blocks:
        base, stop = 64 * block, 64 * block + last + 1
        at = base + first
        while not run and at < stop:
            symbol, place = _next(bits, codes, place)
            zeros, size = symbol >> 4, symbol & 15
            if size > 1:
                raise Malformed(BROKEN)
            if not size and zeros < 15:
                run = (1 << zeros) + (bits.at(place) >> (16 - zeros))
                place += zeros
                break
            place += size
            end = _after_zeros(known, at, stop, zeros)
            # Each coefficient that is known already takes one bit of correction on the way.
            place += known.count(1, at, end)
            if size and end < stop:
                known[end] = 1
            at = end + 1
        if run:
            place += known.count(1, at, stop)
            run -= 1
    return place


def _after_zeros(known: bytearray, at: int, stop: int, zeros: int) -> int:
    """The place of the zero behind `zeros` other zeros."""
    for _ in range(zeros):
        at = known.find(0, at, stop) + 1
        if not at:
            return stop
    found = known.find(0, at, stop)
    return found if found >= 0 else stop


def _next(bits: Bits, codes: Codes, place: int) -> tuple[int, int]:
    if place >= bits.size:
        raise Malformed(BROKEN)
    window = bits.at(place)
    symbol = codes.symbol[window]
    if symbol < 0:
        raise Malformed(BROKEN)
    return symbol, place + codes.length[window]
