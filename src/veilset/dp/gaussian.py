"""Discrete Gaussian noise on the integers, exact for every rational variance, for whole arrays at once."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting
from veilset.core.noise import Noise
from veilset.dp.bernoulli import Enclosure, decay, throw_each
from veilset.dp.laplace import discrete_laplace


def discrete_gaussian(noise: Noise, variance: Fraction, count: int) -> NDArray[np.int64]:
    """`count` independent integers with P(x) proportional to exp(-x**2 / (2 variance)).

    Added to integers of L2 sensitivity D, it gives zCDP with rho = D**2 / (2 variance), as the continuous one does.

    *Shapes and units*: (count,) int64; `variance` is the parameter sigma**2, in squared units of the integers.

    **Guarantee**

    - The distribution is the one stated, exactly, given uniform bytes: total variation distance 0.
    - The time taken depends on the noise; timing is not protected.

    *Raises*: BadSetting for a variance that is not in (0, 2**80].

    *Source*: Canonne, Kamath and Steinke (2020), algorithm 3: rejection from a discrete Laplace of scale
    floor(sigma) + 1. The coins of the rejection are decided in floating point when that is certain, exactly otherwise.

    >>> from veilset.core.noise import SeededNoise
    >>> discrete_gaussian(SeededNoise(1), Fraction(9, 4), 5).dtype
    dtype('int64')
    """
    if not 0 < variance <= 2**80:
        raise BadSetting(f"variance must be above 0 and at most 2**80, got {variance}")
    scale = math.isqrt(math.floor(variance)) + 1
    centre = variance / scale
    kept: list[NDArray[np.int64]] = []
    missing = count
    while missing > 0:
        proposed = discrete_laplace(noise, Fraction(scale), missing + missing // 2 + 8)
        estimates = np.exp(-((np.abs(proposed) - float(centre)) ** 2) / (2 * float(variance)))

        def bias(index: int, proposed: NDArray[np.int64] = proposed) -> Enclosure:
            return decay((abs(int(proposed[index])) - centre) ** 2 / (2 * variance))

        accepted = proposed[throw_each(noise, estimates, bias)][:missing]
        kept.append(accepted)
        missing -= len(accepted)
    return np.concatenate(kept) if kept else np.empty(0, dtype=np.int64)
