"""Crops are put where a pretrained network expects them, also where their box reaches beyond its input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from veilset.probes.adversary.embedding import canvas, embed
from veilset.weights import onnx, store
from veilset.weights.face_embedding import NETWORKS

CROPS = np.random.default_rng(0).integers(0, 256, (2, 40, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("place", [(18, 6, 75, 117), (14, -17, 118, 163), (-10, 20, 90, 60), (0, 0, 150, 150)])
def test_a_crop_lies_at_its_place_and_its_edges_go_on(place: tuple[int, int, int, int]) -> None:
    x, y, width, height = place
    found = canvas(CROPS, place, cv2.INTER_LINEAR, side=150)
    assert found.shape == (2, 150, 150, 3)
    for crop, seen in zip(CROPS, found, strict=True):
        inner = cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR)
        for row, column in ((0, 0), (0, 149), (75, 75), (149, 0), (149, 149), (30, 100)):
            nearest = inner[min(max(row - y, 0), height - 1), min(max(column - x, 0), width - 1)]
            np.testing.assert_array_equal(seen[row, column], nearest)


@pytest.mark.parametrize("name", NETWORKS)
def test_vectors_have_length_one_and_do_not_depend_on_batches(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, asked = NETWORKS[name], []

    def run(weights: str, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        asked.append((weights, feeds["data"].shape))
        return [feeds["data"].mean(axis=(2, 3)) * 7]

    monkeypatch.setattr(onnx, "run", run)
    monkeypatch.setattr(store, "path", lambda _name: None)
    found = embed(network)(np.concatenate([CROPS] * 10))
    assert asked == [(name, (16, 3, network.side, network.side)), (name, (4, 3, network.side, network.side))]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    np.testing.assert_allclose(found[:2], found[18:])
