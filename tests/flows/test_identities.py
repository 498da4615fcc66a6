"""Identities are kept when asked, used in place of looking again, and gone when a person withdraws."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from veilset.cli.main import program
from veilset.core.errors import Unreadable, UsageError
from veilset.core.finding import Finding, Risk
from veilset.core.registry import Entry, Registry
from veilset.core.sample import Image
from veilset.core.where import Box
from veilset.flows.audit import audit
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.release import release
from veilset.flows.withdraw import Query, plan_withdrawal, withdraw
from veilset.policy.schema import Named, Policy, Rule
from veilset.records.identity_store import IdentityStore

LOOKED: list[str] = []


@dataclass(frozen=True)
class Corner:
    """Sees the person whose colour the first corner of a picture has, and notes that it looked."""

    min_alike: float = 0.5
    takes: ClassVar[tuple[type, ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("identity",)

    def observe(self, sample):
        LOOKED.append(sample.origin.name)
        who = int(sample.image.pixels[2, 2, 0]) // 100
        return ((Box(0, 0, 8, 8), 1.0, np.full(256, who, np.float16).tobytes()),) if who else ()

    def conclude(self, observed):
        return {
            name: tuple(
                Finding("identity", box, score, "fake", Risk.PERSON, f"person-{np.frombuffer(v, np.float16)[0]:.0f}")
                for box, score, v in faces
            )
            for name, faces in observed.items()
            if faces
        }


def names() -> Catalog:
    own = Registry("detector", {"identity": Entry(f"{__name__}:Corner", "Fake.")}, group=None)
    return replace(catalog(), detectors=own)


def drawn(path: Path, seed: int, who: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    pixels = cv2.resize(pixels, (96, 72), interpolation=cv2.INTER_CUBIC)
    pixels[:8, :8] = 100 * who + 50 if who else 0
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, seed, who in (("a.png", 1, 1), ("b.png", 2, 2), ("c.png", 3, 1), ("d.png", 4, 0)):
        drawn(tmp_path / "set" / name, seed, who)
    LOOKED.clear()
    return tmp_path


@pytest.fixture
def kept(here: Path) -> Path:
    audit(
        here / "set",
        here / "report",
        find=["identity"],
        workers=1,
        names=names(),
        keep_identities=here / "identity.key",
    )
    assert sorted(LOOKED) == ["a.png", "b.png", "c.png", "d.png"]
    LOOKED.clear()
    return here / "report" / "identities.veilset"


def test_a_withdrawal_looks_at_no_kept_face_again(here: Path, kept: Path) -> None:
    drawn(here / "me.png", 9, 1)
    query = Query(
        here / "set", photo=here / "me.png", faces=True, identities=kept, identities_key=here / "identity.key"
    )
    plan = plan_withdrawal(query, names=names())
    assert set(plan.samples) == {"a.png", "c.png"}
    assert LOOKED == ["me.png"]
    assert "0 of 4 samples" in plan.note
    assert set(plan_withdrawal(replace(query, identities=None, identities_key=None), names=names()).samples) == {
        "a.png",
        "c.png",
    }
    drawn(here / "set" / "b.png", 12, 1)
    LOOKED.clear()
    plan = plan_withdrawal(query, names=names())
    assert set(plan.samples) == {"a.png", "b.png", "c.png"}
    assert sorted(LOOKED) == ["b.png", "me.png"]
    withdraw(plan, query, here / "optout", when=dt.date(2025, 3, 1))
    assert IdentityStore(kept, here / "identity.key").read().samples.keys() == {"d.png"}


def test_a_deleted_store_is_said_to_be_deleted(here: Path, kept: Path) -> None:
    key = here / "identity.key"
    run = CliRunner()
    listed = run.invoke(program(), ["identities", "people", str(kept), "--key", str(key), "--json"])
    assert json.loads(listed.stdout)["people"] == {"person-1": 2, "person-2": 1}
    gone = run.invoke(program(), ["identities", "forget", str(kept), "--key", str(key), "--person", "person-1"])
    assert gone.exit_code == 0, gone.output
    assert IdentityStore(kept, key).read().people() == {"person-2": 1}
    nobody = run.invoke(program(), ["identities", "forget", str(kept), "--key", str(key), "--person", "person-1"])
    assert nobody.exit_code != 0
    assert run.invoke(program(), ["identities", "delete", str(kept), "--key", str(key)], input="n\n").exit_code == 1
    assert kept.exists()
    assert run.invoke(program(), ["identities", "delete", str(kept), "--key", str(key), "--yes"]).exit_code == 0
    drawn(here / "me.png", 9, 1)
    query = Query(here / "set", photo=here / "me.png", faces=True, identities=kept, identities_key=key)
    with pytest.raises(Unreadable, match="were deleted on"):
        plan_withdrawal(query, names=names())


def test_it_is_kept_only_where_it_can_be(here: Path) -> None:
    for given, words in (
        ({"report": here / "r", "find": ["identity"], "keep_identities": here / "r" / "key"}, "outside"),
        ({"report": None, "find": ["identity"], "keep_identities": here / "key"}, "--out"),
        ({"report": here / "r", "find": ["metadata"], "keep_identities": here / "key"}, "identity"),
    ):
        listed = names() if given["find"] == ["identity"] else None
        with pytest.raises(UsageError, match=words):
            audit(here / "set", workers=1, names=listed, **given)
    assert not (here / "r").exists()
    audit(here / "set", here / "plain", find=["identity"], workers=1, names=names())
    assert not list((here / "plain").glob("identities*"))
    with pytest.raises(UsageError, match="--identities-key"):
        Query(here / "set", photo=here / "a.png", identities=here / "x")


def test_a_release_keeps_them_in_private_alone(photos, policy: Callable[..., Policy], tmp_path: Path) -> None:
    base = policy()
    known = policy(
        find=(*base.find, Named("identity", Corner())), treat={**base.treat, "identity": Rule(verdict="keep")}
    )
    release(photos.path, tmp_path / "out", known, workers=1, keep_identities=tmp_path / "key")
    kept = IdentityStore(tmp_path / "out" / "private" / "identities.veilset", tmp_path / "key").read()
    assert set(kept.samples) == {one.name for one in photos.drawn}
    assert not list((tmp_path / "out" / "public").rglob("identities*"))
    with pytest.raises(UsageError, match="outside"):
        release(photos.path, tmp_path / "two", known, workers=1, keep_identities=tmp_path / "two" / "key")
