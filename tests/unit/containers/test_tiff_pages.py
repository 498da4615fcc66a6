"""DNG and TIFF with previews: raw samples stay, private parts go, and a preview stays only if it shows the same."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
import tifffile

from veilset.containers import Keep, inspect, rebuild
from veilset.core.finding import Risk
from veilset.core.sample import Image as Picture
from veilset.core.sample import Sample
from veilset.detectors.hidden import Hidden
from veilset.operators.strip import Strip

SERIAL, OWNER, NOTE = b"serial 4711-0815", b"Zq Somebody", b"MakerNote of a camera 4711"
PRIVATE, ORIGINAL = b"DNGPrivateData with a serial 4711", b"the whole original raw file, 4711" * 40
SECRETS = (SERIAL, OWNER, NOTE, PRIVATE, ORIGINAL[:33], b"Zq-model", b"IMG_4711.CR2", b"Zq-unique")
CFA, LINEAR = 32803, 34892


def scene(height: int = 128, width: int = 192) -> np.ndarray:
    rng = np.random.default_rng(8)
    coarse = rng.uniform(20, 235, (height // 16 + 1, width // 16 + 1, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def covered(picture: np.ndarray) -> np.ndarray:
    done = picture.copy()
    height, width = done.shape[:2]
    done[height // 4 : height // 2, width // 4 : width // 2] = 0
    return done


def raw_of(picture: np.ndarray, kind: int) -> np.ndarray:
    """Light as a sensor has it: linear, 14 bits, as a mosaic or in three planes."""
    light = ((picture / 255.0) ** 2.2 * 16000).astype(np.uint16)
    if kind == LINEAR:
        return light
    mosaic = light[:, :, 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    return mosaic


def text(tag: int, words: bytes) -> tuple[object, ...]:
    return (tag, 2, len(words) + 1, words.decode(), True)


def raw_bytes(tag: int, body: bytes) -> tuple[object, ...]:
    return (tag, 7, len(body), body, True)


DNG_TAGS = [
    (50706, 1, 4, (1, 4, 0, 0), True),
    (50707, 1, 4, (1, 1, 0, 0), True),
    text(50708, b"Zq-model 5"),
    (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
    (50728, 5, 3, (1, 2, 1, 1, 1, 2), True),
    (50778, 3, 1, 21, True),
    text(50735, SERIAL),
    text(315, OWNER),
    raw_bytes(50740, PRIVATE),
    raw_bytes(50828, ORIGINAL),
    text(50827, b"IMG_4711.CR2"),
    raw_bytes(50781, b"Zq-unique-id-16b"),
    raw_bytes(37500, NOTE),
    (274, 3, 1, 6, True),
]
MOSAIC_TAGS = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, (0, 1, 1, 2), True), (50717, 4, 1, 16383, True)]


def dng(
    kind: int, preview: np.ndarray | None, *, compression: str | None = None, more: np.ndarray | None = None
) -> tuple[bytes, np.ndarray]:
    """A raw picture of `scene()` below a preview, as cameras write it; without one, the raw picture comes first."""
    raw = raw_of(scene(), kind)
    out = io.BytesIO()
    mosaic = {"photometric": kind, "compression": compression, "metadata": None}
    own = MOSAIC_TAGS if kind == CFA else [(50717, 4, 1, 16383, True)]
    with tifffile.TiffWriter(out) as writer:
        if preview is None:
            writer.write(raw, extratags=[*DNG_TAGS, *own], **mosaic)
        else:
            writer.write(
                preview,
                photometric="rgb",
                subfiletype=1,
                subifds=1 + (more is not None),
                extratags=DNG_TAGS,
                metadata=None,
                software="Zq-model firmware",
            )
            writer.write(raw, subfiletype=0, extratags=own, **mosaic)
            if more is not None:
                writer.write(more, photometric="rgb", subfiletype=1, metadata=None)
    return out.getvalue(), raw


def clean(data: bytes) -> bytes:
    out = io.BytesIO()
    rebuild(data, out, Keep())
    assert_stable(out.getvalue())
    return out.getvalue()


def assert_stable(data: bytes) -> None:
    again = io.BytesIO()
    rebuild(data, again, Keep())
    assert again.getvalue() == data


def small(picture: np.ndarray, step: int = 2) -> np.ndarray:
    size = picture.shape[1] // step, picture.shape[0] // step
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def raw_pages(data: bytes) -> list[np.ndarray]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        flat = [page for one in file.pages for page in (one, *(one.pages or ()))]
        return [page.asarray() for page in flat if page.photometric in {CFA, LINEAR}]


def gain_map(tag: int, kind: int = 3, surplus: bytes = b"") -> tuple[object, ...]:
    """A table of 2 x 3 places and 4 points (DNG 1.6 and 1.7, ProfileGainTableMap and ProfileGainTableMap2)."""
    head = struct.pack("<II4dI5f", 2, 3, 0.5, 0.5, 0.0, 0.0, 4, 0.2, 0.2, 0.2, 0.2, 0.2)
    head += struct.pack("<I3f", kind, 1.0, 0.0, 1.0) if tag == 52544 else b""
    return raw_bytes(tag, head + bytes(24 * (1, 2, 2, 4)[kind]) + surplus)


def test_what_shows_the_raw_picture_rightly_stays() -> None:
    """Without the interleaving a decoder shows the four quarters of a mosaic side by side, as in files of Adobe's SDK."""
    kept = [
        (50975, 3, 1, 2, True), (52547, 3, 1, 2, True), (51125, 5, 4, (1, 8, 1, 8, 7, 8, 7, 8), True),
        gain_map(52525), gain_map(52544, 1), (52551, 7, 8, bytes(8), True),
    ]  # fmt: skip
    out = io.BytesIO()
    tifffile.imwrite(
        out, raw_of(scene(), CFA), photometric=CFA, extratags=[*DNG_TAGS, *MOSAIC_TAGS, *kept], metadata=None
    )
    cleaned = clean(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as before, tifffile.TiffFile(io.BytesIO(cleaned)) as after:
        for tag, *_ in kept:
            assert after.pages[0].tags[tag].value == before.pages[0].tags[tag].value


@pytest.mark.parametrize("tag", [52525, 52544])
def test_a_gain_map_that_holds_more_than_its_table_goes(tag: int) -> None:
    out = io.BytesIO()
    extra = [*DNG_TAGS, *MOSAIC_TAGS, gain_map(tag, surplus=b"Zq-behind-the-map")]
    tifffile.imwrite(out, raw_of(scene(), CFA), photometric=CFA, extratags=extra, metadata=None)
    cleaned = clean(out.getvalue())
    assert b"Zq-behind" in out.getvalue()
    assert b"Zq-behind" not in cleaned
    with tifffile.TiffFile(io.BytesIO(cleaned)) as file:
        assert tag not in file.pages[0].tags


@pytest.mark.parametrize("kind", [CFA, LINEAR])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("preview", ["none", "same", "other"])
def test_a_dng_keeps_its_raw_samples_and_nothing_private(kind: int, compression: str | None, preview: str) -> None:
    shown = {"none": None, "same": small(scene()), "other": small(scene()[::-1, ::-1])}[preview]
    data, raw = dng(kind, shown, compression=compression)
    assert all(secret in data for secret in SECRETS)
    cleaned = clean(data)
    assert [secret for secret in (*SECRETS, b"4711") if secret in cleaned] == []
    (kept,) = raw_pages(cleaned)
    assert kept.dtype == raw.dtype
    assert np.array_equal(kept, raw)
    with tifffile.TiffFile(io.BytesIO(cleaned)) as file:
        first = file.pages[0]
        # What develops the raw picture stands in the first directory, whichever that is now.
        assert {50706, 50721, 50728, 50778, 50708} <= {tag.code for tag in first.tags}
        assert first.tags[274].value == 6
        assert bool(first.subfiletype & 1) is (preview == "same")
        if kind == CFA:
            page = first if preview != "same" else first.pages[0]
            assert {33421, 33422, 50717} <= {tag.code for tag in page.tags}


@pytest.mark.parametrize("kind", [CFA, LINEAR])
def test_a_preview_that_shows_what_the_raw_picture_does_not_is_a_finding(kind: int) -> None:
    data, _ = dng(kind, covered(small(scene())))
    tags = {tag.path: tag for tag in inspect(data).tags}
    found = tags["exif/ifd0/reduced_page"]
    assert found.risk is Risk.HIDDEN
    assert not found.technical
    sample = Sample("1", Picture(scene()), tags=(found,))
    (finding,) = Hidden().find(sample)
    assert finding.detail["difference"] > 0.12
    assert Strip().apply(sample, [finding], noise=None).sample.tags == ()  # type: ignore[arg-type]


def test_a_version_in_a_form_that_goes_makes_no_raw_picture() -> None:
    data, _ = dng(CFA, small(scene()))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        entry = file.pages[0].tags[50706].offset
        listed = file.pages[0].tags[330].offset
    # As a short, it is not kept; and the raw picture below is out of reach, so that the preview stands alone.
    broken = bytearray(data)
    broken[entry + 2] = 3
    broken[listed] ^= 4
    with tifffile.TiffFile(io.BytesIO(clean(bytes(broken)))) as file:
        assert 50706 not in file.pages[0].tags
        assert 330 not in file.pages[0].tags


def test_a_second_preview_is_judged_on_its_own() -> None:
    data, raw = dng(CFA, small(scene(), 4), more=covered(small(scene())))
    risks = {tag.path: tag.risk for tag in inspect(data).tags if tag.path.endswith("reduced_page")}
    assert risks == {"exif/ifd0/reduced_page": Risk.TECHNICAL, "exif/ifd2/reduced_page": Risk.HIDDEN}
    with tifffile.TiffFile(io.BytesIO(clean(data))) as file:
        assert np.array_equal(file.pages[0].asarray(), small(scene(), 4))
        (below,) = file.pages[0].pages
        assert np.array_equal(below.asarray(), raw)


def pyramid(
    small_one: np.ndarray, main: np.ndarray, *, flagged: bool = True, chain: bool = False, **how: object
) -> bytes:
    out = io.BytesIO()
    photometric = "rgb" if main.ndim == 3 else "minisblack"
    with tifffile.TiffWriter(out) as writer:
        writer.write(main, photometric=photometric, tile=(32, 32), subifds=0 if chain else 1, metadata=None, **how)
        writer.write(small_one, photometric=photometric, tile=(16, 16), subfiletype=int(flagged), metadata=None, **how)
    return out.getvalue()


REDUCED = {
    "area": small,
    "nearest": lambda picture: picture[::2, ::2],
    "cubic": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC),
    "a quarter": lambda picture: small(picture, 4),
}


