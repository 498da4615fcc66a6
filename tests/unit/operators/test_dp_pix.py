"""DP-Pix: exact sums against brute force, sensitivity by trying to exceed it, and nothing changed outside."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilset.core.errors import BadSetting, WrongMedia
from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.sample import Image, Sample, Signal
from veilset.core.where import Box, Polygon, Whole
from veilset.dp.cells import cell_sums, cells_of, noisy_cells
from veilset.operators.dp_pix import DpPix, fill, luminance

HUGE = Fraction(10**9)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sample(pixels):
    return Sample("s", Image(pixels))


def face(where):
    return Finding("face", where, 1.0, "test")


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 45), st.sampled_from([1, 3]), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_cell_sums_are_the_brute_force_sums(height, width, block, channels, seed):
    pixels = picture(height, width, seed)[:, :, :channels]
    sums = cell_sums(np.ascontiguousarray(pixels), block)
    for row in range(sums.shape[0]):
        for column in range(sums.shape[1]):
            cell = pixels[row * block : (row + 1) * block, column * block : (column + 1) * block]
            assert sums[row, column].tolist() == cell.astype(int).sum(axis=(0, 1)).tolist()


def test_the_largest_sums_do_not_overflow():
    for block in (257, 258, 600):
        white = np.full((600, 600, 1), 255, dtype=np.uint8)
        assert cell_sums(white, block).sum() == 255 * 600 * 600


def test_partial_cells_and_masks_have_their_true_counts():
    mask = np.zeros((20, 21), dtype=bool)
    mask[3:18, 5:21] = True
    cells = cells_of(picture(20, 21), [mask], 8)
    expected = cell_sums(mask[:, :, None].astype(np.uint8), 8)[:, :, 0]
    assert cells.counts.tolist() == expected.tolist()
    whole = cells_of(picture(20, 21), [np.ones((20, 21), dtype=bool)], 8)
    assert whole.counts.tolist() == [[64, 64, 40], [64, 64, 40], [32, 32, 20]]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 12), st.integers(1, 40), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_no_neighbour_exceeds_the_sensitivity_that_the_noise_is_made_for(height, width, block, changed, seed):
    """Brute force: the most different neighbours there are, and random ones, over all cells and channels."""
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < 0.7
    mask[0, 0] = True
    before = picture(height, width, seed)
    after = before.copy()
    places = rng.permutation(np.argwhere(mask))[:changed]
    for y, x in places:
        after[y, x] = np.where(before[y, x] < 128, 255, 0)
    moved = np.abs(cells_of(before, [mask], block).sums - cells_of(after, [mask], block).sums).sum()
    assert moved <= 255 * 3 * min(changed, int(mask.sum()))


class Recorder:
    """Stands in for the sampler and writes down which scales were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, noise, scale, count):
        self.asked.append((scale, count))
        return np.zeros(count, dtype=np.int64)


