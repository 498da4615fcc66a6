"""Cleaning many files: every one gets its own place, or nothing is written."""

from __future__ import annotations

import errno
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from veilset.containers import Keep, inspect
from veilset.core.errors import Occupied, Unwritable, UsageError
from veilset.detectors.degrees import coordinates
from veilset.flows.clean import clean
from veilset.testing.marketplace import photograph
from veilset.testing.planted_files import every_planted

PHOTO = next(planted.data for planted in every_planted() if planted.name == "grey.jpg")


def test_folders_keep_their_shape(tmp_path: Path) -> None:
    for name in ("in/a.jpg", "in/deep/er/a.jpg", "in/deep/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(PHOTO)
    done = clean([tmp_path / "in"], out=tmp_path / "out")
    assert [Path(name).relative_to(tmp_path / "in").as_posix() for name, _ in done.files] == [
        "a.jpg", "deep/b.jpg", "deep/er/a.jpg",
    ]  # fmt: skip
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jpg"))
    assert found == ["a.jpg", "deep/b.jpg", "deep/er/a.jpg"]


def test_two_files_of_one_name_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(PHOTO)
    with pytest.raises(UsageError, match=r"a\.jpg"):
        clean([tmp_path / "one" / "a.jpg", tmp_path / "two" / "a.jpg"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_there_already_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").write_bytes(b"mine")
    with pytest.raises(Occupied):
        clean([tmp_path / "a.jpg"], out=tmp_path / "out")
    assert (tmp_path / "out" / "a.jpg").read_bytes() == b"mine"


def test_a_file_is_no_folder_for_clean_copies(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(Occupied, match="out"):
        clean([tmp_path / "a.jpg"], out=tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_links_are_refused_and_folders_behind_links_are_not_entered(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "b.jpg").write_bytes(PHOTO)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(PHOTO)
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "else")
    (tmp_path / "in" / "link.jpg").symlink_to(tmp_path / "else" / "b.jpg")
    (tmp_path / "in" / "nowhere.jpg").symlink_to(tmp_path / "nothing")
    done = clean([tmp_path / "in"], out=tmp_path / "out")
    assert [(Path(name).name, one.state) for name, one in done.files] == [
        ("a.jpg", "clean"), ("link.jpg", "refused"), ("nowhere.jpg", "refused"),
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg"]


def test_files_stand_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("a.jpg", "a/z.jpg", "a-b/c.jpg", ".h.jpg", "B.jpg", "a/b/c.jpg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(PHOTO)
    done = clean([tmp_path / "in"], out=tmp_path / "out")
    wanted = sorted(path for path in (tmp_path / "in").rglob("*") if path.is_file())
    assert [Path(name) for name, _ in done.files] == wanted


def test_a_folder_in_which_all_was_refused_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "no.jpg").write_bytes(b"no picture")
    (tmp_path / "in" / "a.jpg").write_bytes(PHOTO)
    clean([tmp_path / "in"], out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["a.jpg"]


def test_a_file_that_is_named_twice_is_cleaned_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(PHOTO)
    twice = [tmp_path / "in" / "a.jpg", tmp_path / "in" / ".." / "in", tmp_path / "in" / "a.jpg"]
    assert clean(twice, out=tmp_path / "out").count("clean") == 1
    assert len(clean(twice, in_place=True).files) == 1
    assert (tmp_path / "in" / "a.jpg.original").read_bytes() == PHOTO
    assert (tmp_path / "in" / "a.jpg").read_bytes() == (tmp_path / "out" / "a.jpg").read_bytes()


def test_pipes_and_devices_are_refused_and_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(PHOTO)
    os.mkfifo(tmp_path / "in" / "pipe.jpg")
    done = dict(clean([tmp_path / "in", Path("/dev/null")], out=tmp_path / "out").files)
    states = {Path(name).name: one.state for name, one in done.items()}
    assert states == {"a.jpg": "clean", "pipe.jpg": "refused", "null": "refused"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.jpg"]


def test_a_name_as_long_as_the_file_system_allows_is_served(tmp_path: Path) -> None:
    name = "x" * 251 + ".jpg"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(PHOTO)
    (tmp_path / "in" / "a.jpg").write_bytes(PHOTO)
    assert clean([tmp_path / "in"], out=tmp_path / "out", rotate=True).count("clean") == 2
    done = clean([tmp_path / "in"], in_place=True)
    states = [one.state for _, one in done.files]
    # A backup's name would be too long; nothing is replaced without one.
    assert states == ["clean", "refused"]
    assert (tmp_path / "in" / name).read_bytes() == PHOTO
    assert len(list((tmp_path / "in").iterdir())) == 3


def test_a_full_or_closed_place_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    for how in ({"out": tmp_path / "out"}, {"in_place": True, "backup": False}):
        ((_, one),) = clean([tmp_path / "a.jpg"], **how).files
        assert one.state == "refused"
        assert "No space left" in one.reason
        assert "cannot be read" not in one.reason
    assert (tmp_path / "a.jpg").read_bytes() == PHOTO
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unwritable):
        clean([tmp_path / "a.jpg"], out=tmp_path / "file" / "deeper")


@pytest.mark.parametrize("error", [errno.EPERM, errno.EOPNOTSUPP])
def test_where_a_file_has_one_name_only_the_backup_is_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)

    def no_links(*_: object) -> None:
        raise OSError(error, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    assert clean([tmp_path / "a.jpg"], in_place=True).count("clean") == 1
    assert (tmp_path / "a.jpg.original").read_bytes() == PHOTO
    assert (tmp_path / "a.jpg").read_bytes() != PHOTO


def test_choices_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    with pytest.raises(UsageError, match="rotate"):
        clean([tmp_path / "a.jpg"], out=tmp_path / "out", rotate=True, keep=Keep(orientation=False))
    with pytest.raises(UsageError, match="rotate"):
        clean([tmp_path / "a.jpg"], check=True, rotate=True)
    assert not (tmp_path / "out").exists()


def test_a_check_makes_no_key(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    clean([tmp_path / "a.jpg"], check=True, key_file=tmp_path / "study.key")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("grid", [0.001, 0.003, 0.01, 0.3, 7.0, 90.0])
@pytest.mark.parametrize(
    "place", [(48.13701, 11.57553), (-33.85679, -151.21530), (0.00004, 179.99999), (89.99, -0.0001)]
)
def test_a_coarse_place_lies_on_the_grid_and_stays_there(
    tmp_path: Path, place: tuple[float, float], grid: float
) -> None:
    moment = datetime(2024, 3, 4, 21)  # noqa: DTZ001 - a clock on a wall
    (tmp_path / "a.jpg").write_bytes(photograph(np.random.default_rng(0), place, moment))
    keep = Keep(gps_grid=grid)
    clean([tmp_path / "a.jpg"], out=tmp_path / "once", keep=keep)
    clean([tmp_path / "once" / "a.jpg"], out=tmp_path / "twice", keep=keep)
    once = (tmp_path / "once" / "a.jpg").read_bytes()
    assert once == (tmp_path / "twice" / "a.jpg").read_bytes()
    _, coarse = coordinates(inspect(once).tags) or ("", (0.0, 0.0))
    for was, now, limit in zip(place, coarse, (90, 180), strict=True):
        steps = now / grid
        assert abs(steps - round(steps)) * grid < 5e-5 or abs(now) == limit
        assert abs(was - now) <= grid / 2 + 1e-4
