"""Planted PNG, WebP, GIF, BMP and TIFF files."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from veilset.testing.planted import (
    Marks,
    drawn,
    exif_block,
    film,
    icc_profile,
    iptc_block,
    manifest,
    photoshop_block,
    thumbnail_with,
    xmp_packet,
)


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(extra_pixels: bytes = b"", behind: bytes = b"", before: bytes = b"", after: bytes = b"") -> bytes:
    pixels = drawn()
    height, width = pixels.shape[:2]
    raw = b"".join(b"\0" + row.tobytes() for row in pixels) + extra_pixels
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    coded = zlib.compress(raw) + behind
    half = len(coded) // 2
    pictures = chunk(b"IDAT", coded[:half]) + chunk(b"IDAT", coded[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + pictures + after + chunk(b"IEND", b"")


def _png_chunks(marks: Marks) -> bytes:
    before = chunk(b"iCCP", marks.raw("iCCP/name") + b"\0\0" + zlib.compress(icc_profile(marks)))
    before += chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1))
    for key in (
        "Title",
        "Author",
        "Description",
        "Copyright",
        "Creation Time",
        "Software",
        "Source",
        "Comment",
        "parameters",
    ):
        before += chunk(b"tEXt", key.encode() + b"\0" + marks.raw(f"tEXt/{key}"))
    before += chunk(b"tEXt", marks.raw("tEXt/key") + b"\0x")
    before += chunk(b"zTXt", b"Comment\0\0" + zlib.compress(marks.raw("zTXt")))
    international = marks.raw("iTXt/language") + b"\0" + marks.raw("iTXt/key") + b"\0"
    before += chunk(b"iTXt", b"Comment\0\0\0" + international + marks.raw("iTXt/plain"))
    before += chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(marks.raw("iTXt/packed")))
    before += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_packet(marks))
    raw = b"Exif\0\0" + exif_block(marks, "raw-exif")
    before += chunk(
        b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(f"\nexif\n{len(raw):8d}\n{raw.hex()}\n".encode())
    )
    before += chunk(b"eXIf", exif_block(marks)) + chunk(b"caBX", manifest(marks))
    before += chunk(b"sPLT", marks.raw("sPLT/name") + b"\0\x08" + b"abcdef") + chunk(b"prVt", marks.raw("private"))
    before += chunk(b"pCAL", marks.raw("pCAL") + b"\0" + bytes(10)) + chunk(b"sCAL", b"\1" + marks.raw("sCAL"))
    before += chunk(b"tRNS", marks.raw("tRNS of a wrong size")) + chunk(b"fdAT", bytes(4) + marks.raw("fdAT unused"))
    broken = bytearray(chunk(b"tEXt", b"Comment\0" + marks.raw("text with a wrong checksum")))
    broken[-1] ^= 1
    after = chunk(b"tEXt", b"Comment\0" + marks.raw("text after the picture")) + chunk(b"tIME", b"\x07\xe7\5\5\5\5\5")
    return _png(before=before + bytes(broken), after=after) + marks.raw("tail")


def _png_surplus(marks: Marks) -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in drawn(96, 16, 120))
    return _png(extra_pixels=rows + marks.raw("pixels beyond the size"), behind=marks.raw("behind the stream"))


def _png_cropped(marks: Marks) -> bytes:
    return _png() + _png(before=chunk(b"tEXt", b"Title\0" + marks.raw("older picture")))


def _apng(marks: Marks) -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(drawn(shift=shift)) for shift in (0, 40, 80)]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:], duration=100, loop=0)
    coded = out.getvalue()
    first = coded.index(b"fdAT") - 4
    size = struct.unpack_from(">I", coded, first)[0]
    body = coded[first + 8 : first + 8 + size] + marks.raw("behind a frame")
    text = chunk(b"tEXt", b"Comment\0" + marks.raw("between frames"))
    return coded[:first] + text + chunk(b"fdAT", body) + coded[first + 12 + size :] + marks.raw("tail")


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _webp(marks: Marks) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).save(out, "WEBP", quality=80)
    picture = out.getvalue()[12:]
    size = (95).to_bytes(3, "little") + (63).to_bytes(3, "little")
    body = _riff(b"VP8X", b"\x2c\0\0\0" + size + marks.raw("VP8X surplus")) + _riff(b"ICCP", icc_profile(marks))
    body += _riff(b"abcd", marks.raw("unknown before")) + picture + _riff(b"EXIF", exif_block(marks))
    body += (
        _riff(b"XMP ", xmp_packet(marks)) + _riff(b"C2PA", manifest(marks)) + _riff(b"wxyz", marks.raw("unknown after"))
    )
    body += _riff(b"VP8 ", marks.raw("a second picture"))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body + marks.raw("tail") + film(marks, "film")


def _webp_animated(marks: Marks) -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(drawn(shift=shift)) for shift in (0, 60, 120)]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    coded = out.getvalue()
    at = coded.index(b"ANMF")
    size = struct.unpack_from("<I", coded, at + 4)[0]
    frame = _riff(b"ANMF", coded[at + 8 : at + 8 + size] + _riff(b"hide", marks.raw("inside a frame")))
    body = coded[12:at] + frame + coded[at + 8 + size + size % 2 :] + _riff(b"XMP ", xmp_packet(marks))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _blocks(body: bytes) -> bytes:
    return b"".join(bytes([len(body[at : at + 255])]) + body[at : at + 255] for at in range(0, len(body), 255)) + b"\0"


def _gif(marks: Marks) -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(drawn(shift=shift)).quantize(64) for shift in (0, 40, 80)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    coded = out.getvalue()
    head = 13 + 3 * 2 ** ((coded[10] & 7) + 1)
    text = b"\x21\x01\x0c" + bytes(12) + _blocks(marks.raw("plain text"))
    xmp = b"\x21\xff\x0bXMP DataXMP" + xmp_packet(marks) + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    extensions = b"\x21\xfe" + _blocks(marks.raw("comment")) + b"\x21\xff\x0bVENDORxxxxx" + _blocks(marks.raw("vendor"))
    extensions += b"\x21\xff\x0bICCRGBG1012" + _blocks(icc_profile(marks)) + xmp + text
    extensions += b"\x21\xff\x0b" + marks.raw("vendor name").ljust(11, b"x")[:11] + b"\0"
    extensions += b"\x21\x77" + _blocks(marks.raw("unknown extension"))
    loop = coded.index(b"NETSCAPE2.0") + 11 + 4
    coded = coded[:loop] + _blocks(marks.raw("behind the loop count")) + coded[loop + 1 :]
    return coded[:head] + extensions + coded[head:] + marks.raw("tail") + film(marks, "film")


def _gif_behind(marks: Marks) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).quantize(64).save(out, "GIF")
    coded = out.getvalue()
    return coded[:-2] + _blocks(marks.raw("behind the end code")) + b"\x3b"


def _bmp(marks: Marks) -> bytes:
    pixels = drawn(95, 64)[::-1, :, ::-1]
    padding = np.frombuffer((marks.raw("row padding") * 24)[: 64 * 3], dtype=np.uint8).reshape(64, 3)
    rows = b"".join(row.tobytes() + pad.tobytes() for row, pad in zip(pixels, padding, strict=True))
    header = struct.pack("<IiiHHIIiiII", 40, 95, 64, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    gap = marks.raw("gap").ljust(16, b"\0")
    start = 14 + len(header) + len(gap)
    return struct.pack("<2sI4sI", b"BM", start + len(rows), b"ZqR8", start) + header + gap + rows + marks.raw("tail")


def _bmp_profile(marks: Marks, *, linked: bool) -> bytes:
    rows = drawn()[::-1, :, ::-1].tobytes()
    profile = b"C:\\" + marks.raw("linked path") + b"\0" if linked else icc_profile(marks)
    kind = b"KNIL" if linked else b"DEBM"
    header = struct.pack("<IiiHHIIiiII", 124, 96, 64, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    header += bytes(16) + kind + bytes(48) + struct.pack("<IIII", 4, 124 + len(rows), len(profile), 0)
    return struct.pack("<2sIHHI", b"BM", 138 + len(rows) + len(profile), 0, 0, 138) + header + rows + profile


def _tiff(marks: Marks, *, big: bool = False, order: str = "<", tiled: bool = False, deep: bool = False) -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, bigtiff=big, byteorder=order) as writer:
        for page in range(3):
            pixels: Any = drawn(shift=page * 50)
            pixels = pixels.astype(np.uint16) * 257 if deep else pixels
            options: dict[str, Any] = {"photometric": "rgb", "metadata": None, "compression": "zlib" if tiled else None}
            options |= {"tile": (32, 32)} if tiled else {"rowsperstrip": 16}
            texts = _texts(marks, f"page{page}", whole=page == 0)
            options |= {"software": marks.text(f"page{page}/software"), "subifds": int(page == 0)}
            writer.write(pixels, extratags=texts, description=marks.text(f"page{page}/description"), **options)
            if page == 0:
                small = _texts(marks, "overview", whole=False)
                writer.write(pixels[::2, ::2], subfiletype=1, extratags=small, **{**options, "subifds": 0})
    coded = out.getvalue()
    return coded + marks.raw("gap at the end").ljust(32, b"\0") + thumbnail_with(marks, "tail")


def _texts(marks: Marks, label: str, *, whole: bool) -> list[tuple[int, int, int, Any, bool]]:
    found: list[tuple[int, int, int, Any, bool]] = []
    for tag in (0x010D, 0x010F, 0x0110, 0x011D, 0x013B, 0x013C, 0x0151, 0x8298, 0xA480, 0xC62F, 0xC68B, 0xFDE8):
        found += [(tag, 2, 0, marks.text(f"{label}/{tag:#06x}"), True)]
    for tag in (0x9C9D, 0x935C, 0xC634, 0xFDE9):
        raw = marks.wide(f"{label}/{tag:#06x}")
        found += [(tag, 7, len(raw), raw, True)]
    if whole:
        blocks = {0x02BC: xmp_packet(marks), 0x83BB: iptc_block(marks), 0x8649: photoshop_block(marks),
                  0x8773: icc_profile(marks)}  # fmt: skip
        found += [(tag, 7, len(raw), raw, True) for tag, raw in blocks.items()]
        found.append((0x87B1, 2, 0, marks.text(f"{label}/geo text") + "|", True))
        found.append((0x87AF, 3, 8, (1, 1, 0, 1, 1026, 34737, 12, 0), True))
        found.append((0x830E, 12, 3, (0.5, 0.5, 0.0), True))
        found.append((0x8482, 12, 6, (0.0, 0.0, 0.0, 11.88, 43.46, 0.0), True))
        nodata = marks.text(f"{label}/nodata")
        found.append((0xA481, 2, 0, nodata, True))
    return found


def _tiff_photograph(marks: Marks) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).save(out, "TIFF", compression="raw", description=marks.text("description"))
    coded = bytearray(out.getvalue())
    picture = io.BytesIO()
    Image.fromarray(drawn()).save(picture, "JPEG", subsampling=0, comment=marks.raw("comment inside a strip"))
    body = picture.getvalue()
    return _patched(coded, body)


def _patched(coded: bytearray, body: bytes) -> bytes:
    """Turn the one strip of a plain TIFF into a JPEG-coded one that is appended."""
    first = struct.unpack_from("<I", coded, 4)[0]
    for index in range(struct.unpack_from("<H", coded, first)[0]):
        at = first + 2 + 12 * index
        tag = struct.unpack_from("<H", coded, at)[0]
        new = {0x0103: (3, 7), 0x0106: (3, 6), 0x0111: (4, len(coded)), 0x0117: (4, len(body))}.get(tag)
        if new:
            struct.pack_into("<HII", coded, at + 2, new[0], 1, new[1])
    return bytes(coded) + body


OTHERS: dict[str, Callable[[Marks], bytes]] = {
    "chunks.png": _png_chunks,
    "surplus.png": _png_surplus,
    "cropped.png": _png_cropped,
    "animated.png": _apng,
    "chunks.webp": _webp,
    "animated.webp": _webp_animated,
    "animated.gif": _gif,
    "behind.gif": _gif_behind,
    "gaps.bmp": _bmp,
    "linked.bmp": lambda marks: _bmp_profile(marks, linked=True),
    "profile.bmp": lambda marks: _bmp_profile(marks, linked=False),
    "pages.tiff": _tiff,
    "tiles.tiff": lambda marks: _tiff(marks, tiled=True),
    "deep.tiff": lambda marks: _tiff(marks, deep=True),
    "motorola.tiff": lambda marks: _tiff(marks, order=">"),
    "big.tiff": lambda marks: _tiff(marks, big=True, tiled=True),
    "photograph.tiff": _tiff_photograph,
}
