import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from veilset.core.finding import Finding
from veilset.core.region import regions_of, union
from veilset.core.sample import Grid, Image
from veilset.core.where import Box, Mask, Polygon, Where, Whole

small = st.floats(-20, 50, allow_nan=False)
boxes = st.builds(Box, small, small, st.floats(0, 40), st.floats(0, 40))
exact = st.integers(-20 * 64, 50 * 64).map(lambda v: v / 64)
polygons = st.lists(st.tuples(exact, exact), min_size=3, max_size=6).map(lambda p: Polygon(tuple(p)))
masks = st.builds(
    lambda x, y, seed: Mask(x, y, np.random.default_rng(seed).random((9, 7)) < 0.2),
    st.integers(-12, 50), st.integers(-12, 50), st.integers(0, 99),
)  # fmt: skip
shapes = st.tuples(st.integers(1, 45), st.integers(1, 45))
grids = st.sampled_from([Grid(), Grid(8, 8), Grid(16, 16, 5, 3), Grid(16, 8, 0, 7)])


def plainly(where: Where, shape: tuple[int, int], grid: Grid, grow: float) -> np.ndarray:
    """The same region on the whole picture, with a large margin and scipy's filter."""
    if isinstance(where, Whole):
        return np.ones(shape, bool)
    if isinstance(where, Box):
        return grid.snap(where.grow(grow).rasterise(shape))
    bounds = where.bounds()
    steps = math.ceil(grow * max(bounds.width, bounds.height))
    by = 100
    if isinstance(where, Polygon):
        moved: Where = Polygon(tuple((x + by, y + by) for x, y in where.points))
    else:
        moved = Mask(where.x + by, where.y + by, where.pixels)
    wide = moved.rasterise((shape[0] + 2 * by, shape[1] + 2 * by))
    wide = maximum_filter(wide, size=2 * steps + 1, mode="constant")
    return grid.snap(wide[by : by + shape[0], by : by + shape[1]])


@settings(max_examples=200, deadline=None)
@given(st.one_of(boxes, polygons, masks, st.just(Whole())), shapes, grids, st.sampled_from([0.0, 0.1, 0.73]))
def test_region_is_grown_and_snapped(where, shape, grid, grow) -> None:
    regions = regions_of(Image(np.zeros((*shape, 3), np.uint8), grid=grid), [Finding("f", where, 1, "t")], grow=grow)
    expected = plainly(where, shape, grid, grow)
    if not expected.any():
        assert regions == ()
        return
    (region,) = regions
    assert (region.mask == expected).all()
    rows, columns = region.bounds()
    assert expected[rows.start].any()
    assert expected[rows.stop - 1].any()
    assert expected[:, columns.start].any()
    assert expected[:, columns.stop - 1].any()
    assert expected[region.bounds()].sum() == expected.sum()


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(1, 9), st.integers(1, 9), st.integers(0, 8), st.integers(0, 8), st.integers(0, 99))
def test_snap_takes_every_block_that_is_touched_whole(shape, width, height, x, y, seed) -> None:
    grid = Grid(width, height, x % width, y % height)
    mask = np.random.default_rng(seed).random(shape) < 0.05
    snapped = grid.snap(mask)
    expected = np.zeros_like(mask)
    for row, column in zip(*np.nonzero(mask), strict=True):
        top = (row - grid.y) // height * height + grid.y
        left = (column - grid.x) // width * width + grid.x
        expected[max(0, top) : top + height, max(0, left) : left + width] = True
    assert (snapped == expected).all()


def test_strength_follows_the_grown_side() -> None:
    image = Image(np.zeros((100, 100, 3), np.uint8))
    found = [Finding("f", where, 1, "t") for where in (Box(10, 10, 20, 10), Mask(5, 5, np.ones((8, 4), bool)), Whole())]
    assert [region.side for region in regions_of(image, found, grow=0.25)] == [30, 12, 100]


def test_a_crowd_in_a_large_picture_stays_small() -> None:
    """One full-size mask per face would take 12 MB each."""
    image = Image(np.zeros((3000, 4000, 3), np.uint8), grid=Grid(16, 16))
    found = [Finding("f", Box(7.0 * i, 5.0 * i, 30, 40), 1, "t") for i in range(500)]
    regions = regions_of(image, found, grow=0.1)
    assert sum(region.patch.nbytes for region in regions) < 5e6
    assert len(regions) == 500
    assert union(regions, image.shape).shape == (3000, 4000)


def test_far_away_outlines_cost_nothing() -> None:
    image = Image(np.zeros((10, 10, 3), np.uint8))
    far = Polygon(((1e7, 1e7), (2e7, 1e7), (1e7, 2e7)))
    assert regions_of(image, [Finding("f", far, 1, "t"), Finding("f", Box(11, 0, 5, 5), 1, "t")]) == ()


@pytest.mark.parametrize("grow", [0.0, 0.5])
def test_union_is_or(grow: float) -> None:
    image = Image(np.zeros((20, 20, 3), np.uint8))
    found = [Finding("f", Box(x, x, 6, 6), 1, "t") for x in (0, 4, 12)]
    regions = regions_of(image, found, grow=grow)
    expected = np.zeros((20, 20), bool)
    for region in regions:
        expected |= region.mask
    assert (union(regions, (20, 20)) == expected).all()
