"""Metric noise: against the exact lattice probabilities in two dimensions and the Gamma radius in more."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from veilset.core.errors import BadSetting
from veilset.core.noise import SeededNoise
from veilset.dp.metric import euclidean_laplace, to_lattice


@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(3, 2)])
def test_two_dimensions_have_the_exact_lattice_probabilities(epsilon):
    n, reach = 40_000, 60
    drawn = euclidean_laplace(SeededNoise(1), epsilon, 2, n)
    axis = np.arange(-reach, reach + 1)
    p = np.exp(-float(epsilon) * np.hypot(*np.meshgrid(axis, axis)))
    p /= p.sum()
    table = np.zeros_like(p)
    np.add.at(table, (drawn[:, 1] + reach, drawn[:, 0] + reach), 1)
    keep = n * p >= 8
    observed = np.append(table[keep], table[~keep].sum())
    expected = np.append(n * p[keep], n * p[~keep].sum())
    assert stats.chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize("dimensions", [1, 3, 6, 10])
def test_fine_lattices_have_a_gamma_radius(dimensions):
    drawn = euclidean_laplace(SeededNoise(2), Fraction(1, 1000), dimensions, 3000)
    radius = np.linalg.norm(drawn, axis=1) / 1000
    assert stats.kstest(radius, stats.gamma(dimensions).cdf).pvalue > 1e-4


def test_directions_are_balanced():
    drawn = euclidean_laplace(SeededNoise(3), Fraction(1, 100), 4, 4000)
    assert stats.chisquare(np.bincount((drawn > 0) @ [1, 2, 4, 8], minlength=16)).pvalue > 1e-4


def test_the_lattice_rounds_to_nearest():
    assert to_lattice(np.array([0.24, -0.26, 1.0]), Fraction(1, 2)).tolist() == [0, -1, 2]


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e300])
def test_the_lattice_refuses_what_it_cannot_hold(value):
    with pytest.raises(BadSetting):
        to_lattice(np.array([value]), Fraction(1, 2))


@pytest.mark.parametrize(("dimensions", "epsilon"), [(0, 1), (17, 1), (2, 0)])
def test_settings_out_of_range_are_refused(dimensions, epsilon):
    with pytest.raises(BadSetting):
        euclidean_laplace(SeededNoise(1), Fraction(epsilon), dimensions, 1)
