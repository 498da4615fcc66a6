"""The policy of docs/how-to/consent.md, word for word, over a set in which every rule has something to do."""

import csv
import datetime as dt
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.flows.release import release
from veilset.flows.verify import verify
from veilset.flows.withdraw import Query, plan_withdrawal, withdraw
from veilset.records.consent import Notice, Party, Record, State, Use
from veilset.records.consent_store import ConsentStore

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "consent.md"
BY = "https://creativecommons.org/licenses/by/4.0/"
NO_DERIVATIVES = "https://creativecommons.org/licenses/by-nd/4.0/"
# Name: (who is in it, licence, last day of release), and a word of why it is left out; empty when it is released.
SET = {
    "agreed.png": (("yes",), BY, "", ""),
    "both.png": (("yes", "also"), BY, "", ""),
    "group.png": (("yes", "no"), BY, "", "does not cover publication"),
    "nobody.png": ((), BY, "", "nobody in it is identified"),
    "fixed.png": (("yes",), NO_DERIVATIVES, "", "forbids sharing changed versions"),
    "unknown.png": (("yes",), "", "", "licence"),
    "late.png": (("yes",), BY, "2020-01-01", "2020-01-01"),
    "gone.png": (("yes",), BY, "", "withdrew"),
}


def build(root: Path) -> None:
    (root / "photos").mkdir()
    (root / "private").mkdir()
    for number, name in enumerate(SET):
        pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(root / "photos" / name), cv2.resize(pixels, (96, 72), interpolation=cv2.INTER_CUBIC))
    with (root / "private" / "origins.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["sample", "licence", "release_until"])
        rows.writerows((name, licence, until) for name, (_, licence, until, _) in SET.items())
    store = ConsentStore("private/consent.sqlite", create=True)
    party = Party("1", "Lab", "Street", "mail")
    store.add_notices([Notice("n", "u", "en", "p", "photograph", (party,), ("EU",), "5 y", "DE", ("public",), "mail")])
    both, one = frozenset({Use.RESEARCH, Use.PUBLICATION}), frozenset({Use.RESEARCH})
    store.add(
        Record(who, who, "study", scope, "n", State.GIVEN, dt.date(2024, 1, 1), "form", "me")
        for who, scope in (("yes", both), ("also", both), ("no", one))
    )
    store.link(("sample", name, who) for name, (people, *_) in SET.items() for who in people)
    store.close()
    query = Query(root / "photos", photo=root / "photos" / "gone.png")
    withdraw(plan_withdrawal(query), query, Path("private/optout"), when=dt.date(2025, 1, 1))


def test_the_example_loads_and_every_rule_of_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    build(tmp_path)
    (policy,) = re.findall(r"```yaml\n(version: 1\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    release("photos", "out", "policy.yaml", workers=1)
    with (tmp_path / "out/private/quarantine.csv").open(encoding="utf-8", newline="") as stream:
        left = {row["original"]: row["reason"] for row in csv.DictReader(stream)}
    assert set(left) == {name for name, (*_, why) in SET.items() if why}
    for name, reason in left.items():
        assert SET[name][-1] in reason, (name, reason)
    verify("out")
    text = (tmp_path / "out/public/papers/datasheet.md").read_text(encoding="utf-8")
    assert "Samples read under CC-BY-4.0: 2." in text
