"""Chunks of a PNG that say how to show it: each once, in its place, with values that exist; palettes cut to what is used."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from veilset.containers.png_chunks import SIGNATURE, Chunk, Head, make_chunk
from veilset.core.errors import Malformed

# x and y of red, green, blue and white, in steps of 0.00002, of the displays that films are graded on.
_D65 = (15635, 16450)
DISPLAYS = (
    (32000, 16500, 15000, 30000, 7500, 3000, *_D65),
    (34000, 16000, 13250, 34500, 7500, 3000, *_D65),
    (35400, 14600, 8500, 39850, 6550, 2300, *_D65),
)
_STEP = 50
_BRIGHTEST = 100_000_000
_DENSEST = 10_000_000
_WIDEST = 200_000
_ONCE = frozenset(b"gAMA cHRM sRGB cICP sBIT pHYs bKGD mDCV cLLI acTL tRNS PLTE IHDR".split())


def graded_on(chromaticities: Sequence[int]) -> bool:
    """Whether eight numbers are the primaries and white of a known mastering display."""
    return any(
        all(abs(one - other) <= _STEP for one, other in zip(chromaticities, known, strict=True)) for known in DISPLAYS
    )


def plausible(name: bytes, body: bytes, head: Head) -> bool:
    """Whether the values of a chunk are such as pictures have: what is beyond them says something else."""
    match name:
        case b"gAMA":
            return 0 < int.from_bytes(body, "big") <= _DENSEST
        case b"cHRM":
            return all(abs(value) <= _WIDEST for value in struct.unpack(">8i", body))
        case b"sRGB":
            return body[0] <= 3
        case b"cICP":
            return body[0] <= 22 and body[1] <= 18 and body[2] <= 15 and body[3] <= 1
        case b"sBIT":
            return all(0 < value <= (8 if head.kind == 3 else head.depth) for value in body)
        case b"pHYs":
            return max(struct.unpack(">II", body[:8])) <= _DENSEST and body[8] <= 1
        case b"bKGD":
            limit = 256 if head.kind == 3 else 1 << head.depth
            values = body if len(body) == 1 else struct.unpack(f">{len(body) // 2}H", body)
            return all(value < limit for value in values)
        case b"mDCV":
            return graded_on(struct.unpack(">8H", body[:16])) and max(struct.unpack(">II", body[16:])) <= _BRIGHTEST
        case b"cLLI":
            return bool(max(struct.unpack(">II", body)) <= _BRIGHTEST)
    return True


def bare_transparency(body: bytes, head: Head) -> bytes | None:
    """A chunk for the one transparent colour without bits that no sample has; None where there are none, or a palette is."""
    if head.kind == 3:
        return None
    limit = (1 << head.depth) - 1
    made = struct.pack(f">{len(body) // 2}H", *(value & limit for value in struct.unpack(f">{len(body) // 2}H", body)))
    return None if made == body else make_chunk(b"tRNS", made)


def misplaced(found: Sequence[Chunk]) -> set[int]:
    """Chunks, by index, that stand there again or behind the picture that they are about.

    Raises:
        Malformed: A second header.
    """
    seen: set[bytes] = set()
    wrong = set()
    first = next((index for index, chunk in enumerate(found) if chunk.name == b"IDAT"), len(found))
    for index, chunk in enumerate(found):
        if chunk.name in _ONCE and (chunk.name in seen or index > first):
            if chunk.name == b"IHDR":
                raise Malformed("a PNG has one header, this has two")
            wrong.add(index)
        seen.add(chunk.name)
    return wrong


def check_frames(data: memoryview, found: Sequence[Chunk], head: Head) -> None:
    """Raise where an animation holds what no frame shows.

    Raises:
        Malformed: A frame reaches beyond the canvas or holds no data, or data belong to no frame.
    """
    held: set[bytes] | None = None
    for chunk in [*found, Chunk(b"fcTL", 0, 0)]:
        if chunk.name == b"fcTL":
            if held is not None and not held:
                raise Malformed("a frame of the PNG holds no picture; save it anew")
            if not chunk.stop:
                return
            width, height, x, y = struct.unpack_from(">4I", data, chunk.start + 12)
            if max(data[chunk.start + 32], data[chunk.start + 33] + 1) > 2:
                raise Malformed("a frame of the PNG is put in its place in a way that does not exist; save it anew")
            if not width or not height or x + width > head.width or y + height > head.height:
                raise Malformed("a frame of the PNG reaches beyond its canvas; save it anew")
            held = set()
        elif chunk.name in {b"IDAT", b"fdAT"} and held is not None:
            held.add(chunk.name)
            if len(held) > 1:
                raise Malformed("a PNG holds animation data that belong to no frame; save it anew")
        elif chunk.name == b"fdAT":
            raise Malformed("a PNG holds animation data that belong to no frame; save it anew")


def unshown_still(found: Sequence[Chunk]) -> bool:
    """Whether the still picture stands before the first frame of an animation, and is no part of it."""
    names = [chunk.name for chunk in found if chunk.name in {b"fcTL", b"IDAT"}]
    return b"fcTL" in names and names[0] == b"IDAT"


def cut_palette(palette: bytes, alpha: bytes, used: np.ndarray | None, depth: int) -> tuple[bytes, bytes]:
    """Palette and transparency with zeros for entries that no pixel has, up to the last that one has.

    *Shapes and units*: `used` is one flag for each of 256 entries; None where nothing is known.
    """
    entries = min(len(palette) // 3, 1 << depth)
    flags = np.ones(256, dtype=np.bool_) if used is None else used
    last = max((int(flags[:entries].nonzero()[0].max()) + 1) if flags[:entries].any() else 1, 1)
    colours = np.frombuffer(palette, dtype=np.uint8).reshape(-1, 3)[:last].copy()
    colours[~flags[:last]] = 0
    opacity = np.frombuffer(alpha, dtype=np.uint8)[:last].copy()
    opacity[~flags[: len(opacity)]] = 255
    return colours.tobytes(), opacity.tobytes()


def indices_used(head: Head, pictures: Iterable[tuple[int, int, bytes]]) -> np.ndarray | None:
    """Which of 256 palette entries the pictures use, each given as width, height and compressed stream.

    None where one of them is too large to be decoded for it, or cannot be.
    """
    from PIL import Image as PillowImage

    flags = np.zeros(256, dtype=np.bool_)
    for width, height, stream in pictures:
        body = struct.pack(">IIBBBBB", width, height, head.depth, 3, 0, 0, head.interlaced)
        grey = make_chunk(b"PLTE", bytes(768)[: 3 << head.depth])
        parts = make_chunk(b"IHDR", body) + grey + make_chunk(b"IDAT", stream) + make_chunk(b"IEND", b"")
        try:
            with PillowImage.open(io.BytesIO(SIGNATURE + parts), formats=["PNG"]) as image:
                if image.mode != "P":
                    return None
                flags |= np.asarray(image.histogram()[:256]) > 0
        except (OSError, ValueError, SyntaxError, zlib.error, PillowImage.DecompressionBombError):
            return None
    return flags
