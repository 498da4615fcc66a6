"""One file, one state: outputs appear whole or not at all, in place is one step, and damage is refused."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilset.containers import Keep, inspect, rebuild
from veilset.containers import clean as cleaning
from veilset.containers.clean import clean_file, clean_in_place
from veilset.containers.verify import Verdict, needles_of
from veilset.core.errors import BadSetting, Occupied
from veilset.testing.planted_files import every_planted

PLANTED = {planted.name: planted.data for planted in every_planted()}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(PLANTED["grey.jpg"])
    return path


def test_a_clean_copy_appears_and_the_original_stays(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    cleaned = clean_file(photo, tmp_path / "out.jpg")
    assert cleaned.state == "clean"
    assert photo.read_bytes() == before
    assert cleaned.before - cleaned.after > 1000
    assert cleaned.sameness is not None
    assert cleaned.sameness.size > 500
    assert sorted(os.listdir(tmp_path)) == ["out.jpg", "photo.jpg"]


def test_in_place_keeps_a_backup_and_the_mode(photo: Path) -> None:
    before = photo.read_bytes()
    photo.chmod(0o640)
    assert clean_in_place(photo).state == "clean"
    assert photo.with_name("photo.jpg.original").read_bytes() == before
    assert photo.stat().st_mode & 0o777 == 0o640
    assert inspect(photo).facts.orientation == 6
    with pytest.raises(Occupied):
        clean_in_place(photo)
    assert clean_in_place(photo, backup=False).state == "clean"


def test_a_copy_is_no_more_readable_than_its_original(photo: Path, tmp_path: Path) -> None:
    photo.chmod(0o750)
    before = os.umask(0o022)
    try:
        assert clean_file(photo, tmp_path / "one.jpg").state == "clean"
        photo.chmod(0o400)
        assert clean_file(photo, tmp_path / "two.jpg").state == "clean"
    finally:
        os.umask(before)
    # A picture is no program; and what was read-only stays so.
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("one.jpg", "two.jpg")] == [0o640, 0o400]


def test_its_own_clean_copy_may_not_overwrite_a_file(photo: Path) -> None:
    with pytest.raises(Occupied):
        clean_file(photo, photo)


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_damaged_file_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(PLANTED[name][:60])
    cleaned = clean_file(path, tmp_path / "out")
    assert cleaned.state == "refused"
    assert name in cleaned.reason
    assert os.listdir(tmp_path) == [name]


def test_what_the_verifier_finds_never_gets_its_name(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "verify", lambda *_, **__: Verdict(("a value of the original in the file",), 1, 1))
    cleaned = clean_file(photo, tmp_path / "out.jpg")
    assert cleaned.state == "refused"
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PLANTED["grey.jpg"])
    cleaned = clean_file(path, tmp_path / "out.png")
    assert (cleaned.state, cleaned.format) == ("clean", "jpeg")


def test_impossible_choices_are_refused() -> None:
    with pytest.raises(BadSetting):
        Keep(dates="sometimes")
    with pytest.raises(BadSetting):
        Keep(gps_grid=0)


def _geotiff() -> bytes:
    return PLANTED["tiles.tiff"]


def test_georeference_goes_unless_it_is_kept() -> None:
    for keep, there in ((Keep(), False), (Keep(georeference=True), True)):
        out = io.BytesIO()
        rebuild(_geotiff(), out, keep)
        paths = {tag.path for tag in inspect(out.getvalue()).tags}
        assert ("exif/ifd0/ModelTiePoint" in paths) is there
        assert ("exif/ifd0/GeoKeyDirectory" in paths) is there


def test_the_colour_profile_keeps_its_curves_and_loses_its_words() -> None:
    source = PLANTED["all-segments.jpg"]
    out = io.BytesIO()
    rebuild(source, out, Keep())
    after = next(tag.value for tag in inspect(out.getvalue()).tags if tag.path == "icc")
    before = next(tag.value for tag in inspect(source).tags if tag.path == "icc")
    assert b"Zq" in before
    assert b"Zq" not in after
    from PIL import ImageCms

    ramp = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8))
    lab = ImageCms.createProfile("LAB")
    looks = [
        np.asarray(ImageCms.applyTransform(ramp, ImageCms.buildTransform(io.BytesIO(one), lab, "RGB", "LAB")))
        for one in (before, after)
    ]
    # One level of 255 at most, since a profile of a known space becomes our own.
    moved = np.abs(looks[0].astype(int) - looks[1])
    assert np.minimum(moved, 256 - moved).max() <= 1


def test_a_tail_of_a_gigabyte_is_not_read_into_memory(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "motion.jpg"
    with path.open("wb") as out:
        out.write(PLANTED["grey.jpg"])
        out.truncate(1 << 30)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cleaned = clean_file(path, tmp_path / "out.jpg")
    assert cleaned.state == "clean"
    assert cleaned.after < 5000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200_000


def test_tables_of_a_picture_behind_fill_are_no_words() -> None:
    out = io.BytesIO()
    # Coarse tables read like text, as those of cameras do.
    table = [int(value) for value in range(34, 98)]
    Image.new("RGB", (32, 32), "teal").save(out, "JPEG", qtables=[table, table], comment=b"Somebody Else was here")
    picture = out.getvalue()
    assert needles_of([picture]) == needles_of([bytes(7) + picture]) == {b"Somebody Else was here"}
    assert len(needles_of([b"x" + picture])) > 1
