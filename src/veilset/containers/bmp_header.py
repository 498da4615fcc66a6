"""The header of a BMP written anew: fields that the pixels do not need are zero, the others hold what they can hold."""

from __future__ import annotations

import struct

import numpy as np

from veilset.containers.gif_palette import is_ramp
from veilset.core.errors import Malformed

_LINKED, _EMBEDDED, _SRGB, _WINDOWS, _CALIBRATED = 0x4C494E4B, 0x4D424544, 0x73524742, 0x57696E20, 0
_MASKED = (3, 6)
_DENSEST = 10_000_000


def bare_header(header: bytes, pixels: int, entries: int) -> bytes:
    """The header without text: `pixels` is the size of the coded rows, `entries` of the palette.

    Raises:
        Malformed: The masks of its colours overlap or have gaps.
    """
    if len(header) == 12:
        return header[:8] + b"\1\0" + header[10:]
    size, width, height, _, bits, compression, coded, across, down, colours, important = struct.unpack_from(
        "<IiiHHIIiiII", header
    )
    coded = pixels if coded else 0
    across, down = (value if 0 <= value <= _DENSEST else 0 for value in (across, down))
    colours = entries if colours else 0
    important = important if important <= entries else 0
    fixed = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, compression, coded, across, down, colours, important
    )
    if size == 64:
        # The fields that OS/2 added describe halftoning and an application's own number.
        return fixed + bytes(24)
    return fixed + _colours(bytearray(header[40:]), compression)


def _colours(rest: bytearray, compression: int) -> bytes:
    """Masks, and the space that the colours are in."""
    if compression not in _MASKED:
        rest[:16] = bytes(len(rest[:16]))
    check_masks(bytes(rest[:16]))
    if len(rest) >= 68:
        kind = struct.unpack_from("<I", rest, 16)[0]
        if kind not in {_LINKED, _EMBEDDED, _WINDOWS, _CALIBRATED}:
            struct.pack_into("<I", rest, 16, _SRGB)
        # Sixteen bits of each end point are finer than any eye, and leave no room for words.
        for at in range(20, 68, 4):
            value = struct.unpack_from("<I", rest, at)[0] & 0xFFFF0000 if kind == _CALIBRATED else 0
            struct.pack_into("<I", rest, at, value if at < 56 or value <= 16 << 16 else 0)
    if len(rest) == 84:
        intent = struct.unpack_from("<I", rest, 68)[0]
        rest[68:84] = struct.pack("<I", intent if intent in {0, 1, 2, 4, 8} else 4) + bytes(12)
    return bytes(rest)


def check_masks(masks: bytes) -> None:
    """Raise unless each mask is one row of bits, apart from the others."""
    seen = 0
    for (mask,) in struct.iter_unpack("<I", masks):
        lowest = mask & -mask
        if mask & seen or (mask and (mask // lowest + 1) & (mask // lowest)):
            raise Malformed("the colour masks of the BMP overlap or have gaps; save it anew")
        seen |= mask


def bare_palette(palette: bytes, entry: int, used: list[bool]) -> bytes:
    """The palette with zeros for entries that no pixel has, and for the byte that each has to spare.

    A ramp of greys stays one: it says nothing, and programs tell grey pictures by it.
    """
    made = bytearray(palette)
    colours = np.frombuffer(palette, dtype=np.uint8).reshape(-1, entry)[:, :3]
    if is_ramp(colours):
        used = [True] * len(colours)
    for number in range(len(palette) // entry):
        at = entry * number
        made[at : at + entry] = made[at : at + 3] + bytes(entry - 3) if used[number] else bytes(entry)
    return bytes(made)


def fourth_byte(rows: memoryview, bits: int, compression: int, masks: bytes) -> bool:
    """Whether pixels of 32 bits hold something in the eight that no colour is in, other than one value for all."""
    if bits != 32:
        return False
    told = [mask for (mask,) in struct.iter_unpack("<I", masks)] if compression in _MASKED else []
    free = 0xFFFFFFFF & ~sum(told) if told else 0xFF000000
    if not free:
        return False
    pixels = np.frombuffer(rows, dtype="<u4") & np.uint32(free)
    return bool(len(pixels)) and bool((pixels != pixels[0]).any())
