"""windows: everything of a quarter of a side is whole in some window; cut boxes are left to the neighbour."""

from __future__ import annotations

import numpy as np
import pytest

from veilset.detectors.windows import look_through, windows


@pytest.mark.parametrize(("height", "width"), [(480, 640), (1000, 1000), (300, 4000), (7, 5)])
def test_small_things_are_whole_somewhere(height: int, width: int) -> None:
    levels = 3
    all_windows = list(windows(height, width, range(levels), 1))
    assert all_windows[0] == (slice(0, height), slice(0, width))
    finest = -(-max(height, width) // 2 ** (levels - 1))
    part = finest // 4
    mine = [(r, c) for r, c in all_windows if max(r.stop - r.start, c.stop - c.start) <= finest]
    rng = np.random.default_rng(0)
    for _ in range(200):
        y = int(rng.integers(0, max(1, height - part + 1)))
        x = int(rng.integers(0, max(1, width - part + 1)))
        y2, x2 = min(height, y + part), min(width, x + part)
        assert any(r.start <= y and y2 <= r.stop and c.start <= x and x2 <= c.stop for r, c in mine)


def test_boxes_come_back_in_whole_coordinates_and_uncut() -> None:
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[100:120, 390:430] = 255

    def detect(part: np.ndarray) -> np.ndarray:
        rows, columns = np.nonzero(part[:, :, 0])
        if not len(rows):
            return np.empty((0, 6))
        return np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9, 7.0]])

    found = look_through(pixels, detect, levels=range(3), smallest=100)
    assert len(found) > 1
    assert (found == [390, 100, 430, 120, 0.9, 7.0]).all()


def test_a_level_without_windows_has_no_rows() -> None:
    found = look_through(np.zeros((90, 70, 3), np.uint8), lambda part: np.ones((1, 6)), levels=(1,), smallest=300)
    assert found.shape == (0, 6)
