"""Cleaning many files: every one gets its own place, or nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from veilset.core.errors import Occupied, UsageError
from veilset.flows.clean import clean
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
