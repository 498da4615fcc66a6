"""Noise in several dimensions whose loss grows with a distance: metric privacy on a fixed-point lattice."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting
from veilset.core.noise import Noise
from veilset.dp.bernoulli import Enclosure, throw_each
from veilset.dp.laplace import discrete_laplace

# Rejection keeps 1 proposal of 57 in 16 dimensions, 1 of 12,000 in 32.
MOST_DIMENSIONS = 16


def euclidean_laplace(noise: Noise, epsilon: Fraction, dimensions: int, count: int) -> NDArray[np.int64]:
    """Lattice vectors with P(z) proportional to exp(-epsilon * |z|), |z| the Euclidean length in lattice steps.

    *Shapes and units*: (count, dimensions) int64; epsilon per lattice step.

    **Guarantee**

    - Two lattice points at distance d are told apart with at most epsilon * d, exactly: total variation distance 0.

    *Raises*: BadSetting for dimensions outside of 1..16, where rejection would take too long.

    *Source*: Chatzikokolakis and others (2013). Rejection from independent discrete Laplaces of scale
    sqrt(dimensions) / epsilon, whose density bounds ours because |z| >= |z|_1 / sqrt(dimensions).

    >>> from veilset.core.noise import SeededNoise
    >>> euclidean_laplace(SeededNoise(1), Fraction(1, 2), 3, 4).shape
    (4, 3)
    """
    if not 1 <= dimensions <= MOST_DIMENSIONS or epsilon <= 0:
        raise BadSetting(f"needs 1 to {MOST_DIMENSIONS} dimensions and epsilon above 0, got {dimensions}, {epsilon}")
    # Rational and not below sqrt(dimensions), so that the proposal still bounds the target.
    root = Fraction(math.isqrt(dimensions << 40) + 1, 1 << 20)
    kept = np.empty((0, dimensions), dtype=np.int64)
    while len(kept) < count:
        tries = min(4096, 2 * (count - len(kept)) + 8)
        proposed = discrete_laplace(noise, root / epsilon, tries * dimensions).reshape(tries, dimensions)
        squares = (proposed.astype(object) ** 2).sum(axis=1)
        ones = np.abs(proposed).sum(axis=1)
        length = np.sqrt(squares.astype(np.float64))
        estimates = np.exp(-float(epsilon) * (length - ones / float(root)))

        def bias(index: int, squares: NDArray[np.object_] = squares, ones: NDArray[np.int64] = ones) -> Enclosure:
            return _excess(epsilon, int(squares[index]), int(ones[index]), root)

        kept = np.concatenate((kept, proposed[throw_each(noise, estimates, bias)]))
    return kept[:count]


def to_lattice(values: NDArray[np.float64], step: Fraction) -> NDArray[np.int64]:
    """Nearest lattice points. Two inputs at distance d come to lie at most d / step + sqrt(dimensions) steps apart."""
    scaled = np.rint(np.asarray(values, dtype=np.float64) / float(step))
    if not np.all(np.abs(scaled) < 2.0**52):
        raise BadSetting("values must be finite and within 2**52 lattice steps of zero")
    return scaled.astype(np.int64)


def _excess(epsilon: Fraction, squares: int, ones: int, root: Fraction) -> Enclosure:
    """The bias exp(-epsilon * (sqrt(squares) - ones / root))."""

    def bounds(digits: int) -> tuple[Fraction, Fraction]:
        with localcontext(prec=digits + 20):
            gap = Fraction(Decimal(squares).sqrt()) - ones / root
            exponent = epsilon * gap
            value = Fraction((-(Decimal(exponent.numerator) / Decimal(exponent.denominator))).exp())
        margin = value / 10**digits
        return max(value - margin, Fraction(0)), value + margin

    if squares == 0:
        return lambda _: (Fraction(1), Fraction(1))
    return bounds
