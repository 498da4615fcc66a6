"""A photograph finds the person by face: with a fake grouping for the rules, with the networks on real people."""

import csv
import datetime as dt
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from veilset.core.errors import UsageError
from veilset.core.finding import Finding, Risk
from veilset.core.registry import Entry, Registry
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.flows.audit import audit
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.identities import Kept
from veilset.flows.same_person import recognise
from veilset.flows.withdraw import Query, plan_withdrawal, withdraw
from veilset.records.identity_store import Identities, KeptSample
from veilset.records.tombstones import Tombstones
from veilset.weights import store


@dataclass(frozen=True)
class Striped:
    """Sees one person for each coloured corner of a picture; the fake stands where the networks would."""

    takes: ClassVar[tuple[type, ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("identity",)

    def observe(self, sample) -> tuple[int, ...]:
        pixels = sample.image.pixels
        corners = (pixels[2, 2], pixels[2, -3])
        return tuple(int(corner[0]) // 100 for corner in corners if corner[0] >= 100)

    def conclude(self, observed):
        return {
            name: tuple(
                Finding("identity", Box(0, 0, 9, 9), 1.0, "fake", Risk.PERSON, f"person-{who}") for who in people
            )
            for name, people in observed.items()
            if people
        }


@dataclass(frozen=True)
class Unweighed(Striped):
    def weights(self) -> tuple[str, ...]:
        return ("mobileface_v2",)


def knowing(fake: str) -> Catalog:
    return replace(
        catalog(), detectors=Registry("detector", {"identity": Entry(f"{__name__}:{fake}", "Fake.")}, group=None)
    )


def drawn(path: Path, seed: int, *people: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    pixels = cv2.resize(pixels, (96, 72), interpolation=cv2.INTER_CUBIC)
    pixels[:8] = 0
    for place, who in zip((slice(0, 8), slice(-8, None)), people, strict=False):
        pixels[:8, place] = 100 * who + 50
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, seed, people in (("a.png", 1, (1,)), ("b.png", 2, (2,)), ("group/c.png", 3, (1, 2)), ("d.png", 4, ())):
        drawn(tmp_path / "set" / name, seed, *people)
    return tmp_path


def test_a_photograph_that_is_not_in_the_set_finds_the_person(here: Path) -> None:
    drawn(here / "me.png", 9, 1)
    query = Query(here / "set", photo=here / "me.png", faces=True, sheet=here / "who.html")
    plan = plan_withdrawal(query, names=knowing("Striped"))
    assert set(plan.samples) == {"a.png", "group/c.png"}
    assert all("same person" in why for why in plan.samples.values())
    page = (here / "who.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 2
    assert (here / "who.html").stat().st_mode & 0o077 == 0
    withdraw(plan, query, here / "optout", when=dt.date(2025, 3, 1))
    assert len(Tombstones(here / "optout").all) == 2


def test_several_people_are_shown_to_choose_from(here: Path) -> None:
    drawn(here / "us.png", 9, 1, 2)
    query = Query(here / "set", photo=here / "us.png", faces=True, sheet=here / "who.html")
    with pytest.raises(UsageError, match=r"--group: person-1 \(2 samples\), person-2 \(2 samples\).*who\.html"):
        plan_withdrawal(query, names=knowing("Striped"))
    assert (here / "who.html").read_text(encoding="utf-8").count("<figure>") == 4
    plan = plan_withdrawal(replace(query, group="person-2"), names=knowing("Striped"))
    assert set(plan.samples) == {"b.png", "group/c.png"}


def test_what_could_not_be_compared_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = Query(here / "set", photo=here / "set" / "d.png", faces=True)
    plan = plan_withdrawal(query, names=knowing("Striped"))
    assert set(plan.samples) == {"d.png"}
    assert "no face on the photograph" in plan.note
    monkeypatch.setenv("VEILSET_WEIGHTS", str(here / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "none"))
    monkeypatch.setattr(store, "local_folders", lambda: ())
    plan = plan_withdrawal(query, names=knowing("Unweighed"))
    assert set(plan.samples) == {"d.png"}
    assert "faces were not compared" in plan.note


def test_faces_kept_with_another_network_are_not_compared(here: Path) -> None:
    """Kept by dlib's network, looked up where another one looks: vectors of both mean nothing to each other."""
    kept = Kept(Identities({}, {"dlib_resnet_v1": "ab" * 32}, {"a.png": KeptSample(1, 1)}))
    drawn(here / "me.png", 9, 1)
    asked = Sample("me", Image(cv2.imread(str(here / "me.png"))))
    with pytest.raises(UsageError, match="made with other networks"):
        recognise(asked, None, [], knowing("Striped"), lambda *_: None, kept)


def people_of(root: Path) -> dict[str, list[Path]]:
    folders = sorted(path for path in (root / "lfw_subset" / "images").iterdir() if path.is_dir())
    return {folder.name: sorted(folder.glob("*.jpg")) for folder in folders}


@pytest.mark.data
@pytest.mark.weights
def test_real_people_are_found_by_a_photograph_and_by_the_audits_table(tmp_path: Path) -> None:
    root = Path(os.environ.get("VEILSET_DATA", "../shared/data"))
    if not (root / "lfw_subset").is_dir():
        pytest.skip("the measurement data is not here")
    if not store.installed("mobileface_v2"):
        pytest.skip("the weights of mobileface_v2 are not installed")
    known = {who: paths for who, paths in people_of(root).items() if len(paths) >= 4}
    chosen = dict(list(known.items())[:4])
    for number, paths in enumerate(chosen.values()):
        for place, path in enumerate(paths[1:4]):
            (tmp_path / "set").mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / "set" / f"{number}-{place}.jpg")
    asked = next(iter(chosen.values()))[0]
    plan = plan_withdrawal(Query(tmp_path / "set", photo=asked, faces=True))
    assert set(plan.samples) == {"0-0.jpg", "0-1.jpg", "0-2.jpg"}
    audit(tmp_path / "set", tmp_path / "report", find=["identity"], workers=1)
    with (tmp_path / "report" / "identity_groups.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) >= 12
    query = Query(
        tmp_path / "set", photo=tmp_path / "set" / "0-1.jpg", groups=tmp_path / "report" / "identity_groups.csv"
    )
    assert set(plan_withdrawal(query).samples) == {"0-0.jpg", "0-1.jpg", "0-2.jpg"}
