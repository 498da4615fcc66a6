"""Discrete Gaussian: against its exact probabilities, and against the published zero-concentrated bound."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from veilset.core.errors import BadSetting
from veilset.core.noise import SeededNoise
from veilset.dp.gaussian import discrete_gaussian


def probabilities(variance, reach):
    x = np.arange(-reach, reach + 1)
    p = np.exp(-(x.astype(float) ** 2) / (2 * float(variance)))
    return x, p / p.sum()


@pytest.mark.parametrize(
    "variance", [Fraction(v) for v in ("1/10", "1/3", "1", "9/4", "10", "100", "12345/7", "250000")]
)
def test_draws_pass_a_chi_square_test_against_the_exact_probabilities(variance):
    n = 60_000
    drawn = discrete_gaussian(SeededNoise(str(variance).encode()), variance, n)
    reach = int(12 * float(variance) ** 0.5) + 5
    x, p = probabilities(variance, reach)
    assert np.abs(drawn).max() <= reach
    cells = np.linspace(0, len(x), min(len(x), 41)).astype(int)[1:-1]
    expected = n * np.array([part.sum() for part in np.split(p, cells)])
    observed = np.array([part.sum() for part in np.split(np.bincount(drawn + reach, minlength=len(x)), cells)])
    keep = expected >= 8
    observed, expected = (np.append(a[keep], a[~keep].sum()) for a in (observed, expected))
    if expected[-1] < 1:
        observed, expected = observed[:-1], expected[:-1] * observed[:-1].sum() / expected[:-1].sum()
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_large_variances_look_like_the_continuous_one():
    variance = Fraction(10**12)
    drawn = discrete_gaussian(SeededNoise(2), variance, 20_000)
    assert stats.kstest(drawn / 1e6, "norm").pvalue > 1e-4


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_exactly_the_asked_count_comes(count):
    assert discrete_gaussian(SeededNoise(3), Fraction(2), count).shape == (count,)


@pytest.mark.parametrize("variance", [Fraction(0), Fraction(-2), Fraction(2**81)])
def test_a_variance_out_of_range_is_refused(variance):
    with pytest.raises(BadSetting):
        discrete_gaussian(SeededNoise(1), variance, 1)
