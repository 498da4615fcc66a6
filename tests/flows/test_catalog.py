"""What plug-ins a running program sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from veilset.flows.catalog import catalog


def test_a_plug_in_installed_while_a_notebook_runs_is_seen_at_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert "theirs" not in catalog().detectors
    about = tmp_path / "their_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[veilset.detectors]\ntheirs = collections:Counter\n")
    known = catalog()
    assert known.detectors.is_third_party("theirs")
    assert "their-plugin" in known.detectors["theirs"].summary
    assert "theirs" not in catalog(third_party=False).detectors
