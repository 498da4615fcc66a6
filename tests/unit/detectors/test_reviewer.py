"""reviewer: COCO and CVAT boxes become findings; what is not understood stops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.core.sample import Image, Origin, Sample
from veilset.core.where import Box, Polygon
from veilset.detectors.reviewer import Reviewer


def sample(name: str) -> Sample:
    return Sample("1", Image(np.zeros((20, 20, 3), np.uint8)), origin=Origin(name))


COCO = {
    "images": [{"id": 7, "file_name": "a/one.jpg"}, {"id": 8, "file_name": "two.jpg"}],
    "categories": [{"id": 1, "name": "Face"}, {"id": 2, "name": "plate"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 2, "bbox": [1, 2, 3, 4]},
        {"id": 2, "image_id": 7, "category_id": 1, "bbox": [5, 6, 7.5, 8]},
    ],
}
CVAT = """<?xml version="1.0"?><annotations><version>1.1</version>
<image id="0" name="a/one.jpg" width="20" height="20">
<box label="face" xtl="1" ytl="2" xbr="4" ybr="6"/><polygon label="text" points="0,0;5,0;5,5"/><tag label="good"/>
</image></annotations>"""


def written(path: Path, content: str) -> str:
    path.write_text(content)
    return str(path)


def test_coco(tmp_path: Path) -> None:
    reviewer = Reviewer(written(tmp_path / "r.json", json.dumps(COCO)), who="r1")
    found = reviewer.find(sample("a/one.jpg"))
    assert [(f.kind, f.where, f.score, f.source) for f in found] == [
        ("plate", Box(1, 2, 3, 4), 1.0, "reviewer:r1"),
        ("face", Box(5, 6, 7.5, 8), 1.0, "reviewer:r1"),
    ]
    assert reviewer.find(sample("two.jpg")) == ()
    assert reviewer.find(sample("three.jpg")) == ()


def test_cvat(tmp_path: Path) -> None:
    found = Reviewer(written(tmp_path / "r.xml", CVAT)).find(sample("a/one.jpg"))
    assert [(f.kind, f.where) for f in found] == [
        ("face", Box(1, 2, 3, 4)),
        ("text", Polygon(((0, 0), (5, 0), (5, 5)))),
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", Malformed),
        ("[]", Malformed),
        (json.dumps({**COCO, "annotations": [{"image_id": 99, "category_id": 1, "bbox": [0, 0, 1, 1]}]}), Malformed),
        (json.dumps({**COCO, "annotations": [{"image_id": 7, "category_id": 1, "bbox": [0, 0, -1, 1]}]}), Malformed),
        (json.dumps({**COCO, "categories": [{"id": 1, "name": "unicorn"}, {"id": 2, "name": "x"}]}), Malformed),
        ("<nothing/>", Malformed),
        ("<annotations><image>", Malformed),
        (CVAT.replace('xtl="1"', 'xtl="9"'), Malformed),
        (CVAT.replace('label="face"', 'label="face" rotation="30"'), Unsupported),
        (CVAT.replace("polygon", "polyline"), Unsupported),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>', Malformed),
    ],
)
def test_what_is_not_understood_stops(tmp_path: Path, content: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Reviewer(written(tmp_path / "r", content)).find(sample("a/one.jpg"))


def test_unreviewed_pictures_may_be_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "r.json", json.dumps(COCO))
    with pytest.raises(Unreadable, match="nobody reviewed"):
        Reviewer(path, unlisted="refuse").find(sample("three.jpg"))
    assert Reviewer(path, unlisted="refuse").find(sample("two.jpg")) == ()
    with pytest.raises(Unreadable):
        Reviewer(str(tmp_path / "absent")).find(sample("two.jpg"))
