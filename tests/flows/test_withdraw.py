"""A withdrawn person cannot come back, recipients are told which files, and erasure is verified."""

import csv
import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import UnknownName, UsageError
from veilset.detectors.optout import Optout
from veilset.flows.due import list_due
from veilset.flows.release import release
from veilset.flows.withdraw import Query, plan_withdrawal, withdraw
from veilset.operators.drop import Drop
from veilset.policy.schema import Named, Policy, Rule
from veilset.records.consent import Notice, Party, Question, Record, State, Use
from veilset.records.consent_store import ConsentStore

DAY = dt.date(2025, 3, 1)


@pytest.fixture
def names(photos) -> list[str]:
    return sorted(one.name for one in photos.drawn)


@pytest.fixture
def out(photos, policy: Callable[..., Policy], tmp_path: Path) -> Path:
    release(photos.path, tmp_path / "first", policy(), workers=1)
    return tmp_path / "first"


def groups_file(tmp_path: Path, rows: list[tuple[str, str]]) -> Path:
    path = tmp_path / "groups.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("sample", "group"), *rows])
    return path


def next_policy(policy: Callable[..., Policy], store: Path) -> Policy:
    base = policy()
    treat = {**base.treat, "opted_out": Rule(operators=(Named("drop", Drop()),))}
    return policy(find=(*base.find, Named("optout", Optout(store=str(store)))), treat=treat)


def test_a_photograph_finds_the_person_and_no_later_release_holds_them(
    photos, names: list[str], out: Path, policy: Callable[..., Policy], tmp_path: Path
) -> None:
    groups = groups_file(tmp_path, [(names[0], "7"), (names[3], "7"), (names[1], "8")])
    query = Query(photos.path, photo=photos.path / names[0], groups=groups, outputs=(out,))
    plan = plan_withdrawal(query)
    assert set(plan.samples) == {names[0], names[3]}
    assert "it is this photograph" in plan.samples[names[0]]
    assert "group 7" in plan.samples[names[3]]
    ((earlier, held),) = plan.releases
    assert set(held) == set(plan.samples)
    assert plan.remaining == len(names) - 2
    store = tmp_path / "optout"
    assert not store.exists()
    (notice,) = withdraw(plan, query, store, when=DAY)
    text = notice.read_text(encoding="utf-8")
    assert earlier.release in text
    assert all(f"`{file}`" in text for file in held.values())
    assert not any(name in text for name in names)
    again = release(photos.path, tmp_path / "second", next_policy(policy, store), workers=1)
    assert again.manifest.counts.dropped == 2
    reasons = (tmp_path / "second" / "private" / "quarantine.csv").read_text(encoding="utf-8")
    assert reasons.count("a person in it withdrew; leave it out") == 2


def test_each_recipient_gets_a_notice_that_names_no_other(
    photos, names: list[str], policy: Callable[..., Policy], tmp_path: Path
) -> None:
    given_to = ("Lab A", "Lab B", " Lab A ")
    release(photos.path, tmp_path / "out", policy(), workers=1, recipients=given_to)
    query = Query(photos.path, photo=photos.path / names[0], outputs=(tmp_path / "out",))
    notices = withdraw(plan_withdrawal(query), query, tmp_path / "optout", when=DAY)
    assert sorted(notices.values()) == ["Lab A", "Lab B"]
    for path, recipient in notices.items():
        text = path.read_text(encoding="utf-8")
        assert f"To: {recipient}" in text
        assert not any(other in text for other in {"Lab A", "Lab B"} - {recipient})
    public = [path.read_bytes() for path in (tmp_path / "out" / "public").rglob("*") if path.is_file()]
    assert not any(b"Lab A" in content for content in public)
    for nobody in ("", "two\nlines"):
        with pytest.raises(UsageError, match="recipient"):
            release(photos.path, tmp_path / "other", policy(), workers=1, recipients=[nobody])
    assert not (tmp_path / "other").exists()


