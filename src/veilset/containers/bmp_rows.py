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


def run_lengths(coded: memoryview, bits: int, width: int, height: int) -> tuple[int, Flags]:
    """Where run-length codes of 8 or 4 bits end, and which palette entries they use.

    Raises:
        Malformed: They break off, or run over the edge of the picture.
    """
    flags = np.zeros(256, dtype=np.bool_)
    at = x = y = 0
    while True:
        if at + 2 > len(coded):
            raise Malformed("a BMP breaks off inside its pixels")
        count, value = coded[at], coded[at + 1]
        at += 2
        if count:
            x += count
            flags[[value] if bits == 8 else [value >> 4, value & 15][:count]] = True
        elif value == 0:
            x, y = 0, y + 1
        elif value == 1:
            return at, flags
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
            at += size + size % 2
        if x > width or y > height or (y == height and x):
            raise Malformed(_OVER)
