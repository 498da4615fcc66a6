"""What a hostile judge of TIFF and DNG found: words where values and codes should be, bits that fill, gaps, alarms."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.unit.containers.test_raster_judged import TEXT, checked, cleaned, same, saved

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.tiff_fields import RAW
from veilset.containers.tiff_gaps import is_filling
from veilset.core.errors import Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.testing.planted import drawn

CFA_TAGS = [
    (50706, 1, 4, (1, 6, 0, 0), True), (33421, 3, 2, (2, 2), True), (33422, 1, 4, (0, 1, 1, 2), True),
]  # fmt: skip


def raw(*more: tuple[object, ...]) -> bytes:
    out = io.BytesIO()
    mosaic = drawn()[:, :, 1].astype(np.uint16)
    tifffile.imwrite(out, mosaic, photometric=32803, extratags=[*CFA_TAGS, *more], metadata=None)
    return out.getvalue()


def in_type(tag: int, kind: int) -> tuple[object, ...]:
    size = {1: 1, 3: 2, 4: 4, 5: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}[kind]
    count = min(RAW[tag], len(TEXT) // size)
    if kind == 7:
        return (tag, 7, count, TEXT[:count], True)
    code = {1: "B", 3: "H", 4: "I", 5: "I", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d"}[kind]
    values = struct.unpack(f"<{count * size // struct.calcsize(code)}{code}", TEXT[: count * size])
    return (tag, kind, count, values, True)


@pytest.mark.parametrize("tag", sorted(RAW.keys() - {0x828D, 0x828E, 0xC612}))
def test_what_develops_a_raw_picture_holds_no_words(tag: int) -> None:
    for kind in (1, 3, 4, 5, 7, 8, 9, 10, 11, 12):
        planted = raw(in_type(tag, kind))
        held = TEXT[: min(RAW[tag] * {1: 1, 7: 1}.get(kind, 4), len(TEXT))]
        try:
            after = cleaned(planted)
        except Malformed:
            continue
        assert len(held) < 4 or held[:8] not in after, kind


def test_opcodes_and_tables_of_a_raw_picture_stay_to_the_bit() -> None:
    area = struct.pack(">8I", 0, 0, 20, 30, 0, 1, 1, 1)
    gain = area + struct.pack(">2I4dI4f", 2, 2, 1.0, 1.0, 0.0, 0.0, 1, 1.0, 1.25, 1.5, 1.0)
    warp = struct.pack(">I8d", 1, 1.0, 1e-4, -2e-5, 0.0, 1e-6, 0.0, 0.5, 0.5)
    opcodes = struct.pack(">I", 2) + b"".join(
        struct.pack(">I4BII", number, 1, 3, 0, 0, 1, len(body)) + body for number, body in ((9, gain), (1, warp))
    )
    matrix = (7171, 10000, -1986, 10000, -648, 10000) * 3
    kept = [
        (0xC741, 7, len(opcodes), opcodes, True), (0xC621, 10, 9, matrix, True), (0xC61D, 4, 1, 65535, True),
        (0xC761, 12, 2, (2.5e-5, 4.5e-7), True), (0xC6FC, 11, 4, (0.0, 0.0, 1.0, 1.0), True),
        (0xC618, 3, 4, (0, 20, 400, 8000), True), (0xC628, 5, 3, (1, 2, 1, 1, 5, 8), True),
    ]  # fmt: skip
    with tifffile.TiffFile(io.BytesIO(cleaned(raw(*kept)))) as file:
        for tag, _, _, value, _ in kept:
            assert file.pages[0].tags[tag].value == value, tag
    longer = [(0xC741, 7, len(opcodes) + 40, opcodes + TEXT[:40], True)]
    with pytest.raises(Malformed):
        cleaned(raw(*longer))


@pytest.mark.parametrize(
    ("kind", "text", "after"),
    [
        ("u1", "0", "0"), ("u1", "-9999", "-9999"), ("u1", "+0007.0", "7"), ("u1", "7.5", None), ("u1", "19560617", None),
        ("i2", "-32768", "-32768"), ("i2", "040404", None), ("u2", "065535.000", "65535"), ("f4", "-9999.0", "-9999"),
        ("f4", "0.1234567890123456789", "0.12345679104328156"), ("f4", "nan", "nan"), ("f4", "NaN", "nan"),
        ("f4", "-3.4028234663852886e+38", "-3.4028234663852886e+38"), ("f8", "0.1", "0.1"),
        ("f8", "-1.7976931348623157e+308", "-1.7976931348623157e+308"), ("f4", "1e300", None), ("i4", "1" * 30, None),
        ("u1", "9 people", None),
    ],
)  # fmt: skip
def test_the_number_of_missing_samples_is_plain(kind: str, text: str, after: str | None) -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((5, 5), kind), extratags=[(42113, 2, 0, text, True)], metadata=None)
    with tifffile.TiffFile(io.BytesIO(cleaned(out.getvalue()))) as file:
        tag = file.pages[0].tags.get(42113)
        assert (tag and tag.value) == after


@pytest.mark.parametrize(
    ("between", "risk"),
    [
        (b"\0" * 40, None), (b"\0" * 7 + b"II*\0\x08\0\0\0", None), (b"\1\0\0\0" * 4, None), (b"at home, 17", Risk.CONTENT),
        (b"\x91\x92\x93" * 9, Risk.CONTENT), (saved("PNG"), Risk.HIDDEN), (b"\0" * 5 + saved("JPEG"), Risk.HIDDEN),
        (b"II*\0" + b"HOME", Risk.HIDDEN), (saved("TIFF", Image.new("L", (9, 9))), Risk.HIDDEN),
        (struct.pack("<H" + 4 * "HHII", 4, *(part for tag in range(256, 260) for part in (tag, 3, 1, 9))), Risk.HISTORY),
    ],
)  # fmt: skip
def test_gaps_of_a_tiff_are_graded_by_what_they_hold(between: bytes, risk: Risk | None, tmp_path: Path) -> None:
    plain = cleaned(saved("TIFF"))
    first = struct.unpack_from("<I", plain, 4)[0]
    assert first == 8
    # Behind the last strip nothing points at it.
    planted = plain + b"\0" * (len(plain) % 2) + between
    gaps = [tag.risk for tag in inspect(planted).tags if tag.path == "tiff/gaps"]
    assert gaps == ([risk] if risk else [])
    assert cleaned(planted) == plain
    assert checked(planted, tmp_path) == ("dirty" if risk else "clean")


def test_an_everyday_tiff_of_several_pages_is_no_alarm(tmp_path: Path) -> None:
    pages = [Image.fromarray(drawn()).convert(mode) for mode in ("L", "CMYK", "1")]
    data = saved("TIFF", save_all=True, append_images=pages)
    assert [tag.path for tag in inspect(data).tags if not tag.technical] == []
    assert checked(data, tmp_path) == "clean"


@pytest.mark.parametrize("coding", ["tiff_lzw", "packbits", "zstd", "lzma", "tiff_adobe_deflate"])
def test_unused_colours_of_a_packed_page_go(coding: str) -> None:
    indices = np.arange(30, dtype=np.uint8).reshape(5, 6)
    image = Image.fromarray(indices).convert("P")
    image.putpalette((TEXT * 4)[:768])
    data = saved("TIFF", image, compression=coding)
    out = io.BytesIO()
    assert "palette entries that may not be used" not in rebuild(data, out, Keep()).residue
    assert same(data, cleaned(data))
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
        colours = file.pages[0].colormap
    assert colours[:, :30].any()
    assert not colours[:, 30:].any()


def page(coded: bytes, compression: int, *more: tuple[int, int, int], samples: int = 3) -> bytes:
    """A page of 30 x 20 pixels of RGB in one strip."""
    tags = sorted(
        [
            (256, 4, 30),
            (257, 4, 20),
            (258, 3, 0),
            (259, 3, compression),
            (262, 3, 2),
            (273, 4, 0),
            (277, 3, samples),
            (278, 4, 20),
            (279, 4, len(coded)),
            *more,
        ]
    )
    start = 8 + 2 + 12 * len(tags) + 4
    made = b""
    for tag, kind, value in tags:
        if tag == 258:
            made += struct.pack("<HHII", tag, kind, samples, start)
        else:
            made += struct.pack("<HHII", tag, kind, 1, start + 2 * samples if tag == 273 else value)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + made + bytes(4) + b"\x08\0" * samples + coded


@pytest.mark.parametrize("compression", [5, 8, 32773, 34925, 50000, 50001, 34712, 50002, 7])
def test_a_strip_that_is_no_picture_is_refused(compression: int) -> None:
    with pytest.raises(Malformed):
        cleaned(page(TEXT, compression))


@pytest.mark.parametrize("compression", [3, 4, 34661, 34676, 34887])
def test_words_where_codes_should_be_are_said(compression: int, tmp_path: Path) -> None:
    out = io.BytesIO()
    residue = rebuild(page(TEXT, compression), out, Keep()).residue
    assert "readable text inside the coded picture" in residue
    assert checked(page(TEXT, compression), tmp_path) == "residue"


def test_samples_that_few_programs_show_are_said(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).bytes(30 * 20 * 4)
    for kind, state in ((0, "residue"), (1, "clean"), (2, "clean")):
        assert checked(page(rows, 1, (338, 3, kind), samples=4), tmp_path) == state
    assert checked(page(rows, 1, samples=4), tmp_path) == "residue"
    assert checked(page(rows[:1800], 1), tmp_path) == "clean"


def test_what_stands_beside_short_values_and_tags_twice_are_said(tmp_path: Path) -> None:
    rows = bytes(1800)
    plain = page(rows, 1)
    for planted in (
        page(rows, 1, (284, 3, 1 | 0x5A710000)), page(rows, 1, *[(256, 4, number) for number in (31, 32)]),
    ):  # fmt: skip
        assert "tiff/spare" in [tag.path for tag in inspect(planted).tags]
        assert checked(planted, tmp_path) == "dirty"
    assert checked(plain, tmp_path) == "clean"


def test_a_page_with_a_depth_is_refused() -> None:
    with pytest.raises(Unsupported, match="depth"):
        cleaned(page(bytes(1800), 1, (32997, 4, 5)))


def test_a_long_gap_is_judged_at_once() -> None:
    start = time.process_time()
    assert not is_filling(b"\1\0\0\0" * 20_000 + b"\2", 1 << 20)
    assert is_filling(bytes(9) + b"\1\0\0\0" * 20_000, 1 << 20)
    assert time.process_time() - start < 0.5


def test_a_strip_that_is_shorter_than_its_pixels_is_refused() -> None:
    # A program that reads on shows what stands behind it.
    with pytest.raises(Malformed, match="shorter"):
        cleaned(page(bytes(1799), 1) + TEXT)
