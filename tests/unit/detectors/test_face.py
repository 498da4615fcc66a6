"""The face detector: settings without weights; with weights, a public-domain photograph that ships in scikit-image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from veilset.core.errors import BadSetting, MissingWeights
from veilset.core.roles import Detector
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors import plans
from veilset.detectors.calibration import WORKING_POINT, gather, probability, score
from veilset.detectors.face import Face
from veilset.weights import onnx, store

# Drawn by hand around the face of Eileen Collins in skimage.data.astronaut.
ASTRONAUT = Box(178, 66, 94, 112)


def picture(pixels: np.ndarray) -> Sample:
    return Sample("picture", Image(pixels))


@pytest.fixture
def astronaut() -> np.ndarray:
    data = pytest.importorskip("skimage.data", reason="scikit-image, whose astronaut is looked at, is not installed")
    if not store.installed("centerface"):
        pytest.skip("the weights centerface are not installed: run `veilset weights pull centerface`")
    return data.astronaut()


def needs_yunet() -> None:
    if not store.installed("yunet_n"):
        pytest.skip("the weights yunet_n are not installed: run `veilset weights pull yunet_n`")


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "retinaface"},
        {"model": "yunet+yunet"},
        {"model": "default+yunet"},
        {"model": ""},
        {"effort": "lazy"},
        {"min_score": 1.5},
        {"coarse_megapixels": 0.0},
        {"quick_megapixels": 0.0},
        {"finest_megapixels": -1.0},
    ],
)
def test_settings_that_cannot_be(settings: dict) -> None:
    with pytest.raises(BadSetting):
        Face(**settings)


def test_plays_the_role_and_names_its_weights() -> None:
    assert isinstance(Face(), Detector)
    assert Face(model="yunet+centerface").weights() == ("centerface", "yunet_n")


def test_missing_weights_are_an_error_and_never_an_empty_answer(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILSET_CACHE", str(tmp_path))
    monkeypatch.setenv("VEILSET_WEIGHTS", str(tmp_path))
    onnx.session.cache_clear()
    try:
        with pytest.raises(MissingWeights, match="veilset weights pull"):
            Face(model="ultraface").find(picture(np.zeros((64, 64, 3), dtype=np.uint8)))
    finally:
        onnx.session.cache_clear()


@pytest.mark.parametrize("plan", [plans.THOROUGH, plans.QUICK, plans.CENTERFACE, plans.YUNET, plans.YUNET_FINE])
def test_plans_are_whole_and_more_evidence_means_a_higher_score(plan) -> None:
    looks = len(plan.looks)
    assert len(plan.evidence) == len(plan.by_size) == looks
    assert len(plan.prior) == 3
    assert len(plan.bar) == 5
    for side in (10.0, 24.0, 50.0, 90.0):
        box = np.array([[0.0, 0.0, side, side]])
        weak, strong = (score(probability(box, np.full((1, looks), s), plan), box, plan)[0] for s in (0.15, 0.95))
        assert 0 <= weak < strong <= 1
        assert strong > WORKING_POINT


def test_gather_joins_what_looks_agree_on_and_keeps_who_saw_it() -> None:
    one = np.array([[10.0, 10, 30, 30, 0.8]])
    two = np.array([[11.0, 11, 31, 31, 0.6], [80, 80, 90, 90, 0.3]])
    nobody = np.empty((0, 5))
    boxes, scores = gather([one, nobody, two, nobody, nobody, nobody], plans.THOROUGH)
    assert sorted(scores.tolist()) == [[0, 0, 0.3, 0, 0, 0], [0.8, 0, 0.6, 0, 0, 0]]
    joined = boxes[scores[:, 0] > 0][0]
    assert (joined >= 10).all()
    assert (joined <= 31).all()
    none, nothing = gather([nobody] * 6, plans.THOROUGH)
    assert none.shape == (0, 4)
    assert nothing.shape == (0, 6)


@pytest.mark.weights
@pytest.mark.parametrize("settings", [{}, {"effort": "quick"}, {"model": "yunet"}, {"model": "centerface"}])
def test_finds_the_astronaut_the_same_every_time(astronaut: np.ndarray, settings: dict) -> None:
    needs_yunet()
    findings = Face(**settings).find(picture(astronaut))
    assert findings == Face(**settings).find(picture(astronaut))
    assert findings[0].where.iou(ASTRONAUT) > 0.7
    assert findings[0].score > 0.9
    assert findings[0].detail["scores"].keys() <= {"centerface", "yunet"}
    assert [f.score for f in findings] == sorted((f.score for f in findings), reverse=True)


@pytest.mark.weights
def test_without_yunet_the_default_works_and_says_so(astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.installed
    monkeypatch.setattr(store, "installed", lambda name: name != "yunet_n" and real(name))
    (best, *_) = Face().find(picture(astronaut))
    assert best.source == "face/centerface"
    assert best.detail["absent"] == ["yunet"]
    assert "CenterFace alone" in Face().notes()[0]
    assert Face(model="centerface").notes() == ()
    assert best.where.iou(ASTRONAUT) > 0.7


@pytest.mark.weights
@pytest.mark.parametrize(
    ("size", "places"), [(24, [(3000, 400), (520, 2300)]), (900, [(100, 1900)]), (1500, [(600, 100)])]
)
def test_small_and_very_large_faces_in_a_large_picture(
    astronaut: np.ndarray, size: int, places: list[tuple[int, int]]
) -> None:
    needs_yunet()
    crop = astronaut[20:220, 120:320]
    canvas = np.full((3000, 4000, 3), 128, dtype=np.uint8)
    expected = []
    for x, y in places:
        scale = size / 94
        patch = cv2.resize(
            crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        patch = patch[: 3000 - y, : 4000 - x]
        canvas[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
        expected.append(Box(x + 58 * scale, y + 46 * scale, 94 * scale, 112 * scale))
    findings = Face().find(picture(canvas))
    for box in expected:
        assert max((f.where.iou(box) for f in findings), default=0) > 0.5


@pytest.mark.weights
@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (900, 2)])
def test_odd_shapes_are_looked_at(shape: tuple[int, int]) -> None:
    if not store.installed("centerface"):
        pytest.skip("the weights centerface are not installed: run `veilset weights pull centerface`")
    assert Face(model="centerface").find(picture(np.full((*shape, 3), 90, dtype=np.uint8))) == ()


@pytest.mark.parametrize(("megapixels", "scale"), [(0.1, 1.0), (1.0, 1.0), (4.0, 0.5), (12.0, 12**-0.5)])
def test_quick_looks_at_pictures_of_up_to_a_megapixel_as_they_are(megapixels: float, scale: float) -> None:
    ((base, plan),) = Face(model="yunet", effort="quick")._tiers(megapixels, ("yunet",))
    assert base == pytest.approx(scale)
    assert plan.finest == 1.5
    ((base, _),) = Face(model="yunet", effort="quick", quick_megapixels=12)._tiers(megapixels, ("yunet",))
    assert base == 1.0
