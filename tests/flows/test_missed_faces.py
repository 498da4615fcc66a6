"""audit --estimate-missed: the drawn list, and what the filled list says about the set."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from veilset.core.errors import Malformed, Unreadable, UsageError
from veilset.core.finding import Finding
from veilset.core.registry import Entry, Registry
from veilset.core.roles import Ref
from veilset.core.where import Box
from veilset.detectors.face import Face
from veilset.flows.audit import audit
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.look import Seen
from veilset.flows.missed_faces import COLUMNS, LIST, FacesSeen, faces_seen


def face(**scores: float) -> Finding:
    return Finding("face", Box(2, 2, 9, 9), 0.9, "face/centerface+yunet", detail={"scores": scores})


def set_of(with_face: int, empty: int, checked: dict[str, tuple[int, int]] | None = None) -> FacesSeen:
    faces = FacesSeen(checked)
    for number in range(with_face + empty):
        found = (face(centerface=0.9, yunet=0.9),) if number < with_face else ()
        faces.add(Seen(Ref(f"{number:04}", f"{number}.jpg"), findings=found))
    return faces


def checked_as(with_face: int, empty: int, judge: Callable[[str], tuple[int, int]]) -> FacesSeen:
    drawn = set_of(with_face, empty).conclude(refs(with_face + empty)).estimate.to_check
    return set_of(with_face, empty, {sample: judge(sample) for ids in drawn.values() for sample in ids})


def refs(count: int) -> dict[str, Ref]:
    return {f"{number:04}": Ref(f"{number:04}", f"{number}.jpg") for number in range(count)}


def test_a_set_checked_whole_is_known_exactly() -> None:
    faces = checked_as(20, 20, lambda sample: (int(sample >= "0036"), int(sample < "0002")))
    said = faces.conclude(refs(40)).checked
    assert said is not None
    assert (said.pictures, said.faces_not_found, said.at_most) == (40, 4, 4)
    # 20 found, 2 of them false, 4 missed.
    assert said.prevalence == pytest.approx((22 / 40, 22 / 40))


def test_the_truth_lies_in_the_corrected_interval_and_below_the_bound() -> None:
    faces = checked_as(600, 400, lambda sample: (int(sample >= "0900"), int(sample < "0060")))
    said = faces.conclude(refs(1000)).checked
    assert said is not None
    assert said.pictures < 110
    assert 100 <= said.at_most < 400
    assert said.prevalence[0] <= 640 / 1000 <= said.prevalence[1]
    assert said.prevalence[0] < said.prevalence[1] < 0.9


def test_nothing_found_is_still_bounded() -> None:
    said = checked_as(0, 300, lambda _: (0, 0)).conclude(refs(300)).checked
    assert said is not None
    assert 0 < said.at_most < 20
    assert said.prevalence[0] == 0.0
    assert 0 < said.prevalence[1] < 0.1


def test_a_list_of_another_set_is_refused() -> None:
    with pytest.raises(Malformed, match="not those drawn"):
        set_of(5, 5, {"9999": (0, 0)}).conclude(refs(10))


def test_a_single_network_is_refused_before_the_work() -> None:
    for built in ({}, {"face": Face(model="centerface")}):
        with pytest.raises(UsageError, match="two networks"):
            faces_seen(built, None)


@pytest.mark.parametrize(("counts", "said"), [(("", ""), "line 2"), (("two", ""), "line 2"), (("1", "-1"), "line 2")])
def test_a_list_that_is_not_filled_names_the_line(tmp_path: Path, counts: tuple[str, str], said: str) -> None:
    path = tmp_path / LIST
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, ["a", "agree", "a.jpg", "to_check/a.jpg", 1, *counts]])
    with pytest.raises(Malformed, match=said):
        faces_seen({"face": Face(model="centerface+yunet")}, path)
    with pytest.raises(Unreadable):
        faces_seen({"face": Face(model="centerface+yunet")}, tmp_path / "absent.csv")


def test_draw_fill_and_run_again(photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Known(Face):
        """Says that both networks saw what was drawn."""

        boxes: tuple = photos.known().boxes

        def networks(self):
            return ("centerface", "yunet")

        def weights(self):
            return ()

        def find(self, sample):
            known = type(photos.known())(self.boxes).find(sample)
            return tuple(
                Finding("face", one.where, 0.9, "face", one.risk, detail={"scores": {"centerface": 0.9, "yunet": 0.9}})
                for one in known
                if one.kind == "face"
            )

    base = catalog(third_party=False)
    monkeypatch.setattr("builtins.KnownForTest", Known, raising=False)
    table = {**base.detectors, "face": Entry("builtins:KnownForTest", "Known.")}
    names = Catalog(
        base.sources, Registry("detector", table, group=None), base.operators, base.probes, base.documents, base.engines
    )
    first, second = tmp_path / "first", tmp_path / "second"
    done = audit(photos.path, first, find=["face"], workers=1, names=names, estimate_missed=True)
    with (first / LIST).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == done.summary.samples == len(photos.drawn)
    assert all((first / row["picture"]).read_bytes()[:2] == b"\xff\xd8" for row in rows)
    assert {row["name"]: int(row["faces_found"]) for row in rows} == {d.name: len(d.faces) for d in photos.drawn}
    with (first / LIST).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "faces_not_found": 0} for row in rows)
    audit(photos.path, second, find=["face"], workers=1, names=names, checked=first / LIST)
    said = json.loads((second / "audit.json").read_text())["missed_faces"]["checked"]
    shows = sum(bool(d.faces) for d in photos.drawn) / len(photos.drawn)
    assert (said["at_most"], said["prevalence"]) == (0, [shows, shows])
    assert "With 95 % confidence at most 0 of" in (second / "report.html").read_text()
