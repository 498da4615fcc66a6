"""What every operator on regions keeps, and the defects of other tools that must not come back."""

from itertools import permutations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilset.core.errors import BadSetting, WrongMedia
from veilset.core.finding import Finding
from veilset.core.noise import SystemNoise
from veilset.core.region import regions_of, union
from veilset.core.sample import Grid, Image, Sample, Signal
from veilset.core.where import Box, Mask, Polygon, Tag, Where, Whole
from veilset.operators.blur import Blur
from veilset.operators.inpaint import Inpaint
from veilset.operators.mask import Mask as Cover
from veilset.operators.pixelate import Pixelate

ON_REGIONS = [Cover(), Blur(), Pixelate(), Inpaint()]
NOISE = SystemNoise()


def faces(*places: Where) -> list[Finding]:
    return [Finding("face", place, 1.0, "reviewer:t") for place in places]


def noisy(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def treated(operator, pixels: np.ndarray, places: list[Where], grid: Grid | None = None) -> np.ndarray:
    sample = Sample("s", Image(pixels, grid=grid))
    return operator.apply(sample, faces(*places), noise=NOISE).sample.image.pixels


coordinate = st.floats(-20, 60, allow_nan=False)
length = st.floats(0.1, 50, allow_nan=False)
boxes = st.builds(Box, coordinate, coordinate, length, length)
polygons = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=6).map(lambda p: Polygon(tuple(p)))
masks = st.builds(
    lambda x, y, seed, h, w: Mask(x, y, np.random.default_rng(seed).random((h, w)) < 0.4),
    st.integers(-9, 50), st.integers(-9, 50), st.integers(0, 99), st.integers(1, 20), st.integers(1, 20),
)  # fmt: skip
places = st.lists(st.one_of(boxes, polygons, masks), min_size=1, max_size=5)
grids = st.sampled_from([Grid(), Grid(8, 8), Grid(16, 16, 5, 3), Grid(16, 8, 0, 7)])
shapes = st.tuples(st.integers(1, 48), st.integers(1, 48))


@settings(max_examples=60, deadline=None)
@given(where=places, grid=grids, shape=shapes, operator=st.sampled_from(ON_REGIONS))
def test_outside_is_untouched_and_the_region_is_the_union(where, grid, shape, operator) -> None:
    pixels = noisy(*shape)
    image = Image(pixels, grid=grid)
    region = union(regions_of(image, faces(*where), grow=operator.grow), image.shape)
    out = operator.apply(Sample("s", image), faces(*where), noise=NOISE).sample.image
    assert (out.pixels[~region] == pixels[~region]).all()
    assert (out.treated == region).all() if region.any() else out is image


@settings(max_examples=40, deadline=None)
@given(where=places, grid=grids, operator=st.sampled_from(ON_REGIONS), data=st.data())
def test_order_does_not_matter(where, grid, operator, data) -> None:
    pixels = noisy(40, 40)
    shuffled = data.draw(st.permutations(where))
    assert (treated(operator, pixels, where, grid) == treated(operator, pixels, shuffled, grid)).all()


@settings(max_examples=60, deadline=None)
@given(where=places, grid=grids, shape=shapes, operator=st.sampled_from([Cover(), Inpaint(), Inpaint(context=2.0)]))
def test_exact_operators_do_not_look_inside(where, grid, shape, operator) -> None:
    """The claim `Exact`: two originals that differ only inside the region come out equal."""
    one = noisy(*shape)
    region = union(regions_of(Image(one, grid=grid), faces(*where), grow=operator.grow), shape)
    other = np.where(region[:, :, None], noisy(*shape, seed=1), one)
    assert (treated(operator, one, where, grid) == treated(operator, other, where, grid)).all()


@settings(max_examples=60, deadline=None)
@given(where=places, grid=grids, shape=shapes, fill=st.tuples(*[st.integers(0, 255)] * 3))
def test_mask_is_constant_inside(where, grid, shape, fill) -> None:
    pixels = noisy(*shape)
    region = union(regions_of(Image(pixels, grid=grid), faces(*where), grow=0.1), shape)
    assert (treated(Cover(fill, grow=0.1), pixels, where, grid)[region] == np.array(fill, np.uint8)).all()


@pytest.mark.parametrize("operator", ON_REGIONS)
def test_one_pixel_picture(operator) -> None:
    out = treated(operator, np.full((1, 1, 3), 77, np.uint8), [Box(0, 0, 1, 1)])
    assert out.shape == (1, 1, 3)


@pytest.mark.parametrize("operator", ON_REGIONS)
def test_whole_picture(operator) -> None:
    pixels = noisy(33, 47)
    out = treated(operator, pixels, [Whole()])
    assert out.astype(float).var() < 0.1 * pixels.astype(float).var()


