"""A policy that spends a privacy budget: people are charged first, over all releases, or nothing comes out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from veilset.core.errors import BudgetExceeded, UnitMismatch, UsageError
from veilset.core.finding import Finding
from veilset.core.where import Box
from veilset.dp.ledger import EVERYONE, Ledger
from veilset.flows.charge import charges_of
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


def spent(ledger: Path) -> list[str]:
    """Epsilons in the ledger's file."""
    with sqlite3.connect(ledger) as db:
        return [epsilon for (epsilon,) in db.execute("SELECT epsilon FROM charges")]


def test_everyone_is_charged_for_every_unknown_face(photos, policy: Make, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    faces = sum(len(one.faces) for one in photos.drawn)
    done = release(photos.path, tmp_path / "out", spending(policy), workers=1, ledger=ledger)
    assert done.manifest.counts.released == 8
    assert spent(ledger) == ["1/10"] * faces
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
    from veilset.dp.ledger import Budget as Purse

    assert Ledger(ledger, Purse("face", 2.0, 0.0, 20)).pending() == ()
