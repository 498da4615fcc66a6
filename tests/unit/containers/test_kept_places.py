"""Places that a format keeps because a picture may need them, each holding words that no picture needs.

A cleaned file must hold none of them, or be refused, or say that they stay; the picture must not change.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from tests.unit.containers.test_raster_judged import cleaned, shown

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.gif_codes import needed_bytes
from veilset.core.errors import DataError
from veilset.flows.clean import clean
from veilset.testing.planted import drawn
from veilset.testing.planted_each import hevc, jp2, scene
from veilset.testing.planted_films import film
from veilset.testing.planted_jpeg import segment
from veilset.testing.planted_others import chunk


def mark(size: int = 24) -> bytes:
    return (b"Zq9 Somebody was here at home, number 17; call back. " * 40)[:size]


def saved(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    (image or Image.fromarray(drawn())).save(out, form, **options)
    return out.getvalue()


def after_start(coded: bytes, *blocks: bytes) -> bytes:
    return coded[:2] + b"".join(blocks) + coded[2:]


def table(kind: int, words: bytes) -> bytes:
    return segment(0xC4, bytes([kind]) + bytes(15) + bytes([len(words)]) + words)


def png_with(name: bytes, body: bytes, image: Image.Image | None = None) -> bytes:
    raw = saved("PNG", image)
    at = raw.index(b"IDAT") - 4
    return raw[:at] + chunk(name, body) + raw[at:]


def palette(form: str) -> bytes:
    image = Image.fromarray(drawn()).quantize(4)
    raw = saved("PNG", image, bits=8) if form == "PNG" else saved("GIF", image)
    if form == "PNG":
        at = raw.index(b"PLTE")
        body = raw[at + 4 : at + 4 + struct.unpack_from(">I", raw, at - 4)[0]]
        return raw[: at - 4] + chunk(b"PLTE", body + mark(300)) + raw[at + 8 + len(body) :]
    if form == "GIF":
        head, rest = bytearray(raw[:13]), raw[13 + 3 * 2 ** ((raw[10] & 7) + 1) :]
        colours = raw[13 : 13 + 3 * 2 ** ((raw[10] & 7) + 1)]
        head[10] = head[10] & 0xF8 | 5
        return bytes(head) + (colours + mark(192))[:192] + rest
    head = struct.pack("<IiiHHIIiiII", 40, 16, 4, 1, 8, 0, 0, 0, 0, 256, 0)
    colours = b"abc\0def\0" + mark(1016)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + 64, 0, 0, 54 + 1024) + head + colours + bytes([0, 1] * 32)


def tiff_with(tag: int, kind: int, value: bytes) -> bytes:
    pixels, size = bytes(range(192)), {1: 1, 3: 2, 5: 8, 7: 1, 12: 8}[kind]
    short = {256: 8, 257: 8, 258: 8, 259: 1, 262: 2, 277: 3, 278: 8}
    entries = {one: struct.pack("<HHIHH", one, 3, 1, number, 0) for one, number in short.items()}
    at = 8 + 2 + 12 * (len(entries) + 2 + (tag not in entries)) + 4
    entries[tag] = struct.pack("<HHII", tag, kind, len(value) // size, at)
    entries[273] = struct.pack("<HHII", 273, 4, 1, at + len(value))
    entries[279] = struct.pack("<HHII", 279, 4, 1, 192)
    listed = b"".join(entries[one] for one in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + listed + bytes(4) + value + pixels


def profile(edit: Callable[[bytearray], None]) -> bytes:
    whole = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = whole.index(b"para")
    struct.pack_into(">i", whole, at + 12, 140_000)
    edit(whole)
    return after_start(saved("JPEG"), segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(whole)))


def put(at: int, words: bytes) -> Callable[[bytearray], None]:
    def edit(whole: bytearray) -> None:
        whole[at : at + len(words)] = words

    return edit


def element(name: bytes, skip: int, words: bytes) -> Callable[[bytearray], None]:
    def edit(whole: bytearray) -> None:
        place = next(at for at in range(132, 400, 12) if whole[at : at + 4] == name)
        start = struct.unpack_from(">I", whole, place + 4)[0] + skip
        whole[start : start + len(words)] = words

    return edit


def bmp(at: int, words: bytes, form: int = 40) -> bytes:
    pixels = bytes(range(0, 240, 5)) * 4
    head = bytearray(struct.pack("<IiiHHIIiiII", form, 16, 4, 1, 24, 0, 0, 0, 0, 0, 0).ljust(form, b"\0"))
    head[at : at + len(words)] = words
    return b"BM" + struct.pack("<IHHI", 14 + form + 192, 0, 0, 14 + form) + bytes(head) + pixels


def still_with(planted: bytes, before: bytes, new: bytes) -> bytes:
    """A planted still whose coded picture has another unit in front, at the cost of bytes behind it."""
    at = planted.index(before)
    return planted[:at] + new + planted[at + len(new) :]


SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{}</svg>'


def svg(inside: str) -> bytes:
    return SVG.format(inside).encode()


WORD = "Zq9SomebodyAtHome"
PLACES: dict[str, Callable[[], bytes]] = {
    "a quantisation table that no component has": lambda: after_start(saved("JPEG"), segment(0xDB, b"\3" + mark(64))),
    "a quantisation table that is defined again": lambda: after_start(saved("JPEG"), segment(0xDB, b"\0" + mark(64))),
    "a Huffman table that no scan has": lambda: after_start(saved("JPEG"), table(0x12, mark(120))),
    "a Huffman table that is defined again": lambda: after_start(saved("JPEG"), table(0x00, mark(120))),
    "a Huffman table of a later scan": lambda: after_start(saved("JPEG", progressive=True), table(0x13, mark(120))),
    "colour points of a PNG": lambda: png_with(b"cHRM", mark(32)),
    "pixels to a metre": lambda: png_with(b"pHYs", mark(9)),
    "a mastering display": lambda: png_with(b"mDCV", mark(24)),
    "a palette for true colours": lambda: png_with(b"PLTE", mark(300)),
    "a second background": lambda: png_with(b"bKGD", bytes(6), None).replace(b"IDAT", b"IDAT", 1),
    "palette entries of a PNG": lambda: palette("PNG"),
    "palette entries of a GIF": lambda: palette("GIF"),
    "palette entries of a BMP": lambda: palette("BMP"),
    "transparency behind the palette": lambda: png_with(b"tRNS", mark(200), scene().quantize(3)),
    "numbers of a BMP": lambda: bmp(20, mark(20)),
    "end points of a BMP": lambda: bmp(60, mark(36), 124),
    "attributes of a profile": lambda: profile(put(56, mark(24))),
    "flags of a profile": lambda: profile(put(44, mark(4))),
    "a curve of a profile": lambda: profile(element(b"rTRC", 0, b"text\0\0\0\0" + mark(24))),
    "a white point": lambda: profile(element(b"wtpt", 8, mark(12))),
    "an adaptation": lambda: profile(element(b"chad", 8, mark(36))),
    **{
        f"tag {tag:#06x} of kind {kind}": (lambda tag=tag, kind=kind, size=size: tiff_with(tag, kind, mark(size)))
        for tag, kind, size in (
            (0x118, 1, 48), (0x119, 7, 48), (0x11A, 5, 8), (0x11B, 12, 8), (0x123, 3, 48), (0x12D, 3, 1536), (0x13E, 5, 16),
            (0x13F, 5, 48), (0x140, 3, 1536), (0x150, 1, 48), (0x152, 7, 24), (0x154, 12, 24), (0x211, 5, 24),
            (0x214, 5, 48), (0x129, 12, 16),
        )
    },
    **{
        f"svg {name}": (lambda inside=inside: svg(inside))
        for name, inside in {
            "fill": f'<rect fill="{WORD}"/>', "path": f'<path d="M0 0 L1 1 {WORD}"/>', "font": f'<g font-family="{WORD}"/>',
            "version": f'<svg version="{WORD}"/>', "style": f'<rect style="stroke:{WORD}"/>',
            "selector": f"<style>{WORD}{{fill:red}}</style>", "function": f"<style>rect:lang({WORD}){{fill:red}}</style>",
            "result": f'<filter id="a"><feOffset result="{WORD}"/></filter><rect filter="url(#a)"/>',
            "unused": f"<defs><text>{WORD}</text></defs><rect/>", "inside": f"<rect><text>{WORD}</text></rect>",
            "hidden": f'<text display="none">{WORD}</text>',
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_words_in_a_place_that_is_kept_go(place: str) -> None:
    data = PLACES[place]()
    words = [WORD.encode()] if place.startswith("svg") else [mark(size) for size in (4, 8, 9)]
    before = cleaned(data)
    assert not any(word in before and len(word) > 4 for word in words)
    assert words[-1] not in before
    if not place.startswith(("svg", "tag")):
        assert all(np.array_equal(a, b) for a, b in zip(shown(data), shown(before), strict=True))


@pytest.mark.parametrize("place", [one for one in PLACES if one != "a second background"])
def test_a_check_tells_that_they_are_there(place: str, tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(PLACES[place]())
    assert clean([path], check=True).files[0][1].state == "dirty", place
    path.write_bytes(cleaned(path.read_bytes()))
    assert clean([path], check=True).files[0][1].state == "clean"


def still(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


HEAD = struct.pack(">IIBBBBB", 4, 2, 8, 0, 0, 0, 0)
ROWS = zlib.compress(b"\0abcd\0efgh")


def control(number: int, width: int = 4, x: int = 0) -> tuple[bytes, bytes]:
    return b"fcTL", struct.pack(">IIIIIHHBB", number, width, 2, x, 0, 1, 10, 0, 0)


def second_scan() -> bytes:
    coded, other = saved("JPEG"), saved("JPEG", scene().resize((96, 64)))
    return coded[:-2] + other[other.index(b"\xff\xda") : -2] + coded[-2:]


REFUSED: dict[str, Callable[[], bytes]] = {
    "a JPEG whose scan comes twice": second_scan,
    "a PNG with two headers": lambda: still((b"IHDR", HEAD), (b"IHDR", mark(13)), (b"IDAT", ROWS), (b"IEND", b"")),
    "a frame outside the canvas": lambda: still(
        (b"IHDR", HEAD), (b"acTL", struct.pack(">II", 2, 0)), control(0), (b"IDAT", ROWS), control(1, 4, 90),
        (b"fdAT", b"\0\0\0\2" + ROWS), (b"IEND", b""),
    ),
    "animation data of the still picture": lambda: still(
        (b"IHDR", HEAD), (b"acTL", struct.pack(">II", 1, 0)), control(0), (b"IDAT", ROWS),
        (b"fdAT", b"\0\0\0\1" + ROWS), (b"IEND", b""),
    ),
    "a WebP frame outside the canvas": lambda: _webp_frame(400),
    "run lengths over the edge": lambda: _runs(b"\x50\1\0\1"),
    "a HEIF with many channels": lambda: hevc().data.replace(b"pixi\0\0\0\0\3\x08\x08\x08", b"pixi\0\0\0\0\3Zq9"),
    "an AVIF clock": lambda: film().data.replace(struct.pack(">II", 1000, 3000), mark(8)),
    "a film turned by letters": lambda: film().data.replace(
        struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30), mark(36)
    ),
    "an edit list of letters": lambda: film().data.replace(struct.pack(">IIiI", 1, 3000, 0, 65536), b"\0\0\0\1" + mark(12)),
    "a tile that is not there": lambda: jp2().data.replace(b"\xff\x90\0\x0a\0\0", b"\xff\x90\0\x0a\0\7"),
}  # fmt: skip


def _webp_frame(x: int) -> bytes:
    def riff(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    size = (95).to_bytes(3, "little") + (63).to_bytes(3, "little")
    coded = saved("WEBP", lossless=True)[12:]
    frame = (x // 2).to_bytes(3, "little") + bytes(3) + size + b"\x64\0\0\0" + coded
    body = riff(b"VP8X", b"\2\0\0\0" + size) + riff(b"ANIM", bytes(6)) + riff(b"ANMF", frame)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _runs(coded: bytes, behind: bytes = b"") -> bytes:
    size = len(coded) + len(behind)
    head = struct.pack("<IiiHHIIiiII", 40, 8, 1, 1, 8, 1, size, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 62 + size, 0, 0, 62) + head + bytes(8) + coded + behind


@pytest.mark.parametrize("name", REFUSED)
def test_what_shows_differently_in_different_programs_is_refused(name: str) -> None:
    with pytest.raises(DataError):
        rebuild(REFUSED[name](), io.BytesIO(), Keep())


def test_an_animation_is_announced_before_its_picture() -> None:
    data = still(
        (b"IHDR", HEAD), (b"IDAT", ROWS), (b"acTL", struct.pack(">II", 1, 0)), control(0), (b"fdAT", b"\0\0\0\1" + ROWS),
        (b"IEND", b""),
    )  # fmt: skip
    assert b"fdAT" not in cleaned(data)


def test_a_still_picture_that_an_animation_never_shows_is_said() -> None:
    data = still(
        (b"IHDR", HEAD), (b"acTL", struct.pack(">II", 1, 0)), (b"IDAT", ROWS), control(0), (b"fdAT", b"\0\0\0\1" + ROWS),
        (b"IEND", b""),
    )  # fmt: skip
    assert "a still picture that the animation does not show" in rebuild(data, io.BytesIO(), Keep()).residue


def test_run_lengths_end_where_they_say() -> None:
    assert mark() not in cleaned(_runs(b"\x08\1\0\1", mark()))


def test_components_beyond_those_that_a_jpeg_counts_take_no_table_away() -> None:
    plain = saved("JPEG")
    at = plain.index(b"\xff\xc0") + 2
    size = struct.unpack_from(">H", plain, at)[0]
    odd = plain[:at] + struct.pack(">H", size + 3) + plain[at + 2 : at + size] + b"\1\x11\3" + plain[at + size :]
    assert cleaned(odd) == cleaned(plain)
    assert np.array_equal(shown(cleaned(odd))[0], shown(plain)[0])


def test_codes_of_a_gif_end_with_its_pixels() -> None:
    """A frame cut by its header alone: the rows below it are still in the codes."""
    rng = np.random.default_rng(5)
    whole = Image.fromarray(rng.integers(0, 64, (96, 64), dtype=np.uint8)).convert("P")
    data = bytearray(saved("GIF", whole))
    at = bytes(data).index(b"\x2c", 13 + 3 * 2 ** ((data[10] & 7) + 1))
    struct.pack_into("<H", data, 8, 40)
    struct.pack_into("<H", data, at + 7, 40)
    after = cleaned(bytes(data))
    assert len(after) < 0.6 * len(data)
    assert np.array_equal(shown(bytes(data))[0], shown(after)[0])
    assert "gif/picture/behind" in {tag.path for tag in inspect(bytes(data)).tags}


@pytest.mark.parametrize("pixels", [1, 7, 500, 4096, 64 * 96])
def test_as_many_codes_stay_as_pixels_are_shown(pixels: int) -> None:
    flat = saved("GIF", Image.new("P", (64, 96), 3))
    at = flat.index(b"\x2c", 13 + 3 * 2 ** ((flat[10] & 7) + 1))
    size, parts, place = flat[at + 10], [], at + 11
    while flat[place]:
        parts.append(flat[place + 1 : place + 1 + flat[place]])
        place += flat[place] + 1
    coded = b"".join(parts)
    kept = needed_bytes(coded, size, pixels)
    assert len(kept) <= len(coded)
    blocks = b"".join(bytes([len(kept[n : n + 255])]) + kept[n : n + 255] for n in range(0, len(kept), 255)) + b"\0;"
    head = b"GIF87a" + struct.pack("<HH", 1, pixels) + b"\x70\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, pixels, 0)
    image = Image.open(io.BytesIO(head + bytes([size]) + blocks))
    assert set(np.asarray(image).ravel().tolist()) == {np.asarray(image).ravel()[0]}


def test_another_plane_beside_a_lossless_webp_goes() -> None:
    coded = saved("WEBP", lossless=True)[12:]
    plane = b"ALPH" + struct.pack("<I", 200) + b"\0" + mark(199)
    header = b"VP8X\x0a\0\0\0\x10\0\0\0" + (95).to_bytes(3, "little") + (63).to_bytes(3, "little")
    body = header + plane + coded
    data = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    assert mark(40) not in cleaned(data)
    assert "webp/ALPH/unused" in {tag.path for tag in inspect(data).tags}


def test_a_fourth_byte_of_pixels_is_said() -> None:
    pixels = b"".join(b"abc" + bytes([letter]) for letter in mark(64))
    head = struct.pack("<IiiHHIIiiII", 40, 16, 4, 1, 32, 0, 0, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels
    assert "a fourth byte of each pixel, which few programs show" in rebuild(data, io.BytesIO(), Keep()).residue
