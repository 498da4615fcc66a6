"""BMP: header, palette and rows stay; gaps, row padding, linked profiles and tails go."""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

import numpy as np

from veilset.containers.allowed import Allowed, allowed
from veilset.containers.bmp_header import bare_header, bare_palette, check_masks, fourth_byte
from veilset.containers.bmp_rows import colour_bits, row_mask, run_lengths, used_entries
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.icc import read_icc
from veilset.containers.pieces import Ledger, Piece, emit
from veilset.containers.recognise import identify
from veilset.core.errors import Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

formats = ("bmp",)

_LINKED, _EMBEDDED, _SRGB = 0x4C494E4B, 0x4D424544, 0x73524742
_RESIDUE = ("pixel size", "sensor noise")
FOURTH = "a fourth byte of each pixel, which few programs show"


class Parsed(NamedTuple):
    """Where things lie: header size, palette, pixels, row sizes in bytes (used and padded), and the profile."""

    header: int
    palette: int
    masks: int
    start: int
    stop: int
    width: int
    height: int
    bits: int
    compression: int
    used: int
    stride: int
    profile: tuple[int, int]
    linked: bool


def inspect(data: memoryview) -> Listing:
    """Facts, every tag, and claims over every byte."""
    parsed = _parse(data)
    return Listing(_facts(parsed), tuple(_tags(data, parsed)), tuple(_plan(data, parsed, Allowed())[1]))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the pixels with nothing but what `keep` allows."""
    parsed = _parse(data)
    what = allowed(_tags(data, parsed), 1, keep)
    pieces, claims = _plan(data, parsed, what)
    fourth = (FOURTH,) if _has_fourth(data, parsed) else ()
    return emit(pieces, data, out, claims, (*_RESIDUE, *what.notes, *fourth))


def _parse(data: memoryview) -> Parsed:
    if bytes(data[:2]) != b"BM" or len(data) < 26:
        raise Malformed("a BMP starts with its signature, this does not")
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = size = colours = 0
    elif header in {40, 52, 56, 64, 108, 124}:
        width, height, _, bits, compression, size, _, _, colours = struct.unpack_from("<iiHHIIiiI", data, 18)
    else:
        raise Unsupported("a BMP with an unknown header is not served; convert it")
    if compression not in {0, 1, 2, 3, 6}:
        raise Unsupported("a BMP that wraps another format is not served; convert it")
    if bits not in {1, 2, 4, 8, 16, 24, 32} or width <= 0 or height == 0:
        raise Malformed("the BMP header says what no BMP may say")
    masks = {3: 12, 6: 16}.get(compression, 0) if header == 40 else 0
    entry = 3 if header == 12 else 4
    # Of true colours a palette only says how to reduce them.
    palette = entry * min(colours or 1 << bits, 1 << bits) if bits <= 8 else 0
    used = (width * bits + 7) // 8
    stride = (used + 3) // 4 * 4
    stop = start + stride * abs(height)
    if compression in {1, 2}:
        if bits != (8 if compression == 1 else 4):
            raise Malformed("the BMP header says what no BMP may say")
        # Some writers do not say how long the codes are; they end by themselves.
        end = min(start + size, len(data)) if size else len(data)
        stop = start + run_lengths(data[start:end], bits, width, abs(height))[0]
    if start < 14 + header + masks or stop > len(data) or stop <= start:
        raise Malformed("the pixels of the BMP lie outside the file")
    room = start - 14 - header - masks
    if bits <= 8 and (room < entry or (colours and room < palette)):
        raise Malformed("the pixels of the BMP begin inside its palette; save it anew")
    palette = min(palette, room) // entry * entry
    if compression in {1, 2}:
        used = stride = 0
    check_masks(bytes(data[14 + header : 14 + header + masks]))
    place = _profile(data, header)
    return Parsed(header, palette, masks, start, stop, width, height, bits, compression, used, stride, *place)


def _rows(data: memoryview, parsed: Parsed) -> np.ndarray:
    return np.frombuffer(data[parsed.start : parsed.stop], dtype=np.uint8).reshape(-1, parsed.stride)


def _has_fourth(data: memoryview, parsed: Parsed) -> bool:
    pixels = data[parsed.start : parsed.stop]
    return fourth_byte(pixels, parsed.bits, parsed.compression, _masks(data, parsed))


def _masks(data: memoryview, parsed: Parsed) -> bytes:
    """The masks of the colours, where there are any; a header of 52 bytes has none for transparency."""
    return bytes(data[54 : min(70, 14 + parsed.header)] if parsed.header > 40 else data[54 : 54 + parsed.masks])


def _head(data: memoryview, parsed: Parsed) -> bytes:
    """Header, masks and palette as they go out, but for what is said of a profile."""
    entry, end = 3 if parsed.header == 12 else 4, 14 + parsed.header + parsed.masks
    header = bare_header(bytes(data[14 : 14 + parsed.header]), parsed.stop - parsed.start, parsed.palette // entry)
    if not parsed.palette:
        return header + bytes(data[14 + parsed.header : end])
    if parsed.compression in {1, 2}:
        used = run_lengths(data[parsed.start : parsed.stop], parsed.bits, parsed.width, abs(parsed.height))[1]
    else:
        used = used_entries(_rows(data, parsed), parsed.bits, parsed.width)
    palette = bare_palette(bytes(data[end : end + parsed.palette]), entry, used.tolist())
    return header + bytes(data[14 + parsed.header : end]) + palette


def _profile(data: memoryview, header: int) -> tuple[tuple[int, int], bool]:
    if header != 124:
        return (0, 0), False
    kind = struct.unpack_from("<I", data, 14 + 56)[0]
    offset, size = struct.unpack_from("<II", data, 14 + 112)
    start, stop = 14 + offset, 14 + offset + size
    if kind not in {_LINKED, _EMBEDDED} or not size or stop > len(data):
        return (0, 0), False
    return (start, stop), kind == _LINKED


def _plan(data: memoryview, parsed: Parsed, what: Allowed) -> tuple[list[Piece], list[Claim]]:
    ledger = Ledger()
    kept = 14 + parsed.header + parsed.masks + parsed.palette
    ledger.add(0, kept, Fate.REWRITTEN, "header and palette")
    ledger.add(kept, parsed.start, Fate.DROPPED, "gap before the pixels")
    pixels = _without_padding(data, parsed)
    ledger.add(parsed.start, parsed.stop, Fate.KEPT if pixels is None else Fate.REWRITTEN, "pixels")
    ledger.add(parsed.stop, len(data), Fate.DROPPED, "bytes after the pixels")
    size = kept + parsed.stop - parsed.start
    header = bytearray(_head(data, parsed))
    if parsed.header == 124:
        if parsed.profile[1]:
            struct.pack_into("<I", header, 56, _EMBEDDED if what.icc else _SRGB)
        struct.pack_into("<III", header, 112, size - 14 if what.icc else 0, len(what.icc), 0)
    profile = what.icc if parsed.header == 124 else b""
    head = b"BM" + struct.pack("<IHHI", size + len(profile), 0, 0, kept) + bytes(header)
    return [head, (parsed.start, parsed.stop) if pixels is None else pixels, profile], ledger.claims


def _without_padding(data: memoryview, parsed: Parsed) -> bytes | None:
    """The rows with zeros in their padding, and in bits that no colour is in; None when they are so already."""
    if parsed.compression in {1, 2}:
        made = bytearray(data[parsed.start : parsed.stop])
        for place, counts in run_lengths(
            data[parsed.start : parsed.stop], parsed.bits, parsed.width, abs(parsed.height)
        )[2].items():
            made[place] &= counts
        return bytes(made) if made != data[parsed.start : parsed.stop] else None
    if not parsed.stride:
        return None
    shown = colour_bits(parsed.bits, parsed.compression, _masks(data, parsed))
    if parsed.width * parsed.bits == 8 * parsed.stride and shown == (1 << parsed.bits) - 1:
        return None
    rows, mask = _rows(data, parsed), row_mask(parsed.used, parsed.stride, parsed.width, parsed.bits)
    if parsed.bits == 16:
        pixels = np.frombuffer(shown.to_bytes(2, "little") * parsed.width, dtype=np.uint8)
        mask[: parsed.used] &= pixels
    return (rows & mask).tobytes() if (rows & ~mask).any() else None


def _facts(parsed: Parsed) -> Facts:
    colour = "palette" if parsed.bits <= 8 else "rgba" if parsed.bits == 32 else "rgb"
    channels = 1 if parsed.bits <= 8 else 4 if parsed.bits == 32 else 3
    return Facts("bmp", parsed.width, abs(parsed.height), 1, 1, min(parsed.bits, 8), channels, colour)


def _tags(data: memoryview, parsed: Parsed) -> list[TagValue]:
    tags: list[TagValue] = []
    kept = 14 + parsed.header + parsed.masks + parsed.palette
    reserved = bytes(data[6:10])
    if any(reserved):
        tags.append(TagValue("bmp/reserved", reserved, Risk.CONTENT, 4))
    start, stop = parsed.profile
    if stop and parsed.linked:
        tags.append(TagValue("bmp/linked_profile", bytes(data[start:stop]), Risk.HISTORY, stop - start))
    elif stop:
        tags += read_icc(bytes(data[start:stop]))
    head, old = _head(data, parsed), bytes(data[14:kept])
    # What is said of a profile goes with it.
    told = min(parsed.header, 112)
    if head[8:told] != old[8:told]:
        tags.append(TagValue("bmp/header", old[16 : parsed.header], Risk.CONTENT, parsed.header))
    if head[parsed.header :] != old[parsed.header :]:
        tags.append(TagValue("bmp/unused_palette", None, Risk.CONTENT, parsed.palette))
    if _has_fourth(data, parsed):
        tags.append(TagValue("bmp/fourth_byte", None, Risk.HIDDEN))
    if parsed.start > kept and not (stop and start >= kept and stop <= parsed.start):
        tags.append(TagValue("bmp/gap", bytes(data[kept : min(parsed.start, kept + 65536)]), Risk.CONTENT))
    if _without_padding(data, parsed) is not None:
        tags.append(TagValue("bmp/row_padding", None, Risk.CONTENT))
    tail = bytes(data[parsed.stop : parsed.stop + 65536])
    if tail and not (stop and start == parsed.stop and stop == len(data)):
        kind = identify(tail)
        path = f"bmp/tail/{kind}" if kind else "bmp/tail"
        tags.append(TagValue(path, tail, Risk.HIDDEN if kind else Risk.CONTENT, len(data) - parsed.stop))
    return tags
