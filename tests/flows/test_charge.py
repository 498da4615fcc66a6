"""A policy that spends a privacy budget: people are charged first, over all releases, or nothing comes out."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from veilset.core.errors import BudgetExceeded, UnitMismatch, UsageError
from veilset.core.finding import Finding
from veilset.core.sample import Image, Media
from veilset.core.where import Box
from veilset.dp.ledger import EVERYONE, Ledger
from veilset.dp.ledger import Budget as Purse
from veilset.flows.charge import charges_of
from veilset.flows.payers import payers_of
from veilset.flows.release import release
from veilset.operators.dp_pix import DpPix
from veilset.policy.schema import Budget, Named, Policy, Rule

Make = Callable[..., Policy]


def spending(
    policy: Make, *, epsilon: float = 0.1, total: float = 2.0, cap: int = 20, unit: int | str = "face"
) -> Policy:
    """Faces by DP-Pix under a budget."""
    treat = dict(policy().treat) | {"face": Rule(operators=(Named("dp_pix", DpPix(epsilon=epsilon, pixels=unit)),))}
    return policy(treat=treat, budget=Budget("person", "face", total, 0.0, cap))


def spent(ledger: Path) -> list[float]:
    """Epsilons in the ledger's file."""
    with sqlite3.connect(ledger) as db:
        return [json.loads(use)["epsilon"] for use, times in db.execute("SELECT use, times FROM charges") if times == 1]


