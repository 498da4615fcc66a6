"""One probe under two gates with two settings: both run, both are kept, and each gate reads its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from veilset.core.errors import BadSetting, GateFailed
from veilset.core.manifest import Manifest
from veilset.core.measurement import Measurement
from veilset.flows.measure import measure
from veilset.flows.release import release
from veilset.flows.tune import _probes
from veilset.policy.gate import check_gates, told_apart
from veilset.policy.schema import Gate, Named
from veilset.probes.attack.link import Link
from veilset.probes.utility.naturalness import Naturalness

FEW, MANY = Link(limit=4), Link(limit=7)


def gates(most_few: float, most_many: float) -> tuple[Gate, ...]:
    """Two gates on `link`."""
    return (Gate(Named("link", FEW), most=most_few), Gate(Named("link", MANY), most=most_many))


def test_settings_are_told_apart_by_what_differs_alone() -> None:
    said = told_apart([("link", FEW), ("link", MANY), ("naturalness", Naturalness()), ("link", FEW)])
    assert said == ("limit 4", "limit 7", "", "limit 4")


def test_each_gate_reads_its_own_run() -> None:
    runs = [
        Measurement("link", "twin", value, value, value, 9, "lower", settings=f"limit {limit}")
        for value, limit in ((0.1, 4), (0.9, 7))
    ]
    assert [one.held for one in check_gates(gates(0.2, 0.2), runs)] == [True, False]
    assert [one.held for one in check_gates(gates(0.05, 0.95), runs)] == [False, True]
    assert check_gates(gates(1, 1), runs)[1].words.startswith("link (limit 7)/twin")


def test_two_bounds_on_one_setting_are_one_run(policy) -> None:
    twice = policy(gates=(Gate(Named("link", FEW)), Gate(Named("link", FEW), of="twin_name", most=1)))
    assert twice.probes() == (("link", FEW),)


def test_the_manifest_the_json_and_the_page_keep_both(photos, policy, tmp_path: Path) -> None:
    release(photos.path, tmp_path / "out", policy(gates=gates(1, 1)), workers=1)
    manifest = Manifest.from_json((tmp_path / "out" / "public" / "manifest.json").read_text())
    kept = {(m["settings"], m["n"]) for m in manifest.measurements if m["name"] == "twin"}
    assert kept == {("limit 4", 4), ("limit 7", 7)}
    readme = (tmp_path / "out" / "public" / "README.md").read_text()
    assert "link (limit 4)" in readme
    assert "link (limit 7)" in readme
    rules = tmp_path / "policy.yaml"
    rules.write_text(
        "version: 1\nfind: [face]\ntreat: {face: mask, '*': refuse}\n"
        "probe: [{link: {limit: 4, max: 1}}, {link: {limit: 7, max: 1}}]\n"
    )
    done = measure(photos.path, tmp_path / "out", policy=rules, quick=True, report=tmp_path / "r.html")
    assert {m.n for m in done.measurements if (m.probe, m.name) == ("link", "twin")} == {4, 7}
    assert [gate.held for gate in done.gates] == [True, True]
    plain = json.loads((tmp_path / "r.json").read_text())
    assert {m["settings"] for m in plain["measurements"] if m["probe"] == "link"} == {"limit 4", "limit 7"}
    page = (tmp_path / "r.html").read_text()
    ladder = page[page.index('id="ladder"') : page.index('id="chart"')]
    assert "limit 4" in ladder
    assert "limit 7" in ladder


def test_one_broken_gate_of_two_refuses(photos, policy, tmp_path: Path) -> None:
    with pytest.raises(GateFailed, match=r"link \(limit 7\)"):
        release(photos.path, tmp_path / "out", policy(gates=gates(1, -1)), workers=1)


def test_tune_refuses_what_it_would_read_wrongly(policy) -> None:
    with pytest.raises(BadSetting, match="several"):
        _probes(None, (), policy(gates=gates(1, 1)))  # type: ignore[arg-type]
