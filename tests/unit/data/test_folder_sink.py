import errno
import hashlib
import io
import os
import shutil
import subprocess

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from veilset import containers
from veilset.containers import Keep
from veilset.core.errors import BadSetting, BrokenContract, Unreadable, UsageError, WrongMedia
from veilset.core.sample import Image, Sample, Signal
from veilset.data.folder import Folder
from veilset.data.folder_sink import FolderSink, part_name

SAMPLINGS = ["444", "422", "420", "440", "411"]


def save(pixels, kind, mode=None, **options):
    out = io.BytesIO()
    PillowImage.fromarray(pixels, mode).save(out, kind, **options)
    return out.getvalue()


def one(tmp_path, data, name="in/a.jpg"):
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(data)
    source = Folder(str(tmp_path / "in"))
    return source.load(next(ref for ref in source.refs() if ref.name == name[3:]))


def cover(sample, pixels=None):
    """The sample with a snapped region in its middle treated, and that region."""
    image = sample.image
    mask = np.zeros(image.shape, dtype=bool)
    mask[image.height // 3 : image.height // 2, image.width // 3 : image.width // 2] = True
    mask = image.grid.snap(mask)
    fill = np.full((*image.shape, 3), (20, 220, 90), np.uint8) if pixels is None else pixels
    return sample.with_media(image.treat(mask, fill)), mask


def load_back(tmp_path, written):
    source = Folder(str(tmp_path / "out"))
    return source.load(next(ref for ref in source.refs() if ref.name == written.name))


def allowed_only(path):
    return all(tag.technical or tag.path.startswith(("icc/", "png/iCCP/")) for tag in containers.inspect(path).tags)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_untreated_jpeg_keeps_its_pixels_and_loses_its_tags(tmp_path, draw, jpeg, orientation):
    data = jpeg(draw(), orientation=orientation)
    sample = one(tmp_path, data)
    written = FolderSink(str(tmp_path / "out")).write(sample, "x/000001")
    path = tmp_path / "out" / written.name
    assert written.name == "x/000001.jpg"
    assert (written.sha256, written.size) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    assert b"Secret" in data
    assert b"Secret" not in path.read_bytes()
    assert allowed_only(path)
    assert np.array_equal(load_back(tmp_path, written).image.pixels, sample.image.pixels)
    assert path.stat().st_mtime == 946_684_800


@pytest.mark.parametrize("subsampling", SAMPLINGS)
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(93, 121), (64, 96)])
def test_treated_jpeg_outside_stays_bit_exact(tmp_path, draw, jpeg, subsampling, orientation, size):
    sample = one(tmp_path, jpeg(draw(*size), subsampling, orientation))
    treated, mask = cover(sample)
    written = FolderSink(str(tmp_path / "out")).write(treated, "a")
    after = load_back(tmp_path, written).image.pixels
    reach = 0 if subsampling in {"444", "411"} else 1
    outside = cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1))) == 0
    assert np.array_equal(after[outside], sample.image.pixels[outside])
    core = cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) == 1
    assert np.abs(after[core].astype(int) - (20, 220, 90)).max() <= 4
    assert allowed_only(tmp_path / "out" / written.name)
    assert b"Secret" not in (tmp_path / "out" / written.name).read_bytes()


@pytest.mark.parametrize("progressive", [False, True])
def test_two_originals_treated_alike_give_the_same_file(tmp_path, draw, jpeg, progressive):
    """They differ only inside the region and in their tags; what comes out does not tell them apart."""
    first = one(tmp_path, jpeg(draw(), progressive=progressive))
    treated, mask = cover(first)
    sink = FolderSink(str(tmp_path / "out"))
    one_file = sink.write(treated, "a")
    second = load_back(tmp_path, one_file)
    again, _ = cover(second, treated.image.pixels)
    assert not np.array_equal(second.image.pixels[mask], first.image.pixels[mask])
    both = again.image.treat(mask, treated.image.pixels)
    assert sink.write(again.with_media(both), "b").sha256 == one_file.sha256


def test_a_region_that_is_not_snapped_is_a_broken_contract(tmp_path, draw, jpeg):
    sample = one(tmp_path, jpeg(draw()))
    mask = np.zeros(sample.image.shape, dtype=bool)
    mask[20:30, 20:30] = True
    treated = sample.with_media(sample.image.treat(mask, sample.image.pixels))
    with pytest.raises(BrokenContract, match="not snapped"):
        FolderSink(str(tmp_path / "out")).write(treated, "a")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", [3, 5, 6])