@pytest.mark.parametrize("operator", ON_REGIONS)
def test_no_findings_give_the_very_same_sample(operator) -> None:
    sample = Sample("s", Image(noisy(4, 4)))
    assert operator.apply(sample, [], noise=NOISE).sample is sample


@pytest.mark.parametrize("operator", ON_REGIONS)
def test_many_regions(operator) -> None:
    """Two hundred faces, most of them touching, in one picture."""
    rng = np.random.default_rng(4)
    crowd = [Box(*corner, *rng.uniform(3, 30, 2)) for corner in rng.uniform(0, 380, (200, 2))]
    pixels = noisy(400, 400)
    out = treated(operator, pixels, crowd)
    region = union(regions_of(Image(pixels), faces(*crowd), grow=operator.grow), (400, 400))
    assert (out[~region] == pixels[~region]).all()
    assert out[region].astype(float).var() < 0.2 * pixels[region].astype(float).var()


@pytest.mark.parametrize("operator", ON_REGIONS)
@pytest.mark.parametrize("ratio", [0.5, 0.25, 0.1, 0.05])
@pytest.mark.parametrize("gap", [-10, 0, 30])
def test_small_face_next_to_a_large_one(operator, ratio, gap) -> None:
    """Blurring the union mask with the largest radius left 15 % to 95 % of the small face's own signal in it."""
    large, small = 200.0, 200.0 * ratio
    pixels = noisy(300, 500)
    where = [Box(20, 40, large, large), Box(20 + large + gap + 0.3 * large, 100, small, small)]
    out = treated(operator, pixels, where)
    inside = union(regions_of(Image(pixels), faces(where[1])), (300, 500))
    before, after = pixels[inside].astype(float), out[inside].astype(float)
    kept = np.cov(before.ravel(), after.ravel())[0, 1] / before.var()
    assert abs(kept) < 0.12
    assert after.var() < 0.1 * before.var()


@pytest.mark.parametrize("operator", ON_REGIONS)
def test_full_strength_up_to_the_rim_of_the_grown_box(operator) -> None:
    """A feather that falls inward leaves the rim of the face readable; an inscribed ellipse leaves its corners."""
    pixels = noisy(200, 200)
    box = Box(50, 50, 100, 100)
    out = treated(operator, pixels, [box])
    rim = np.zeros((200, 200), bool)
    rim[50:150, 50:150] = True
    rim[54:146, 54:146] = False
    before, after = pixels[rim].astype(float), out[rim].astype(float)
    assert abs(np.cov(before.ravel(), after.ravel())[0, 1] / before.var()) < 0.05


@pytest.mark.parametrize("operator", ON_REGIONS)
def test_strength_grows_with_the_face(operator) -> None:
    """The same drawing at four times the size is treated four times as coarsely: scaled down, the results agree."""
    small = np.kron(noisy(24, 24, seed=2), np.ones((8, 8, 1), np.uint8))
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    one = treated(operator, small, [Box(50, 50, 92, 92)])
    four = treated(operator, large, [Box(200, 200, 368, 368)])
    reduced = cv2.resize(four, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    inside = (slice(52, 140), slice(52, 140))
    assert np.abs(one[inside].astype(float) - reduced[inside]).mean() < 6


@pytest.mark.parametrize("operator", ON_REGIONS)
def test_wrong_media(operator) -> None:
    with pytest.raises(WrongMedia, match="Signal"):
        operator.apply(Sample("s", Signal(np.zeros((4, 1)), 1.0)), faces(Whole()), noise=NOISE)
    with pytest.raises(WrongMedia, match="Tag"):
        operator.apply(Sample("s", Image(noisy(4, 4))), faces(Tag("exif/a")), noise=NOISE)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (Cover, {"fill": (0, 0)}), (Cover, {"fill": (0, 0, 256)}), (Cover, {"fill": (0, 0, 0.5)}),
        (Cover, {"grow": -0.1}),
        (Blur, {"strength": 0}), (Blur, {"floor": -1}), (Blur, {"grow": 3}),
        (Pixelate, {"cells": 0}), (Pixelate, {"floor": 0}), (Inpaint, {"context": 0}), (Inpaint, {"grow": -1}),
    ],
)  # fmt: skip
def test_bad_settings(kind, bad) -> None:
    with pytest.raises(BadSetting, match=next(iter(bad))):
        kind(**bad)


def test_all_orders_of_three_overlapping_faces() -> None:
    pixels = noisy(80, 80)
    where = [Box(5, 5, 40, 40), Box(30, 20, 20, 20), Box(44, 30, 30, 30)]
    for operator in ON_REGIONS:
        outs = {treated(operator, pixels, list(order)).tobytes() for order in permutations(where)}
        assert len(outs) == 1
