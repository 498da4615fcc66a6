"""A film of any length with one picture track: what shows whether memory grows with a file."""

from __future__ import annotations

import struct
from pathlib import Path

from veilset.testing.planted_films import AVC
from veilset.testing.planted_media import box, full


def write_long_film(path: Path, chunk: int = 1 << 20, count: int = 1024) -> None:
    """Write a film of `count` samples of `chunk` bytes, each one slice; the words behind its head hold its number."""
    with path.open("wb") as out:
        out.write(_before_the_samples(chunk, count) + struct.pack(">I4sQ", 1, b"mdat", 16 + chunk * count))
        for number in range(count):
            out.write(struct.pack(">I4s", chunk - 4, b"\x65") + struct.pack(">I", number) * (chunk // 4 - 2))


def _before_the_samples(chunk: int, count: int) -> bytes:
    fixed = (
        bytes(6)
        + b"\0\1"
        + bytes(16)
        + struct.pack(">HHIIIH", 64, 48, 72 << 16, 72 << 16, 0, 1)
        + bytes(32)
        + b"\0\x18\xff\xff"
    )
    described = full(b"stsd", struct.pack(">I", 1), box(b"avc1", fixed, box(b"avcC", AVC)))

    def moov(first: int) -> bytes:
        places = struct.pack(f">I{count}I", count, *(first + n * chunk for n in range(count)))
        table = box(
            b"stbl", described, full(b"stts", struct.pack(">III", 1, count, 1000)), full(b"stco", places),
            full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)), full(b"stsz", struct.pack(">II", chunk, count)),
        )  # fmt: skip
        home = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1)))
        minf = box(b"minf", full(b"vmhd", bytes(8), flags=1), home, table)
        mdhd = full(b"mdhd", struct.pack(">IIIIHH", 5, 5, 1000, 1000 * count, 0x55C4, 0))
        media = box(b"mdia", mdhd, full(b"hdlr", bytes(4), b"vide", bytes(13)), minf)
        tkhd = full(
            b"tkhd",
            struct.pack(">IIIII", 5, 5, 1, 0, 1000 * count),
            bytes(16),
            bytes(36),
            struct.pack(">II", 64 << 16, 48 << 16),
            flags=3,
        )
        mvhd = full(b"mvhd", struct.pack(">IIII", 5, 5, 1000, 1000 * count), bytes(80))
        return box(b"ftyp", b"isom", bytes(4), b"isom") + box(b"moov", mvhd, box(b"trak", tkhd, media))

    return moov(len(moov(0)) + 16)
