"""duplicate: twins are found in every disguise that is promised, strangers are not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from veilset.core.sample import Image, Sample
from veilset.detectors.duplicate import Duplicate, fingerprint, pairs
from veilset.testing.drawn import texture


def seen(pictures: dict[str, np.ndarray], **settings: object) -> dict:
    detector = Duplicate(**settings)
    return dict(detector.conclude({n: detector.observe(Sample(n, Image(p))) for n, p in pictures.items()}))


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "re-encoded": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 1),
    "half": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
    "turned": lambda p: np.ascontiguousarray(np.rot90(p)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_near_twins(change: str) -> None:
    one = texture(200, 160, seed=1)
    found = seen({"a": one, "b": CHANGES[change](one), "c": texture(200, 160, seed=2)})
    assert set(found) == {"a", "b"}
    assert found["a"][0].detail["how"] == "near"
    assert found["a"][0].value == ["b"]
    assert found["a"][0].detail["group"] == found["b"][0].detail["group"]


def test_exact_twins_even_without_structure() -> None:
    flat = np.full((40, 30, 3), 128, np.uint8)
    found = seen({"a": flat, "b": flat.copy(), "c": np.full((30, 40, 3), 128, np.uint8)})
    assert set(found) == {"a", "b"}
    assert found["a"][0].detail == {"how": "exact", "bits": 0, "group": "twins-0001", "pictures": 2}
    assert found["a"][0].score == 1.0


def test_upright_only() -> None:
    one = texture(200, 160, seed=1)
    assert seen({"a": one, "b": np.ascontiguousarray(one[:, ::-1])}, turned=False) == {}


def test_pairs_are_all_pairs() -> None:
    rng = np.random.default_rng(0)
    pictures = [texture(64, 64, seed=int(seed)) for seed in rng.integers(0, 12, 30)]
    prints = [fingerprint(picture, turned=False) for picture in pictures]
    most = 20
    joined = {(i, j) for i, j, _ in pairs(prints, most)}
    for j in range(30):
        for i in range(j):
            bits = (prints[i].hashes[0] ^ prints[j].hashes[0]).bit_count()
            if prints[i].digest != prints[j].digest and (i, j) not in joined:
                firsts = [next(k for k in range(30) if prints[k].digest == prints[n].digest) for n in (i, j)]
                assert bits > most or tuple(sorted(firsts)) in joined


def test_a_large_picture_is_averaged_in_two_steps_to_the_same_hash() -> None:
    small = texture(300, 240, seed=4)
    large = np.repeat(np.repeat(small, 10, axis=0), 10, axis=1)
    found = seen({"a": small, "b": large}, bits=2, turned=False)
    assert set(found) == {"a", "b"}
