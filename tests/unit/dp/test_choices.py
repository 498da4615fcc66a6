"""Randomised response, exponential mechanism and permute-and-flip against their closed forms."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from veilset.core.errors import BadSetting
from veilset.core.noise import SeededNoise
from veilset.dp.exponential import exponential, permute_and_flip
from veilset.dp.randomised_response import randomised_response, unbiased_counts


@pytest.mark.parametrize(
    ("epsilon", "categories", "keep", "other"),
    [(1, 2, 0.73106, 0.26894), (1, 10, 0.23197, 0.08534), (2, 10, 0.45085, 0.06102)],
)
def test_randomised_response_has_the_published_probabilities(epsilon, categories, keep, other):
    n = 100_000
    reported = randomised_response(SeededNoise(4), np.full(n, 1), categories, Fraction(epsilon))
    counts = np.bincount(reported, minlength=categories)
    expected = np.full(categories, other)
    expected[1] = keep
    assert stats.chisquare(counts, n * expected / expected.sum()).pvalue > 1e-4


def test_randomised_response_keeps_shapes_and_estimates_counts():
    values = np.repeat(np.arange(4), [5000, 3000, 1500, 500]).reshape(100, 100)
    reported = randomised_response(SeededNoise(5), values, 4, Fraction(2))
    assert reported.shape == values.shape
    assert np.allclose(unbiased_counts(reported, 4, 2.0), [5000, 3000, 1500, 500], atol=350)


def permute_and_flip_chances(scores, epsilon):
    """By brute force over all orders."""
    heads = [math.exp(-epsilon * (max(scores) - s) / 2) for s in scores]
    chances = np.zeros(len(scores))
    for order in itertools.permutations(range(len(scores))):
        left = 1.0
        for i in order:
            chances[i] += left * heads[i]
            left *= 1 - heads[i]
    return chances / math.factorial(len(scores))


@pytest.mark.parametrize("scores", [[0, 1, 2], [5, 5, 5, 5], [0, -3, 4, 1]])
@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(2)])
def test_choices_have_their_exact_chances(scores, epsilon):
    n, noise = 4000, SeededNoise(6)
    weights = np.exp([float(epsilon) * s / 2 for s in scores])
    for mechanism, chances in (
        (exponential, weights / weights.sum()),
        (permute_and_flip, permute_and_flip_chances(scores, float(epsilon))),
    ):
        chosen = [mechanism(noise, scores, epsilon) for _ in range(n)]
        assert stats.chisquare(np.bincount(chosen, minlength=len(scores)), n * chances).pvalue > 1e-4


@pytest.mark.parametrize("mechanism", [exponential, permute_and_flip])
def test_choices_refuse_what_makes_no_sense(mechanism):
    for scores, epsilon, sensitivity in (([], Fraction(1), 1), ([1], Fraction(0), 1), ([1], Fraction(1), 0)):
        with pytest.raises(BadSetting):
            mechanism(SeededNoise(1), scores, epsilon, sensitivity)


@pytest.mark.parametrize(("values", "categories", "epsilon"), [([2], 2, 1), ([-1], 2, 1), ([0], 1, 1), ([0], 2, 0)])
def test_randomised_response_refuses_what_makes_no_sense(values, categories, epsilon):
    with pytest.raises(BadSetting):
        randomised_response(SeededNoise(1), np.array(values), categories, Fraction(epsilon))
