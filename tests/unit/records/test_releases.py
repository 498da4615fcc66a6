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
