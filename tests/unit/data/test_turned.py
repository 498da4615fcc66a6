"""Pictures turned upright: coefficients and samples are the same numbers, and what cannot be turned says why."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import jpeglib
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from scipy.fft import idctn

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.png_chunks import SIGNATURE, make_chunk
from veilset.core.errors import DataError
from veilset.data.turned import COEFFICIENTS, SAMPLES, UPRIGHT, turned

ORIENTATIONS = range(1, 9)
SAMPLING = {
    "4:4:4": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, 8, 8),
    "4:2:2": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, 16, 8),
    "4:4:0": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440, 8, 16),
    "4:2:0": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, 16, 16),
    "4:1:1": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, 32, 8),
}
# Decoders round rows and columns, and sides of a chroma sample, unlike: no picture is lost by it.
ROUNDING = 5


def scene(width: int = 128, height: int = 64) -> np.ndarray:
    rng = np.random.default_rng(5)
    coarse = rng.uniform(0, 255, (height // 8 + 2, width // 8 + 2, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def exif(orientation: int) -> bytes:
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + struct.pack("<I", orientation) + bytes(4)


def jpeg(orientation: int, sampling: str = "4:2:0", size: tuple[int, int] = (128, 64), *, grey: bool = False) -> bytes:
    picture = scene(*size)[:, :, 0] if grey else scene(*size)
    options = [cv2.IMWRITE_JPEG_QUALITY, 88, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING[sampling][0]]
    plain = bytes(cv2.imencode(".jpg", picture, options)[1].tobytes())
    body = exif(orientation)
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]


def clean(data: bytes, keep: Keep | None = None) -> bytes:
    out = io.BytesIO()
    rebuild(data, out, keep or Keep())
    return out.getvalue()


def shown(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image)).astype(int)


def planes(data: bytes, folder: Path) -> list[np.ndarray]:
    """Each plane in numbers of any precision, from coefficients as another library reads them."""
    path = folder / "picture.jpg"
    path.write_bytes(data)
    read = jpeglib.read_dct(str(path))
    found = []
    for index, blocks in enumerate([read.Y, read.Cb, read.Cr] if read.has_chrominance else [read.Y]):
        light = idctn(blocks.astype(float) * read.get_component_qt(index), axes=(2, 3), norm="ortho")
        found.append(light.transpose(0, 2, 1, 3).reshape(light.shape[0] * 8, light.shape[1] * 8))
    return found


def turn(array: np.ndarray, orientation: int) -> np.ndarray:
    """The eight orientations by the words of the EXIF standard (first row, first column)."""
    return {
        1: array, 2: np.fliplr(array), 3: np.rot90(array, 2), 4: np.flipud(array), 5: array.swapaxes(0, 1),
        6: np.rot90(array, -1), 7: np.rot90(array, 2).swapaxes(0, 1), 8: np.rot90(array),
    }[orientation]  # fmt: skip


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("sampling", [*SAMPLING, "grey"])
def test_a_jpeg_of_whole_blocks_is_turned_by_its_coefficients(sampling: str, orientation: int, tmp_path: Path) -> None:
    grey = sampling == "grey"
    data = clean(jpeg(orientation, "4:2:0" if grey else sampling, grey=grey))
    done = turned(data, Keep(), "a.jpg")
    assert done.how == (UPRIGHT if orientation == 1 else COEFFICIENTS)
    assert inspect(done.data).facts.orientation == 1
    assert b"Exif" not in done.data or orientation == 1
    assert clean(done.data) == done.data
    for before, after in zip(planes(data, tmp_path), planes(done.data, tmp_path), strict=True):
        assert np.abs(turn(before, orientation) - after).max() < 1e-6
    assert np.abs(shown(data) - shown(done.data)).max() <= ROUNDING
    again = cv2.imdecode(np.frombuffer(done.data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    meant = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(again.astype(int) - meant).max() <= ROUNDING


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("size", [(120, 64), (128, 56), (117, 53)])
@pytest.mark.parametrize("sampling", SAMPLING)
def test_an_edge_that_would_move_keeps_the_tag_unless_its_blocks_are_whole(
    sampling: str, size: tuple[int, int], orientation: int
) -> None:
    data = clean(jpeg(orientation, sampling, size))
    _, across, down = SAMPLING[sampling]
    # Which of the stored picture's edges, right or bottom, does not stay right or bottom.
    right, bottom = orientation in {2, 3, 7, 8}, orientation in {3, 4, 6, 7}
    partial = (right and size[0] % across != 0) or (bottom and size[1] % down != 0)
    done = turned(data, Keep(), "a.jpg")
    assert done.lossless is not partial
    if partial:
        assert done.data == data
        assert done.how == "tag kept: blocks at an edge that would move are not whole"
        assert inspect(done.data).facts.orientation == orientation
        return
    assert np.abs(shown(data) - shown(done.data)).max() <= ROUNDING


def test_progressive_coding_and_density_are_carried_over() -> None:
    out = io.BytesIO()
    Image.fromarray(scene()).save(out, "JPEG", progressive=True, dpi=(300, 150), exif=exif(6))
    done = turned(clean(out.getvalue()), Keep(), "a.jpg")
    assert done.how == COEFFICIENTS
    assert Image.open(io.BytesIO(done.data)).info["dpi"] == (150, 300)


def test_four_planes_and_damage_keep_the_tag() -> None:
    out = io.BytesIO()
    Image.fromarray(scene()).convert("CMYK").save(out, "JPEG", exif=exif(6))
    assert turned(clean(out.getvalue()), Keep(), "a.jpg").how.startswith("tag kept: JPEG with four planes")
    data = clean(jpeg(6))
    at = data.index(b"\xff\xda") + 200
    assert "damaged" in turned(data[:at] + data[-2:], Keep(), "a.jpg").how


def png(kind: str, orientation: int) -> bytes:
    rng, out = np.random.default_rng(2), io.BytesIO()
    deep = rng.integers(0, 65536, (21, 34, 4)).astype(np.uint16)
    if kind in {"grey16", "rgb16", "rgba16"}:
        part = deep[:, :, 0] if kind == "grey16" else deep[:, :, : 3 if kind == "rgb16" else 4]
        plain = bytes(cv2.imencode(".png", part)[1].tobytes())
    else:
        array = rng.integers(0, 256, (21, 34, 4)).astype(np.uint8)
        image = (
            Image.fromarray(array).convert(kind) if kind != "palette" else Image.fromarray(array[:, :, :3]).quantize(9)
        )
        image.save(out, "PNG", dpi=(100, 50), **({"transparency": 3} if kind == "palette" else {}))
        plain = out.getvalue()
    return plain[:33] + make_chunk(b"eXIf", exif(orientation)[6:]) + plain[33:]


def raw(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["1", "L", "LA", "RGB", "RGBA", "palette", "grey16", "rgb16", "rgba16"])
def test_a_png_is_turned_sample_by_sample(kind: str, orientation: int) -> None:
    data = clean(png(kind, orientation))
    done = turned(data, Keep(), "a.png")
    assert done.how == (UPRIGHT if orientation == 1 else SAMPLES)
    assert done.data.startswith(SIGNATURE)
    assert inspect(done.data).facts.orientation == 1
    assert clean(done.data) == done.data
    assert np.array_equal(turn(raw(data), orientation), raw(done.data))
    before, after = inspect(data).facts, inspect(done.data).facts
    assert after.colour == before.colour
    if kind not in {"grey16", "rgb16", "rgba16", "palette"}:
        assert after.bits == before.bits
        wanted = (50, 100) if orientation > 4 else (100, 50)
        assert tuple(round(one) for one in Image.open(io.BytesIO(done.data)).info["dpi"]) == wanted


def test_what_lies_in_a_png_besides_its_samples_stays() -> None:
    data = clean(png("palette", 6))
    done = turned(data, Keep(), "a.png").data
    assert data[data.index(b"PLTE") : data.index(b"PLTE") + 20] in done
    assert b"tRNS" in done


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("alpha", [False, True])
def test_a_lossless_webp_is_turned_and_a_lossy_one_keeps_its_tag(orientation: int, alpha: bool) -> None:
    array = np.dstack([scene(), scene()[:, :, :1]]) if alpha else scene()
    for lossless in (True, False):
        out = io.BytesIO()
        Image.fromarray(array).save(out, "WEBP", lossless=lossless, exact=True, exif=exif(orientation))
        data = clean(out.getvalue())
        done = turned(data, Keep(), "a.webp")
        if orientation == 1:
            assert done.how == UPRIGHT
        elif lossless:
            assert done.how == SAMPLES
            assert np.array_equal(turn(raw(data), orientation), raw(done.data))
        else:
            assert done.how == "tag kept: lossy WebP"
            assert done.data == data


TIFFS = {
    "grey": {"dtype": np.uint8, "samples": 0, "photometric": "minisblack"},
    "white is zero": {"dtype": np.uint8, "samples": 0, "photometric": "miniswhite"},
    "grey 16": {"dtype": np.uint16, "samples": 0, "photometric": "minisblack", "byteorder": ">"},
    "float": {"dtype": np.float32, "samples": 0, "photometric": "minisblack"},
    "rgb": {"dtype": np.uint8, "samples": 3, "photometric": "rgb", "compression": "zlib"},
    "rgba 16": {"dtype": np.uint16, "samples": 4, "photometric": "rgb", "extrasamples": ["unassalpha"]},
    "big": {"dtype": np.uint16, "samples": 3, "photometric": "rgb", "bigtiff": True},
    "tiles": {"dtype": np.uint8, "samples": 3, "photometric": "rgb", "tile": (16, 16)},
}


def tiff(kind: str, orientation: int, **more: object) -> bytes:
    options = {**TIFFS[kind], **more}
    samples, dtype = options.pop("samples"), options.pop("dtype")
    shape = (40, 56, samples) if samples else (40, 56)
    array = np.random.default_rng(4).integers(0, 250, shape).astype(dtype)
    file = {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
    out = io.BytesIO()
    with tifffile.TiffWriter(out, **file) as writer:
        writer.write(array, metadata=None, extratags=[(274, 3, 1, orientation, True)], **options)
    return out.getvalue()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", TIFFS)
def test_a_tiff_is_turned_sample_by_sample(kind: str, orientation: int) -> None:
    data = clean(tiff(kind, orientation))
    done = turned(data, Keep(), "a.tif")
    assert done.how == (UPRIGHT if orientation == 1 else SAMPLES)
    with tifffile.TiffFile(io.BytesIO(done.data)) as after, tifffile.TiffFile(io.BytesIO(data)) as before:
        assert np.array_equal(turn(before.pages[0].asarray(), orientation), after.pages[0].asarray())
        assert after.pages[0].photometric == before.pages[0].photometric
        assert after.pages[0].extrasamples == before.pages[0].extrasamples
        assert 274 not in after.pages[0].tags or orientation == 1
    assert clean(done.data) == done.data


def test_a_tiff_by_lzw_is_turned_and_one_of_several_pages_keeps_its_tag() -> None:
    out = io.BytesIO()
    image = Image.fromarray(scene())
    tags = Image.Exif()
    tags[0x0112] = 6
    image.save(out, "TIFF", compression="tiff_lzw", exif=tags)
    done = turned(clean(out.getvalue()), Keep(), "a.tif")
    assert done.how == SAMPLES
    assert np.array_equal(tifffile.imread(io.BytesIO(done.data)), np.rot90(scene(), -1))
    two = io.BytesIO()
    image.save(two, "TIFF", save_all=True, append_images=[image], exif=tags)
    assert turned(clean(two.getvalue()), Keep(), "a.tif").how == "tag kept: several pages, or a raw picture"


def test_rights_are_taken_along() -> None:
    block = Image.Exif()
    block[0x0112], block[0x8298] = 6, "Somebody, 2020"
    out = io.BytesIO()
    Image.fromarray(scene()).save(out, "JPEG", exif=block)
    keep = Keep(rights=True)
    done = turned(clean(out.getvalue(), keep), keep, "a.jpg")
    assert done.how == COEFFICIENTS
    assert b"Somebody, 2020" in done.data
    assert clean(done.data, keep) == done.data


@pytest.mark.parametrize("kind", ["webp", "tiff"])
def test_damage_keeps_the_tag_whatever_the_decoder_dies_of(kind: str) -> None:
    data = clean(_lossless_webp(6) if kind == "webp" else tiff("rgb", 6))
    rng, ends = np.random.default_rng(1), set()
    for _ in range(60):
        broken = bytearray(data)
        for at in rng.integers(12, len(broken), 3):
            broken[at] ^= 1 << int(rng.integers(8))
        try:
            done = turned(bytes(broken), Keep(), "a")
        except DataError:
            continue
        ends.add(done.how)
        assert done.lossless or done.data == broken
    assert "tag kept: the coded data is damaged, or of a kind that is not decoded here" in ends


def _lossless_webp(orientation: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(scene()).save(out, "WEBP", lossless=True, exif=exif(orientation))
    return out.getvalue()
