"""tune: sweeps, draws, proposes what meets the gates, and looks at private pictures for no private operator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from veilset.core.errors import BadSetting, UnitMismatch, Unreadable
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Whole
from veilset.data.folder import Folder
from veilset.flows.catalog import catalog
from veilset.flows.curve import propose
from veilset.flows.report.tune_page import write_page
from veilset.flows.tune import grid_of, parse_gate, sweep, tune
from veilset.operators.dp_pix import DpPix


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
