"""tune: sweeps, draws, proposes what meets the gates, and looks at private pictures for no private operator."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from veilset.core.errors import BadSetting, BudgetExceeded, UnitMismatch, Unreadable
from veilset.core.finding import Finding
from veilset.core.interval import clopper_pearson
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise, SystemNoise
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Whole
from veilset.data.folder import Folder
from veilset.dp.ledger import EVERYONE, Ledger
from veilset.dp.ledger import Budget as Purse
from veilset.flows.catalog import catalog
from veilset.flows.curve import propose
from veilset.flows.report.tune_page import Scale, layout_of, write_page
from veilset.flows.report.tune_picture import SCALE, write_picture
from veilset.flows.tune import grid_of, parse_gate, sweep, tune
from veilset.flows.tune_by_vote import chosen, vote
from veilset.operators.dp_pix import DpPix
from veilset.policy.schema import Budget, Gate, Named, Policy, Rule
from veilset.probes.utility.fidelity import Fidelity


@dataclass(frozen=True)
class Moved:
    """Attack and utility at once, as functions of how far the pixels moved."""

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def run(self, case, *, rng):
        far = float(
            np.mean([np.abs(p.before.image.pixels - p.after.image.pixels.astype(float)).mean() for p in case.pairs])
        )
        attack, use = max(0.05, 1 - far / 60), 100 - far
        return (
            Measurement("moved", "attack", attack, attack * 0.9, min(1, attack * 1.1), 20, "lower", chance=0.05),
            Measurement("moved", "use", use, use - 2, use + 2, 20, "higher"),
        )


def flat(count=4):
    rng = np.random.default_rng(0)
    pictures = [np.clip(rng.normal(128, 5, (32, 32, 3)), 0, 255).astype(np.uint8) for _ in range(count)]
    return [(Sample(str(n), Image(p)), (Finding("face", Whole(), 1, "t"),)) for n, p in enumerate(pictures)]


def swept(gates=("moved.attack<=0.8",)):
    probes = {"moved": Moved()}
    tried = [(s, DpPix(block=8, pixels="face", **s)) for s in grid_of({"epsilon": [1, 300, 100_000]})]
    return sweep(flat(), "face", tried, probes, [parse_gate(g, probes) for g in gates], data="drawn pictures")


def test_the_most_useful_setting_that_meets_the_gates_is_proposed():
    done = swept()
    assert [point.meets for point in done.points] == [True, True, False]
    assert done.proposed == 1
    assert (done.attack, done.utility) == (("moved", "attack"), ("moved", "use"))
    assert propose(done.points[:1], done.utility) == 0


def test_how_badly_an_attack_fares_is_no_utility():
    @dataclass(frozen=True)
    class Kept:
        takes: ClassVar[tuple[type[Media], ...]] = (Image,)

        def run(self, case, *, rng):
            value = float(case.pairs[0].after.image.pixels[0, 0, 0])
            return (Measurement("kept", "share", value, value, value, 4, "higher"),)

    tried = [(s, DpPix(block=8, **s)) for s in grid_of({"epsilon": [10, 1e6]})]
    done = sweep(flat(), "face", tried, {"moved": Moved(), "kept": Kept()}, [])
    assert (done.attack, done.utility) == (("moved", "attack"), ("kept", "share"))


def test_nothing_is_proposed_when_nothing_meets_the_gates(tmp_path: Path):
    done = swept(gates=("moved.attack<=0.8", "moved.use>=99"))
    assert done.proposed is None
    write_page(tmp_path / "page.html", "dp_pix", done)
    assert "nothing is proposed" in (tmp_path / "page.html").read_text()


def test_the_page_is_self_contained_and_says_what_it_rests_on(tmp_path: Path):
    write_page(tmp_path / "page.html", "dp_pix", swept())
    text = (tmp_path / "page.html").read_text()
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))
    parser.feed(text)
    assert not any(tag in {"script", "link", "img", "iframe"} for tag, _ in tags)
    assert sum(tag == "circle" and a.get("class") == "point" for tag, a in tags) == 3
    assert "drawn pictures" in text
    assert "chance 0.05" in text
    assert "epsilon 300" in text


@pytest.mark.parametrize("words", ["moved", "other<=1", "moved<1", "moved<=x"])
def test_a_gate_that_makes_no_sense_is_refused(words):
    with pytest.raises(BadSetting):
        parse_gate(words, {"moved": Moved()})


def test_gates_have_bounds_on_either_side():
    low, high = (parse_gate(w, {"moved": Moved()}) for w in ("moved<=0.5", "moved.use >= 2"))
    assert (low.most, low.least, low.of) == (0.5, None, "")
    assert (high.most, high.least, high.of) == (None, 2.0, "use")


def test_private_pictures_choose_nothing_for_a_private_operator(photos, tmp_path: Path):
    with pytest.raises(UnitMismatch, match="--public"):
        tune(photos.path, axes={"epsilon": [1]}, out=tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


class Names:
    """The installed catalog, but for the detector."""

    def __init__(self, known):
        self.known, self.names = known, catalog()

    def build(self, role, name, settings=None):
        return self.known if role == "detector" else self.names.build(role, name, settings)


def test_a_folder_is_tuned_on_with_the_installed_probes(photos, tmp_path: Path):
    names = Names(photos.known())
    before = {path: path.read_bytes() for path in photos.path.rglob("*") if path.is_file()}
    done = tune(
        photos.path, operator="pixelate", axes={"cells": [2, 16]}, probes=["fidelity"], names=names,
        gates=["fidelity.ssim_inside>=0"], out=tmp_path / "page.html",
    )  # fmt: skip
    assert len(done.points) == 2
    assert "private pictures" in done.data
    assert json.loads((tmp_path / "page.json").read_text())["proposed"] == done.proposed
    assert {path: path.read_bytes() for path in photos.path.rglob("*") if path.is_file()} == before
    public = tune(photos.path, axes={"epsilon": [1, 100]}, probes=["fidelity"], names=names, public=True)
    assert "public pictures" in public.data
    assert all("face" in point.promise for point in public.points)


def test_a_folder_without_the_finding_is_refused(photos):
    nothing = type(photos.known())(())
    assert Folder(str(photos.path)).refs()
    with pytest.raises(Unreadable):
        tune(photos.path, operator="mask", axes={"grow": [0.1]}, names=Names(nothing))


def test_the_curve_is_a_picture_too(tmp_path: Path):
    done = swept()
    assert write_picture(tmp_path / "curve.png", "dp_pix", done)
    seen = cv2.imread(str(tmp_path / "curve.png")).astype(int)
    plan = layout_of(done)
    for number, x, y in plan.drawn:
        at = round(plan.up(y.value) * SCALE) - 4, round(plan.across(x.value) * SCALE) - 4
        blue, green, red = seen[at]
        assert red > 150 > 60 > max(green, blue) or any(
            abs(plan.across(o.value) - plan.across(x.value)) < 6 for n, o, _ in plan.drawn if n != number
        )
    assert not write_picture(tmp_path / "none.png", "dp_pix", replace(done, attack=None))
    assert not (tmp_path / "none.png").exists()


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.051, 0.0517], [97.0, 31.2], [0.4], [0.0], [-3.0, 2.0], [1e-9, 2e-9]])
def test_ticks_are_round_and_enclose_every_value(values):
    scale = Scale(values, 0, 100)
    assert 2 <= len(scale.ticks) <= 8
    assert scale.ticks[0] <= min(values) + 1e-12
    assert scale.ticks[-1] >= max(values) - 1e-12
    assert all(len(f"{tick / 10 ** math.floor(math.log10(abs(tick))):.10g}") <= 4 for tick in scale.ticks if tick)
    assert all(-1e-9 <= scale(value) <= 100 + 1e-9 for value in values)


@pytest.fixture
def surely(monkeypatch):
    """The choice without its noise."""
    monkeypatch.setattr("veilset.flows.tune_by_vote.permute_and_flip", lambda _, counts, __: counts.index(max(counts)))


def budgeted(gates=(), total=10.0):
    rule = Rule(operators=(Named("dp_pix", DpPix(epsilon=0.1, pixels="face")),))
    return Policy((), {"face": rule}, Rule(verdict="refuse"), Budget("person", "face", total, 0.0, 20), gates)


def known_people(people=12, each=2):
    rng = np.random.default_rng(1)
    return [
        (
            Sample(f"{p}-{n}", Image(rng.integers(0, 255, (32, 32, 3), np.uint8)), frozenset({f"p{p}"})),
            (Finding("face", Whole(), 1, "t"),),
        )
        for p in range(people)
        for n in range(each)
    ]


def test_everybody_who_is_looked_at_pays_for_the_choice_before_it_is_made(tmp_path: Path, surely):
    asked = []
    spent_then = []

    def ballot(part):
        asked.append(part)
        spent_then.append(Ledger(tmp_path / "l", Purse("face", 10.0)).spent("p0")[0])
        return 1

    proposed, words = vote(
        known_people(),
        budgeted(),
        tmp_path / "l",
        epsilon=2.0,
        parts=3,
        candidates=3,
        ballot=ballot,
        noise=SystemNoise(),
    )
    assert proposed == 1
    assert sum(map(len, asked)) == 24
    people = [{next(iter(sample.subjects)) for sample, _ in part} for part in asked]
    assert sum(map(len, people)) == 12
    assert set(spent_then) == {2}
    ledger = Ledger(tmp_path / "l", Purse("face", 10.0))
    assert {ledger.spent(f"p{n}") for n in range(12)} == {(2, 0)}
    assert ledger.spent("nobody") == (0, 0)
    assert ledger.pending() == ()
    assert "epsilon 2 per face" in words
    assert "accountant: basic" in words


def test_unknown_people_pay_for_every_part_and_nothing_is_looked_at_beyond_the_budget(tmp_path: Path):
    unknown = [(replace(sample, subjects=frozenset()), found) for sample, found in known_people(each=1)]
    settings = {"epsilon": 2.0, "parts": 3, "candidates": 2, "noise": SystemNoise()}
    vote(unknown, budgeted(), tmp_path / "l", ballot=lambda _: 0, **settings)
    assert Ledger(tmp_path / "l", Purse("face", 10.0)).spent(EVERYONE) == (6, 0)

    def never(_):
        raise AssertionError

    with pytest.raises(BudgetExceeded):
        vote(unknown, budgeted(), tmp_path / "l", ballot=never, **settings)
    with pytest.raises(UnitMismatch):
        vote(unknown, replace(budgeted(), treat={}), tmp_path / "m", ballot=never, **settings)


def test_a_part_that_cannot_be_measured_votes_for_nothing(tmp_path: Path, surely):
    def broken(_):
        raise Unreadable("too few pictures")

    proposed, _ = vote(
        known_people(), budgeted(), tmp_path / "l", epsilon=1, parts=3, candidates=2, ballot=broken, noise=SystemNoise()
    )
    assert proposed is None


def test_one_vote_moves_the_choice_by_no_more_than_it_costs():
    runs, noise = 4000, SeededNoise(3)
    shares = []
    for votes in ([0, 0, 1], [0, 1, 1]):
        counts = Counter(chosen(votes, 2, 1.0, noise) for _ in range(runs))
        shares.append([clopper_pearson(counts[one], runs, 0.999) for one in (0, 1, None)])
    for one, other in zip(*shares, strict=True):
        assert one[0] <= math.e * other[1]
        assert other[0] <= math.e * one[1]
    assert shares[0][0][0] > shares[1][0][1]


def test_private_pictures_choose_when_a_ledger_is_charged(photos, tmp_path: Path):
    names = Names(photos.known())
    options = {"axes": {"epsilon": [1, 100]}, "probes": ["fidelity"], "names": names, "policy": budgeted()}
    with pytest.raises(UnitMismatch, match="--ledger"):
        tune(photos.path, **options, out=tmp_path / "page.html")
    with pytest.raises(UnitMismatch, match="--ledger"):
        tune(photos.path, **(options | {"axes": {"cells": [2, 16]}}), operator="pixelate")
    done = tune(photos.path, **options, ledger=tmp_path / "l", parts=2, out=tmp_path / "page.html")
    assert done.by_vote
    assert all(not point.measurements and not point.gates for point in done.points)
    assert "charged to the ledger" in done.data
    page = (tmp_path / "page.html").read_text()
    assert "charged to the ledger" in page
    assert "<svg" not in page
    assert "ssim" not in page + (tmp_path / "page.json").read_text()
    assert not (tmp_path / "page.png").exists()
    assert 0 < Ledger(tmp_path / "l", Purse("face", 10.0)).spent(EVERYONE)[0] <= 2
    free = tune(photos.path, **options, public=True, ledger=tmp_path / "l")
    assert free.points[0].measurements
    assert Ledger(tmp_path / "l", Purse("face", 10.0)).spent(EVERYONE)[0] <= 2


def test_the_policys_gates_are_kept(photos):
    gate = Gate(Named("fidelity", Fidelity()), "ssim_inside", least=2.0)
    done = tune(photos.path, axes={"epsilon": [1]}, policy=budgeted((gate,)), names=Names(photos.known()), public=True)
    assert done.proposed is None
    assert {one.probe for one in done.points[0].measurements} == {"fidelity"}
