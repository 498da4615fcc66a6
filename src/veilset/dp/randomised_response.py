"""k-ary randomised response: each category is reported truly, or as one of the others."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting
from veilset.core.noise import Noise, uniform_integers
from veilset.dp.bernoulli import bias_bits, enclose, throw


def randomised_response(
    noise: Noise, values: NDArray[np.int64], categories: int, epsilon: Fraction
) -> NDArray[np.int64]:
    """Each value kept with probability e**epsilon / (e**epsilon + k - 1), else any other category alike.

    *Shapes and units*: values of any shape, integers in [0, categories); the same shape out. Epsilon per value.

    **Guarantee**

    - epsilon-differential privacy of each value, whatever it was, exactly: total variation distance 0.

    *Raises*: BadSetting for a value outside of the categories, fewer than two categories or an epsilon not above 0.

    *Source*: Kairouz, Oh and Viswanath (2016), k-ary randomised response.

    >>> from veilset.core.noise import SeededNoise
    >>> randomised_response(SeededNoise(1), np.array([0, 1, 1]), 2, Fraction(50)).tolist()
    [0, 1, 1]
    """
    if categories < 2 or epsilon <= 0:
        raise BadSetting(f"needs two categories or more and an epsilon above 0, got {categories} and {epsilon}")
    if values.size and not 0 <= values.min() <= values.max() < categories:
        raise BadSetting(f"values must lie in [0, {categories})")
    others = categories - 1

    def chance_of_another(x: Decimal) -> Decimal:
        return others / (x.exp() + others)

    flip = enclose(epsilon, chance_of_another)
    lies = throw(noise, (flip,), values.size, np.array([bias_bits(flip, 24)]))[0].reshape(values.shape)
    offsets = 1 + uniform_integers(noise, others, int(lies.sum()))
    reported = values.astype(np.int64)
    reported[lies] = (reported[lies] + offsets) % categories
    return reported


def unbiased_counts(reported: NDArray[np.int64], categories: int, epsilon: float) -> NDArray[np.float64]:
    """Estimated true counts (categories,) from reports: (count - n q) / (p - q)."""
    counts = np.bincount(reported.ravel(), minlength=categories).astype(np.float64)
    other = 1 / (np.exp(epsilon) + categories - 1)
    keep = 1 - (categories - 1) * other
    estimate: NDArray[np.float64] = (counts - reported.size * other) / (keep - other)
    return estimate
