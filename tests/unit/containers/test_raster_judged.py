"""What a hostile judge of the raster formats found: bits that survived, pictures that changed, files refused in vain."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.icc import sanitise
from veilset.containers.png_chunks import Head
from veilset.containers.png_rows import rows_of
from veilset.containers.transparent import UNSEEN
from veilset.containers.webp import cut_chunks
from veilset.core.errors import Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.flows.clean import clean
from veilset.testing.planted import drawn
from veilset.testing.planted_others import chunk


def saved(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    (image or Image.fromarray(drawn())).save(out, form, **options)
    return out.getvalue()


def cleaned(data: bytes, keep: Keep | None = None) -> bytes:
    out = io.BytesIO()
    rebuild(data, out, keep or Keep())
    again = io.BytesIO()
    rebuild(out.getvalue(), again, keep or Keep())
    assert again.getvalue() == out.getvalue(), "cleaning twice is byte-identical"
    return out.getvalue()


def shown(data: bytes) -> list[np.ndarray]:
    image = Image.open(io.BytesIO(data))
    frames = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        frames.append(np.asarray(image.convert("RGBA")))
    return frames


def same(one: bytes, other: bytes) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(shown(one), shown(other), strict=True))


def checked(data: bytes, folder: Path) -> str:
    path = folder / "checked"
    path.write_bytes(data)
    return clean([path], check=True).files[0][1].state


def bmp(bits: int, rows: bytes, width: int, height: int, *, compression: int = 0, between: bytes = b"") -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(rows), 0, 0, 0, 0) + between
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(rows), 0, 0, 14 + len(head)) + head + rows


TEXT = b"Zq9 Somebody was here at home, number 17; call back. " * 8


@pytest.mark.parametrize("form", ["BMP", "GIF"])
def test_a_grey_picture_stays_one(form: str) -> None:
    # Programs tell it by its palette, so that unused steps of the ramp may not go.
    before = saved(form, Image.fromarray(drawn()[:, :, 0] // 2).convert("L" if form == "BMP" else "1"))
    assert Image.open(io.BytesIO(before)).mode == Image.open(io.BytesIO(cleaned(before))).mode == "L"


def test_the_header_that_decoders_go_by_stays() -> None:
    red = Image.new("RGB", (16, 16), (200, 10, 10))
    ycc = saved("JPEG", red, subsampling=0)
    at = ycc.index(b"\xff\xdb")
    wrong, right = (b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([kind]) for kind in (0, 1))
    coded = ycc[:2] + ycc[at:]
    for planted in (
        # Behind the picture's first scan nobody looks for it; of two the last one counts.
        coded[:2] + wrong + right + coded[2:],
        saved("JPEG", red, progressive=True, subsampling=0)
        .replace(b"\xff\xda", wrong + b"\xff\xda", 2)
        .replace(wrong + b"\xff\xda", b"\xff\xda", 1),
    ):
        assert inspect(planted).facts.colour == "ycc"
        assert same(planted, cleaned(planted))
        assert tuple(shown(planted)[0][8, 8, :2]) == pytest.approx((200, 10), abs=6)


def test_a_gif_holds_nothing_in_bits_that_nobody_reads(tmp_path: Path) -> None:
    still = saved("GIF", Image.fromarray(drawn()).quantize(32))
    start = 13 + 3 * 2 ** ((still[10] & 7) + 1)
    frame = still[still.index(b",", start) : -1]
    plain = cleaned(b"GIF89a" + still[6:start] + 6 * (b"\x21\xf9\4\0\4\0\0\0" + frame) + b";")
    planted = bytearray(plain)
    at = start
    for letter in b"Zq9Hom":
        at = plain.index(b"\x21\xf9\4", at)
        planted[at + 6] = letter
        planted[at + 3] |= 0xE2
        planted[at + 17] |= 0x18
        at += 17
    assert same(plain, bytes(planted))
    assert cleaned(bytes(planted)) == plain
    assert checked(bytes(planted), tmp_path) == "dirty"
    assert checked(plain, tmp_path) == "clean"


def test_a_bmp_holds_nothing_in_bits_that_no_colour_is_in(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 1 << 15, (6, 8), dtype=np.uint16)
    plain, planted = (bmp(16, part.tobytes(), 8, 6) for part in (pixels, pixels | 0x8000))
    assert cleaned(planted) == cleaned(plain) == plain
    assert same(plain, planted)
    assert (checked(planted, tmp_path), checked(plain, tmp_path)) == ("dirty", "clean")
    masks = struct.pack("<3I", 0xF00, 0xF0, 0xF)
    wide = bmp(16, (pixels | 0x7000).tobytes(), 8, 6, compression=3, between=masks)
    assert np.frombuffer(cleaned(wide)[-96:], np.uint16).max() < 0x1000


def test_run_lengths_hold_nothing_in_what_fills_them_up(tmp_path: Path) -> None:
    palette = bytes(range(64))
    rows = [b"\0\5" + bytes([1, 2, 3, 4, 5]) + b"%c\0\0" for _ in range(6)]
    eight = [b"".join(rows) % tuple(text) + b"\0\1" for text in (b"Zq9Hom", bytes(6))]
    for planted, plain in [
        [bmp(8, coded, 5, 6, compression=1, between=bytes(range(256)) * 4) for coded in eight],
        [
            bmp(4, b"\0\3\x12" + last + b"\1" + last + b"\0\1", 4, 1, compression=2, between=palette)
            for last in (b"\x3a", b"\x30")
        ],
    ]:
        assert cleaned(planted) == cleaned(plain)
        assert same(planted, cleaned(planted))
        assert checked(planted, tmp_path) == "dirty"


def png(depth: int, kind: int, size: tuple[int, int], rows: bytes, *more: bytes, interlaced: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced)
    palette = [chunk(b"PLTE", bytes(range(48))[: 3 << depth])] if kind == 3 else []
    parts = [chunk(b"IHDR", head), *palette, *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize("kind", [0, 3])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_bits_that_fill_rows_of_a_png_are_zero(depth: int, kind: int, interlaced: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(depth)
    size = (13, 11)
    passes = rows_of(Head(*size, depth, kind, bool(interlaced)), *size)
    for filters in ((0,), (0, 1, 2, 3, 4)):
        noise = b"".join(
            bytes([filters[row % len(filters)]]) + rng.bytes(part.stride - 1)
            for part in passes
            for row in range(part.number)
        )
        planted = png(depth, kind, size, noise, interlaced=interlaced)
        after = cleaned(planted)
        assert same(planted, after)
        raw = zlib.decompress(after[after.index(b"IDAT") + 4 :])
        for part in passes:
            rows = np.frombuffer(raw, np.uint8)[part.start : part.start + part.stride * part.number].reshape(
                -1, part.stride
            )
            assert not rows[:, 0].any()
            assert not (rows[:, -1] & ((1 << -part.bits % 8) - 1)).any()
        assert (checked(planted, tmp_path), checked(after, tmp_path)) == ("dirty", "clean")


def test_a_png_row_has_a_filter_that_exists() -> None:
    for interlaced in (0, 1):
        rows = bytearray(Head(9, 9, 8, 2, bool(interlaced)).decoded_size(9, 9))
        cleaned(png(8, 2, (9, 9), bytes(rows), interlaced=interlaced))
        rows[-28] = 5
        with pytest.raises(Malformed, match="filter"):
            cleaned(png(8, 2, (9, 9), bytes(rows), interlaced=interlaced))


def test_the_transparent_colour_of_a_png_has_no_more_bits_than_samples(tmp_path: Path) -> None:
    rows = bytes(Head(9, 9, 8, 2, False).decoded_size(9, 9))
    planted, plain = (png(8, 2, (9, 9), rows, chunk(b"tRNS", body)) for body in (b"Z\1q\2w\3", b"\0\1\0\2\0\3"))
    assert cleaned(planted) == cleaned(plain) == plain
    assert checked(planted, tmp_path) == "dirty"


def test_frames_of_a_png_are_put_in_place_in_ways_that_exist() -> None:
    frames = [Image.fromarray(np.roll(drawn(), 9 * n, 1)) for n in range(3)]
    data = saved("PNG", frames[0], save_all=True, append_images=frames[1:])
    at = data.rindex(b"fcTL")
    body = data[at + 4 : at + 28] + b"Zq"
    with pytest.raises(Malformed):
        cleaned(data[: at - 4] + chunk(b"fcTL", body) + data[at + 34 :])


def riff(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def part(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def extended(flags: int, width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return part(b"VP8X", bytes([flags, 0, 0, 0]) + size)


def frame(body: bytes, width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return part(b"ANMF", bytes(6) + size + b"\x28\0\0\0" + body)


def bodies(data: bytes) -> dict[bytes, bytes]:
    return {bytes(one.name): data[one.start + 8 : one.end] for one in cut_chunks(memoryview(data), 12, len(data))}


def test_a_webp_is_as_large_as_it_says_and_announces_what_it_holds() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (30, 40, 4), dtype=np.uint8), "RGBA")
    planes, exact = bodies(saved("WEBP", image)), bodies(saved("WEBP", image, lossless=True))[b"VP8L"]
    lossy, alpha, announced = part(b"VP8 ", planes[b"VP8 "]), part(b"ALPH", planes[b"ALPH"]), part(b"ANIM", bytes(6))
    for good in (
        riff(extended(16, 40, 30), alpha, lossy), riff(extended(0, 40, 30), lossy), riff(part(b"VP8L", exact)),
        riff(extended(18, 50, 30), announced, frame(alpha + lossy, 40, 30)),
    ):  # fmt: skip
        assert same(good, cleaned(good))
    for bad in (
        riff(extended(0, 400, 30), lossy), riff(extended(0, 40, 30), alpha, lossy),
        riff(extended(2, 40, 30), frame(lossy, 40, 30)),
        riff(extended(2, 50, 30), announced, frame(lossy, 50, 30)),
        riff(extended(2, 40, 30), announced, frame(alpha + lossy, 40, 30)),
        riff(extended(16, 40, 30), part(b"ALPH", b"\xC0" + planes[b"ALPH"][1:]), lossy),
        riff(extended(16, 40, 30), part(b"ALPH", b"\0short"), lossy),
        riff(part(b"VP8 ", planes[b"VP8 "][:40])), riff(part(b"VP8L", exact[:4] + bytes([exact[4] | 0x20]) + exact[5:])),
        riff(part(b"VP8 ", bytes([planes[b"VP8 "][0] | 1]) + planes[b"VP8 "][1:])),
    ):  # fmt: skip
        with pytest.raises(Malformed):
            cleaned(bad)


def test_a_plain_alpha_plane_ends_with_its_pixels(tmp_path: Path) -> None:
    lossy = part(b"VP8 ", bodies(saved("WEBP", Image.fromarray(drawn()[:15, :9])))[b"VP8 "])
    plane = b"\0" + bytes(range(135))
    plain, planted = (riff(extended(16, 9, 15), part(b"ALPH", one), lossy) for one in (plane, plane + TEXT))
    assert cleaned(planted) == cleaned(plain) == plain
    assert same(plain, planted)
    assert checked(planted, tmp_path) == "dirty"


@pytest.mark.parametrize("kind", [b"mft1", b"mft2", b"mAB "])
@pytest.mark.parametrize("words", [False, True])
def test_tables_of_a_colour_profile_hold_no_words(kind: bytes, words: bool) -> None:
    rng = np.random.default_rng(0)
    wide = 1 if kind == b"mft1" else 2
    cells = rng.bytes(9**3 * 3 * wide)
    cells = cells[:99] + TEXT + cells[99 + len(TEXT) :] if words else cells
    head = kind + bytes(4) + bytes([3, 3, 9, 0]) + struct.pack(">9i", *(65536 * (at % 4 == 0) for at in range(9)))
    curves = bytes(range(256)) * 3 if wide == 1 else struct.pack(">2H", 0, 65535) * 3
    table = head + (b"" if wide == 1 else b"\0\2\0\2") + curves + cells + curves
    if kind == b"mAB ":
        grid = bytes([9] * 3) + bytes(13) + b"\2\0\0\0" + cells
        table = kind + bytes(4) + b"\3\3\0\0" + struct.pack(">5I", 32, 0, 0, 68, 32) + (b"curv" + bytes(8)) * 3 + grid
    profile = bytearray(128) + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table + bytes(-len(table) % 4)
    profile[8:24], profile[36:40] = b"\4\x20\0\0prtrRGB Lab ", b"acsp"
    profile[:4] = struct.pack(">I", len(profile))
    out = io.BytesIO()
    residue = rebuild(saved("PNG", icc_profile=bytes(profile)), out, Keep()).residue
    held = Image.open(io.BytesIO(out.getvalue())).info.get("icc_profile", b"")
    assert (cells in held) is not words
    assert ("an unreadable colour profile was dropped" in residue) is words


def v4(first: bytes, back: bytes) -> bytes:
    """A profile of version 4 by tables from device to Lab and back."""
    parts = {b"A2B0": first, b"B2A0": back}
    head = bytearray(128) + struct.pack(">I", 2)
    at, blocks = 132 + 24, b""
    for name, body in parts.items():
        head += struct.pack(">4sII", name, at + len(blocks), len(body))
        blocks += body + bytes(-len(body) % 4)
    profile = head + blocks
    profile[8:24], profile[36:40] = b"\4\x20\0\0spacRGB Lab ", b"acsp"
    profile[68:80] = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    profile[:4] = struct.pack(">I", len(profile))
    return bytes(profile)


def stages(kind: bytes) -> bytes:
    """All five stages of a table, in the order that ICC.1 (10.12 and 10.13) has: B, matrix, M, grid, A."""
    gamma = b"para\0\0\0\0\0\3\0\0" + struct.pack(">5i", 2 << 16, 60000, 5536, 137 << 14, 2621)
    rows = [gamma * 3, struct.pack(">12i", *(65536 * (at % 4 == 0 and at < 9) for at in range(12))), gamma * 3]
    grid = np.stack(np.meshgrid(*[np.linspace(30, 220, 5)] * 3, indexing="ij"), -1).astype(np.uint8)
    rows += [bytes([5] * 3) + bytes(13) + b"\1\0\0\0" + grid.tobytes() + b"\0", gamma * 3]
    places = np.cumsum([32, *map(len, rows)])[:5].tolist()
    return kind + bytes(4) + b"\3\3\0\0" + struct.pack(">5I", *places) + b"".join(rows)


def test_tables_in_stages_show_the_same_colours() -> None:
    profile = v4(stages(b"mAB "), stages(b"mBA "))
    after = sanitise(profile)
    assert sanitise(after) == after
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    colours = []
    for one in (profile, after):
        opened, srgb = ImageCms.ImageCmsProfile(io.BytesIO(one)), ImageCms.createProfile("sRGB")
        there = ImageCms.profileToProfile(image, opened, srgb)
        back = ImageCms.profileToProfile(image, srgb, opened)
        colours.append((np.asarray(there), np.asarray(back)))
    assert np.array_equal(colours[0][0], colours[1][0])
    assert np.array_equal(colours[0][1], colours[1][1])
    assert np.unique(colours[0][0]).size > 20


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_picture_below_transparent_pixels_is_said(form: str, mode: str, tmp_path: Path) -> None:
    pixels = np.dstack([drawn(), np.full(drawn().shape[:2], 255, np.uint8)])
    pixels[10:30, 10:40, 3] = 0
    hidden = Image.fromarray(pixels, "RGBA").convert(mode)
    if form == "WEBP":
        hidden = hidden.convert("RGBA")
    pixels[pixels[:, :, 3] == 0] = 0
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    covered, bare = (saved(form, one, **options) for one in (hidden, Image.fromarray(pixels, "RGBA")))
    assert same(covered, cleaned(covered))
    assert rebuild(covered, io.BytesIO(), Keep()).residue[-1] == UNSEEN
    assert UNSEEN not in rebuild(bare, io.BytesIO(), Keep()).residue
    assert (checked(covered, tmp_path), checked(bare, tmp_path)) == ("residue", "clean")


def test_what_run_lengths_leave_out_keeps_its_colour() -> None:
    palette = bytes(range(7, 71))
    whole = b"\4\x12\0\0\4\x12\0\0\0\1"
    for coded, stays in (
        (b"\2\x12\0\0\4\x12\0\1", True), (b"\4\x12\0\0\2\x12\0\1", True), (b"\4\x12\0\1", True), (whole, False),
    ):  # fmt: skip
        after = cleaned(bmp(4, coded, 4, 2, compression=2, between=palette))
        # No pixel is said to have the first colour; pixels of which nothing is said have it.
        assert after[54:57] == (palette[:3] if stays else bytes(3))
        assert after[58:61] == palette[4:7]


def test_fill_bytes_say_nothing(tmp_path: Path) -> None:
    plain = saved("JPEG")
    at = plain.index(b"\xff\xdb")
    filled = plain[:at] + b"\xff" * 30 + plain[at:]
    assert cleaned(filled) == plain
    assert checked(filled, tmp_path) == "clean"


def test_a_byte_of_nothing_behind_a_gif_is_no_alarm() -> None:
    still = saved("GIF", Image.fromarray(drawn()).quantize(8))
    assert still[-3:] == b"\0\0;" or still[-2:] == b"\0;"
    for behind, risk in ((b"\0", Risk.HISTORY), (b"Zq9 home", Risk.HIDDEN)):
        planted = still[:-2] + bytes([len(behind)]) + behind + b"\0;"
        assert [tag.risk for tag in inspect(planted).tags if tag.path == "gif/picture/behind"] == [risk]
        assert cleaned(planted) == cleaned(still)


def test_run_lengths_of_no_stated_size_end_by_themselves() -> None:
    data = bytearray(bmp(8, b"\5\1\0\0\5\2\0\1", 5, 2, compression=1, between=bytes(range(256)) * 4))
    data[34:38] = bytes(4)
    assert same(bytes(data), cleaned(bytes(data) + TEXT))
    assert TEXT not in cleaned(bytes(data) + TEXT)
    data[30] = 4
    with pytest.raises(Unsupported, match="wraps"):
        cleaned(bytes(data))


@pytest.mark.parametrize("name", [b"acTL", b"fcTL", b"fdAT"])
def test_a_damaged_animation_is_refused(name: bytes) -> None:
    frames = [Image.fromarray(np.roll(drawn(), 9 * n, 1)) for n in range(3)]
    data = bytearray(saved("PNG", frames[0], save_all=True, append_images=frames[1:]))
    assert same(bytes(data), cleaned(bytes(data)))
    data[data.index(name) + 11] ^= 1
    with pytest.raises(Malformed):
        cleaned(bytes(data))
