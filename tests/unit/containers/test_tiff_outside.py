"""What lies outside the page of a TIFF: strips and rows too many, pixels of tiles at the edge, strips that pages share."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.unit.containers.test_surplus import picture
from tests.unit.containers.test_tiff_surplus import CODES, cleaned, shown

from veilset.containers import inspect
from veilset.containers.surplus import surplus_of
from veilset.containers.tiff_packed import PACKED, packed, unpacked
from veilset.flows.clean import clean


def test_strips_that_the_page_has_no_room_for_are_listed_and_go() -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, picture(), rowsperstrip=10, photometric="rgb", metadata=None)
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        height, rows = file.pages[0].tags[257], 30
        struct.pack_into(file.byteorder + CODES[int(height.dtype)], data, height.valueoffset, rows)
    cut = bytes(data)
    assert np.array_equal(tifffile.imread(io.BytesIO(cut)), picture()[:rows])
    below = picture()[rows:].tobytes()
    gaps = next(tag for tag in inspect(cut).tags if tag.path == "tiff/gaps")
    assert gaps.size == len(below)
    new, _ = cleaned(cut)
    assert np.array_equal(shown(new), picture()[:rows])
    assert below[:64] not in new
    assert len(new) < rows * picture().shape[1] * 3 + 1000


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_rows_behind_the_last_row_of_the_last_strip_go(compression: str | None) -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, picture(), rowsperstrip=16, photometric="rgb", metadata=None, compression=compression)
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        tag = file.pages[0].tags[257]
        # 110 rows in strips of 16 leave 14 for the last; the page is said to be 100 high, which needs 4 of them.
        struct.pack_into(file.byteorder + CODES[int(tag.dtype)], data, tag.valueoffset, 100)
    cut, below = bytes(data), picture()[100:].tobytes()
    found = surplus_of(cut)
    assert found.said[0].value == below[: found.said[0].size]
    new, _ = cleaned(cut)
    assert np.array_equal(shown(new), picture()[:100])
    with tifffile.TiffFile(io.BytesIO(new)) as file:
        start, size = file.pages[0].dataoffsets[-1], file.pages[0].databytecounts[-1]
        strip = new[start : start + size]
    assert (strip if compression is None else zlib.decompress(strip)) == picture()[96:100].tobytes()


@pytest.mark.parametrize("predictor", [None, 2])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_pixels_of_tiles_outside_the_page_go(
    compression: str | None, predictor: int | None, depth: type, planar: str
) -> None:
    if predictor and not compression:
        predictor = None
    whole = picture(192, 128).astype(depth) * (257 if depth is np.uint16 else 1)
    pixels = whole if planar == "contig" else np.moveaxis(whole, 2, 0)
    out = io.BytesIO()
    tifffile.imwrite(
        out, pixels, tile=(64, 64), compression=compression, predictor=bool(predictor), photometric="rgb",
        planarconfig=planar, metadata=None,
    )  # fmt: skip
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        for tag, value in ((256, 140), (257, 80)):
            entry = file.pages[0].tags[tag]
            struct.pack_into(file.byteorder + CODES[int(entry.dtype)], data, entry.valueoffset, value)
    hidden = bytes(data)
    found = surplus_of(hidden)
    assert found.proven
    assert found.said[0].size > 20_000
    new, residue = cleaned(hidden)
    assert not [one for one in residue if "outside" in one]
    assert surplus_of(new).said == ()
    with tifffile.TiffFile(io.BytesIO(new)) as file:
        read = file.pages[0].asarray()
        read = read if planar == "contig" else np.moveaxis(read, 0, 2)
        assert np.array_equal(read, whole[:80, :140])
        # Told that the page is as large as its tiles, the reader finds nothing there.
        larger = bytearray(new)
        for tag, value in ((256, 192), (257, 128)):
            entry = file.pages[0].tags[tag]
            struct.pack_into(file.byteorder + CODES[int(entry.dtype)], larger, entry.valueoffset, value)
    again = tifffile.imread(io.BytesIO(bytes(larger)))
    again = again if planar == "contig" else np.moveaxis(again, 0, 2)
    last = again[:80, 139:140] if predictor else 0
    assert np.all(again[:80, 140:] == last)
    assert not again[80:].any()


def test_tiles_in_another_coding_say_that_pixels_outside_may_stay() -> None:
    tiles = [saved_tile(number) for number in range(4)]
    _, residue = cleaned(tiled(tiles, 7, (100, 80)))
    assert [one for one in residue if "outside the page" in one]


def tiled(tiles: list[bytes], scheme: int, size: tuple[int, int]) -> bytes:
    """A page of RGB in tiles of 64 x 64 that are coded already."""
    count, start = len(tiles), 8 + 2 + 12 * 10 + 4
    places = np.cumsum([start + 6 + 8 * count, *map(len, tiles)])[:-1].tolist()
    at = {258: start, 324: start + 6, 325: start + 6 + 4 * count}
    tags = [
        (256, size[0]),
        (257, size[1]),
        (258, 0),
        (259, scheme),
        (262, 2),
        (277, 3),
        (322, 64),
        (323, 64),
        (324, 0),
        (325, 0),
    ]
    entries = b"".join(
        struct.pack(
            "<HHII", tag, 3 if tag == 258 else 4, {258: 3, 324: count, 325: count}.get(tag, 1), at.get(tag, value)
        )
        for tag, value in tags
    )
    arrays = struct.pack(f"<3H{2 * count}I", 8, 8, 8, *places, *map(len, tiles))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 10) + entries + bytes(4) + arrays + b"".join(tiles)


def saved_tile(number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 40 * number, np.uint8)).save(out, "JPEG", keep_rgb=True, subsampling=0)
    return out.getvalue()


@pytest.mark.parametrize("scheme", sorted(PACKED))
def test_pixels_of_packed_tiles_outside_the_page_go(scheme: int, tmp_path: Path) -> None:
    whole = picture(192, 128)
    grid = [whole[y : y + 64, x : x + 64] for y in (0, 64) for x in (0, 64, 128)]
    tiles = [packed(tile.tobytes(), scheme, 192) for tile in grid]
    hidden = tiled(tiles, scheme, (140, 80))
    new, residue = cleaned(hidden)
    assert not [one for one in residue if "outside" in one]
    with Image.open(io.BytesIO(new)) as image:
        assert np.array_equal(np.asarray(image), whole[:80, :140])
    with tifffile.TiffFile(io.BytesIO(new)) as file:
        spans = zip(file.pages[0].dataoffsets, file.pages[0].databytecounts, strict=True)
        after = [np.frombuffer(unpacked(new[at : at + size], scheme, 192, 64) or b"", np.uint8) for at, size in spans]
    assert [bool(tile.reshape(64, 64, 3)[:, 12:].any()) for tile in after] == [True, True, False, True, True, False]
    assert [bool(tile.reshape(64, 64, 3)[16:].any()) for tile in after] == [True] * 3 + [False] * 3
    for data, state in ((hidden, "dirty"), (new, "clean")):
        (tmp_path / "one.tif").write_bytes(data)
        assert clean([tmp_path / "one.tif"], check=True).files[0][1].state == state


@pytest.mark.parametrize("scheme", [1, 8, *sorted(PACKED)])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_bits_that_fill_rows_go(scheme: int, bits: int, tmp_path: Path) -> None:
    width, height = 21, 13
    row = -(-width * bits // 8)
    rows = np.random.default_rng(bits).integers(0, 256, (height, row), dtype=np.uint8)
    rows[:, -1] |= 1
    coded = (
        rows.tobytes()
        if scheme == 1
        else zlib.compress(rows.tobytes())
        if scheme == 8
        else packed(rows.tobytes(), scheme, row)
    )
    tags = [
        (256, width),
        (257, height),
        (258, bits),
        (259, scheme),
        (262, 1),
        (273, 122),
        (277, 1),
        (278, height),
        (279, len(coded)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    hidden = b"II*\0\x08\0\0\0" + struct.pack("<H", 9) + entries + bytes(4) + coded
    assert hidden[122:] == coded
    new, residue = cleaned(hidden)
    assert not [one for one in residue if "fill" in one]
    with Image.open(io.BytesIO(hidden)) as before, Image.open(io.BytesIO(new)) as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))
    with tifffile.TiffFile(io.BytesIO(new)) as file:
        at, size = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    raw = new[at : at + size]
    plain = raw if scheme == 1 else zlib.decompress(raw) if scheme == 8 else unpacked(raw, scheme, row, height)
    last = np.frombuffer(plain or b"", np.uint8).reshape(height, row)[:, -1]
    assert not (last & ((1 << -width * bits % 8) - 1)).any()
    assert np.array_equal(last, rows[:, -1] & (0xFF << -width * bits % 8 & 0xFF))
    for data, state in ((hidden, "dirty"), (new, "clean")):
        (tmp_path / "one.tif").write_bytes(data)
        assert clean([tmp_path / "one.tif"], check=True).files[0][1].state == state


def test_filling_of_edge_tiles_is_no_finding() -> None:
    for predictor in (False, True):
        out = io.BytesIO()
        tifffile.imwrite(
            out, picture(), tile=(64, 64), compression="zlib", predictor=predictor, photometric="rgb", metadata=None
        )
        assert surplus_of(out.getvalue()).said == ()


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("small_first", [False, True])
def test_pages_of_different_size_that_share_strips_keep_what_each_shows(
    compression: str | None, small_first: bool
) -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for _ in range(2):
            writer.write(picture(), rowsperstrip=110, compression=compression, metadata=None, photometric="rgb")
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        first, second = file.pages
        code = file.byteorder + CODES[int(first.tags[257].dtype)]
        struct.pack_into(code, data, (first if small_first else second).tags[257].valueoffset, 60)
        for tag in (273, 279):
            one, other = first.tags[tag], second.tags[tag]
            size = struct.calcsize(CODES[int(one.dtype)])
            data[other.valueoffset : other.valueoffset + size] = data[one.valueoffset : one.valueoffset + size]
    shared = bytes(data)
    assert not surplus_of(shared).proven
    new, _ = cleaned(shared)
    with tifffile.TiffFile(io.BytesIO(new)) as file:
        rows = [60, 110] if small_first else [110, 60]
        for page, high in zip(file.pages, rows, strict=True):
            assert np.array_equal(page.asarray(), picture()[:high])