def test_everyone_is_charged_for_every_unknown_face(photos, policy: Make, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    faces = sum(len(one.faces) for one in photos.drawn)
    done = release(photos.path, tmp_path / "out", spending(policy), workers=1, ledger=ledger)
    assert done.manifest.counts.released == 8
    assert spent(ledger) == [0.1] * faces
    note = next(note for note in done.manifest.notes if note.startswith("privacy budget"))
    assert "accountant: basic" in note


def test_releases_add_up_until_the_budget_is_gone(photos, policy: Make, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    faces = sum(len(one.faces) for one in photos.drawn)
    spend = spending(policy, total=0.1 * faces * 1.5)
    release(photos.path, tmp_path / "one", spend, workers=1, ledger=ledger)
    with pytest.raises(BudgetExceeded):
        release(photos.path, tmp_path / "two", spend, workers=1, ledger=ledger)
    assert not (tmp_path / "two" / "public").exists()
    assert len(spent(ledger)) == faces


def test_surplus_pictures_are_dropped_before_they_are_treated(photos, policy: Make, tmp_path: Path) -> None:
    done = release(photos.path, tmp_path / "out", spending(policy, cap=3), workers=1, ledger=tmp_path / "ledger.sqlite")
    with_faces = sum(bool(one.faces) for one in photos.drawn)
    assert done.manifest.counts.dropped == with_faces - 3
    assert done.manifest.counts.released == 8 - with_faces + 3
    reasons = (tmp_path / "out/private/quarantine.csv").read_text()
    assert "as many pictures as the budget allows" in reasons


def test_a_killed_run_is_not_charged_twice(photos, policy: Make, tmp_path: Path, monkeypatch) -> None:
    ledger = tmp_path / "ledger.sqlite"
    spend = spending(policy, cap=3)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("veilset.flows.run.append_line", killed)
        with pytest.raises(KeyboardInterrupt):
            release(photos.path, tmp_path / "out", spend, workers=1, ledger=ledger)
    before = spent(ledger)
    assert before
    done = release(photos.path, tmp_path / "out", spend, workers=1, ledger=ledger)
    assert spent(ledger) == before
    assert done.manifest.counts.dropped == sum(bool(one.faces) for one in photos.drawn) - 3


@pytest.mark.parametrize("broken", ["no ledger", "no budget", "charges pictures"])
def test_without_ledger_and_budget_nothing_that_spends_runs(photos, policy: Make, tmp_path: Path, broken: str) -> None:
    spend = spending(policy)
    if broken == "no budget":
        spend = policy(treat=spend.treat)
    if broken == "charges pictures":
        spend = policy(treat=spend.treat, budget=Budget("image", "face", 1.0, 0.0, 3))
    with pytest.raises(UsageError):
        release(
            photos.path, tmp_path / "out", spend, ledger=None if broken == "no ledger" else tmp_path / "l", workers=1
        )
    assert not (tmp_path / "out" / "public").exists()


def test_units_never_convert(photos, policy: Make, tmp_path: Path) -> None:
    with pytest.raises(UnitMismatch):
        release(photos.path, tmp_path / "out", spending(policy, unit=16), workers=1, ledger=tmp_path / "l")
    assert spent(tmp_path / "l") == []


def test_people_are_charged_by_folder(photos, policy: Make, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    release(photos.path, tmp_path / "out", spending(policy), workers=1, ledger=ledger, subjects="folder")
    with sqlite3.connect(ledger) as db:
        people = {person for (person,) in db.execute("SELECT person FROM charges")}
    folders = {Path(one.name).parent.name for one in photos.drawn if one.faces}
    assert people == {folder or EVERYONE for folder in folders}


def test_known_faces_are_charged_to_their_own(policy: Make) -> None:
    faces = (
        Finding("face", Box(0, 0, 5, 5), 1, "t", subject="anna"),
        Finding("face", Box(9, 9, 5, 5), 1, "t"),
        Finding("metadata", Box(0, 0, 1, 1), 1, "t"),
    )
    charges = charges_of(spending(policy), "a.jpg", faces, frozenset({"anna", "bert"}))
    assert [charge.subjects for charge in charges] == [frozenset({"anna"}), frozenset({"anna", "bert"})]
    (once,) = charges_of(spending(policy, unit=16), "a.jpg", faces, frozenset({"anna"}))
    assert once.guarantee.unit == "16 pixels"


def test_the_ledger_is_told_when_a_release_came_out(photos, policy: Make, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    release(photos.path, tmp_path / "out", spending(policy), workers=1, ledger=ledger)
    assert Ledger(ledger, Purse("face", 2.0, 0.0, 20)).pending() == ()


BOXES = {"anna": Box(8, 8, 24, 24), "bert": Box(60, 10, 24, 24), "carl": Box(30, 60, 24, 24)}
SHOWN = {
    "a1.png": ("anna",),
    "a2.png": ("anna", "bert"),
    "a3.png": ("anna", "bert", "carl"),
    "a4.png": ("anna",),
    "b1.png": ("bert",),
    "none.png": (),
}


@dataclass(frozen=True)
class Faces:
    """Finds every face, some pixels beside the place where `Groups` sees it, and names nobody."""

    missed: tuple[str, ...] = ()
    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("face",)

    def find(self, sample):
        shown = SHOWN.get(sample.origin.name, ())
        return tuple(
            Finding("face", Box(BOXES[p].x + 2, BOXES[p].y - 1, 24, 26), 1, "t") for p in shown if p not in self.missed
        )


@dataclass(frozen=True)
class Groups:
    """Recognises everybody but those who turn away, and gives pseudonyms in order of pictures, as `identity` does."""

    unseen: tuple[str, ...] = ()
    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("identity",)

    def observe(self, sample) -> tuple[str, tuple[str, ...]]:
        return sample.origin.name, tuple(p for p in SHOWN.get(sample.origin.name, ()) if p not in self.unseen)

    def conclude(self, observed: Mapping[str, tuple[str, tuple[str, ...]]]) -> Mapping[str, tuple[Finding, ...]]:
        order = [p for _, people in sorted(observed.values()) for p in people]
        names = {p: f"person-{n:05d}" for n, p in enumerate(dict.fromkeys(order), 1)}
        return {
            sample: tuple(Finding("identity", BOXES[p], 1, "t", subject=names[p]) for p in people)
            for sample, (_, people) in observed.items()
        }


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    folder = tmp_path / "crowd"
    folder.mkdir()
    for number, name in enumerate(SHOWN):
        cv2.imwrite(str(folder / name), np.random.default_rng(number).integers(0, 256, (96, 96, 3), np.uint8))
    return folder


def grouped(*, total: float = 1.0, cap: int = 20, unseen: tuple[str, ...] = (), unit: str = "face") -> Policy:
    """Faces by DP-Pix, charged by identity groups."""
    treat = {
        "face": Rule(operators=(Named("dp_pix", DpPix(epsilon=0.1, pixels=unit)),)),
        "identity": Rule(verdict="keep"),
    }
    find = (Named("face", Faces()), Named("identity", Groups(unseen)))
    return Policy(find, treat, Rule(verdict="refuse"), Budget("person", unit, total, 0.0, cap))


def charged(ledger: Path) -> Counter[str]:
    """How many uses each person was charged."""
    with sqlite3.connect(ledger) as db:
        rows = db.execute("SELECT person, sum(times) FROM charges GROUP BY person")
        return Counter(dict(rows))


def test_identity_groups_pay_for_their_own_faces_and_nobody_elses(crowd: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "l"
    release(crowd, tmp_path / "out", grouped(), workers=1, ledger=ledger)
    assert charged(ledger) == {"person-00001": 4, "person-00002": 3, "person-00003": 1}


def test_a_treatment_of_the_whole_picture_charges_every_group_in_it(crowd: Path, tmp_path: Path) -> None:
    release(crowd, tmp_path / "out", grouped(unit="image"), workers=1, ledger=tmp_path / "l")
    assert charged(tmp_path / "l") == {"person-00001": 4, "person-00002": 3, "person-00003": 1}


@pytest.mark.parametrize("unit", ["face", "image"])
def test_a_face_that_nobody_recognises_is_charged_to_everyone(crowd: Path, tmp_path: Path, unit: str) -> None:
    ledger = tmp_path / "l"
    release(crowd, tmp_path / "out", grouped(unseen=("carl",), unit=unit), workers=1, ledger=ledger)
    assert charged(ledger) == {"person-00001": 4, "person-00002": 3, EVERYONE: 1}


def test_the_cap_holds_for_groups_and_which_pictures_go_depends_on_no_pixel(crowd: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        ledger = tmp_path / f"ledger {name}"
        key = "0f" * 32
        made = Ledger(ledger, Purse("face", 1.0, 0.0, 2))
        with sqlite3.connect(ledger) as db:
            db.execute("UPDATE facts SET value = ? WHERE name = 'key'", (key,))
        for file in crowd.iterdir():
            cv2.imwrite(str(file), np.random.default_rng([number, 7]).integers(0, 256, (96, 96, 3), np.uint8))
        done = release(crowd, tmp_path / name, grouped(cap=2), workers=1, ledger=made.path)
        assert done.manifest.counts.dropped >= 2
        assert max(charged(ledger).values()) == 2
    with sqlite3.connect(tmp_path / "ledger one") as one, sqlite3.connect(tmp_path / "ledger two") as two:
        kept = [sorted(db.execute("SELECT image, person FROM appearances")) for db in (one, two)]
    assert kept[0] == kept[1]


def test_groups_add_up_over_releases_of_the_same_pictures(crowd: Path, tmp_path: Path) -> None:
    ledger, spend = tmp_path / "l", grouped(total=0.8)
    release(crowd, tmp_path / "one", spend, workers=1, ledger=ledger)
    release(crowd, tmp_path / "two", spend, workers=1, ledger=ledger)
    assert charged(ledger) == {"person-00001": 8, "person-00002": 6, "person-00003": 2}
    with pytest.raises(BudgetExceeded, match="2 of the people charged"):
        release(crowd, tmp_path / "three", spend, workers=1, ledger=ledger)
    assert charged(ledger)["person-00001"] == 8


def test_pseudonyms_of_other_pictures_are_not_mistaken_for_the_same_people(crowd: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "l"
    release(crowd, tmp_path / "one", grouped(), workers=1, ledger=ledger)
    (crowd / "a1.png").unlink()
    (crowd / "a2.png").rename(crowd / "none2.png")
    with pytest.raises(BudgetExceeded, match="named otherwise"):
        release(crowd, tmp_path / "two", grouped(), workers=1, ledger=ledger)
    with pytest.raises(BudgetExceeded, match="named otherwise"):
        release(crowd, tmp_path / "three", grouped(), workers=1, ledger=ledger, subjects="folder")


def test_a_second_region_on_one_face_is_nobodys() -> None:
    known = Finding("identity", Box(0, 0, 20, 20), 1, "t", subject="p")
    close, closer = Finding("face", Box(4, 0, 20, 20), 1, "t"), Finding("face", Box(1, 0, 20, 20), 1, "t")
    far = Finding("face", Box(30, 30, 20, 20), 1, "t")
    found = (close, closer, far, known)
    assert payers_of(found[:3], found, frozenset()) == (frozenset(), frozenset({"p"}), frozenset())
    assert payers_of(found[1:3], found, frozenset({"x"})) == (frozenset({"x", "p"}), frozenset({"x"}))
