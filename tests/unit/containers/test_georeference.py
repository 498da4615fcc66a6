"""A GeoTIFF's place on a coarse grid: moved as a whole, exactly on the grid, and nothing finer left in any other key."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile

from veilset.containers import Keep
from veilset.containers.clean import clean_file
from veilset.containers.georeference import LOST, UNNAMED

POINTS = (0.0, 0.0, 0.0, 11.575531, 48.137012, 519.25, 10.0, 0.0, 0.0, 11.576531, 48.137512, 520.5)
DEGREES, METRES, OWN = (1024, 0, 1, 2), (1024, 0, 1, 1), (3072, 0, 1, 32767)


def _written(path: Path, keys: list[tuple[int, int, int, int]], byteorder: str, bigtiff: bool, **more: object) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (32, 48, 3)).astype(np.uint8)
    directory = (1, 1, 0, len(keys), *(number for key in keys for number in key))
    points = more.get("points", POINTS)
    tags = [
        (33550, "d", 3, (0.0001, 0.0001, 0.0), True),
        (34735, "H", len(directory), directory, True),
        (34736, "d", 1, (48.13701,), True),
        (34737, "s", 0, "at the CANARY farm|", True),
    ]
    if points:
        tags.append((33922, "d", len(points), points, True))
    if more.get("matrix"):
        tags.append((34264, "d", 16, more["matrix"], True))
    with tifffile.TiffWriter(path, byteorder=byteorder, bigtiff=bigtiff) as out:
        out.write(pixels, photometric="rgb", extratags=tags)
    return path


def _tags(path: Path) -> dict[int, object]:
    with tifffile.TiffFile(io.BytesIO(path.read_bytes())) as opened:
        return {tag.code: tag.value for tag in opened.pages[0].tags}


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("grid", [0.5, 0.003])
def test_degrees_are_moved_onto_the_grid_with_all_points(
    tmp_path: Path, byteorder: str, bigtiff: bool, grid: float
) -> None:
    keys = [DEGREES, (2048, 0, 1, 4326), (2049, 34737, 19, 0), (2057, 34736, 1, 0)]
    path = _written(tmp_path / "a.tif", keys, byteorder, bigtiff)
    keep = Keep(georeference=True, gps_grid=grid)
    done = clean_file(path, tmp_path / "b.tif", keep, thorough=True)
    assert (done.state, LOST in done.residue) == ("clean", False)
    after = _tags(tmp_path / "b.tif")
    first, second = np.reshape(after[33922], (2, 6))
    assert first[3:5] == pytest.approx([round(11.575531 / grid) * grid, round(48.137012 / grid) * grid], abs=1e-9)
    assert second[3:5] - first[3:5] == pytest.approx([0.001, 0.0005], abs=1e-8)
    assert first[5] == second[5] == 0
    assert after[33550] == (0.0001, 0.0001, 0.0)
    assert tuple(after[34735]) == (1, 1, 0, 2, *DEGREES, 2048, 0, 1, 4326)
    assert not {34736, 34737} & after.keys()
    raw = (tmp_path / "b.tif").read_bytes()
    assert b"CANARY" not in raw
    again = clean_file(tmp_path / "b.tif", tmp_path / "c.tif", keep)
    assert again.state == "clean"
    assert (tmp_path / "c.tif").read_bytes() == raw


def test_metres_and_a_matrix_are_moved_onto_a_grid_of_as_many_metres(tmp_path: Path) -> None:
    matrix = (0.5, 0.1, 0.0, 691_234.56, -0.1, 0.5, 0.0, 5_334_567.89, 0.0, 0.0, 0.0, 519.25, 0.0, 0.0, 0.0, 1.0)
    path = _written(tmp_path / "a.tif", [METRES, (3072, 0, 1, 32632)], "<", False, points=(), matrix=matrix)
    clean_file(path, tmp_path / "b.tif", Keep(georeference=True, gps_grid=0.1))
    after = _tags(tmp_path / "b.tif")[34264]
    step = 0.1 * 111_195
    for index in (3, 7):
        assert after[index] / step == pytest.approx(round(after[index] / step), abs=1e-6)
        assert abs(after[index] - matrix[index]) <= step / 2
    assert after[11] == 0
    assert [after[index] for index in (0, 1, 4, 5)] == [0.5, 0.1, -0.1, 0.5]


@pytest.mark.parametrize("keys", [[METRES, OWN], [(1024, 0, 1, 3)], [(2048, 0, 1, 4326)]])
def test_what_cannot_be_put_on_a_grid_goes_and_that_is_said(
    tmp_path: Path, keys: list[tuple[int, int, int, int]]
) -> None:
    path = _written(tmp_path / "a.tif", keys, "<", False)
    done = clean_file(path, tmp_path / "b.tif", Keep(georeference=True, gps_grid=0.5))
    assert (done.state, LOST in done.residue) == ("residue", True)
    assert not {33550, 33922, 34735, 34736, 34737} & _tags(tmp_path / "b.tif").keys()


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_georeference_that_is_kept_holds_no_words(tmp_path: Path, byteorder: str) -> None:
    """Codes and parameters name a projection; citations, spare numbers and keys that nobody knows may say anything."""
    letters = np.frombuffer(b"at the CANARY farm, number seventeen ", dtype=byteorder + "f8", count=4).tolist()
    own = [(2057, 34736, 1, 5), (3076, 0, 1, 9001), (3075, 0, 1, 8), (2049, 34737, 19, 0), (7000, 0, 1, 17)]
    keys = [METRES, (1026, 34737, 19, 0), (2048, 0, 1, 4326), OWN, (3080, 34736, 1, 0), *own]
    directory = (1, 1, 1, len(keys), *(number for key in keys for number in key))
    path = tmp_path / "a.tif"
    tags = [
        (33550, "d", 3, (0.5, 0.5, 0.0), True), (33922, "d", 12, POINTS, True),
        (34735, "H", len(directory), directory, True), (34736, "d", 6, (9.0, *letters, 6378137.0), True),
        (34737, "s", 0, "at the CANARY farm|", True), (34264, "d", 4, letters, True), (33920, "d", 4, letters, True),
    ]  # fmt: skip
    with tifffile.TiffWriter(path, byteorder=byteorder) as out:
        out.write(np.zeros((9, 9), np.uint8), extratags=tags)
    keep = Keep(georeference=True)
    done = clean_file(path, tmp_path / "b.tif", keep, thorough=True)
    assert (done.state, done.residue.count(UNNAMED)) == ("clean", 0)
    after = _tags(tmp_path / "b.tif")
    stay = [
        METRES,
        (2048, 0, 1, 4326),
        (2057, 34736, 1, 0),
        OWN,
        (3075, 0, 1, 8),
        (3076, 0, 1, 9001),
        (3080, 34736, 1, 1),
    ]
    # A list of numbers with letters among them holds none that a key may point at.
    stay = [key for key in stay if key[1] == 0]
    assert tuple(after[34735]) == (1, 1, 1, len(stay), *(number for key in stay for number in key))
    assert (after[33550], after[33922]) == ((0.5, 0.5, 0.0), POINTS)
    assert not {34736, 34737, 34264, 33920} & after.keys()
    assert b"CANARY" not in (tmp_path / "b.tif").read_bytes()
    assert clean_file(tmp_path / "b.tif", tmp_path / "c.tif", keep).state == "clean"
    assert (tmp_path / "c.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_numbers_stay_with_the_keys_that_point_at_them(tmp_path: Path) -> None:
    keys = [METRES, OWN, (3075, 0, 1, 8), (3080, 34736, 1, 4), (3081, 34736, 2, 1)]
    path = tmp_path / "a.tif"
    directory = (1, 1, 0, len(keys), *(number for key in keys for number in key))
    tags = [(34735, "H", len(directory), directory, True), (34736, "d", 5, (1.5, 2.5, 3.5, 4.5, 5.5), True)]
    with tifffile.TiffWriter(path) as out:
        out.write(np.zeros((9, 9), np.uint8), extratags=tags)
    assert clean_file(path, tmp_path / "b.tif", Keep(georeference=True)).state == "clean"
    after = _tags(tmp_path / "b.tif")
    assert after[34736] == (5.5, 2.5, 3.5)
    assert tuple(after[34735])[-8:] == (3080, 34736, 1, 0, 3081, 34736, 2, 1)


def test_a_projection_that_only_words_describe_is_missed(tmp_path: Path) -> None:
    path = _written(tmp_path / "a.tif", [METRES, OWN, (3073, 34737, 19, 0)], "<", False)
    assert UNNAMED in clean_file(path, tmp_path / "b.tif", Keep(georeference=True)).residue
