"""Planted JPEGs: marks in every application segment, in comments, between scans, between segments and in tails."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

from PIL import Image

from veilset.testing.planted import (
    Marks,
    drawn,
    exif_block,
    film,
    icc_profile,
    manifest,
    photoshop_block,
    thumbnail_with,
    xmp_packet,
)


def _coded(**options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    """One marker segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _after_start(coded: bytes, *blocks: bytes) -> bytes:
    return coded[:2] + b"".join(blocks) + coded[2:]


def _all_segments(marks: Marks) -> bytes:
    extended = xmp_packet(marks, "xmp-extended")
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">I", len(extended))
    half = len(extended) // 2
    profile = icc_profile(marks)
    blocks = [
        segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\2\2" + marks.raw("jfif/thumbnail").ljust(12, b"x")),
        segment(0xE0, b"JFXX\0\x10" + thumbnail_with(marks, "jfxx")),
        segment(0xE1, b"Exif\0\0" + exif_block(marks)),
        segment(0xE1, b"Exif\0\0" + exif_block(marks, "exif2", orientation=3)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp_packet(marks)),
        segment(0xE1, head + struct.pack(">I", 0) + extended[:half]),
        segment(0xE1, head + struct.pack(">I", half) + extended[half:]),
        segment(0xE1, marks.raw("app1/unknown")),
        segment(0xE2, b"ICC_PROFILE\0\1\1" + profile),
        segment(0xE2, b"MPF\0" + marks.raw("app2/mpf")),
        segment(0xE2, b"FPXR\0" + marks.raw("app2/fpxr")),
        segment(0xEB, b"JP\0\1\0\0\0\1" + manifest(marks)),
        segment(0xED, b"Photoshop 3.0\0" + photoshop_block(marks)),
        segment(0xED, b"Adobe_CM" + marks.raw("app13/other")),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + marks.raw("app14/surplus")),
        segment(0xFE, marks.raw("comment/first")),
        segment(0xFE, marks.raw("comment/second")),
    ]
    for number in (3, 4, 5, 6, 7, 8, 9, 10, 12, 15):
        blocks += [segment(0xE0 + number, b"Meta\0\0" + marks.raw(f"app{number}"))]
    for marker in (0xF0, 0xF7, 0xFD):
        blocks += [segment(marker, marks.raw(f"segment{marker:02x}"))]
    blocks.append(marks.raw("between segments"))
    blocks.append(b"\xff\xff\xff")
    return _after_start(_coded(), *blocks)


def _between_scans(marks: Marks) -> bytes:
    coded = _coded(progressive=True)
    second = coded.index(b"\xff\xda", coded.index(b"\xff\xda") + 2)
    table = coded.rindex(b"\xff\xc4", 0, second)
    cut = (
        table
        if coded[: table + 2 + struct.unpack_from(">H", coded, table + 2)[0]].endswith(coded[table:second])
        else second
    )
    inside = (
        segment(0xE1, b"Exif\0\0" + exif_block(marks))
        + segment(0xFE, marks.raw("comment"))
        + segment(0xED, b"Photoshop 3.0\0" + photoshop_block(marks))
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp_packet(marks))
    )
    end = segment(0xFE, marks.raw("comment before the end")) + segment(
        0xDB, b"\2" + marks.raw("unused table").ljust(64)
    )
    return coded[:cut] + inside + coded[cut:-2] + end + coded[-2:]


def _tail(make: Callable[[Marks], bytes]) -> Callable[[Marks], bytes]:
    return lambda marks: _coded(comment=marks.raw("comment")) + make(marks)


def _second_picture(marks: Marks) -> bytes:
    return _after_start(_coded(), segment(0xE1, b"Exif\0\0" + exif_block(marks, "second")))


def _vendor_block(marks: Marks) -> bytes:
    name, body = marks.raw("name"), marks.raw("data")
    block = struct.pack("<HHI", 0, 0x0A30, len(name)) + name + body
    return block + b"SEFH" + struct.pack("<III", 107, 1, 0) + struct.pack("<I", 20) + b"SEFT"


def _cmyk(marks: Marks) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).convert("CMYK").save(out, "JPEG", comment=marks.raw("comment"))
    return out.getvalue()


def _rgb(marks: Marks) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).save(out, "JPEG", keep_rgb=True, comment=marks.raw("comment"))
    return out.getvalue()


def _grey(marks: Marks) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).convert("L").save(out, "JPEG", exif=b"Exif\0\0" + exif_block(marks))
    return out.getvalue()


def _restarts(marks: Marks) -> bytes:
    return _coded(restart_marker_blocks=1, comment=marks.raw("comment"))


JPEGS: dict[str, Callable[[Marks], bytes]] = {
    "all-segments.jpg": _all_segments,
    "between-scans.jpg": _between_scans,
    "cmyk.jpg": _cmyk,
    "grey.jpg": _grey,
    "restarts.jpg": _restarts,
    "rgb-by-marker.jpg": _rgb,
    "tail-film.jpg": _tail(lambda marks: film(marks, "film")),
    "tail-picture.jpg": _tail(_second_picture),
    "tail-slack.jpg": _tail(lambda marks: bytes(512) + b"C:\\Users\\" + marks.raw("slack") + bytes(100)),
    "tail-vendor.jpg": _tail(_vendor_block),
    "tail-archive.jpg": _tail(lambda marks: b"PK\3\4" + bytes(26) + marks.raw("archive")),
}
