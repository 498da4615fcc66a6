"""What the strips and tiles of a TIFF hold besides the pixels that are shown: found to the byte, cut, or said."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin
from tests.unit.containers.test_surplus import SECRET, picture

from veilset.containers import Fate, Keep, inspect, rebuild
from veilset.containers.surplus import NOT_PROVEN, Surplus, searched, surplus_of, without_surplus
from veilset.containers.tiff_codes import lzw_end, packbits_end
from veilset.core.errors import Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.flows.clean import clean

Change = Callable[[bytes], bytes]
CODES = {3: "H", 4: "I", 16: "Q"}
OFFSETS, COUNTS = (273, 324), (279, 325)
FAX = ("tiff_ccitt", "group3", "group4")
WALKED = ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg", "lzma", "zstd", *FAX)
JBIG, JPEG_XL = 34661, 52546


@pytest.fixture(autouse=True)
def strips_of_twenty_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TiffImagePlugin, "STRIP_SIZE", 9000)


def tiff(compression: str, pixels: np.ndarray | None = None) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(picture() if pixels is None else pixels)
    image = image.convert("1") if compression in FAX else image
    image.save(out, "TIFF", compression=compression)
    return out.getvalue()


def changed(data: bytes, change: Change) -> bytes:
    """The file with every strip or tile changed; they move to its end, and leave zeros behind."""
    new = bytearray(data)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for page in file.pages:
            where, sizes = (next(page.tags[one] for one in two if one in page.tags) for two in (OFFSETS, COUNTS))
            for index, (start, size) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
                strip = change(data[start : start + size])
                new[start : start + size] = bytes(size)
                for tag, value in ((where, len(new)), (sizes, len(strip))):
                    code = file.byteorder + CODES[int(tag.dtype)]
                    struct.pack_into(code, new, tag.valueoffset + struct.calcsize(code) * index, value)
                new += strip
    return bytes(new)


def behind(strip: bytes) -> bytes:
    """What nobody reads: in a JPEG before its end marker, else at the end."""
    return strip[:-2] + SECRET + strip[-2:] if strip.endswith(b"\xff\xd9") else strip + SECRET


def shown(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def cleaned(data: bytes, keep: Keep | None = None) -> tuple[bytes, tuple[str, ...]]:
    out, again = io.BytesIO(), io.BytesIO()
    rebuilt = rebuild(data, out, keep or Keep())
    rebuild(out.getvalue(), again, keep or Keep())
    assert again.getvalue() == out.getvalue()
    return out.getvalue(), rebuilt.residue


def looked_through(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    new, residue = searched(*cleaned(data))
    assert cleaned(new)[0] == new
    return new, residue


@pytest.mark.parametrize("form", ["rgb", "grey"])
@pytest.mark.parametrize("compression", WALKED)
def test_bytes_behind_every_strip_are_found_to_the_byte_and_go(compression: str, form: str) -> None:
    plain = tiff(compression, None if form == "rgb" else picture()[:, :, 1])
    assert surplus_of(plain).proven
    assert not surplus_of(plain).said
    hidden = changed(plain, behind)
    assert np.array_equal(shown(hidden), shown(plain))
    found = surplus_of(hidden)
    assert found.proven
    with tifffile.TiffFile(io.BytesIO(plain)) as file:
        count = len(file.pages[0].dataoffsets)
        assert compression != "jpeg" or 347 in file.pages[0].tags
    assert count > 1 or compression in ("raw", *FAX)
    assert [stop - start for start, stop in found.spans] == [len(SECRET)] * count
    assert found.said[0].value == SECRET * count
    assert found.said[0].risk is Risk.HIDDEN
    new, residue = looked_through(hidden)
    assert NOT_PROVEN not in residue
    assert SECRET not in new
    assert new == looked_through(plain)[0]
    assert np.array_equal(shown(new), shown(plain))


@pytest.mark.parametrize("compression", ["tiff_adobe_deflate", "jpeg"])
def test_the_ledger_counts_what_was_cut_inside_strips(compression: str) -> None:
    change = behind if compression != "jpeg" else with_segments
    hidden = changed(tiff(compression), change)
    rebuilt = rebuild(hidden, io.BytesIO(), Keep())
    kept = b"".join(hidden[one.start : one.stop] for one in rebuilt.claims if one.fate is Fate.KEPT)
    cut = b"".join(hidden[one.start : one.stop] for one in rebuilt.claims if "strips that no" in one.what)
    assert SECRET not in kept
    assert cut.count(SECRET) == hidden.count(SECRET)


def coded_as(scheme: int, strip: bytes) -> bytes:
    """A page of one strip, in a coding that nothing here writes."""
    out = io.BytesIO()
    tifffile.imwrite(out, picture(), photometric="rgb", metadata=None)
    data = bytearray(changed(out.getvalue(), lambda _: strip))
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
        struct.pack_into(file.byteorder + "H", data, file.pages[0].tags[259].valueoffset, scheme)
    return bytes(data)


@pytest.mark.parametrize("scheme", [JBIG, JPEG_XL])
def test_where_nothing_can_be_proven_the_result_says_so(scheme: int, tmp_path: Path) -> None:
    plain = coded_as(scheme, (b"\xff\x0a" if scheme == JPEG_XL else b"") + bytes(range(100)))
    assert not surplus_of(plain).proven
    assert "not walked" in surplus_of(plain).missed
    assert NOT_PROVEN in looked_through(plain)[1]
    (tmp_path / "a.tif").write_bytes(plain)
    done = clean([tmp_path / "a.tif"], out=tmp_path / "clean", thorough=True)
    assert done.files[0][1].state == "residue"


@pytest.mark.parametrize("compression", WALKED)
def test_a_file_without_tags_that_holds_such_bytes_is_dirty(compression: str, tmp_path: Path) -> None:
    plain = looked_through(tiff(compression))[0]
    (tmp_path / "plain.tif").write_bytes(plain)
    (tmp_path / "hidden.tif").write_bytes(changed(plain, behind))
    states = {Path(name).stem: one.state for name, one in clean([tmp_path], check=True).files}
    assert states["plain"] == "clean"
    assert states["hidden"] == "dirty"
    out = tmp_path.parent / f"{tmp_path.name}-out"
    done = clean([tmp_path], out=out, thorough=True)
    assert [one.state for _, one in done.files] == ["clean", "clean"]
    for name in states:
        assert (out / f"{name}.tif").read_bytes() == plain


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_byte_orders_bigtiff_pages_and_shared_strips_are_cut_alike(order: str, big: bool) -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, bigtiff=big, byteorder=order) as writer:
        for turn in range(3):
            writer.write(
                np.roll(picture(), turn, 0), rowsperstrip=16, compression="zlib", metadata=None, photometric="rgb"
            )
    plain = out.getvalue()
    hidden = changed(plain, behind)
    assert surplus_of(hidden).said
    assert surplus_of(cleaned(hidden)[0]).spans == ()
    # In a file as cleaning lays it out, whatever hid the bytes, they are cut in place and all offsets follow.
    laid = cleaned(plain)[0]
    with tifffile.TiffFile(io.BytesIO(laid)) as file:
        last = file.pages[1].dataoffsets[2] + file.pages[1].databytecounts[2]
    spans = ((last - 3, last),)
    cut = without_surplus(laid, Surplus(spans))
    with tifffile.TiffFile(io.BytesIO(cut)) as file, tifffile.TiffFile(io.BytesIO(laid)) as before:
        assert file.pages[1].databytecounts[2] == before.pages[1].databytecounts[2] - 3
        assert np.array_equal(file.pages[0].asarray(), picture())
        assert np.array_equal(file.pages[2].asarray(), np.roll(picture(), 2, 0))


def test_a_file_that_cleaning_did_not_lay_out_is_not_cut() -> None:
    # Here the directory stands behind the strips.
    plain = tiff("packbits")
    with tifffile.TiffFile(io.BytesIO(plain)) as file:
        end = file.pages[0].dataoffsets[0] + file.pages[0].databytecounts[0]
    with pytest.raises(Unsupported, match="clean it first"):
        without_surplus(plain, Surplus(((end - 1, end),)))


def with_segments(strip: bytes) -> bytes:
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(SECRET)) + SECRET
    note = b"\xff\xe7" + struct.pack(">H", 7 + len(SECRET)) + b"Note\0" + SECRET
    return strip[:2] + comment + note + strip[2:] + b"\0\0" + SECRET


def test_segments_and_tails_of_jpeg_strips_are_listed_and_go(tmp_path: Path) -> None:
    plain = tiff("jpeg")
    hidden = changed(plain, with_segments)
    assert np.array_equal(shown(hidden), shown(plain))
    said = {tag.path for tag in inspect(hidden).tags if not tag.technical}
    words = ("jpeg/comment", "jpeg/app7/Note", "jpeg/tail")
    assert {f"exif/ifd0/strips/{word}" for word in words} <= said
    new, _ = cleaned(hidden)
    assert SECRET not in new
    assert new == cleaned(plain)[0]
    bare = changed(new, with_segments)
    (tmp_path / "a.tif").write_bytes(bare)
    (tmp_path / "b.tif").write_bytes(new)
    states = [one.state for _, one in clean([tmp_path], check=True).files]
    assert states == ["dirty", "clean"]


def test_a_jpeg_strip_that_breaks_off_is_listed_and_does_not_go_out() -> None:
    broken = changed(tiff("jpeg"), lambda strip: strip[:-2])
    assert "exif/ifd0/strips/unreadable" in {tag.path for tag in inspect(broken).tags}
    with pytest.raises(Malformed, match="cut off"):
        cleaned(broken)


def webp_with_tags(pixels: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", lossless=True, exif=exif)
    return out.getvalue()


def jpeg_2000_with_comment(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG2000", no_jp2=True, comment=SECRET.decode())
    return out.getvalue()


@pytest.mark.parametrize(
    ("scheme", "encode", "told"), [(50001, webp_with_tags, "Make"), (34712, jpeg_2000_with_comment, "comment")]
)
def test_strips_that_are_picture_files_are_cleaned_as_such(
    scheme: int, encode: Callable[[np.ndarray], bytes], told: str
) -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, picture(), photometric="rgb", metadata=None)
    data = bytearray(changed(out.getvalue(), lambda _: encode(picture())))
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
        struct.pack_into(file.byteorder + "H", data, file.pages[0].tags[259].valueoffset, scheme)
    assert SECRET in data
    assert [tag for tag in inspect(bytes(data)).tags if tag.path.startswith("exif/ifd0/strips/") and told in tag.path]
    new, _ = cleaned(bytes(data))
    assert SECRET not in new
    with tifffile.TiffFile(io.BytesIO(new)) as file:
        start, size = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    assert np.array_equal(shown(new[start : start + size]), shown(encode(picture())))


def test_a_jpeg_strip_with_more_rows_than_are_shown_proves_nothing() -> None:
    plain = tiff("jpeg")
    taller = changed(plain, lambda strip: strip.replace(b"\xff\xc0\0\x11\x08\0", b"\xff\xc0\0\x11\x08\1", 1))
    assert taller != changed(plain, lambda strip: strip)
    assert not surplus_of(taller).proven


@pytest.mark.parametrize("kind", ["noise", "flat", "steps", "walk"])
def test_lzw_ends_where_the_encoder_ended_it(kind: str) -> None:
    rng = np.random.default_rng(4)
    for width in (1, 2, 7, 40, 150, 900, 3000):
        size = (30, width)
        grey = {
            "noise": rng.integers(0, 256, size),
            "flat": np.zeros(size),
            "steps": np.repeat(rng.integers(0, 9, (30, width // 7 + 1)), 7, 1)[:, :width],
            "walk": np.cumsum(rng.integers(-1, 2, size), 1) % 256,
        }[kind].astype(np.uint8)
        data = tiff("tiff_lzw", grey)
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            rows = [min(page.rowsperstrip, 30 - top) for top in range(0, 30, page.rowsperstrip)]
            for start, count, high in zip(page.dataoffsets, page.databytecounts, rows, strict=True):
                strip = data[start : start + count]
                for tail in (b"", SECRET, bytes(rng.integers(0, 256, 99, dtype=np.uint8))):
                    assert lzw_end(strip + tail, high * width) == count
                with pytest.raises(Malformed):
                    lzw_end(strip, high * width + 1)


def test_codes_of_another_kind_are_told() -> None:
    with pytest.raises(Unsupported, match="first TIFF writers"):
        lzw_end(b"\0\1\2\3", 9)
    for broken in (b"", b"\x80", b"\x80\xff\xff\xff\xff"):
        with pytest.raises(Malformed):
            lzw_end(broken, 9)
    for broken in (b"", b"\5abc", b"\xfe"):
        with pytest.raises(Malformed):
            packbits_end(broken, 3)
    assert packbits_end(b"\x80\xfea", 3) == 3


def test_damage_and_strange_bit_orders_prove_nothing() -> None:
    plain = tiff("tiff_lzw")
    assert not surplus_of(changed(plain, lambda strip: strip[: len(strip) // 2])).proven
    out = io.BytesIO()
    tifffile.imwrite(out, picture(), photometric="rgb", metadata=None, extratags=[(65000, 3, 1, 2, True)])
    ordered = out.getvalue().replace(struct.pack("<HH", 65000, 3), struct.pack("<HH", 266, 3))
    assert not surplus_of(ordered).proven
    assert surplus_of(out.getvalue()).proven


def test_pages_that_share_too_many_stretches_are_given_up_quickly() -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((4000, 8), np.uint8), rowsperstrip=1, metadata=None, compression="zlib")
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        where, sizes = file.pages[0].tags[273], file.pages[0].tags[279]
        first = file.pages[0].dataoffsets[0]
        for index in range(4000):
            for tag, value in ((where, first + index), (sizes, len(data) - first - index)):
                code = file.byteorder + CODES[int(tag.dtype)]
                struct.pack_into(code, data, tag.valueoffset + struct.calcsize(code) * index, value % 65536)
    start = time.process_time()
    assert not surplus_of(bytes(data)).proven
    assert time.process_time() - start < 2


def test_old_style_jpeg_is_refused_with_what_to_do() -> None:
    data = bytearray(tiff("jpeg"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        entry = file.pages[0].tags[259]
        struct.pack_into(file.byteorder + "H", data, entry.valueoffset, 6)
    with pytest.raises(Unsupported, match="old-style JPEG"):
        cleaned(bytes(data))
