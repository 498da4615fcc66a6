"""demographics: what is said follows from the scores, and is never said of somebody unsure."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors import demographics
from veilset.detectors.demographics import Demographics, apparent


def test_the_chance_of_a_minor_falls_with_age() -> None:
    chances = [apparent(age, 0.5)["minor"] for age in np.arange(0, 90, 0.5)]
    assert all(one >= other for one, other in itertools.pairwise(chances))
    assert chances[0] > 0.99
    assert chances[-1] < 0.01
    assert apparent(18.2, 0.5)["minor"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("age", "group"), [(12.9, "child"), (13, "teenager"), (18, "adult"), (60, "senior"), (99, "senior")]
)
def test_groups(age: float, group: str) -> None:
    assert apparent(age, 0.5)["group"] == group


def test_gender_is_said_only_when_sure() -> None:
    assert [apparent(30, male)["gender"] for male in (0.0, 0.1, 0.5, 0.9, 1.0)] == [
        "female",
        "female",
        "uncertain",
        "male",
        "male",
    ]


def test_small_faces_are_not_judged_and_minors_are_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = ((Box(10, 10, 30, 40), 0.9),)
    asked = []

    def faces_of(_image: Image, min_score: float, min_side: float) -> tuple[tuple[Box, float], ...]:
        asked.append((min_score, min_side))
        return faces

    monkeypatch.setattr(demographics, "faces_of", faces_of)
    monkeypatch.setattr(
        demographics.onnx, "run", lambda *_: [np.array([[19.0]], np.float32), np.array([[0.9, 0.1]], np.float32)]
    )
    (found,) = Demographics(min_side=20).find(Sample("1", Image(np.zeros((80, 80, 3), np.uint8))))
    assert asked == [(0.3, 20)]
    assert found.detail["likely_minor"] is True
    assert found.detail["gender"] == "male"
    assert found.where == faces[0][0]
    assert found.value is None


def test_the_crop_is_the_loose_square() -> None:
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[60:140, 60:140] = 200
    seen = demographics.crop(pixels, Box(60, 60, 80, 80))
    edge = round(112 * 0.2 / 1.4)
    assert seen.shape == (112, 112, 3)
    assert seen[edge + 2 : -edge - 2, edge + 2 : -edge - 2].min() == 200
    assert seen[: edge - 2].max() == 0
