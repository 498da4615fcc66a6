"""Cropped, framed and treated twins are found and confirmed; strangers are not; without the network that is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import MissingWeights
from veilset.core.sample import Image, Sample
from veilset.detectors import neighbours as blocks
from veilset.detectors import sketch
from veilset.detectors.duplicate import Duplicate
from veilset.detectors.neighbours import neighbours
from veilset.testing.drawn import texture
from veilset.weights import onnx, store

LAYER = sketch.NETWORKS["mobilenet_v2"].layer
needs_network = pytest.mark.skipif(
    not store.installed("mobilenet_v2"), reason="NOT TESTED: the weights of mobilenet_v2 are not installed"
)


def brute(vectors: np.ndarray, count: int, least: float) -> set[tuple[int, int]]:
    cosines = vectors.astype(np.float32) @ vectors.astype(np.float32).T
    np.fill_diagonal(cosines, -2)
    pairs = set()
    for row, line in enumerate(cosines):
        nearest = sorted(range(len(line)), key=lambda other: (-line[other], other))[:count]
        pairs |= {tuple(sorted((row, other))) for other in nearest if other != row and line[other] >= least}
    return pairs


@pytest.mark.parametrize(("size", "count", "least"), [(1, 3, 0.0), (3, 5, -1.0), (200, 4, 0.2), (200, 10, 0.0)])
def test_blocks_find_the_nearest(monkeypatch: pytest.MonkeyPatch, size: int, count: int, least: float) -> None:
    for name, value in (("ROWS", 7), ("FIRST", 16), ("COLUMNS", 31)):
        monkeypatch.setattr(blocks, name, value)
    vectors = np.random.default_rng(size).normal(size=(size, 12))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    found = [(one, other) for one, other, _ in neighbours(vectors, count, least)]
    assert len(found) == len(set(found))
    assert set(found) == brute(vectors, count, least)


def coded(p: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", sketch._grey(p), [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def crop(p: np.ndarray) -> np.ndarray:
    height, width = p.shape[:2]
    return p[height // 10 : height * 8 // 10, width // 5 :]


def masked(p: np.ndarray) -> np.ndarray:
    p = p.copy()
    p[p.shape[0] // 4 : p.shape[0] // 2, p.shape[1] // 3 : p.shape[1] * 2 // 3] = 0
    return p


def framed(p: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(p, 30, 30, 30, 30, cv2.BORDER_CONSTANT, value=(255, 255, 255))


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "cropped": crop,
    "masked": masked,
    "framed": framed,
    "cropped and mirrored": lambda p: np.ascontiguousarray(crop(p)[:, ::-1]),
    "cropped and turned": lambda p: np.ascontiguousarray(np.rot90(crop(p))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_twins_lie_on_one_another(change: str) -> None:
    one = texture(400, 320, seed=1)
    how = sketch.align(coded(CHANGES[change](one)), coded(one), turned=True, points=6, correlation=0.6)
    assert how is not None
    assert how.mirrored == ("mirrored" in change)


def test_strangers_and_flat_pictures_do_not() -> None:
    pictures = [coded(texture(400, 320, seed=seed)) for seed in range(6)]
    pictures += [coded(np.full((50, 60, 3), 9, np.uint8)), coded(np.zeros((1, 400, 3), np.uint8))]
    for row, one in enumerate(pictures):
        for other in pictures[:row]:
            assert sketch.align(one, other, turned=True, points=6, correlation=0.6) is None


def test_turned_twins_are_left_out_when_asked() -> None:
    one = texture(400, 320, seed=1)
    for change in ("cropped and mirrored", "cropped and turned"):
        given = coded(CHANGES[change](one)), coded(one)
        assert sketch.align(*given, turned=False, points=6, correlation=0.6) is None
    assert sketch.align(coded(crop(one)), coded(one), turned=False, points=6, correlation=0.6)


def seen(pictures: dict[str, np.ndarray], **settings: object) -> dict:
    detector = Duplicate(**settings)
    return dict(detector.conclude({n: detector.observe(Sample(n, Image(p))) for n, p in pictures.items()}))


@needs_network
@pytest.mark.weights
@pytest.mark.parametrize("change", CHANGES)
def test_a_piece_of_a_picture_is_its_twin(change: str) -> None:
    one = texture(400, 320, seed=1)
    others = {f"c{seed}": texture(400, 320, seed=seed) for seed in range(2, 6)}
    found = seen({"a": one, "b": CHANGES[change](one), **others})
    assert set(found) == {"a", "b"}
    assert found["b"][0].value == ["a"]
    detail = found["b"][0].detail
    if detail["how"] == "part":
        assert detail["correlation"] >= 0.6
        assert found["b"][0].source == "duplicate/embedding"
    if change != "masked":
        assert seen({"a": one, "b": CHANGES[change](one)}, embed="never") == {}


def test_without_the_network_hashes_alone_and_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VEILSET_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("VEILSET_CACHE", str(tmp_path))
    monkeypatch.setattr(store, "local_folders", lambda: ())
    onnx.session.cache_clear()
    one = texture(200, 160, seed=1)
    assert set(seen({"a": one, "b": np.ascontiguousarray(one[:, ::-1])})) == {"a", "b"}
    detector = Duplicate()
    assert detector.weights() == ()
    assert "hashes alone" in detector.notes()[0]
    assert "open_nsfw" in detector.notes()[0]
    with pytest.raises(MissingWeights, match="weights pull open_nsfw"):
        Duplicate(embed="always").observe(Sample("a", Image(one)))


@needs_network
@pytest.mark.weights
def test_the_inner_value_is_what_the_classes_are_made_of() -> None:
    """Softmax over the last layer of the features gives the network's own output, so they are the features."""
    image = np.random.default_rng(0).integers(0, 255, (2, 224, 224, 3)).astype(np.float32)
    features = onnx.run("mobilenet_v2", {"image": image}, [LAYER], taps=(LAYER,))[0].reshape(2, -1)
    assert features.shape == (2, 1280)
    assert features.min() >= 0
    assert features.max() <= 6.001
    one = onnx.run("mobilenet_v2", {"image": image[:1]}, [LAYER], taps=(LAYER,))[0].reshape(-1)
    assert np.allclose(one, features[0], atol=1e-4)


