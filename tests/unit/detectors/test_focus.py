"""A finer look goes where a coarser one gave a hint, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from veilset.detectors import face, plans
from veilset.detectors.calibration import FLOOR
from veilset.detectors.face import looks_at
from veilset.detectors.focus import LEAST_ROOM, ROOM, START, around
from veilset.detectors.fusion import NONE
from veilset.detectors.tiles import STRIDE, look


def hints_in(rng: np.random.Generator, count: int, width: int, height: int) -> np.ndarray:
    """Boxes of faces of all sizes, some of them reaching over the border."""
    side = 2 ** rng.uniform(2, 7, (count, 1))
    corner = rng.uniform(-10, [width, height], (count, 2))
    return np.clip(np.column_stack([corner, corner + side]), 0, [width, height] * 2)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("scale", [0.4, 1.0, 1.5])
def test_every_hint_is_seen_with_room_around_it(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    width, height = int(rng.integers(33, 900)), int(rng.integers(33, 900))
    hints = hints_in(rng, int(rng.integers(1, 12)), width, height)
    parts = around(hints, scale, width, height)
    seen = np.zeros((height, width), bool)
    for left, top, right, bottom in parts:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        seen[top:bottom, left:right] = True
    for x1, y1, x2, y2 in hints:
        room = max(LEAST_ROOM / scale, ROOM * max(x2 - x1, y2 - y1)) - 1  # edges are rounded to whole pixels
        inside = seen[max(0, int(y1 - room) + 1) : int(y2 + room), max(0, int(x1 - room) + 1) : int(x2 + room)]
        assert inside.all()


@pytest.mark.parametrize("seed", range(20))
def test_no_two_parts_are_cheaper_as_one(seed: int) -> None:
    parts = around(hints_in(np.random.default_rng(seed), 15, 1600, 1200), 1.0, 1600, 1200)
    cells = np.array(parts) / STRIDE  # a grid of whole strides, as both sides are multiples of it, or nearly
    for number, one in enumerate(cells):
        for other in cells[number + 1 :]:
            joined = np.maximum(one[2:], other[2:]) - np.minimum(one[:2], other[:2])
            apart = (one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()
            assert joined.prod() > apart + START - 2


def test_far_hints_are_two_parts_and_near_ones_one() -> None:
    box = np.array([100.0, 100, 120, 120])
    assert len(around(np.array([box, box + 600]), 1.0, 960, 960)) == 2
    assert len(around(np.array([box, box + 40]), 1.0, 960, 960)) == 1


def test_a_look_within_parts_sees_nothing_else_and_drops_what_a_part_cuts() -> None:
    pixels = np.zeros((320, 320, 3), np.uint8)
    asked: list[tuple[int, ...]] = []

    def detect(part: np.ndarray) -> np.ndarray:
        asked.append(part.shape[:2])
        return np.array([[10.0, 10, 20, 20, 0.9], [0, 30, 12, 40, 0.8]])

    found = look(pixels, 1.0, detect, within=[(64, 96, 128, 160), (0, 0, 96, 64)])
    assert asked == [(64, 64), (64, 96)]
    # A box at the left border of the first part may go on outside of it; at the border of the picture nothing can.
    assert found.tolist() == [[74, 106, 84, 116, 0.9], [10, 10, 20, 20, 0.9], [0, 30, 12, 40, 0.8]]
    assert len(look(pixels, 1.0, detect, within=())) == 0
    assert len(asked) == 2


def faint(pixels: np.ndarray, min_score: float) -> np.ndarray:
    """A network that is unsure of a green square, and sure of it at a finer scale; nothing else is there for it."""
    y, x = np.nonzero(pixels[:, :, 1] > 200)
    if not len(x):
        return NONE
    score = 0.06 if np.ptp(x) < 25 else 0.9
    return np.array([[x.min(), y.min(), x.max() + 1.0, y.max() + 1, score]])[: score > min_score]


def test_a_hint_below_the_floor_is_looked_at_again_but_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    def detect(pixels: np.ndarray, min_score: float) -> np.ndarray:
        asked.append(pixels.shape[:2])
        return faint(pixels, min_score)

    monkeypatch.setattr(face, "NETWORKS", {"yunet": face.Network("none", detect, 1408)})
    pixels = np.zeros((640, 640, 3), np.uint8)
    pixels[300:320, 200:220, 1] = 255
    coarse, fine = looks_at(pixels, 1.0, plans.QUICK)
    assert plans.QUICK.hint < 0.06 < FLOOR["yunet"]
    assert len(coarse) == 0
    assert fine[0, 4] == 0.9
    assert np.abs(fine[0, :4] - [200, 300, 220, 320]).max() < 2
    assert asked[0] == (640, 640)
    assert asked[1][0] * asked[1][1] < 0.1 * 960**2

    asked.clear()
    coarse, fine = looks_at(np.zeros_like(pixels), 1.0, plans.QUICK)
    assert len(coarse) == len(fine) == 0
    assert len(asked) == 1

    asked.clear()
    looks_at(pixels, 1.0, replace(plans.QUICK, hint=0.0))
    assert asked == [(640, 640), (960, 960)]