@pytest.mark.parametrize("how", REDUCED)
@pytest.mark.parametrize("noise", [0, 30])
@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_overviews_that_show_the_same_stay(how: str, noise: int, chain: bool, dtype: type) -> None:
    grain = np.random.default_rng(1).normal(0, noise or 1e-9, scene().shape)
    main = np.clip(scene() + grain, 0, 255).astype(dtype)
    overview = REDUCED[how](main)
    cleaned = clean(pyramid(overview, main, chain=chain))
    with tifffile.TiffFile(io.BytesIO(cleaned)) as file:
        pages = [file.pages[0], *(file.pages[1:] if chain else file.pages[0].pages)]
        assert np.array_equal(pages[0].asarray(), main)
        assert np.array_equal(pages[1].asarray(), overview)
    assert [tag for tag in inspect(cleaned).tags if tag.risk is Risk.HIDDEN] == []


@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_an_overview_of_what_was_covered_is_listed_and_goes(chain: bool, grey: bool, compression: str | None) -> None:
    before = scene()[:, :, 0] if grey else scene()
    data = pyramid(small(before), covered(before), chain=chain, compression=compression)
    (found,) = [tag for tag in inspect(data).tags if tag.risk is Risk.HIDDEN]
    assert found.path == "exif/ifd1/reduced_page"
    assert np.array_equal(tifffile.imread(io.BytesIO(found.value)), small(before))
    cleaned = clean(data)
    with tifffile.TiffFile(io.BytesIO(cleaned)) as file:
        assert len(file.pages) == 1
        assert not file.pages[0].subifds
        assert np.array_equal(file.pages[0].asarray(), covered(before))
    assert small(before)[20].tobytes() not in cleaned


