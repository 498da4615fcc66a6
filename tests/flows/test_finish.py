"""What is done to a file after it is clean: nothing behind coded blocks, upright on request, and both said."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner

from veilset.cli.main import program
from veilset.containers.jpeg_segments import SCAN, UNSEARCHED, segments
from veilset.containers.surplus import NOT_PROVEN
from veilset.core.sample import Image as Picture
from veilset.core.sample import Sample
from veilset.data.coded import open_coded
from veilset.data.folder_sink import FolderSink
from veilset.data.turned import COEFFICIENTS, SAMPLES, UPRIGHT
from veilset.detectors.hidden import Hidden
from veilset.flows.clean import clean
from veilset.operators.strip import Strip

SECRET = b"Zq-hidden-behind-the-blocks-4711"


def photo(orientation: int = 6, kind: str = "JPEG", **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a maker 4711"
    out = io.BytesIO()
    ramp = np.add.outer(np.arange(64), np.arange(96)) % 256
    Image.fromarray(np.dstack([ramp, ramp[::-1], ramp[:, ::-1]]).astype(np.uint8)).save(out, kind, exif=exif, **options)
    return out.getvalue()


def with_secret(data: bytes) -> bytes:
    end = next(part.stop for part in segments(memoryview(data)) if part.marker == SCAN)
    return data[:end] + SECRET + data[end:]


def shown(data: bytes) -> np.ndarray:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))).astype(int)


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    path = tmp_path / "dirty.jpg"
    path.write_bytes(with_secret(photo()))
    return path


def test_a_plain_clean_says_that_it_did_not_look(dirty: Path, tmp_path: Path) -> None:
    done = clean([dirty], out=tmp_path / "out").files[0][1]
    assert UNSEARCHED in done.residue


def test_a_thorough_clean_cuts_what_stands_behind_the_blocks(dirty: Path, tmp_path: Path) -> None:
    done = clean([dirty], out=tmp_path / "out", thorough=True).files[0][1]
    made = (tmp_path / "out/dirty.jpg").read_bytes()
    assert SECRET not in made
    assert done.state == "clean"
    assert UNSEARCHED not in done.residue
    assert done.after == len(made)
    assert np.array_equal(shown(made), shown(photo()))
    assert os.listdir(tmp_path / "out") == ["dirty.jpg"]


def test_in_place_too(dirty: Path) -> None:
    clean([dirty], in_place=True, thorough=True, rotate=True)
    assert SECRET not in dirty.read_bytes()
    assert SECRET in dirty.with_name("dirty.jpg.original").read_bytes()
    assert sorted(os.listdir(dirty.parent)) == ["dirty.jpg", "dirty.jpg.original"]


def test_a_check_finds_it_in_a_file_that_says_nothing_else(dirty: Path, tmp_path: Path) -> None:
    clean([dirty], out=tmp_path / "out")
    found = clean([tmp_path / "out/dirty.jpg"], check=True).files[0][1]
    assert found.state == "dirty"
    assert "jpeg/behind_coded_data" in found.reason
    clean([dirty], out=tmp_path / "again", thorough=True)
    assert clean([tmp_path / "again/dirty.jpg"], check=True).files[0][1].state == "clean"


def test_what_cannot_be_proven_is_residue(tmp_path: Path) -> None:
    data = photo(restart_marker_blocks=4)
    scan = next(part for part in segments(memoryview(data)) if part.marker == SCAN)
    (tmp_path / "damaged.jpg").write_bytes(data[: scan.start + 30] + data[scan.start + 60 :])
    done = clean([tmp_path / "damaged.jpg"], out=tmp_path / "out", thorough=True).files[0][1]
    assert done.state == "residue"
    assert NOT_PROVEN in done.residue


def test_the_detector_reports_it_at_the_highest_risk_and_a_release_drops_it(dirty: Path, tmp_path: Path) -> None:
    coded = open_coded(str(dirty), "dirty.jpg", max_pixels=1 << 20)
    sample = Sample("1", Picture(shown(dirty.read_bytes()).astype(np.uint8), coded=coded))
    found = [one for one in Hidden().find(sample) if one.where.path == "jpeg/behind_coded_data"]  # type: ignore[union-attr]
    assert [str(one.risk) for one in found] == ["hidden"]
    assert Hidden(behind_blocks=False).find(sample) == ()
    written = FolderSink(str(tmp_path / "out")).write(sample, "a")
    assert SECRET not in (tmp_path / "out" / written.name).read_bytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_on_request_takes_the_tag_and_keeps_the_look(orientation: int, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo(orientation, subsampling=0))
    (tmp_path / "b.png").write_bytes(photo(orientation, "PNG"))
    files = clean([tmp_path / "a.jpg", tmp_path / "b.png"], out=tmp_path / "out", rotate=True).files
    wanted = (UPRIGHT, UPRIGHT) if orientation == 1 else (COEFFICIENTS, SAMPLES)
    assert tuple(done.turned for _, done in files) == wanted
    for name, tolerance in (("a.jpg", 3), ("b.png", 0)):
        before, after = (tmp_path / name).read_bytes(), (tmp_path / "out" / name).read_bytes()
        assert Image.open(io.BytesIO(after)).getexif() == {}
        assert np.abs(shown(before) - shown(after)).max() <= tolerance
        assert b"4711" not in after
    assert [done.state for _, done in clean([tmp_path / "out"], check=True).files] == ["clean", "clean"]


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo())
    odd = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new("RGB", (61, 35), "red").save(odd, "JPEG", exif=exif)
    (tmp_path / "odd.jpg").write_bytes(odd.getvalue())
    command = ["clean", str(tmp_path / "a.jpg"), str(tmp_path / "odd.jpg"), "-o", str(tmp_path / "out"), "--rotate"]
    done = CliRunner().invoke(program(), [*command, "--json"])
    assert done.exit_code == 0
    said = {Path(one["name"]).name: one for one in json.loads(done.stdout)["files"]}
    assert said["a.jpg"]["turned"] == COEFFICIENTS
    assert said["a.jpg"]["same"] is None
    assert said["odd.jpg"]["turned"] == "tag kept: blocks at an edge that would move are not whole"
    with Image.open(tmp_path / "out/odd.jpg") as odd_one:
        assert odd_one.getexif()[0x0112] == 3


def test_a_release_turns_pictures_when_its_policy_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(photo(8))
    coded = open_coded(str(path), "a.jpg", max_pixels=1 << 20)
    sample = Sample("1", Picture(shown(path.read_bytes()).astype(np.uint8), coded=coded))
    strip = Strip(rotate=True)
    written = FolderSink(str(tmp_path / "out"), strip.keep_of(), strip.rotate).write(sample, "a")
    assert f"orientation: {COEFFICIENTS}" in written.notes
    with Image.open(tmp_path / "out" / written.name) as made:
        assert made.getexif() == {}
        assert made.size == (64, 96)
