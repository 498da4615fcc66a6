"""Discrete Laplace: against the closed form of its probabilities, over many scales."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import stats

from veilset.core.errors import BadSetting
from veilset.core.noise import SeededNoise
from veilset.dp import laplace
from veilset.dp.bernoulli import bias_bits
from veilset.dp.laplace import discrete_laplace

SCALES = [
    Fraction(s)
    for s in ("1/4", "1/3", "1", "3/2", "10/7", "7", "50", "255/16", "1000", "40800", "123457/3", "10000000")
]


def pmf(x, scale):
    r = np.exp(-1 / float(scale))
    return (1 - r) / (1 + r) * r ** np.abs(x)


def cdf(x, scale):
    """P(X <= x), summed in closed form."""
    r = np.exp(-1 / float(scale))
    x = np.asarray(x, dtype=float)
    return np.where(x < 0, r ** (-x) / (1 + r), 1 - r ** (x + 1) / (1 + r))


@pytest.mark.parametrize("scale", SCALES)
def test_draws_pass_a_chi_square_test_against_the_exact_probabilities(scale):
    n = 60_000
    drawn = discrete_laplace(SeededNoise(str(scale).encode()), scale, n)
    edges = np.unique(np.floor(float(scale) * np.linspace(-5, 5, 41)).astype(np.int64))
    edges = np.unique(np.concatenate((edges, np.arange(-3, 4))))
    expected = n * np.diff(np.concatenate(([0.0], cdf(edges, scale), [1.0])))
    observed = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1)
    keep = expected >= 8
    observed = np.append(observed[keep], observed[~keep].sum())
    expected = np.append(expected[keep], expected[~keep].sum())
    if expected[-1] < 1:
        assert observed[-1] <= 6
        observed, expected = observed[:-1], expected[:-1] * observed[:-1].sum() / expected[:-1].sum()
    assert stats.chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize("scale", SCALES)
def test_the_coins_of_the_plan_multiply_to_the_stated_probabilities(scale):
    """No sampling: the product of the biases, in high precision, is the probability of every small magnitude."""
    plan = laplace._plan(scale)
    with mpmath.workprec(400):
        biases = [mpmath.mpf(bias_bits(coin, 380)) / mpmath.mpf(2) ** 380 for coin in plan.coins]
        ratio = mpmath.exp(-mpmath.mpf(scale.denominator) / scale.numerator)
        for magnitude in [0, 1, 2, 3, 5, 2**plan.levels, 2**plan.levels + 1, 3 * 2**plan.levels + 1]:
            if magnitude == 0:
                product = biases[plan.levels + 1]
            else:
                high, low = divmod(magnitude - 1, 2**plan.levels)
                product = (1 - biases[plan.levels + 1]) / 2 * biases[plan.levels] ** high * (1 - biases[plan.levels])
                for level in range(plan.levels):
                    product *= biases[level] if low >> level & 1 else 1 - biases[level]
            exact = (1 - ratio) / (1 + ratio) * ratio**magnitude
            assert abs(product - exact) < mpmath.mpf(10) ** -90


def test_far_tails_are_reached():
    """Above the low bits the variable goes on: at scale 1, one draw of 150 lies beyond 5, and none is lost."""
    drawn = discrete_laplace(SeededNoise(5), Fraction(1), 2_000_000)
    beyond = int((np.abs(drawn) > 12).sum())
    assert stats.poisson(2e6 * 2 * cdf(-13, 1)).sf(beyond - 1) > 1e-4
    assert stats.poisson(2e6 * 2 * cdf(-13, 1)).cdf(beyond) > 1e-4


def test_draws_are_integers_and_symmetric():
    drawn = discrete_laplace(SeededNoise(6), Fraction(1000), 100_000)
    assert drawn.dtype == np.int64
    assert stats.binomtest(int((drawn > 0).sum()), int((drawn != 0).sum())).pvalue > 1e-4


def test_neighbouring_draws_are_independent():
    drawn = discrete_laplace(SeededNoise(7), Fraction(30), 200_000).astype(float)
    for lag in (1, 2, 1 << 15):
        assert abs(np.corrcoef(drawn[:-lag], drawn[lag:])[0, 1]) < 4.5 / np.sqrt(len(drawn) - lag)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, (1 << 15) + 1])
def test_any_count_can_be_asked_for(count):
    assert discrete_laplace(SeededNoise(8), Fraction(3), count).shape == (count,)


@pytest.mark.parametrize("scale", [Fraction(0), Fraction(-1), Fraction(2**51)])
def test_a_scale_out_of_range_is_refused(scale):
    with pytest.raises(BadSetting):
        discrete_laplace(SeededNoise(1), scale, 1)


def test_a_large_scale_does_not_overflow():
    drawn = discrete_laplace(SeededNoise(9), Fraction(2**50), 2000)
    assert abs(np.abs(drawn).mean() / 2.0**50 - 1) < 0.12