@pytest.mark.parametrize("shows", ["same", "other"])
def test_an_overview_coded_as_jpeg_is_compared_too(shows: str) -> None:
    main, half = scene(), small(scene() if shows == "same" else covered(scene()))
    coded = bytes(cv2.imencode(".jpg", half[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(main, photometric="rgb", subifds=1, metadata=None)
        writer.write(half, photometric="rgb", subfiletype=1, rowsperstrip=len(half), metadata=None)
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        page = file.pages[0].pages[0]
        # Compression 7, YCbCr, and the size of the one strip.
        for tag, code, value in ((259, "<H", 7), (262, "<H", 6), (279, "<I", len(coded))):
            assert page.tags[tag].count == 1
            struct.pack_into(code, data, page.tags[tag].offset + 8, value)
        where = page.dataoffsets[0]
    assert len(coded) < half.nbytes
    data[where : where + len(coded)] = coded
    cleaned = clean(bytes(data))
    assert (coded in cleaned) is (shows == "same")
    assert [tag.value for tag in inspect(bytes(data)).tags if tag.path.endswith("page") and tag.value] == [coded] * (
        shows == "other"
    )


def test_a_smaller_page_below_a_larger_one_is_an_overview_even_where_it_does_not_say_so() -> None:
    data = pyramid(small(scene()), covered(scene()), flagged=False)
    assert any(tag.risk is Risk.HIDDEN for tag in inspect(data).tags)
    assert small(scene())[20].tobytes() not in clean(data)


def test_pages_of_a_document_stay_whatever_they_show() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for page in (scene(), 255 - scene(), small(scene())):
            writer.write(page, photometric="rgb", metadata=None)
    with tifffile.TiffFile(io.BytesIO(clean(out.getvalue()))) as file:
        assert len(file.pages) == 3


def test_an_overview_that_cannot_be_compared_goes_and_that_is_said() -> None:
    main, half = scene(), small(scene())
    data = bytearray(pyramid(half, main))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        entry = file.pages[0].pages[0].tags[259]
    # A coding that no reader here knows (LERC), under the overview's compression tag.
    data[entry.offset + 8 : entry.offset + 10] = struct.pack("<H", 34887)
    out = io.BytesIO()
    residue = rebuild(bytes(data), out, Keep()).residue
    assert "a page of reduced size was dropped, since it could not be compared with the large one" in residue
    assert half[20].tobytes() not in out.getvalue()


def test_a_thumbnail_as_exif_has_it_is_listed_and_goes() -> None:
    thumbnail = bytes(cv2.imencode(".jpg", small(scene()))[1].tobytes())
    out = io.BytesIO()
    tifffile.imwrite(out, scene(), photometric="rgb", metadata=None)
    data = bytearray(out.getvalue())
    data += bytes(len(data) % 2)
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        at = file.pages[0].offset
        count = len(file.pages[0].tags)
    where = len(data)
    data += (
        struct.pack("<HHHIIHHIIHHIII", 3, 259, 3, 1, 6, 513, 4, 1, where + 42, 514, 4, 1, len(thumbnail), 0) + thumbnail
    )
    struct.pack_into("<I", data, at + 2 + 12 * count, where)
    tags = {tag.path: tag for tag in inspect(bytes(data)).tags}
    assert tags["exif/ifd1/reduced_page"].value == thumbnail
    cleaned = clean(bytes(data))
    assert thumbnail[-40:] not in cleaned
    assert np.array_equal(tifffile.imread(io.BytesIO(cleaned)), scene())


def test_values_of_tags_do_not_reach_any_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        nodata = (42113, 2, 12, "Somebody4711", True)
        writer.write(scene(), photometric="rgb", subifds=1, metadata=None, extratags=[nodata])
        writer.write(small(scene()), photometric="rgb", subfiletype=1, metadata=None)
    clean(out.getvalue())
    said = capfd.readouterr()
    assert "4711" not in caplog.text + said.out + said.err


def test_memory_does_not_grow_with_the_large_page() -> None:
    import tracemalloc

    from veilset.containers.tiff_pages import read_pages
    from veilset.containers.tiff_reduced import Shows, compared

    main = np.tile(scene(512, 512)[:, :, 0], (8, 8))
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(main, tile=(256, 256), subifds=1, metadata=None, compression="zlib")
        writer.write(main[::4, ::4], tile=(256, 256), subfiletype=1, metadata=None)
    data = memoryview(out.getvalue())
    header, pages = read_pages(data)
    tracemalloc.start()
    shows = compared(data, header, pages, lambda page: b"")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(shows.values()) == {Shows.SAME}
    assert peak < main.nbytes / 2
