import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilset.core.where import Box, Mask, Polygon, Span, Tag, Track, Whole, from_plain, to_plain

small = st.floats(-20, 40, allow_nan=False)
size = st.floats(0, 40, allow_nan=False)
shape = st.tuples(st.integers(1, 30), st.integers(1, 30))
exact = st.integers(-20 * 64, 40 * 64).map(lambda v: v / 64)
points = st.lists(st.tuples(exact, exact), min_size=3, max_size=7).map(tuple)


@settings(max_examples=150, deadline=None)
@given(st.builds(Box, small, small, size, size), shape)
def test_box_touches_exactly_the_pixels_it_overlaps(box: Box, shape: tuple[int, int]) -> None:
    covered = box.rasterise(shape)
    for y in range(shape[0]):
        for x in range(shape[1]):
            overlaps = x < box.x + box.width and box.x < x + 1 and y < box.y + box.height and box.y < y + 1
            if overlaps:
                assert covered[y, x]
            elif covered[y, x]:  # A box without width still touches the pixel that it stands in.
                assert box.width == 0 or box.height == 0


@settings(max_examples=100, deadline=None)
@given(points, shape, st.integers(0, 99))
def test_polygon_covers_every_pixel_it_enters(points, shape, seed) -> None:
    """Outward, never inward: no point of the polygon lies in a pixel that is not covered."""
    polygon = Polygon(points)
    covered = polygon.rasterise(shape)
    rng = np.random.default_rng(seed)
    box = polygon.bounds()
    xs, ys = rng.uniform(box.x, box.x + box.width, 400), rng.uniform(box.y, box.y + box.height, 400)
    for x, y in zip(xs, ys, strict=True):
        if _winding_odd(points, x, y) and 0 <= x < shape[1] and 0 <= y < shape[0]:
            assert covered[math.floor(y), math.floor(x)]


@settings(max_examples=60, deadline=None)
@given(points, shape)
def test_polygon_covers_every_pixel_of_its_edges_and_little_else(points, shape) -> None:
    covered = Polygon(points).rasterise(shape)
    touched = np.zeros(shape, bool)
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
        for t in np.linspace(0, 1, 500):
            x, y = x1 + t * (x2 - x1), y1 + t * (y2 - y1)
            if 0 <= x < shape[1] and 0 <= y < shape[0]:
                touched[int(y), int(x)] = True
    assert (covered | ~touched).all()
    for y, x in zip(*np.nonzero(covered & ~touched), strict=True):
        distance = min(
            _distance((x + 0.5, y + 0.5), a, b) for a, b in zip(points, points[1:] + points[:1], strict=True)
        )
        assert _winding_odd(points, x + 0.5, y + 0.5) or distance <= 0.75


def _distance(point, a, b) -> float:
    (px, py), (ax, ay), (bx, by) = point, a, b
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = 0.0 if length == 0 else min(1.0, max(0.0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length))
    return math.hypot(px - ax - t * (bx - ax), py - ay - t * (by - ay))


def _winding_odd(points, x: float, y: float) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside


def test_polygon_that_is_a_box_covers_what_the_box_does() -> None:
    polygon = Polygon(((2, 3), (9, 3), (9, 7), (2, 7)))
    inner = Box(2, 3, 7, 4).rasterise((12, 12))
    covered = polygon.rasterise((12, 12))
    assert (covered & inner == inner).all()
    assert covered.sum() == 8 * 5


@given(st.integers(-8, 20), st.integers(-8, 20), shape, st.integers(0, 99))
def test_mask_is_pasted_where_it_stands(x, y, shape, seed) -> None:
    pixels = np.random.default_rng(seed).random((6, 5)) < 0.5
    covered = Mask(x, y, pixels).rasterise(shape)
    for row in range(shape[0]):
        for column in range(shape[1]):
            there = 0 <= row - y < 6 and 0 <= column - x < 5
            assert covered[row, column] == (there and pixels[row - y, column - x])


@pytest.mark.parametrize(
    "where",
    [
        Box(1.5, -2, 3, 4), Polygon(((0.0, 0.0), (1.5, 2.0), (3.0, 0.5))),
        Track(((0, Box(1, 2, 3, 4)), (7, Box(0, 0, 1, 1)))),
        Span(0.5, 2.5), Tag("exif/gps/GPSLatitude"), Whole(),
    ],
)  # fmt: skip
def test_plain_form_comes_back(where) -> None:
    assert from_plain(json.loads(json.dumps(to_plain(where)))) == where


@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 999), st.sampled_from([0.0, 0.3, 1.0]))
def test_plain_form_of_a_mask_comes_back(height, width, seed, share) -> None:
    mask = Mask(-3, 4, np.random.default_rng(seed).random((height, width)) < share)
    back = from_plain(json.loads(json.dumps(to_plain(mask))))
    assert (back.x, back.y) == (-3, 4)
    assert np.array_equal(back.pixels, mask.pixels)


def test_overlap_and_bounds() -> None:
    assert Box(0, 0, 2, 2).iou(Box(1, 0, 2, 2)) == pytest.approx(1 / 3)
    assert Box(0, 0, 2, 2).iou(Box(2, 0, 2, 2)) == 0
    assert Box(0, 0, 0, 0).iou(Box(0, 0, 0, 0)) == 0
    assert Box(0, 0, 4, 9).side == 6
    assert Polygon(((1, 2), (5, 3), (2, 8))).bounds() == Box(1, 2, 4, 6)
    assert Mask(2, 3, np.array([[0, 0], [0, 1]], bool)).bounds() == Box(3, 4, 1, 1)
    assert Mask(2, 3, np.zeros((2, 2), bool)).bounds() == Box(2, 3, 0, 0)
