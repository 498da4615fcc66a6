"""DP-Samp: only the sampled pixels have a say, each through randomised response with its share of epsilon."""

from fractions import Fraction

import numpy as np
import pytest

from veilset.core.errors import BadSetting, WrongMedia
from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.sample import Image, Sample, Signal
from veilset.core.where import Box, Whole
from veilset.operators.dp_pix import luminance
from veilset.operators.dp_samp import DpSamp


def sample(height, width, seed=0):
    return Sample("s", Image(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)))


def face(where):
    return Finding("face", where, 1.0, "test")


@pytest.fixture
def asked(monkeypatch):
    asked = []

    def record(noise, values, categories, epsilon):
        asked.append((len(values), categories, epsilon))
        return values

    monkeypatch.setattr("veilset.operators.dp_samp.randomised_response", record)
    return asked


@pytest.mark.parametrize(("pixels", "share"), [(1, 1), (16, 16), (500, 20), ("face", 20), ("image", 20)])
def test_each_sample_gets_its_share(asked, pixels, share):
    DpSamp(block=8, epsilon=1, pixels=pixels).apply(sample(32, 38), [face(Whole())], noise=SeededNoise(1))
    assert asked == [(20, 8, Fraction(1, share))]


def test_overlapping_faces_pay_for_the_larger(asked):
    findings = [face(Box(0, 0, 16, 16)), face(Box(8, 8, 24, 24))]
    DpSamp(block=8, epsilon=1, grow=0).apply(sample(64, 64), findings, noise=SeededNoise(1))
    assert sorted(asked) == [(3, 8, Fraction(1, 4)), (9, 8, Fraction(1, 9))]


def test_without_lies_the_samples_are_the_middle_pixels():
    s = sample(21, 30)
    shown = DpSamp(block=8, epsilon=1e6, levels=256, pixels=1).mechanism(s, [face(Whole())], noise=SeededNoise(1))
    grey = luminance(s.image.pixels)[:, :, 0]
    assert shown[:, 0].tolist() == grey[np.ix_([4, 12, 20], [4, 12, 20, 28])].ravel().tolist()


@pytest.mark.parametrize("where", [Whole(), Box(7, 9, 20, 15), Box(1, 1, 1, 1)])
def test_no_other_pixel_has_a_say_and_nothing_outside_is_changed(where):
    s = sample(40, 48)
    op = DpSamp(block=8, grow=0)
    done = op.apply(s, [face(where)], noise=SeededNoise(1)).sample.image
    other = s.image.pixels.copy()
    spared = np.zeros(done.treated.shape, dtype=bool)
    spared[4::8, 4::8] = True
    other[done.treated & ~spared] ^= 255
    again = op.apply(Sample("o", Image(other)), [face(where)], noise=SeededNoise(1)).sample.image
    assert (again.pixels[done.treated] == done.pixels[done.treated]).all()
    assert (done.pixels[~done.treated] == s.image.pixels[~done.treated]).all()
    assert op.apply(s, [], noise=SeededNoise(1)).sample is s


@pytest.mark.parametrize("fields", [{"block": 0}, {"levels": 1}, {"epsilon": 0}, {"pixels": "person"}, {"grow": -1}])
def test_bad_settings_are_refused(fields):
    with pytest.raises(BadSetting):
        DpSamp(**fields)


def test_other_media_are_refused():
    with pytest.raises(WrongMedia):
        DpSamp().apply(Sample("s", Signal(np.zeros((5, 1)), 50.0)), [], noise=SeededNoise(1))
