"""Every place that a format can hold a string holds one; none may come out, and the picture may not change."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import time

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from veilset.containers import identify, inspect, rebuild
from veilset.containers.contract import Keep
from veilset.core.errors import DataError
from veilset.core.finding import Risk
from veilset.testing.planted_each import CODESTREAM, MAKERS, hevc, png, scene
from veilset.testing.planted_films import film
from veilset.testing.planted_media import box


def clean(data: bytes, keep: Keep | None = None) -> bytes:
    out = io.BytesIO()
    done = rebuild(data, out, keep or Keep())
    assert done.size == len(out.getvalue())
    for start, place, length in done.copied:
        assert data[start : start + length] == out.getvalue()[place : place + length]
    return out.getvalue()


@pytest.mark.parametrize("name", MAKERS)
def test_no_planted_string_survives(name: str) -> None:
    planted = MAKERS[name]()
    assert len(planted.marks.left_in(planted.data)) == len(planted.marks.all)
    assert planted.marks.left_in(clean(planted.data)) == []


@pytest.mark.parametrize("name", MAKERS)
def test_a_second_pass_changes_nothing(name: str) -> None:
    once = clean(MAKERS[name]().data)
    assert clean(once) == once


@pytest.mark.parametrize("name", MAKERS)
def test_facts_stay(name: str) -> None:
    data = MAKERS[name]().data
    assert inspect(clean(data)).facts == inspect(data).facts


@pytest.mark.parametrize("name", MAKERS)
def test_claims_cover_every_byte(name: str) -> None:
    data = MAKERS[name]().data
    at = 0
    for claim in inspect(data).claims:
        assert claim.start == at
        at = claim.stop
    assert at == len(data)


# Strings that stand in no tag of their own: surplus inside boxes, gaps, four-letter brands and vendors.
UNLISTED = (
    b"surplus gap XMNR XQJZ between stts XMNF XEDT XPRV minor mdia minf stbl avc1X mp4aX mvex mdat_tail "
    b"prft clock sidx mfra fragment XVNS before instruction afterX css style_property root_id "
    b"depth_subtype foreign_attr data_attr aria property zip0001 second_picture tailX used_class "
    b"referenced_id "
).split()


@pytest.mark.parametrize("name", MAKERS)
def test_what_it_says_is_listed(name: str) -> None:
    planted = MAKERS[name]()
    said = "\n".join(
        tag.value.decode("latin-1") if isinstance(tag.value, bytes) else str(tag.value)
        for tag in inspect(planted.data).tags
    )
    missing = [m for m in planted.marks.all if m.decode() not in said and not any(word in m for word in UNLISTED)]
    assert missing == []


@pytest.mark.parametrize("name", ["heic", "avif"])
def test_hidden_pictures_and_films_are_found(name: str) -> None:
    tags = inspect(MAKERS[name]().data).tags
    hidden = {tag.path.split("/")[1] for tag in tags if tag.risk is Risk.HIDDEN}
    assert {"thumbnail", "auxiliary", "picture", "mpvd"} <= hidden


@pytest.mark.parametrize("name", ["heic", "avif", "jp2"])
def test_an_independent_decoder_sees_the_same_picture(name: str) -> None:
    pillow_heif.register_heif_opener()
    planted = MAKERS[name]()
    before, after = (Image.open(io.BytesIO(raw)) for raw in (planted.data, clean(planted.data)))
    assert before.size == after.size
    assert np.array_equal(np.asarray(before.convert("RGB")), np.asarray(after.convert("RGB")))


def test_alpha_stays_and_its_picture_is_the_same() -> None:
    picture = scene().convert("RGBA")
    picture.putalpha(Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))))
    for how in ("AVIF", "HEIF"):
        out = io.BytesIO()
        picture.save(out, how) if how == "AVIF" else pillow_heif.from_pillow(picture).save(out)
        pillow_heif.register_heif_opener()
        before, after = (Image.open(io.BytesIO(raw)) for raw in (out.getvalue(), clean(out.getvalue())))
        assert before.mode == after.mode == "RGBA"
        assert np.array_equal(np.asarray(before), np.asarray(after))
        assert inspect(out.getvalue()).facts.colour == "rgba"


def test_a_profile_keeps_its_colours_and_loses_its_text() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = io.BytesIO()
    scene().save(out, "AVIF", icc_profile=profile)
    cleaned = clean(out.getvalue())
    kept = Image.open(io.BytesIO(cleaned)).info["icc_profile"]
    assert b"sRGB" not in kept
    assert kept[36:40] == b"acsp"
    assert "icc_profile" not in Image.open(io.BytesIO(clean(out.getvalue(), Keep(icc=False)))).info


def test_positions_are_read_from_boxes_and_telemetry() -> None:
    values = [tag.value for tag in inspect(film().data).tags if tag.path.endswith(("/position", "/positions"))]
    assert (48.1371, 11.5754) in values
    assert ((48.1371, 11.5754),) in values
    assert ((48.25, 11.5),) in values


def test_film_samples_stand_where_the_tables_say() -> None:
    for planted, words in ((film(), [b"PICTURE0", b"SOUND0"]), (film(fragmented=True), [b"FRAME1A", b"FRAME2BB"])):
        cleaned = clean(planted.data)
        for word in words:
            assert cleaned.count(word) == 1
    cleaned = clean(film().data)
    places = [struct.unpack_from(">I", cleaned, at + 12)[0] for at in _all(cleaned, b"stco")]
    assert [cleaned[place : place + 12][-7:] for place in places[:1]] == [b"PICTURE"]
    assert cleaned[places[1] : places[1] + 7] == b"SOUND0S"
    fragmented = clean(film(fragmented=True).data)
    for at in _all(fragmented, b"moof"):
        run = fragmented.index(b"trun", at)
        offset = struct.unpack_from(">i", fragmented, run + 12)[0]
        assert fragmented[at - 4 + offset + 5 :].startswith(b"FRAME")


def _all(raw: bytes, word: bytes) -> list[int]:
    found, at = [], raw.find(word)
    while at >= 0:
        found.append(at)
        at = raw.find(word, at + 1)
    return found


def test_dates_of_a_film_can_be_kept_to_the_month() -> None:
    data = film().data
    kept = [t.value for t in inspect(clean(data, Keep(dates="month"))).tags if t.path == "mp4/mvhd/CreateDate"]
    assert kept == ["2021:03:01 00:00:00Z"]
    assert not [t for t in inspect(clean(data)).tags if t.risk is Risk.TIME]


def test_exposure_of_a_still_can_be_kept() -> None:
    from PIL import Image as Pil

    exif = Pil.Exif()
    exif[0x010F] = "maker"
    exif.get_ifd(0x8769)[0x829D] = 2.5
    out = io.BytesIO()
    scene().save(out, "AVIF", exif=exif)
    paths = {tag.path: tag.value for tag in inspect(clean(out.getvalue(), Keep(exposure=True))).tags}
    assert paths.get("exif/exif/FNumber") == 2.5
    assert "exif/ifd0/Make" not in paths


@pytest.mark.parametrize("name", ["heic", "avif", "jxl"])
def test_rights_can_be_kept_and_nothing_else(name: str) -> None:
    planted = MAKERS[name]()
    data = planted.data
    cleaned = clean(data, Keep(rights=True))
    left = planted.marks.left_in(cleaned)
    assert [mark for mark in left if b"artist" not in mark and b"creator" not in mark] == []
    assert left, "the creator is a right that was to be kept"
    assert clean(cleaned, Keep(rights=True)) == cleaned


def test_a_picture_that_shares_bytes_with_a_tag_is_refused() -> None:
    data = bytearray(hevc().data)
    iloc = data.index(b"iloc")
    first, second = iloc + 12 + 8, iloc + 12 + 16 + 8
    data[second : second + 8] = data[first : first + 8]
    with pytest.raises(DataError):
        clean(bytes(data))


REFUSED = {
    "svg with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "svg with a handler": b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
    "svg with foreign content": b'<svg xmlns="http://www.w3.org/2000/svg"><foreignObject><p>x</p></foreignObject></svg>',
    "svg with entities": b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"><text>&a;</text></svg>',
    "svg with a file": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///home/anna/a.png"/></svg>',
    "svg with an import": b'<svg xmlns="http://www.w3.org/2000/svg"><style>@import url(http://x);</style></svg>',
    "svg with a hidden address": b'<svg xmlns="http://www.w3.org/2000/svg"><style>a{fill:u\\72l(//x)}</style></svg>',
    "jxl without its last part": b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"jxlp", bytes(4), CODESTREAM),
    "mp4 with neither picture nor sound": box(b"ftyp", b"isom", bytes(4))
    + box(b"moov", struct.pack(">I4s", 108, b"mvhd") + bytes(100)),
    "encrypted mp4": film().data.replace(b"avc1\0\0\0\0\0\0\0\1", b"encv\0\0\0\0\0\0\0\1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_cleaned_with_certainty_is_refused(name: str) -> None:
    with pytest.raises(DataError):
        clean(REFUSED[name])


@pytest.mark.parametrize("bad", ["../escape.png", "/etc/escape.png", "a\\..\\b.png", "C:b.png"])
def test_archives_that_lead_outside_are_refused(bad: str) -> None:
    import tarfile
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(bad, png())
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo(bad)
        info.size = len(png())
        tar.addfile(info, io.BytesIO(png()))
    for raw in (out.getvalue(), packed.getvalue()):
        with pytest.raises(DataError, match="outside"):
            clean(raw)


def test_an_archive_with_an_unknown_member_is_refused_whole() -> None:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.png", png())
        archive.writestr("notes.txt", "Anna was here")
    with pytest.raises(DataError, match="no known format"):
        clean(out.getvalue())


@pytest.mark.parametrize("name", MAKERS)
def test_damaged_files_raise_one_kind_of_error_soon(name: str) -> None:
    data = MAKERS[name]().data
    rng = np.random.default_rng(20260)
    for trial in range(60):
        hurt = bytearray(data)
        if trial % 3 == 0:
            hurt = hurt[: int(rng.integers(1, len(hurt)))]
        for _ in range(int(rng.integers(1, 8))):
            hurt[int(rng.integers(0, len(hurt)))] = int(rng.integers(0, 256))
        start = time.monotonic()
        try:
            for work in (lambda raw: rebuild(raw, io.BytesIO(), Keep()), inspect):
                work(bytes(hurt))
        except DataError:
            pass
        assert time.monotonic() - start < 2


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
@pytest.mark.parametrize("name", ["heic", "avif", "jp2", "mp4", "fragmented mp4", "svg"])
def test_exiftool_finds_no_planted_string(name: str, tmp_path) -> None:
    planted = MAKERS[name]()
    place = tmp_path / f"cleaned.{identify(planted.data)}"
    place.write_bytes(clean(planted.data))
    said = subprocess.run(
        ["exiftool", "-a", "-u", "-g1", "-j", "-ee", "-b", str(place)], capture_output=True, check=False
    ).stdout  # fmt: skip
    assert b"FileType" in said
    assert planted.marks.left_in(said) == []
    for group in (b"GPS", b"XMP", b"UserData", b"ItemList", b"Keys"):
        assert b'"%s"' % group not in said


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize(
    "flags",
    [[], ["-movflags", "frag_keyframe+empty_moov"], ["-movflags", "+faststart"]],
    ids=["plain", "fragments", "fast"],
)
@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_ffmpeg_sees_the_same_frames_and_sound(flags: list[str], suffix: str, tmp_path) -> None:
    before, after = tmp_path / f"before.{suffix}", tmp_path / f"after.{suffix}"
    make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2", "-f", "lavfi", "-i",
            "sine=duration=2", "-c:v", "libx264", "-g", "5", "-c:a", "aac", "-metadata", "title=XsecretX", "-metadata",
            "location=+48.1+011.5/", *flags, str(before)]  # fmt: skip
    if subprocess.run(make, capture_output=True, check=False).returncode:
        pytest.skip("this ffmpeg has no H.264 encoder")
    after.write_bytes(clean(before.read_bytes()))
    assert b"XsecretX" in before.read_bytes()
    assert b"XsecretX" not in after.read_bytes()
    # Encoders sign between the slices, and in filling before the first sound.
    assert b"Lavc" in before.read_bytes()
    assert b"Lavc" not in after.read_bytes()
    one, two = (
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(p), "-f", "framemd5", "-"], capture_output=True, check=True
        ).stdout
        for p in (before, after)
    )
    assert one == two
    assert one.count(b"\n0,") == 20


def animation(alpha: bool) -> bytes:
    frames = [Image.fromarray(np.roll(np.asarray(scene()), 8 * n, axis=1)) for n in range(4)]
    if alpha:
        for number, frame in enumerate(frames):
            frame.putalpha(60 * number + 20)
    out = io.BytesIO()
    frames[0].save(out, "AVIF", save_all=True, append_images=frames[1:], duration=[40, 80, 40, 200], quality=80)
    return out.getvalue() + box(b"free", b"XanimatedX")


@pytest.mark.parametrize("alpha", [False, True])
def test_animated_pictures_keep_every_frame_and_its_time(alpha: bool) -> None:
    data = animation(alpha)
    cleaned = clean(data)
    before, after = (Image.open(io.BytesIO(raw)) for raw in (data, cleaned))
    assert before.n_frames == after.n_frames == 4
    assert before.mode == after.mode
    for number in range(4):
        before.seek(number)
        after.seek(number)
        assert np.array_equal(np.asarray(before), np.asarray(after))
        assert before.info["duration"] == after.info["duration"]
    assert inspect(data).facts.frames == 4
    assert b"XanimatedX" not in cleaned
    assert clean(cleaned) == cleaned


def test_what_only_a_dropped_part_of_a_drawing_points_at_loses_its_name() -> None:
    """Else a second pass, which sees the part no more, would write another file."""
    raw = (
        b'<svg xmlns="http://www.w3.org/2000/svg"><defs><linearGradient id="a"/><linearGradient id="b"/></defs>'
        b'<unknown fill="url(#a)"/><rect width="9" height="9" data-x="url(#b)"/></svg>'
    )
    once = clean(raw)
    assert b"id=" not in once
    assert clean(once) == once
