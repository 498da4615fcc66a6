"""objects: the decoders against plain loops, and parts of people that windows cut off."""

from __future__ import annotations

import math

import numpy as np
import pytest

from veilset.core.errors import BadSetting, MissingWeights
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors import fastestdet, objects, yolox
from veilset.detectors.person import Person, outline
from veilset.detectors.screen import Screen
from veilset.detectors.thing import Thing
from veilset.weights import store


def test_yolox_decoder_is_the_formula() -> None:
    rng = np.random.default_rng(0)
    output = rng.uniform(0, 1, (3549, 85)).astype(np.float32)
    expected = []
    number = 0
    for stride in (8, 16, 32):
        for row in range(416 // stride):
            for column in range(416 // stride):
                x, y, w, h, seen, *classes = output[number].astype(float)
                for kind in (0, 62):
                    score = seen * classes[kind]
                    if score > 0.9:
                        cx, cy = (column + x) * stride, (row + y) * stride
                        hw, hh = math.exp(w) * stride / 2, math.exp(h) * stride / 2
                        expected.append([cx - hw, cy - hh, cx + hw, cy + hh, score, kind])
                number += 1
    found = yolox.decode(output, (0, 62), 0.9)
    assert len(found) == len(expected) > 10
    np.testing.assert_allclose(np.array(sorted(found.tolist())), np.array(sorted(expected)), rtol=1e-5)


def test_fastestdet_decoder_is_the_formula() -> None:
    output = np.zeros((85, 22, 22), np.float32)
    output[0, 3, 5], output[5 + 15, 3, 5] = 0.8, 0.5
    output[1:5, 3, 5] = 0.3, -0.2, 0.0, 1.0
    ((x1, y1, x2, y2, score, kind),) = fastestdet.decode(output, (220, 440), (15,), 0.3).tolist()
    assert score == pytest.approx(0.8**0.6 * 0.5**0.4, rel=1e-5)
    assert kind == 15
    assert (x1 + x2) / 2 == pytest.approx((5 + math.tanh(0.3)) * 10, rel=1e-5)
    assert (y1 + y2) / 2 == pytest.approx((3 + math.tanh(-0.2)) * 20, rel=1e-5)
    assert x2 - x1 == pytest.approx(110, rel=1e-5)
    assert y2 - y1 == pytest.approx(440 / (1 + math.exp(-1)), rel=1e-5)


def test_a_part_of_a_surer_person_is_dropped_and_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.array(
        [[0, 0, 100, 200, 0.9, 0], [5, 5, 95, 110, 0.5, 0], [40, 10, 60, 30, 0.5, 0], [5, 5, 95, 110, 0.5, 16]], float
    )
    monkeypatch.setitem(objects.NETWORKS, "yolox", lambda pixels, classes, min_score: rows)
    found = objects.see(Image(np.zeros((250, 250, 3), np.uint8)), (0, 16), {"yolox": 0.1}, 1)
    kept = sorted(tuple(members[0, [0, 5]]) for members in found)
    assert kept == [(0, 0), (5, 16), (40, 0)]


def test_an_outline_needs_enough_of_its_box() -> None:
    people = np.zeros((50, 60), bool)
    people[10:30, 20:30] = True
    mask = outline(Box(15, 5, 20, 30), people, 0.2)
    assert mask is not None
    assert (mask.rasterise((50, 60)) == people).all()
    assert outline(Box(0, 0, 60, 50), people, 0.2) is None
    assert outline(Box(70, 70, 5, 5), people, 0.2) is None


def test_there_are_eighty_classes_and_every_kind_is_one() -> None:
    assert len(objects.CLASSES) == len(set(objects.CLASSES)) == 80
    assert set(Thing().classes) <= set(Thing.finds)
    assert "person" not in Thing.finds


def test_bad_settings() -> None:
    with pytest.raises(BadSetting, match="classes must be one of"):
        Thing(classes=("unicorn",))
    with pytest.raises(BadSetting, match="at least one"):
        Person(models=())
    with pytest.raises(BadSetting, match="levels"):
        Screen(levels=9)


def test_without_weights_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from veilset.weights import onnx

    onnx.session.cache_clear()
    monkeypatch.setenv("VEILSET_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("VEILSET_CACHE", str(tmp_path))
    with pytest.raises(MissingWeights, match="veilset weights pull yolox_nano"):
        Person().find(Sample("1", Image(np.zeros((64, 64, 3), np.uint8))))


@pytest.mark.weights
def test_masks_and_networks_on_a_drawn_picture() -> None:
    if not (store.installed("yolox_nano") and store.installed("fastestdet") and store.installed("deeplabv3_mnv2")):
        pytest.skip("weights are not installed")
    pixels = np.random.default_rng(0).integers(0, 255, (90, 70, 3), dtype=np.uint8)
    person = Person(models=("yolox", "fastestdet"), masks=True, min_score=0.01)
    sample = Sample("1", Image(pixels))
    assert [f.to_plain() for f in person.find(sample)] == [f.to_plain() for f in person.find(sample)]
    assert set(person.weights()) == {"yolox_nano", "fastestdet", "deeplabv3_mnv2"}