@needs_network
@pytest.mark.data
@pytest.mark.weights
def test_real_pictures_cropped_by_a_fifth() -> None:
    folder = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "coco128_train" / "images"
    if not folder.is_dir():
        pytest.skip("the measurement data is not here")
    pictures = {path.stem: cv2.imread(str(path)) for path in sorted(folder.glob("*.jpg"))[:24]}
    twins = {f"{name}t": crop(p) for name, p in list(pictures.items())[:8]}
    found = seen({**pictures, **twins})
    assert set(found) == {name for twin in twins for name in (twin, twin[:-1])}


def test_the_network_is_the_best_installed_and_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"open_nsfw"}
    monkeypatch.setattr(store, "installed", here.__contains__)
    detector = Duplicate()
    assert (detector.weights(), detector.notes()) == (("open_nsfw",), ())
    here.add("mobilenet_v2")
    assert detector.weights() == ("open_nsfw",)
    assert Duplicate().weights() == ("mobilenet_v2",)
    assert Duplicate(model="open_nsfw").weights() == ("open_nsfw",)
    here.clear()
    assert Duplicate(model="open_nsfw").weights() == Duplicate().weights() == ()
    assert Duplicate(embed="always").weights() == ("open_nsfw",)


@pytest.mark.weights
@pytest.mark.skipif(not store.installed("open_nsfw"), reason="NOT TESTED: the weights of open_nsfw are not installed")
@pytest.mark.parametrize("change", ["cropped", "framed"])
def test_the_weights_that_anybody_can_pull_know_twins_again(change: str) -> None:
    one = texture(400, 320, seed=1)
    others = {f"c{seed}": texture(400, 320, seed=seed) for seed in range(2, 6)}
    found = seen({"a": one, "b": CHANGES[change](one), **others}, model="open_nsfw")
    assert set(found) == {"a", "b"}
    assert found["b"][0].detail["how"] == "part"
