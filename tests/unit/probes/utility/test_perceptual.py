"""The perceptual distance sees what the squared error does not; without its weights it is said to be missing."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.operators.blur import Blur
from veilset.operators.mask import Mask
from veilset.probes.utility.fidelity import Fidelity
from veilset.probes.utility.perceptual import NETWORK, distances, inside
from veilset.testing.drawn import picture
from veilset.weights.store import installed

needs_weights = pytest.mark.skipif(not installed(NETWORK), reason=f"the weights {NETWORK} are not at hand")
ONE = cv2.resize(picture(120, 120, faces=[Box(30, 20, 50, 60)], seed=2), (360, 360), interpolation=cv2.INTER_LINEAR)


def squared(two: np.ndarray) -> float:
    return float(((ONE.astype(float) - two) ** 2).mean())


@needs_weights
def test_the_same_is_at_zero_and_more_of_a_change_is_farther() -> None:
    assert distances([ONE], [ONE]).tolist() == [0.0]
    blurred = [cv2.GaussianBlur(ONE, (0, 0), sigma) for sigma in (1, 3, 9)]
    rng = np.random.default_rng(0)
    grained = [np.clip(ONE + rng.normal(0, s, ONE.shape), 0, 255).astype(np.uint8) for s in (5, 20, 60)]
    for worse in (blurred, grained):
        away = distances([ONE] * 3, worse)
        assert 0 < away[0] < away[1] < away[2]


@needs_weights
def test_a_picture_moved_by_a_pixel_is_nearer_than_one_with_grain() -> None:
    """To the squared error the moved one is the worse of the two: this is what such a distance is for."""
    rng = np.random.default_rng(0)
    moved = np.roll(ONE, 2, axis=1)
    grained = np.clip(ONE + rng.normal(0, 12, ONE.shape), 0, 255).astype(np.uint8)
    assert squared(moved) > squared(grained)
    near, far = distances([ONE, ONE], [moved, grained])
    assert 2 * near < far


@needs_weights
def test_inside_is_of_the_region_alone() -> None:
    two = ONE.copy()
    two[100:200, 100:180] = 0
    region = (two != ONE).any(axis=2)
    assert inside(ONE, two, region) > 2 * distances([ONE], [two])[0]


def pairs(operator) -> Case:
    found = (Finding("face", Box(90, 60, 150, 180), 1.0, "drawn"),)
    sample = Sample("a", Image(ONE))
    return Case([Pair(sample, operator.apply(sample, found, noise=None).sample, found)], Knowledge({"face": operator}))


@needs_weights
def test_fidelity_reports_it() -> None:
    soft, gone = (
        {m.name: m for m in Fidelity().run(pairs(operator), rng=np.random.default_rng(0))}
        for operator in (Blur(), Mask())
    )
    for name in ("perceptual", "perceptual_inside"):
        assert soft[name].better == "lower"
        assert 0 < soft[name].value < gone[name].value < 1
    left_out = Fidelity(perceived=0).run(pairs(Blur()), rng=np.random.default_rng(0))
    assert not any(m.name.startswith("perceptual") for m in left_out)


def test_without_weights_it_is_said_not_to_be_there(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VEILSET_WEIGHTS", os.fspath(tmp_path))
    monkeypatch.setenv("VEILSET_CACHE", os.fspath(tmp_path))
    found = Fidelity().run(pairs(Blur()), rng=np.random.default_rng(0))
    assert not any(m.name.startswith("perceptual") for m in found)
    assert any("no perceptual distance" in note for m in found for note in m.notes)
