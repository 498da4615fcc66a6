"""Whom a set shows: persons without a face head the list; counts, intervals and exports agree."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from veilset.core.errors import BadSetting, MissingWeights
from veilset.core.finding import Finding, Risk
from veilset.core.interval import clopper_pearson
from veilset.core.registry import Entry, Registry
from veilset.core.roles import Ref
from veilset.core.sample import Image, Media, Origin, Sample
from veilset.core.where import Box, Polygon
from veilset.detectors.reviewer import Reviewer
from veilset.flows.asked import asked, detectors
from veilset.flows.audit import audit
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.look import Seen
from veilset.flows.people import FEWER, NO_FACE, NO_PERSON, People, unmatched
from veilset.flows.people_tables import write_tables
from veilset.records.groups import read_groups

BOTH = frozenset({"face", "person", "demographics"})


def person(x: float, score: float = 0.8) -> Finding:
    return Finding("person", Box(x, 0, 40, 120), score, "t", Risk.PERSON)


def face(x: float, y: float = 5, side: float = 16) -> Finding:
    return Finding("face", Box(x, y, side, side), 0.9, "t", Risk.PERSON)


def judged(group: str, gender: str, *, minor: bool) -> Finding:
    return Finding(
        "demographics", Box(0, 0, 9, 9), 0.9, "t", detail={"group": group, "gender": gender, "likely_minor": minor}
    )


def test_each_face_belongs_to_one_person() -> None:
    assert unmatched([person(0), person(200)], [face(10)]) == ([person(200)], [])
    assert unmatched([person(0), person(5, 0.3)], [face(10)]) == ([person(5, 0.3)], [])
    assert unmatched([person(0)], [face(10, y=100)])[0] == [person(0)]
    assert unmatched([person(0)], [face(10, side=3)])[0] == [person(0)], "too small to be that person's face"
    assert unmatched([person(0)], [face(10), face(300)]) == ([], [face(300)])


def test_a_person_without_any_face_heads_the_list() -> None:
    people = People()
    pictures = {
        "fine.jpg": (person(0), face(10)),
        "child with dog.jpg": (person(0, 0.4),),
        "two.jpg": (person(0), person(100, 0.95), face(10)),
        "portrait.jpg": (face(10),),
        "empty.jpg": (),
    }
    for name, findings in pictures.items():
        people.add(Seen(Ref(name, name), findings=findings), BOTH)
    first = people.ranked()
    assert [ref.name for _, ref, _, _ in first] == ["child with dog.jpg", "two.jpg", "portrait.jpg"]
    assert [why.split(" (")[0] for *_, why, _ in first] == [NO_FACE, FEWER, NO_PERSON]
    assert (people.persons, people.faceless, people.with_faceless) == (4, 2, 2)


def test_the_list_keeps_the_most_urgent() -> None:
    people = People()
    for number in range(1000):
        name = f"{number:04d}"
        people.add(Seen(Ref(name, name), findings=(person(0, number / 1000),)), BOTH)
    assert len(people.first) <= 400
    assert [ref.name for _, ref, _, _ in people.ranked()[:200]] == [f"{n:04d}" for n in range(999, 799, -1)]


def test_shares_have_exact_intervals() -> None:
    people = People()
    for number in range(20):
        one = judged("child" if number < 3 else "adult", "female" if number < 15 else "uncertain", minor=number < 4)
        people.add(Seen(Ref(str(number), f"class{number % 2}/{number}.jpg"), findings=(one,)), BOTH)
    rows = {(what, name): (count, n, low, high) for what, name, count, n, low, high in people.shares()}
    assert rows["apparent age", "child"] == (3, 20, *clopper_pearson(3, 20))
    assert rows["apparent gender", "female"] == (15, 20, *clopper_pearson(15, 20))
    assert rows["likely under 18", "yes"] == (4, 20, *clopper_pearson(4, 20))
    assert sum(count for (what, _), (count, *_) in rows.items() if what == "apparent age") == 20
    assert {name: row["minors"] for name, row in people.classes.items()} == {"class0": 2, "class1": 2}


@dataclass(frozen=True)
class Drawn:
    """Finds a person everywhere, and a face in every second picture."""

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("face", "person", "text")

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """The same findings every time."""
        corners = Polygon(((1, 1), (9, 1), (9, 5), (1, 5)))
        found = [person(0), Finding("text", corners, 0.7, "drawn", value="private words")]
        return (*found, face(10)) if len(sample.origin.name) % 2 else tuple(found)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Catalog:
    base = catalog(third_party=False)
    monkeypatch.setattr("builtins.DrawnForTest", Drawn, raising=False)
    table = {
        **base.detectors,
        "face": Entry("builtins:DrawnForTest", "Drawn."),
        "person": Entry("builtins:NothingForTest", "None."),
    }

    @dataclass(frozen=True)
    class Nothing(Drawn):
        """Finds nothing."""

        def find(self, sample: Sample) -> tuple[Finding, ...]:
            """Nothing."""
            return ()

    monkeypatch.setattr("builtins.NothingForTest", Nothing, raising=False)
    registry = Registry("detector", dict(sorted(table.items())), group=None)
    return Catalog(base.sources, registry, base.operators, base.probes, base.documents, base.engines)


def test_every_export_says_the_same(photos, names: Catalog, tmp_path: Path) -> None:
    done = audit(photos.path, tmp_path / "report", find=["face", "person"], workers=1, names=names)
    assert done.report is not None
    coco = json.loads((done.report / "findings_coco.json").read_text())
    people = json.loads((done.report / "audit.json").read_text())["people"]
    kinds = {one["id"]: one["name"] for one in coco["categories"]}
    counts = {kind: sum(kinds[a["category_id"]] == kind for a in coco["annotations"]) for kind in kinds.values()}
    assert counts == {kind: group.findings for kind, group in done.summary.kinds.items()}
    assert len(coco["images"]) == len(photos.drawn)
    assert {a["image_id"] for a in coco["annotations"]} <= {i["id"] for i in coco["images"]}
    assert "private words" not in json.dumps(coco)
    assert all(
        a["segmentation"] == [[1, 1, 9, 1, 9, 5, 1, 5]]
        for a in coco["annotations"]
        if kinds[a["category_id"]] == "text"
    )
    with (done.report / "disagreements.csv").open(encoding="utf-8") as lines:
        listed = [row["name"] for row in csv.DictReader(lines)]
    assert listed == [one["name"] for one in people["look_first"]]
    assert set(listed) == {drawn.name for drawn in photos.drawn if len(drawn.name) % 2 == 0}
    with (done.report / "classes.csv").open(encoding="utf-8") as lines:
        classes = list(csv.DictReader(lines))
    assert sum(int(row["faceless"]) for row in classes) == people["persons_without_face"] == len(listed)
    assert sum(int(row["pictures"]) for row in classes) == len(photos.drawn)
    page = (done.report / "report.html").read_text()
    assert page.index('id="first"') < page.index('id="riskiest"')
    assert {path.stat().st_mode & 0o077 for path in (done.report,)} == {0}


def test_what_was_exported_can_be_reviewed_and_read_back(photos, names: Catalog, tmp_path: Path) -> None:
    done = audit(photos.path, tmp_path / "report", find=["face", "person"], workers=1, names=names)
    assert done.report is not None
    name = photos.drawn[0].name
    blank = Sample("1", Image(np.zeros((4, 4, 3), np.uint8)), origin=Origin(name))
    back = Reviewer(str(done.report / "findings_coco.json"), unlisted="refuse").find(blank)
    wanted = Drawn().find(blank)
    assert [(f.kind, f.where.bounds()) for f in back] == [(f.kind, f.where.bounds()) for f in wanted]


def test_one_and_two_workers_say_the_same(photos) -> None:
    one = audit(photos.path, find=["metadata", "duplicate"], workers=1).summary
    two = audit(photos.path, find=["metadata", "duplicate"], workers=2).summary
    assert one == two
    assert one.people == two.people


def test_detectors_may_be_asked_for_with_settings() -> None:
    built = detectors(
        catalog(third_party=False), ["metadata", "text: {words: true, side: 960}", "reviewer: {path: a.json}"]
    )
    assert list(built) == ["metadata", "text", "reviewer"]
    assert (built["text"].words, built["text"].side, built["reviewer"].path) == (True, 960, "a.json")
    for said in ("text: words", "text: {words", "text: {words: maybe}", "text: {word: true}", "a: {}\nb: {}"):
        with pytest.raises((BadSetting, KeyError)):
            detectors(catalog(third_party=False), [said])
    assert asked("face") == ("face", {})


def test_who_was_told_apart_can_be_read_as_groups(tmp_path: Path) -> None:
    people = People()

    def identity(who: str) -> Finding:
        return Finding("identity", Box(0, 0, 9, 9), 0.9, "t", subject=who)

    people.group(Ref("1", "a.jpg"), [identity("person-00001"), identity("person-00002"), face(1)])
    people.group(Ref("2", "b.jpg"), [identity("person-00001")])
    write_tables(tmp_path, people)
    groups = read_groups(tmp_path / "identity_groups.csv")
    assert groups == {"person-00001": frozenset({"a.jpg", "b.jpg"}), "person-00002": frozenset({"a.jpg"})}
    assert people.to_plain()["identities"] == 2


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.data
def test_networks_say_the_same_with_one_and_two_workers(tmp_path: Path) -> None:
    folder = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "people_photos" / "images"
    if not folder.is_dir():
        pytest.skip("people_photos is not below VEILSET_DATA")
    for path in sorted(folder.glob("dlib_2008*.jpg"))[:4]:
        shutil.copy(path, tmp_path)
    find = ["person", "explicit", "text", "plate", "thing", "screen", "demographics", "identity", "duplicate"]
    try:
        one, two = (audit(tmp_path, find=find, workers=workers).summary for workers in (1, 2))
    except MissingWeights as error:
        pytest.skip(error.message)
    assert one == two
    assert one.people == two.people
    assert one.people.persons > 0
