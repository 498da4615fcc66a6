"""DP-SVD: the noise has its density and keeps its order; nothing wraps; nothing is claimed for a face."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from veilset.core.errors import BadSetting, WrongMedia
from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.sample import Image, Sample, Signal
from veilset.core.where import Box, Whole
from veilset.operators.dp_pix import luminance
from veilset.operators.dp_svd import STEP, DpSvd, noisy_spectrum


def sample(height, width, seed=0):
    return Sample("s", Image(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)))


def face(where):
    return Finding("face", where, 1.0, "test")


def test_the_noise_has_the_published_radius_and_no_order():
    values, noise = np.array([30.0, 5.0, 4.0, 3.0]), SeededNoise(1)
    drawn = np.array([noisy_spectrum(values, Fraction(1, 2), noise) * float(STEP) - values for _ in range(1500)])
    assert stats.kstest(np.linalg.norm(drawn, axis=1), stats.gamma(4, scale=2).cdf).pvalue > 1e-4
    sorted_rows = (np.diff(np.abs(drawn), axis=1) <= 0).all(axis=1).mean()
    assert abs(sorted_rows - 1 / 24) < 0.02


def test_without_noise_it_is_the_truncated_decomposition():
    s = sample(20, 30)
    done = DpSvd(rank=3, epsilon=1e6).apply(s, [face(Whole())], noise=SeededNoise(1)).sample.image.pixels
    u, d, v = np.linalg.svd(luminance(s.image.pixels)[:, :, 0] / 255.0, full_matrices=False)
    expected = np.clip((u[:, :3] * d[:3]) @ v[:3] * 255, 0, 255)
    assert np.abs(done - expected[:, :, None]).max() <= 1


def test_nothing_outside_is_changed_and_small_regions_work():
    s = sample(30, 30)
    done = (
        DpSvd(epsilon=0.1).apply(s, [face(Box(5, 5, 2, 2)), face(Box(20, 3, 9, 9))], noise=SeededNoise(1)).sample.image
    )
    assert (done.pixels[~done.treated] == s.image.pixels[~done.treated]).all()
    assert (done.pixels[done.treated] != s.image.pixels[done.treated]).mean() > 0.9
    assert DpSvd().apply(s, [], noise=SeededNoise(1)).sample is s


def test_it_claims_no_differential_privacy():
    promise = DpSvd(epsilon=0.5, rank=4).guarantee()
    assert (promise.kind, promise.probes) == ("empirical", ("reidentify",))
    assert "vectors are released as they are" in promise.given[1]


@pytest.mark.parametrize("fields", [{"rank": 0}, {"rank": 17}, {"epsilon": 0}, {"grow": -1}])
def test_bad_settings_are_refused(fields):
    with pytest.raises(BadSetting):
        DpSvd(**fields)


def test_other_media_are_refused():
    with pytest.raises(WrongMedia):
        DpSvd().apply(Sample("s", Signal(np.zeros((5, 1)), 50.0)), [], noise=SeededNoise(1))
