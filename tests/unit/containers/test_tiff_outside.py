"""What lies outside the page of a TIFF: strips and rows too many, pixels of tiles at the edge, strips that pages share."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from tests.unit.containers.test_surplus import picture
from tests.unit.containers.test_tiff_surplus import CODES, cleaned, shown

from veilset.containers import inspect
from veilset.containers.surplus import surplus_of


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
    out = io.BytesIO()
    tifffile.imwrite(out, picture(), tile=(64, 64), compression="lzma", photometric="rgb", metadata=None)
    _, residue = cleaned(out.getvalue())
    assert [one for one in residue if "outside the page" in one]


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
