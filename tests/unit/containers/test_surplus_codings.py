"""Bytes behind coded blocks of JPEG in arithmetic and in lossless coding."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path

import jpeglib
import numpy as np
import pytest
import simplejpeg
import tifffile
from PIL import Image
from tests.unit.containers.test_surplus import SECRET, picture
from tests.unit.containers.test_tiff_surplus import changed

from veilset.containers import Keep, rebuild
from veilset.containers.jpeg_segments import FRAMES, SCAN, segments
from veilset.containers.surplus import searched, surplus_of, without_surplus

# 24 x 16 grey, arithmetic and progressive, in six scans; written by jpegtran of libjpeg-turbo 2.1.
PROGRESSIVE = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV00smF1_cBL1_cHO2L=cV5DE$j2?`Vr4-60&6c`v66c!d59VH(c8zUSR79cDjBPJ&)Dk&K"
    "sEif%8FeNA{DF4a;3kU!Z02l!Q5di<p00aOK|Jncu0RaF200I91mYIB)f|Nl2%m4%s1^?Or2mt{A0R;jTD?eCgh;skT00a;P|Jnc"
    "u0RaF8KLWu2%m4%s1^?Or2mt{A0Y4!l7*}sG!2j9+2mt{A000os|I7dc5C#9*00;pA00BP`Oduft*#"
)
# Behind coded data an arithmetic decoder reads zeros; whatever else it finds there first, it would take for picture.
ZEROS = bytes(8)


def arithmetically(coded: bytes, folder: Path) -> bytes:
    """The same coefficients in arithmetic coding."""
    (folder / "a.jpg").write_bytes(coded)
    version = jpeglib.version.get()
    jpeglib.version.set("turbo210")
    try:
        jpeglib.read_dct(str(folder / "a.jpg")).write_dct(str(folder / "b.jpg"), flags=["+ARITH_CODE"])
    finally:
        jpeglib.version.set(version)
    return (folder / "b.jpg").read_bytes()


@pytest.fixture(params=["grey", "colour", "restarts"])
def arithmetic(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    out = io.BytesIO()
    pixels = picture()[:, :, 1] if request.param == "grey" else picture()
    options = {"restart_marker_blocks": 16} if request.param == "restarts" else {}
    Image.fromarray(pixels).save(out, "JPEG", quality=83, **options)
    data = arithmetically(out.getvalue(), tmp_path)
    assert frame_of(data) == 0xC9
    assert np.array_equal(simplejpeg.decode_jpeg(data), simplejpeg.decode_jpeg(out.getvalue()))
    return data


def frame_of(data: bytes) -> int:
    return next(part.marker for part in segments(memoryview(data)) if part.marker in FRAMES)


def planted(data: bytes, payload: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """`payload` behind every scan, and where it stands then."""
    ends = [part.stop for part in segments(memoryview(data)) if part.marker == SCAN]
    new = bytearray(data)
    for end in reversed(ends):
        new[end:end] = payload
    size = len(payload)
    return bytes(new), [(end + index * size, end + (index + 1) * size) for index, end in enumerate(ends)]


@pytest.mark.parametrize("secret", [b"4", SECRET, SECRET * 200])
def test_arithmetic_coding_is_searched_to_the_byte(arithmetic: bytes, secret: bytes) -> None:
    assert surplus_of(arithmetic).proven
    assert surplus_of(arithmetic).spans == ()
    hidden, places = planted(arithmetic, ZEROS + secret)
    assert np.array_equal(simplejpeg.decode_jpeg(hidden, strict=False), simplejpeg.decode_jpeg(arithmetic))
    found = surplus_of(hidden)
    assert found.proven
    assert list(found.spans) == places
    assert found.said[0].value == ZEROS + secret
    assert without_surplus(hidden, found) == arithmetic


def test_every_scan_of_a_progressive_one_is_searched() -> None:
    assert frame_of(PROGRESSIVE) == 0xCA
    assert surplus_of(PROGRESSIVE).proven
    assert surplus_of(PROGRESSIVE).spans == ()
    hidden, places = planted(PROGRESSIVE, ZEROS + SECRET)
    assert len(places) > 3
    assert np.array_equal(simplejpeg.decode_jpeg(hidden, strict=False), simplejpeg.decode_jpeg(PROGRESSIVE))
    found = surplus_of(hidden)
    assert list(found.spans) == places
    assert without_surplus(hidden, found) == PROGRESSIVE


def test_an_arithmetic_one_of_many_reads_is_searched_too(tmp_path: Path) -> None:
    """Decoders that want all data at once are fed so: of this coding, libjpeg cannot wait for more."""
    out = io.BytesIO()
    noise = np.random.default_rng(2).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(out, "JPEG", quality=95)
    data = arithmetically(out.getvalue(), tmp_path)
    assert len(data) > 1 << 17
    assert surplus_of(data).proven


def test_damaged_or_too_large_arithmetic_coding_proves_nothing() -> None:
    damaged = bytearray(PROGRESSIVE)
    at = damaged.index(b"\xff\xca")
    struct.pack_into(">HH", damaged, at + 5, 60000, 60000)
    assert "blocks" in surplus_of(bytes(damaged)).missed
    struct.pack_into(">HH", damaged, at + 5, 16, 24)
    damaged[at + 4] = 12
    assert "8 bits" in surplus_of(bytes(damaged)).missed
    damaged[at + 4] = 8
    damaged[at + 11] = 0x77
    assert not surplus_of(bytes(damaged)).proven


def lossless(planes: np.ndarray, restart: int = 0) -> bytes:
    """SOF3 with the first predictor (ITU-T T.81, H.1), all codes four or five bits long."""
    rows, columns, count = planes.shape
    lengths = bytes([0, 0, 0, 15, 1, *[0] * 11])
    codes = {size: (f"{size:04b}" if size < 15 else "11110") for size in range(16)}
    bits, parts = "", []
    values = planes.astype(int)
    for row in range(rows):
        if restart and row and row % restart == 0:
            parts.append(bits)
            bits = ""
        first = row == 0 or (restart and row % restart == 0)
        for column in range(columns):
            for plane in range(count):
                above = 1 << 13 if first else values[row - 1, 0, plane]
                guess = values[row, column - 1, plane] if column else above
                step = values[row, column, plane] - guess
                size = int(abs(step)).bit_length()
                bits += codes[size] + (f"{step if step > 0 else step + (1 << size) - 1:0{size}b}" if size else "")
    coded = b""
    for index, part in enumerate([*parts, bits]):
        whole = part + "1" * (-len(part) % 8)
        raw = int(whole, 2).to_bytes(len(whole) // 8, "big").replace(b"\xff", b"\xff\0")
        coded += raw + (bytes([0xFF, 0xD0 + index % 8]) if index < len(parts) else b"")
    named = range(1, count + 1)
    return b"".join((
        b"\xff\xd8",
        segment(0xC3, struct.pack(">BHHB", 14, rows, columns, count) + b"".join(bytes([n, 0x11, 0]) for n in named)),
        segment(0xC4, b"\0" + lengths + bytes(range(16))),
        segment(0xDD, struct.pack(">H", restart * columns)) if restart else b"",
        segment(0xDA, bytes([count]) + b"".join(bytes([n, 0]) for n in named) + b"\1\0\0"),
        coded,
        b"\xff\xd9",
    ))  # fmt: skip


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


@pytest.mark.parametrize("restart", [0, 4])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_lossless_coding_is_walked_to_the_byte(count: int, restart: int) -> None:
    raw = picture(40, 24)[:, :, :count].astype(np.uint16) * 60
    plain = lossless(raw, restart)
    assert surplus_of(plain).proven
    assert surplus_of(plain).spans == ()
    hidden, places = planted(plain, SECRET)
    found = surplus_of(hidden)
    assert found.proven
    assert list(found.spans) == places
    assert without_surplus(hidden, found) == plain
    cut = next(part for part in segments(memoryview(plain)) if part.marker == SCAN)
    assert not surplus_of(plain[: cut.stop - 4] + plain[cut.stop :]).proven


def test_differences_of_sixteen_bits_are_not_guessed_at() -> None:
    plain = lossless(picture(16, 16)[:, :, :1].astype(np.uint16))
    at = plain.index(bytes(range(16)))
    assert "16 bits" in surplus_of(plain[: at + 15] + b"\x10" + plain[at + 16 :]).missed


def test_lossless_tiles_of_a_dng_are_walked_and_cut() -> None:
    raw = picture(96, 64)[:, :, 1].astype(np.uint16) * 60
    tags = [(50706, 1, 4, (1, 4, 0, 0), True), (50708, 2, 7, "camera", True), (33421, 3, 2, (2, 2), True),
            (33422, 1, 4, (0, 1, 1, 2), True)]  # fmt: skip

    def dng(extra: bytes) -> bytes:
        # As DNG writers do, a tile of 32 columns is coded as 16 of two samples each.
        tiles = [
            lossless(raw[top : top + 32, left : left + 32].reshape(32, 16, 2))
            for top in (0, 32)
            for left in (0, 32, 64)
        ]
        order = iter(tile[:-2] + extra + tile[-2:] for tile in tiles)
        out = io.BytesIO()
        tifffile.imwrite(out, raw, tile=(32, 32), photometric=32803, extratags=tags, metadata=None)
        coded = bytearray(changed(out.getvalue(), lambda _: next(order)))
        with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
            struct.pack_into(file.byteorder + "H", coded, file.pages[0].tags[259].valueoffset, 7)
        return bytes(coded)

    found = surplus_of(dng(SECRET))
    assert found.proven
    assert found.said[0].value == SECRET * 6
    results = []
    for extra in (b"", SECRET):
        out = io.BytesIO()
        rebuilt = rebuild(dng(extra), out, Keep())
        results.append(searched(out.getvalue(), rebuilt.residue)[0])
    assert results[0] == results[1]
    assert SECRET not in results[0]
