"""Labelled boxes are read the same from COCO, CSV and CVAT."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.flows.truth import read_truth

BOXES = {"a.png": [(1.0, 2.0, 3.0, 4.0, "face"), (5.0, 6.0, 7.0, 8.0, "plate")], "b.png": []}


def coco(folder: Path) -> Path:
    names = list(BOXES)
    content = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
        "categories": [{"id": 7, "name": "face"}, {"id": 8, "name": "plate"}],
        "annotations": [
            {"image_id": names.index(name), "category_id": {"face": 7, "plate": 8}[kind], "bbox": [x, y, w, h]}
            for name, boxes in BOXES.items()
            for x, y, w, h, kind in boxes
        ],
    }
    path = folder / "truth.json"
    path.write_text(json.dumps(content))
    return path


def table(folder: Path) -> Path:
    lines = ["file,x,y,w,h,label"]
    lines += [f"{name},{x},{y},{w},{h},{kind}" for name, boxes in BOXES.items() for x, y, w, h, kind in boxes]
    lines += [f"{name},,,,," for name, boxes in BOXES.items() if not boxes]
    path = folder / "truth.csv"
    path.write_text("\n".join(lines))
    return path


def cvat(folder: Path) -> Path:
    images = "".join(
        f'<image id="0" name="{name}">'
        + "".join(
            f'<box label="{kind}" xtl="{x}" ytl="{y}" xbr="{x + w}" ybr="{y + h}"/>' for x, y, w, h, kind in boxes
        )
        + "</image>"
        for name, boxes in BOXES.items()
    )
    path = folder / "truth.xml"
    path.write_text(f"<annotations><version>1.1</version>{images}</annotations>")
    return path


@pytest.mark.parametrize("write", [coco, table, cvat])
def test_every_format_says_the_same(tmp_path: Path, write) -> None:
    truth = read_truth(write(tmp_path))
    assert {name: (boxes.tolist(), labels) for name, (boxes, labels) in truth.items()} == {
        "a.png": ([[1, 2, 3, 4], [5, 6, 7, 8]], ("face", "plate")),
        "b.png": ([], ()),
    }
    faces = read_truth(write(tmp_path), "face")
    assert faces["a.png"][0].tolist() == [[1, 2, 3, 4]]
    assert faces["b.png"][0].shape == (0, 4)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("t.json", "{}", Malformed),
        ("t.json", "not json", Malformed),
        ("t.json", '{"images": [], "annotations": [{"image_id": 3, "bbox": [1, 2, 3, 4]}]}', Malformed),
        ("t.csv", "file,x,y,w,h\na.png,1,2,three,4", Malformed),
        ("t.csv", "name,left\na.png,1", Malformed),
        ("t.xml", "<annotations><image", Malformed),
        ("t.xml", "<html/>", Malformed),
        ("t.xml", '<!DOCTYPE a [<!ENTITY x "y">]><annotations>&x;</annotations>', Malformed),
        ("t.txt", "0 0.5 0.5 0.1 0.1", Unsupported),
    ],
)
def test_what_is_not_truth_is_refused_with_its_name(tmp_path: Path, name: str, content: str, error: type) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(error, match=name):
        read_truth(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"gone\.csv"):
        read_truth(tmp_path / "gone.csv")