@pytest.fixture
def asked(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr("veilset.dp.cells.discrete_laplace", recorder)
    return recorder.asked


def test_the_scale_is_that_of_the_published_mechanism_times_the_cell(asked):
    """Mean noise 255 m / (b**2 epsilon) for one channel: (m, b, epsilon) = (16, 16, 0.1) gives 159.375."""
    for pixels, block, epsilon, expected in ((16, 8, 0.5, 127.5), (16, 16, 0.1, 159.375), (256, 16, 1, 255.0)):
        op = DpPix(block=block, epsilon=epsilon, pixels=pixels, grey=True)
        op.apply(sample(picture(64, 64)), [face(Whole())], noise=SeededNoise(1))
        ((scale, count),) = asked
        assert float(scale) / block**2 == expected
        assert count == (64 // block) ** 2
        asked.clear()


def test_colour_pays_for_three_channels(asked):
    DpPix(pixels=4, epsilon=0.5).apply(sample(picture(32, 32)), [face(Whole())], noise=SeededNoise(1))
    assert asked == [(Fraction(255 * 3 * 4 * 2), 12)]


def test_a_face_pays_for_all_of_its_pixels_and_overlapping_faces_for_the_larger(asked):
    op = DpPix(pixels="face", epsilon=1, block=8, grow=0)
    findings = [face(Box(0, 0, 16, 16)), face(Box(8, 8, 24, 24))]
    op.apply(sample(picture(64, 64)), findings, noise=SeededNoise(1))
    small, large = 255 * 3 * 256, 255 * 3 * 576
    assert sorted(asked) == [(small, 3 * 3), (large, 9 * 3)]


def test_the_image_pays_for_everything_treated(asked):
    findings = [face(Box(0, 0, 16, 16)), face(Box(32, 32, 8, 8))]
    DpPix(pixels="image", epsilon=1, block=8, grow=0).apply(sample(picture(64, 64)), findings, noise=SeededNoise(1))
    assert asked == [(255 * 3 * 320, 5 * 3)]


@pytest.mark.parametrize("smooth", ["none", "median", "blur", "upsample"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("where", [Box(3, 5, 11, 9), Polygon(((2, 2), (20, 4), (9, 22))), Whole()])
def test_nothing_outside_is_changed_and_nothing_inside_is_copied(smooth, grey, where, monkeypatch):
    pixels = picture(29, 31)
    before = pixels.copy()
    op = DpPix(block=4, epsilon=0.5, pixels="face", grey=grey, smooth=smooth)
    done = op.apply(sample(pixels), [face(where)], noise=SeededNoise(1)).sample.image
    assert (pixels == before).all()
    assert (done.pixels[~done.treated] == before[~done.treated]).all()
    # The same cell sums from other pixels: whatever is shown depends on the noisy sums alone.
    other = before.copy()
    other[done.treated] = 255 - other[done.treated]
    cells = cells_of(luminance(before) if grey else before, [done.treated], 4)
    monkeypatch.setattr("veilset.operators.dp_pix.noisy_cells", lambda *a, **k: cells)
    shown = [op.apply(sample(p), [face(where)], noise=SeededNoise(1)).sample.image.pixels for p in (before, other)]
    assert (shown[0] == shown[1]).all()


def test_without_noise_it_is_the_block_mean():
    pixels = picture(37, 50)
    mask = np.ones((37, 50), dtype=bool)
    filled = fill(noisy_cells(pixels, [mask], 16, HUGE, 1, noise=SeededNoise(1)), (37, 50), 16, "none")
    for y in range(0, 37, 16):
        for x in range(0, 50, 16):
            mean = pixels[y : y + 16, x : x + 16].reshape(-1, 3).mean(axis=0)
            assert np.abs(filled[y : y + 16, x : x + 16] - mean).max() <= 0.51


@pytest.mark.parametrize("smooth", ["none", "median", "blur", "upsample"])
def test_smoothing_sees_the_noisy_cells_alone(smooth):
    """A flat region stays flat whatever lies around it: no original pixel, no untreated cell has a say."""
    mask = np.zeros((64, 64), dtype=bool)
    mask[8:40, 16:56] = True
    pixels = picture(64, 64)
    pixels[mask] = 90
    filled = fill(cells_of(pixels, [mask], 8), (64, 64), 8, smooth)
    assert (filled[mask] == 90).all()


def test_the_mechanism_is_what_apply_shows():
    op = DpPix(block=8, pixels=4)
    s, f = sample(picture(16, 16)), [face(Whole())]
    sums = op.mechanism(s, f, noise=SeededNoise(5))
    shown = op.apply(s, f, noise=SeededNoise(5)).sample.image.pixels[::8, ::8].reshape(-1, 3)
    assert np.abs(np.clip(sums / 64, 0, 255) - shown).max() <= 0.5


def test_luminance_stays_in_range_and_needs_no_change_for_grey():
    grey = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    assert (luminance(grey)[0, :, 0] == np.arange(256)).all()


def test_no_finding_leaves_the_same_sample():
    s = sample(picture(8, 8))
    assert DpPix().apply(s, [], noise=SeededNoise(1)).sample is s
    assert DpPix().apply(s, [face(Box(100, 100, 5, 5))], noise=SeededNoise(1)).sample is s


def test_other_media_are_refused():
    with pytest.raises(WrongMedia):
        DpPix().apply(Sample("s", Signal(np.zeros((5, 1)), 50.0)), [], noise=SeededNoise(1))


@pytest.mark.parametrize(
    "fields",
    [{"block": 0}, {"epsilon": 0}, {"epsilon": -1},
     {"pixels": 0}, {"pixels": "person"}, {"pixels": True}, {"pixels": 1.5},
     {"smooth": "sharp"}, {"grow": -1}],
)  # fmt: skip
def test_bad_settings_are_refused(fields):
    with pytest.raises(BadSetting):
        DpPix(**fields)


def test_the_guarantee_names_unit_neighbours_and_leans_on_a_fixed_region():
    promise = DpPix(epsilon=0.25, pixels=16).guarantee()
    assert (promise.unit, promise.epsilon, promise.delta) == ("16 pixels", 0.25, 0.0)
    assert "at most 16 pixels" in promise.neighbours
    assert any("without looking at the noise" in line for line in promise.given)
    assert DpPix().guarantee().unit == "face"
