import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.probes.attack.interpolate import Interpolate, fill_between, left_untouched


def test_half_the_pixels_gone_is_no_protection(drawn, named):
    case = drawn.crowd(people=12, each=1, treatment=drawn.Treatment("snow", 0.5))
    found = named(Interpolate().run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain"].low > 8
    assert found["identity_restored"].value == 1.0
    assert found["pixels_left"].value == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("way", ["static", "mask"])
def test_nothing_left_nothing_gained(drawn, named, way):
    case = drawn.crowd(people=20, each=1, treatment=drawn.Treatment(way))
    found = named(Interpolate().run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain"].high <= 0.01
    worst = found["identity_restored"]
    assert worst.low <= worst.chance <= worst.high


def test_a_plane_is_rebuilt_exactly():
    y, x = np.mgrid[0:20, 0:20]
    plane = np.repeat((40 + 3 * x + 4 * y)[:, :, None], 3, axis=2).astype(np.uint8)
    known = np.random.default_rng(0).random((20, 20)) < 0.5
    known[[0, 0, -1, -1], [0, -1, 0, -1]] = True
    np.testing.assert_array_equal(fill_between(np.where(known[:, :, None], plane, 127).astype(np.uint8), known), plane)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_known_pixels_are_averaged(count):
    known = np.zeros((6, 6), dtype=bool)
    known.flat[:count] = True
    out = fill_between(np.full((6, 6, 3), 90, np.uint8), known)
    assert set(np.unique(out)) == ({90} if count else {127})


def test_known_pixels_on_one_line_are_spread():
    known = np.zeros((6, 6), dtype=bool)
    known[2] = True
    pixels = np.zeros((6, 6, 3), np.uint8)
    pixels[2] = 50
    assert (fill_between(pixels, known) == 50).all()


def test_a_natural_picture_counts_as_untouched(drawn):
    assert left_untouched(drawn.face(3, np.random.default_rng(0), 64)).all()


def test_too_few(drawn):
    with pytest.raises(Unsupported, match="at least 2"):
        Interpolate().run(drawn.crowd(people=1, each=1), rng=np.random.default_rng(0))
