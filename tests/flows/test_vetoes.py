"""A veto takes one finding, only where the policy allows it, and stands in the manifest; else it is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import BrokenContract, Malformed, UsageError
from veilset.core.finding import Finding
from veilset.core.sample import Image, Origin, Sample
from veilset.core.where import Box
from veilset.detectors.reviewer import Reviewer
from veilset.flows.audit import audit
from veilset.flows.release import release
from veilset.flows.vetoes import apply_vetoes
from veilset.policy.schema import Named, Policy

Drawn = list[tuple[str, str, Box]]


def coco(path: Path, names: list[str], boxes: Drawn) -> str:
    labels = sorted({label for _, label, _ in boxes})
    plain = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "categories": [{"id": number, "name": label} for number, label in enumerate(labels)],
        "annotations": [
            {"image_id": names.index(name), "category_id": labels.index(label), "bbox": [b.x, b.y, b.width, b.height]}
            for name, label, b in boxes
        ],
    }
    path.write_text(json.dumps(plain), encoding="utf-8")
    return str(path)


def sees(policy: Callable[..., Policy], path: str, **settings: object) -> Policy:
    base = policy()
    return policy(find=(*base.find, Named("reviewer", Reviewer(path, who="r7", **settings))))


def with_faces(photos) -> list:
    return [one for one in photos.drawn if one.faces]


def pixels_of(out: Path, name: str) -> np.ndarray:
    with (out / "private" / "mapping.csv").open(encoding="utf-8", newline="") as stream:
        released = {row["original"]: row["released"] for row in csv.DictReader(stream)}[name]
    return cv2.imdecode(np.fromfile(out / "public" / released, np.uint8), cv2.IMREAD_COLOR)


def is_masked(out: Path, name: str, box: Box) -> bool:
    x, y = round(box.x + box.width / 2), round(box.y + box.height / 2)
    return int(pixels_of(out, name)[y - 2 : y + 2, x - 2 : x + 2].max()) < 20


def test_an_allowed_veto_takes_that_face_alone(photos, policy: Callable[..., Policy], tmp_path: Path) -> None:
    one, other = with_faces(photos)[:2]
    near = Box(one.faces[0].x + 1, one.faces[0].y, one.faces[0].width, one.faces[0].height)
    path = coco(
        tmp_path / "r.json",
        [one.name, other.name],
        [(one.name, "Not face", near), (other.name, "not_face", Box(0, 0, 3, 3))],
    )
    out = tmp_path / "out"
    done = release(photos.path, out, sees(policy, path, may_veto=("face",)), workers=1)
    assert not is_masked(out, one.name, one.faces[0])
    assert all(is_masked(out, one.name, box) for box in one.faces[1:])
    assert all(is_masked(out, other.name, box) for box in other.faces)
    faces = sum(len(drawn.faces) for drawn in photos.drawn)
    rows = {(row["finding"], row["operator"]): row["count"] for row in done.manifest.guarantees}
    assert rows["face", "mask"] == faces - 1
    assert rows["face", "vetoed by a reviewer"] == 1
    assert any("vetoed 1 findings of kind face" in note for note in done.manifest.notes)
    public = b"".join(path.read_bytes() for path in (out / "public").rglob("*") if path.suffix in (".json", ".md"))
    assert b"r7" not in public.replace(b'"who": "r7"', b"")
    with (out / "private" / "vetoes.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["sample"], row["kind"], row["vetoed_by"], row["found_by"]) == (one.name, "face", "reviewer:r7", "known")
    assert row["reviewed"].endswith("+00:00")
    assert float(row["overlap"]) > 0.7


def test_a_veto_that_the_policy_does_not_allow_stops_the_release(
    photos, policy: Callable[..., Policy], tmp_path: Path
) -> None:
    one = with_faces(photos)[0]
    path = coco(tmp_path / "r.json", [one.name], [(one.name, "not face", one.faces[0])])
    for allowed in ((), ("plate",)):
        with pytest.raises(UsageError, match=r"vetoes a finding of kind face.*may_veto: \[face\]"):
            release(photos.path, tmp_path / "out", sees(policy, path, may_veto=allowed), workers=1)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="vetoes a finding"):
        audit(photos.path, find=[f"reviewer: {{path: {path}}}"], workers=1)


def test_without_vetoes_nothing_is_recorded(photos, policy: Callable[..., Policy], tmp_path: Path) -> None:
    path = coco(tmp_path / "r.json", [photos.drawn[0].name], [])
    done = release(photos.path, tmp_path / "out", sees(policy, path, may_veto=("face",)), workers=1)
    assert not (tmp_path / "out" / "private" / "vetoes.csv").exists()
    assert not any("veto" in note for note in done.manifest.notes)


def face(box: Box, kind: str = "face", source: str = "face/yunet") -> Finding:
    return Finding(kind, box, 0.5, source)


def veto(box: Box, kind: str = "face", overlap: float = 0.7) -> Finding:
    return Finding(kind, box, 1.0, "reviewer:r1", detail={"overlap": overlap, "reviewed": "then"})


BOX = Box(10, 10, 40, 40)


@pytest.mark.parametrize(
    "found",
    [
        face(Box(10, 10, 40, 27)),
        face(Box(20, 20, 40, 40)),
        face(BOX, kind="person"),
        face(BOX, source="reviewer:r2"),
    ],
)
def test_a_veto_never_matches_loosely(found: Finding) -> None:
    assert apply_vetoes([found], [veto(BOX)]) == (found,)


def test_one_veto_one_finding_the_best_first() -> None:
    near, nearer = face(Box(11, 11, 40, 40)), face(Box(10, 10, 40, 41))
    kinds = [one.kind for one in apply_vetoes([near, nearer, near], [veto(BOX)])]
    assert kinds == ["face", "vetoed", "face"]
    kinds = [one.kind for one in apply_vetoes([near, nearer, near], [veto(BOX), veto(BOX)])]
    assert kinds == ["vetoed", "vetoed", "face"]
    assert [one.kind for one in apply_vetoes([nearer], [veto(BOX), veto(BOX)])] == ["vetoed"]
    with pytest.raises(BrokenContract, match="vetoed"):
        apply_vetoes([face(BOX, kind="vetoed")], [])


def sample(name: str) -> Sample:
    return Sample("1", Image(np.zeros((80, 80, 3), np.uint8)), origin=Origin(name))


def test_vetoes_of_cvat_and_what_is_none(tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    shapes = (
        '<box label="not-face" xtl="1" ytl="2" xbr="4" ybr="6"/><box label="face" xtl="5" ytl="2" xbr="9" ybr="6"/>'
    )
    path.write_text(f'<annotations><image id="0" name="a.png">{shapes}</image></annotations>')
    reviewer = Reviewer(str(path), may_veto=("face",))
    assert [one.where for one in reviewer.vetoes(sample("a.png"))] == [Box(1, 2, 3, 4)]
    assert [one.where for one in reviewer.find(sample("a.png"))] == [Box(5, 2, 4, 4)]
    assert reviewer.vetoes(sample("b.png")) == ()
    path.write_text(path.read_text().replace("not-face", "not unicorn"))
    with pytest.raises(Malformed, match="no kind"):
        reviewer.check()
    with pytest.raises(ValueError, match="may_veto"):
        Reviewer(may_veto=("unicorn",))
    with pytest.raises(ValueError, match="overlap"):
        Reviewer(overlap=0.2)
