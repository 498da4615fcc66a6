import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.noise import SystemNoise
from veilset.core.sample import Grid, Image, Sample
from veilset.core.where import Box, Whole
from veilset.operators.inpaint import Inpaint, pull_push


def run(pixels: np.ndarray, where, grid: Grid | None = None) -> np.ndarray:
    sample = Sample("s", Image(pixels, grid=grid))
    return Inpaint().apply(sample, [Finding("text", where, 1, "t")], noise=SystemNoise()).sample.image.pixels


def test_known_pixels_stay_and_constants_are_kept() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.random((17, 13, 3)).astype(np.float32)
    known = rng.random((17, 13)) < 0.5
    assert (pull_push(pixels, known)[known] == pixels[known]).all()
    flat = np.full((17, 13, 3), 0.25, np.float32)
    assert pull_push(flat, known) == pytest.approx(flat)


def test_filling_stays_between_the_known_values() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.uniform(50, 90, (40, 40, 3)).astype(np.float32)
    known = np.ones((40, 40), bool)
    known[10:30, 5:33] = False
    pixels[~known] = 1e6
    filled = pull_push(pixels, known)
    assert 50 <= filled.min() <= filled.max() <= 90


def test_a_ramp_is_continued_roughly() -> None:
    pixels = np.tile(np.linspace(0, 200, 100, dtype=np.uint8), (60, 1))[:, :, None].repeat(3, 2)
    out = run(pixels, Box(40, 20, 20, 20))
    assert np.abs(out.astype(int) - pixels).max() < 30


def test_without_surroundings_it_is_grey() -> None:
    assert np.unique(run(np.zeros((5, 6, 3), np.uint8), Whole())).tolist() == [128]


@pytest.mark.parametrize("place", [Box(0, 0, 8, 8), Box(20, 20, 9, 9), Box(40, 40, 8, 8)])
def test_in_coded_pictures_the_ring_around_is_not_read(place: Box) -> None:
    """Chroma upsampling carries colour of the inside one pixel out; the filling must not bring it back."""
    rng = np.random.default_rng(2)
    one = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
    image = Image(one, grid=Grid(8, 8))
    region = Inpaint().apply(Sample("s", image), [Finding("text", place, 1, "t")], noise=SystemNoise())
    treated = region.sample.image.treated
    near = np.zeros_like(treated)
    for y, x in zip(*np.nonzero(treated), strict=True):
        near[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = True
    other = one.copy()
    other[near] = rng.integers(0, 256, (int(near.sum()), 3), dtype=np.uint8)
    a, b = run(one, place, Grid(8, 8)), run(other, place, Grid(8, 8))
    assert (a[treated] == b[treated]).all()


def test_another_finding_just_outside_the_frame_leaves_no_ring_inside() -> None:
    """The ring of a neighbour that is not itself in the frame must not be read either."""
    text, neighbour = Box(24, 24, 8, 8), Box(40, 24, 8, 8)
    rng = np.random.default_rng(5)
    one = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    two = one.copy()
    two[23:33, 39] = rng.integers(0, 256, (10, 3), dtype=np.uint8)
    findings = [Finding("text", place, 1, "t") for place in (text, neighbour)]
    operator = Inpaint(context=1.0, grow=0)
    results = [
        operator.apply(Sample("s", Image(p, grid=Grid(8, 8))), findings, noise=SystemNoise()).sample.image.pixels
        for p in (one, two)
    ]
    assert (results[0][24:32, 24:48] == results[1][24:32, 24:48])[:, [*range(8), *range(16, 24)]].all()
