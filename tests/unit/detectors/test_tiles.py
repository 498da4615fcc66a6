"""Tiles cover the picture, stay small, and give back the coordinates they were cut from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from veilset.detectors.fusion import suppress
from veilset.detectors.tiles import fitted, look, pieces


@pytest.mark.parametrize("length", [1, 39, 40, 41, 100, 333, 4000])
@pytest.mark.parametrize(("longest", "overlap"), [(40, 10), (64, 0), (100, 60)])
def test_pieces_cover_with_overlap(length: int, longest: int, overlap: int) -> None:
    parts = pieces(length, longest, overlap)
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert all(0 < stop - start <= longest for start, stop in parts)
    for at in range(max(1, length - overlap)):
        assert any(start <= at and min(at + overlap, length) <= stop for start, stop in parts), at


def bright_squares(pixels: np.ndarray) -> np.ndarray:
    """A detector of bright patches: the bounds of each connected one; the larger, the surer."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((pixels[:, :, 0] > 100).astype(np.uint8))
    return np.array([[x, y, x + w, y + h, area / 1e6] for x, y, w, h, area in stats[1:]], dtype=float).reshape(-1, 5)


@pytest.mark.parametrize("mirror", [False, True])
def test_boxes_come_back_where_they_are_and_cut_ones_are_left_to_the_neighbour(mirror: bool) -> None:
    pixels = np.zeros((512, 960, 3), dtype=np.uint8)
    rng = np.random.default_rng(1)
    expected = []
    for _ in range(40):
        x, y = int(rng.integers(4, 920)), int(rng.integers(4, 470))
        if not pixels[y - 4 : y + 24, x - 4 : x + 28].any():
            pixels[y : y + 20, x : x + 24] = 220
            expected.append([x, y, x + 24, y + 20])
    sizes = []

    def detect(part: np.ndarray) -> np.ndarray:
        sizes.append(part.shape[:2])
        return bright_squares(part)

    found = suppress(look(pixels, 1.0, detect, mirror=mirror, tile=256, overlap=64), 0.3)
    assert max(max(size) for size in sizes) <= 256
    assert len(found) == len(expected)
    for box in expected:
        assert np.abs(found[:, :4] - box).max(axis=1).min() <= 3


def test_scaling_is_undone() -> None:
    pixels = np.zeros((320, 320, 3), dtype=np.uint8)
    pixels[64:128, 96:192] = 200
    for scale in (0.5, 2.0):
        found = look(pixels, scale, bright_squares)
        assert np.abs(found[0, :4] - [96, 64, 192, 128]).max() <= 1


def test_input_of_a_network_is_a_multiple_of_its_stride() -> None:
    seen = []

    def detect(part: np.ndarray) -> np.ndarray:
        seen.append(part.shape)
        return np.empty((0, 5))

    look(np.zeros((267, 400, 3), dtype=np.uint8), 1.5, detect)
    look(np.zeros((1, 5000, 3), dtype=np.uint8), 1.0, detect)
    assert all(height % 32 == 0 == width % 32 and channels == 3 for height, width, channels in seen)
    assert fitted(1) == 32