@pytest.mark.parametrize("keep", [True, False])
def test_orientation_of_other_formats(tmp_path, draw, kind, orientation, keep):
    """What a viewer shows is the treated picture, never turned twice or not at all."""
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 90}, "HEIF": {"quality": 90}}.get(kind, {})
    pillow_heif.register_heif_opener()
    sample = one(tmp_path, save(draw(), kind, exif=exif, **options), "in/a.any")
    sink = FolderSink(str(tmp_path / "out"), Keep(orientation=keep))
    treated, mask = cover(sample)
    for version, name in ((sample, "plain"), (treated, "treated")):
        with PillowImage.open(tmp_path / "out" / sink.write(version, name).name) as written:
            shown = np.asarray(ImageOps.exif_transpose(written).convert("RGB"))
        if keep:
            region = mask if name == "treated" else np.zeros_like(mask)
            assert np.array_equal(shown[~region], sample.image.pixels[~region])


def deep(pixels):
    return pixels.astype(np.uint16) * 256 + 77


def quantised(pixels):
    out = io.BytesIO()
    PillowImage.fromarray(pixels).quantize(9).save(out, "PNG")
    return out.getvalue()


LOSSLESS = {
    "rgb.png": lambda p: save(p, "PNG"),
    "alpha.png": lambda p: save(np.dstack([p, p[:, :, 0]]), "PNG"),
    "grey.png": lambda p: save(np.ascontiguousarray(p[:, :, 0]), "PNG"),
    "grey_alpha.png": lambda p: save(np.ascontiguousarray(p[:, :, :2]), "PNG", "LA"),
    "bit.png": lambda p: save((p[:, :, 0] > 99), "PNG"),
    "palette.png": quantised,
    "deep.png": lambda p: bytes(cv2.imencode(".png", deep(p))[1]),
    "deep_grey.png": lambda p: bytes(cv2.imencode(".png", deep(p)[:, :, 0])[1]),
    "deep_alpha.png": lambda p: bytes(cv2.imencode(".png", deep(np.dstack([p, p[:, :, 0]])))[1]),
    "lossless.webp": lambda p: save(p, "WEBP", lossless=True),
    "lossy.webp": lambda p: save(p, "WEBP", quality=70),
    "alpha.webp": lambda p: save(np.dstack([p, p[:, :, 0]]), "WEBP", lossless=True, exact=True),
    "rgb.tif": lambda p: save(p, "TIFF"),
    "deep.tif": lambda p: bytes(cv2.imencode(".tiff", deep(p))[1]),
    "alpha.tif": lambda p: save(np.dstack([p, p[:, :, 0]]), "TIFF"),
    "ink.tif": lambda p: save(np.dstack([p, p[:, :, 0] // 2]), "TIFF", "CMYK"),
    "rgb.bmp": lambda p: save(p, "BMP"),
    "bits.bmp": lambda p: save(p[:, :, 0] > 127, "BMP"),
    "fourth.bmp": lambda p: save(np.dstack([p, p[:, :, 0]]), "BMP"),
    "flat.gif": lambda p: save(p, "GIF"),
    "ink.jpg": lambda p: save(np.dstack([p, p[:, :, 0] // 2]), "JPEG", "CMYK", quality=92),
    "a.avif": lambda p: save(p, "AVIF", quality=80),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_other_formats_untreated_and_treated(tmp_path, draw, name):
    sample = one(tmp_path, LOSSLESS[name](draw()), f"in/{name}")
    sink = FolderSink(str(tmp_path / "out"))
    plain = sink.write(sample, "plain")
    assert np.array_equal(load_back(tmp_path, plain).image.pixels, sample.image.pixels)
    treated, mask = cover(sample)
    written = sink.write(treated, "treated")
    after = load_back(tmp_path, written).image
    assert np.array_equal(after.pixels[~mask], sample.image.pixels[~mask])
    assert (after.pixels[mask] == (20, 220, 90)).all()
    for done in (plain, written):
        assert allowed_only(tmp_path / "out" / done.name)
    expected = {"flat.gif": "PNG", "ink.jpg": "PNG", "a.avif": "PNG", "ink.tif": "CMYK", "palette.png": "palette"}
    expected |= {"lossy.webp": "without loss", "deep.png": "16 bits", "grey.png": "grey became RGB"}
    if name in expected:
        assert any(expected[name] in note for note in written.notes), written.notes


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "deep_alpha.png", "alpha.png"])
def test_depth_and_alpha_stay_outside_and_say_nothing_inside(tmp_path, draw, name):
    data = LOSSLESS[name](draw())
    sample = one(tmp_path, data, f"in/{name}")
    treated, mask = cover(sample)
    written = FolderSink(str(tmp_path / "out")).write(treated, "treated")
    before = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    after = cv2.imread(str(tmp_path / "out" / written.name), cv2.IMREAD_UNCHANGED)
    assert after.dtype == before.dtype
    assert after.shape == before.shape
    assert np.array_equal(after[~mask], before[~mask])
    assert len(np.unique(after[mask].reshape(-1, after.shape[2]), axis=0)) == 1
    if after.shape[2] == 4:
        assert (after[mask][:, 3] == np.iinfo(after.dtype).max).all()


def test_a_grey_picture_stays_grey_until_the_treatment_has_colour(tmp_path, draw):
    sample = one(tmp_path, LOSSLESS["grey.png"](draw()), "in/a.png")
    sink = FolderSink(str(tmp_path / "out"))
    grey, _ = cover(sample, np.full((*sample.image.shape, 3), 9, np.uint8))
    for treated, mode in ((grey, "L"), (cover(sample)[0], "RGB")):
        with PillowImage.open(tmp_path / "out" / sink.write(treated, mode).name) as written:
            assert written.mode == mode


def test_the_colour_profile_is_kept_where_it_fits(tmp_path, draw):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sink = FolderSink(str(tmp_path / "out"))
    for name, data in (
        ("a.png", save(draw(), "PNG", icc_profile=profile)),
        ("b.jpg", save(draw(), "JPEG", icc_profile=profile)),
        ("c.avif", save(draw(), "AVIF", icc_profile=profile)),
    ):
        treated, _ = cover(one(tmp_path, data, f"in/{name}"))
        with PillowImage.open(tmp_path / "out" / sink.write(treated, name[0]).name) as kept:
            assert kept.info.get("icc_profile"), name
        without = FolderSink(str(tmp_path / "out"), Keep(icc=False)).write(treated, f"{name[0]}_none")
        with PillowImage.open(tmp_path / "out" / without.name) as bare:
            assert "icc_profile" not in bare.info


def test_drawn_pixels_without_a_file_become_png(tmp_path, draw):
    written = FolderSink(str(tmp_path / "out")).write(Sample("1", Image(draw())), "a")
    assert np.array_equal(np.asarray(PillowImage.open(tmp_path / "out" / written.name)), draw())


def test_names_that_leave_the_folder_and_other_media_are_refused(tmp_path, draw):
    sink = FolderSink(str(tmp_path / "out"))
    for name in ("../a", "/a", "", "x/../../a", ".hidden"):
        with pytest.raises(BadSetting):
            sink.write(Sample("1", Image(draw())), name)
    with pytest.raises(WrongMedia):
        sink.write(Sample("1", Signal(np.zeros((3, 1)), 50.0)), "a")


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("call", ["os.utime", "pathlib.Path.replace"])
def test_no_file_is_left_when_writing_fails(tmp_path, draw, monkeypatch, call):
    sink = FolderSink(str(tmp_path / "out"))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(call, full)
    with pytest.raises(UsageError, match=r"a\.png cannot be written: No space left on device"):
        sink.write(Sample("1", Image(draw())), "a")
    assert files_in(tmp_path / "out") == []


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounting a small tmpfs needs root")
def test_full_disk(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
        with pytest.raises(UsageError, match="No space left on device"):
            FolderSink(str(small)).write(Sample("1", Image(noise)), "a")
        assert files_in(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_an_output_that_is_a_file_is_named(tmp_path, draw):
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(UsageError, match="cannot be written"):
        FolderSink(str(tmp_path / "out")).write(Sample("1", Image(draw())), "a")


def test_an_original_that_changed_is_not_released(tmp_path, draw, jpeg):
    sample = one(tmp_path, jpeg(draw()))
    treated, _ = cover(sample)
    (tmp_path / "in/a.jpg").write_bytes(jpeg(draw(seed=4)))
    for version in (sample, treated):
        with pytest.raises(Unreadable, match="changed"):
            FolderSink(str(tmp_path / "out")).write(version, "a")


def test_writing_twice_gives_the_same_bytes_and_replaces_what_a_killed_run_left(tmp_path, draw, jpeg):
    sink = FolderSink(str(tmp_path / "out"))
    treated, _ = cover(one(tmp_path, jpeg(draw())))
    first = sink.write(treated, "a")
    (tmp_path / "out" / part_name("a.jpg")).write_bytes(b"half a picture")
    assert sink.write(treated, "a") == first
    assert files_in(tmp_path / "out") == ["a.jpg"]
