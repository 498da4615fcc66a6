import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from veilset.core.finding import Finding
from veilset.core.noise import SystemNoise
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.operators.pixelate import Pixelate, cells_of, mosaic


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.sampled_from([0.05, 0.5, 1.0]), st.integers(0, 9))
def test_every_cell_is_constant_and_holds_the_true_mean(height, width, cell, share, seed) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = rng.random((height, width)) < share
    labels = cells_of(mask, cell)
    out = mosaic(pixels, labels)
    assert ((labels >= 0) == mask).all()
    assert (out[~mask] == pixels[~mask]).all()
    for label in np.unique(labels[mask]):
        inside = labels == label
        total, count = pixels[inside].astype(int).sum(axis=0), int(inside.sum())
        expected = [128 if count == 1 else (2 * int(t) + count) // (2 * count) for t in total]
        assert (out[inside] == expected).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 16))
def test_cells_are_never_smaller_than_asked(height, width, cell) -> None:
    labels = cells_of(np.ones((height, width), bool), cell)
    counts = np.bincount(labels.ravel())
    assert counts[counts > 0].min() >= min(cell, height) * min(cell, width)


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 12), st.integers(0, 500))
def test_no_value_rests_on_a_sliver(cell, seed) -> None:
    """A cell of which the outline leaves one pixel would publish that pixel."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[:60, :60]
    centre, radius = rng.uniform(20, 40, 2), rng.uniform(12, 25)
    mask = np.hypot(ys - centre[0], xs - centre[1]) <= radius
    counts = np.bincount(cells_of(mask, cell)[mask])
    assert counts[counts > 0].min() >= cell * cell / 4


def test_no_source_pixel_is_sampled() -> None:
    """Resizing to the nearest pixel publishes one original sample per cell: change it, and nothing may follow."""
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    operator = Pixelate(cells=4, floor=4, grow=0)
    face = [Finding("face", Box(0, 0, 64, 64), 1, "t")]

    def run(p: np.ndarray) -> np.ndarray:
        return operator.apply(Sample("s", Image(p)), face, noise=SystemNoise()).sample.image.pixels.astype(int)

    base = run(pixels)
    for y, x in [(0, 0), (8, 8), (15, 15), (16, 16), (63, 63)]:
        other = pixels.copy()
        other[y, x] = 255 - other[y, x]
        assert np.abs(run(other) - base).max() <= 1


def test_a_region_of_one_pixel_does_not_keep_it() -> None:
    pixels = np.full((5, 5, 3), 7, np.uint8)
    speck = [Finding("face", Box(2, 2, 0.4, 0.4), 1, "t")]
    out = Pixelate(grow=0).apply(Sample("s", Image(pixels)), speck, noise=SystemNoise()).sample.image.pixels
    assert out[2, 2].tolist() == [128, 128, 128]
    assert (out != pixels).any(-1).sum() == 1


def test_large_faces_get_large_cells() -> None:
    rng = np.random.default_rng(3)
    for side in (80, 160, 320):
        pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        face = [Finding("face", Box(0, 0, side, side), 1, "t")]
        out = Pixelate(8, grow=0).apply(Sample("s", Image(pixels)), face, noise=SystemNoise()).sample.image.pixels
        changes = (np.diff(out.astype(int), axis=1) != 0).any(axis=(0, 2)).sum()
        assert changes == 7


def test_means_of_large_bright_cells_do_not_overflow() -> None:
    pixels = np.full((3000, 4000, 3), 255, np.uint8)
    out = mosaic(pixels, np.zeros((3000, 4000), np.int64))
    assert (out == 255).all()
