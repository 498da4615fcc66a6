"""Which entries of its palettes a GIF uses."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def used_entries(coded: bytes, smallest: int, width: int, height: int) -> Flags | None:
    """Which of 256 entries the pixels of one picture have; None where it cannot be decoded.

    *Shapes and units*: `coded` is the joined data blocks of the picture, `smallest` its code size in bits.
    """
    from PIL import Image as PillowImage

    # Without a palette a decoder gives the numbers as they are.
    head = b"GIF87a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0)
    blocks = b"".join(bytes([len(part)]) + part for part in (coded[at : at + 255] for at in range(0, len(coded), 255)))
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + bytes([smallest]) + blocks + b"\0\x3b"
    try:
        with PillowImage.open(io.BytesIO(head + picture), formats=["GIF"]) as image:
            if image.mode != "L":
                return None
            return np.asarray(image.histogram()) > 0
    except (OSError, ValueError, SyntaxError, EOFError, PillowImage.DecompressionBombError):
        return None


def bare_table(table: bytes, used: Flags) -> bytes:
    """The table with zeros for entries that no pixel has; a ramp of greys, which says nothing, stays one."""
    colours = np.frombuffer(table, dtype=np.uint8).reshape(-1, 3).copy()
    if is_ramp(colours):
        return table
    colours[~used[: len(colours)]] = 0
    return colours.tobytes()


def is_ramp(colours: NDArray[np.uint8]) -> bool:
    """Whether entries are greys from black, one level each, or black and white: programs show grey pictures by it.

    >>> is_ramp(np.array([[0] * 3, [255] * 3], dtype=np.uint8)), is_ramp(np.array([[7] * 3], dtype=np.uint8))
    (True, False)
    """
    steps = np.arange(len(colours)) * (255 if len(colours) == 2 else 1)
    return bool(np.array_equal(colours, np.repeat(steps[:, None], 3, axis=1)))
