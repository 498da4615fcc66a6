import stat
from pathlib import Path

import pytest

from veilset.core.errors import Malformed
from veilset.records.releases import Released, register, registered

ONE = Released("r1", "2025-01-01T00:00:00Z", {"a/1.jpg": "000001.jpg", "a/2.jpg": "000002.jpg"}, ("University",))


def test_what_was_registered_comes_back(tmp_path: Path) -> None:
    assert registered(tmp_path) == ()
    register(tmp_path / "private", ONE)
    register(tmp_path / "private", Released("r2", "2025-02-01T00:00:00Z", {}))
    assert [release.release for release in registered(tmp_path / "private")] == ["r1", "r2"]
    assert registered(tmp_path / "private")[0] == ONE
    assert stat.S_IMODE((tmp_path / "private" / "releases.jsonl").stat().st_mode) == 0o600
    assert ONE.holding({"a/2.jpg", "b"}) == {"a/2.jpg": "000002.jpg"}


def test_a_damaged_line_is_never_skipped(tmp_path: Path) -> None:
    register(tmp_path, ONE)
    with (tmp_path / "releases.jsonl").open("a") as stream:
        stream.write("{}\n")
    with pytest.raises(Malformed, match="line 2"):
        registered(tmp_path)


def test_names_that_are_no_utf8_or_hold_line_ends_come_back(tmp_path: Path) -> None:
    odd = Released(
        "r1", "2025-01-01T00:00:00Z", {"a\udcff.jpg": "1.jpg", "b\u2028\x85\n.jpg": "2.jpg"}, ("Institut für A",)
    )
    register(tmp_path, odd)
    assert registered(tmp_path) == (odd,)


def test_a_release_stands_once_in_the_register_however_often_its_run_was_killed(tmp_path: Path) -> None:
    register(tmp_path, Released("r0", "2024-01-01T00:00:00Z", {}))
    register(tmp_path, Released("r1", "2024-12-31T00:00:00Z", {}))
    register(tmp_path, ONE)
    assert [release.created for release in registered(tmp_path)] == ["2024-01-01T00:00:00Z", ONE.created]
    assert [path.name for path in tmp_path.iterdir()] == ["releases.jsonl"]