def test_a_copy_in_disguise_does_not_come_back(
    photos, names: list[str], policy: Callable[..., Policy], tmp_path: Path
) -> None:
    query = Query(photos.path, photo=photos.path / names[0])
    store = tmp_path / "optout"
    withdraw(plan_withdrawal(query), query, store, when=DAY)
    disguised = tmp_path / "disguised"
    disguised.mkdir()
    pixels = cv2.imdecode(np.fromfile(photos.path / names[0], np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(disguised / "a.jpg"), cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(disguised / "b.png"), pixels[:, ::-1])
    shutil.copy(photos.path / names[1], disguised / f"c{Path(names[1]).suffix}")
    done = release(disguised, tmp_path / "out", next_policy(policy, store), workers=1)
    assert (done.manifest.counts.dropped, done.manifest.counts.released) == (2, 1)


def test_a_group_photograph_asks_who_is_meant(photos, names: list[str], tmp_path: Path) -> None:
    groups = groups_file(tmp_path, [(names[0], "7"), (names[0], "8"), (names[2], "8")])
    with pytest.raises(UsageError, match=r"--group: 7 \(1 samples\), 8 \(2 samples\)"):
        plan_withdrawal(Query(photos.path, photo=photos.path / names[0], groups=groups))
    plan = plan_withdrawal(Query(photos.path, photo=photos.path / names[0], groups=groups, group="8"))
    assert set(plan.samples) == {names[0], names[2]}
    with pytest.raises(UsageError):
        plan_withdrawal(Query(photos.path, photo=photos.path / names[0], groups=groups, group="9"))


def test_a_pseudonym_withdraws_consent_too(photos, names: list[str], out: Path, tmp_path: Path) -> None:
    registry = str(tmp_path / "consent.sqlite")
    store = ConsentStore(registry, create=True)
    party = Party("1", "Lab", "Street", "mail")
    store.add_notices([Notice("n", "u", "en", "p", "photograph", (party,), ("EU",), "5 y", "DE", ("public",), "mail")])
    scope = frozenset({Use.RESEARCH})
    store.add([Record("r", "p1", "study", scope, "n", State.GIVEN, dt.date(2024, 1, 1), "form", "me")])
    store.link([("sample", names[2], "p1"), ("group", "5", "p1")])
    groups = groups_file(tmp_path, [(names[4], "5")])
    query = Query(photos.path, subject="p1", registry=registry, groups=groups, outputs=(out,))
    plan = plan_withdrawal(query)
    assert set(plan.samples) == {names[2], names[4]}
    ask = Question(scope, DAY)
    assert store.decide((), ask, ["p1"]).allowed
    withdraw(plan, query, tmp_path / "optout", when=DAY)
    assert not store.decide((), ask, ["p1"]).allowed
    store.close()


def test_questions_that_cannot_be_answered_are_refused(photos, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="either"):
        Query(photos.path)
    with pytest.raises(UsageError, match="registry"):
        Query(photos.path, subject="p1")
    stranger = tmp_path / "stranger.png"
    cv2.imwrite(str(stranger), np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    with pytest.raises(UnknownName):
        plan_withdrawal(Query(photos.path, photo=stranger))


def test_what_is_due_is_listed_and_its_erasure_verified(photos, names: list[str], out: Path, tmp_path: Path) -> None:
    table = tmp_path / "origins.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["sample", "release_until", "erase_after"])
        rows.writerows(
            [[names[0], "", "2025-01-31"], [names[1], "2025-02-15", ""], ["long/gone.jpg", "", "2024-01-01"]]
        )
        rows.writerow([names[2], "", "2030-01-01"])
    store = tmp_path / "optout"

    def statuses(day: dt.date = DAY) -> dict[str, str]:
        found = list_due(table, photos.path, store, when=day, outputs=(out,))
        assert found.next == dt.date(2030, 1, 1)
        return {item.due.sample: item.status for item in found.items}

    assert statuses() == {
        "long/gone.jpg": "gone, not verifiable",
        names[0]: "still there",
        names[1]: "stop releasing",
    }
    copy = photos.path / f"copy{Path(names[0]).suffix}"
    shutil.copy(photos.path / names[0], copy)
    (photos.path / names[0]).unlink()
    found = list_due(table, photos.path, store, when=DAY, outputs=(out,))
    item = next(one for one in found.items if one.due.sample == names[0])
    assert (item.status, item.copies) == ("copies left", (copy.name,))
    assert len(item.releases) == 1
    copy.unlink()
    assert statuses()[names[0]] == "erased"
    # Listing twice neither adds tombstones nor changes the answer.
    assert statuses()[names[0]] == "erased"
    assert len((store / "tombstones.jsonl").read_text().splitlines()) == 1
