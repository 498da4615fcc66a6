"""Rows of a BMP: which palette entries they use, what pads them, and where run-length codes end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Malformed

Flags = NDArray[np.bool_]
_OVER = "a BMP codes more pixels than it shows; save it anew"


def used_entries(rows: NDArray[np.uint8], bits: int, width: int) -> Flags:
    """Which of 256 palette entries rows of packed pixels use."""
    flags = np.zeros(256, dtype=np.bool_)
    if bits == 8:
        flags[np.unique(rows[:, :width])] = True
        return flags
    for first in range(0, len(rows), 4096):
        spread = np.unpackbits(rows[first : first + 4096], axis=1)[:, : width * bits].reshape(-1, bits)
        flags[np.unique(np.packbits(spread, axis=1) >> (8 - bits))] = True
    return flags


def row_mask(used: int, stride: int, width: int, bits: int) -> NDArray[np.uint8]:
    """Ones where a row holds pixels, zeros in its padding."""
    mask = np.zeros(stride, dtype=np.uint8)
    mask[:used] = 255
    if width * bits % 8:
        mask[used - 1] = 0xFF << (8 - width * bits % 8) & 0xFF
    return mask


def run_lengths(coded: memoryview, bits: int, width: int, height: int) -> tuple[int, Flags, dict[int, int]]:
    """Where run-length codes of 8 or 4 bits end, which palette entries they use, and which bits of bytes fill them up.

    The last are given by the byte's place, as a mask of the bits that count.

    Raises:
        Malformed: They break off, or run over the edge of the picture.
    """
    flags = np.zeros(256, dtype=np.bool_)
    filled: dict[int, int] = {}
    at = x = y = 0
    while True:
        if at + 2 > len(coded):
            raise Malformed("a BMP breaks off inside its pixels")
        count, value = coded[at], coded[at + 1]
        at += 2
        if count:
            x += count
            if bits == 4 and count == 1:
                filled[at - 1] = 0xF0
            flags[[value] if bits == 8 else [value >> 4, value & 15][:count]] = True
        elif value == 0:
            # What a row does not say has the first colour.
            flags[0] |= x < width
            x, y = 0, y + 1
        elif value == 1:
            flags[0] |= y < height - 1 or (y < height and x < width)
            return at, flags, filled
        elif value == 2:
            x, y = x + coded[at], y + coded[at + 1]
            flags[0] = True
            at += 2
        else:
            size = (value * bits + 7) // 8
            held = np.frombuffer(coded[at : at + size], dtype=np.uint8)
            if len(held) < size:
                raise Malformed("a BMP breaks off inside its pixels")
            flags[held if bits == 8 else np.stack([held >> 4, held & 15], axis=1).ravel()[:value]] = True
            x += value
            if value * bits % 8:
                filled[at + size - 1] = 0xF0
            if size % 2:
                filled[at + size] = 0
            at += size + size % 2
        if x > width or y > height or (y == height and x):
            raise Malformed(_OVER)


def colour_bits(bits: int, compression: int, masks: bytes) -> int:
    """The bits of a pixel of 16 bits that hold a colour, as a mask; all of them for other pixels."""
    if bits != 16:
        return (1 << bits) - 1
    told = [int.from_bytes(masks[at : at + 4], "little") for at in range(0, len(masks), 4)]
    return sum(told) & 0xFFFF if compression in {3, 6} else 0x7FFF
