"""Snow: what is shown, how often, and nothing else."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from veilset.core.errors import BadSetting, WrongMedia
from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.sample import Image, Sample, Signal
from veilset.core.where import Box, Whole
from veilset.operators.snow import Snow, snowed


def white(height, width):
    return Sample("s", Image(np.full((height, width, 3), 255, dtype=np.uint8)))


def face(where):
    return Finding("face", where, 1.0, "test")


@pytest.mark.parametrize(("delta", "pixels"), [(0.5, 1), (0.1, 1), (0.5, 16)])
def test_each_pixel_is_shown_with_its_share_of_delta(delta, pixels):
    n = 300
    done = (
        Snow(delta=delta, pixels=pixels).apply(white(n, n), [face(Whole())], noise=SeededNoise(1)).sample.image.pixels
    )
    shown = int((done[:, :, 0] == 255).sum())
    assert stats.binomtest(shown, n * n, delta / pixels).pvalue > 1e-4
    assert set(np.unique(done)) <= {127, 255}
    assert (done == done[:, :, :1]).all()


@pytest.mark.parametrize("pixels", ["face", "image"])
def test_a_unit_shows_anything_with_probability_at_most_delta(pixels):
    op, n = Snow(delta=0.5, pixels=pixels, grow=0), 2000
    noise = SeededNoise(2)
    shown = sum(
        bool((op.apply(white(8, 8), [face(Whole())], noise=noise).sample.image.pixels == 255).any()) for _ in range(n)
    )
    assert stats.binomtest(shown, n, 1 - (1 - 0.5 / 64) ** 64).pvalue > 1e-4
    assert stats.binomtest(shown, n, 0.5, alternative="greater").pvalue > 1e-4


def test_chances_are_rounded_down():
    most = np.full((1, 1), 3, dtype=np.int64)

    class AtThreshold:
        seeded = True

        def bytes(self, count):
            return int(Fraction(1, 3) * Fraction(1, 2) * 2**32).to_bytes(4, "little")

    assert snowed(np.full((1, 1, 3), 9, np.uint8), most, Fraction(1, 2), 127, AtThreshold())[0, 0, 0] == 127


def test_nothing_outside_is_changed():
    s = white(30, 30)
    done = Snow().apply(s, [face(Box(5, 5, 8, 8))], noise=SeededNoise(1)).sample.image
    assert (done.pixels[~done.treated] == 255).all()
    assert 64 <= done.treated.sum() < 200
    assert Snow().apply(s, [], noise=SeededNoise(1)).sample is s


@pytest.mark.parametrize("fields", [{"delta": 0}, {"delta": 1}, {"fill": 256}, {"pixels": 0}, {"grow": -1}])
def test_bad_settings_are_refused(fields):
    with pytest.raises(BadSetting):
        Snow(**fields)


def test_other_media_are_refused():
    with pytest.raises(WrongMedia):
        Snow().apply(Sample("s", Signal(np.zeros((5, 1)), 50.0)), [], noise=SeededNoise(1))


def test_the_guarantee_is_a_delta():
    promise = Snow(delta=0.25, pixels=1).guarantee()
    assert (promise.epsilon, promise.delta, promise.unit) == (0.0, 0.25, "1 pixel")
