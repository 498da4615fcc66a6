"""Discrete Laplace noise on the integers, exact for every rational scale, for whole arrays at once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting
from veilset.core.noise import Noise
from veilset.dp.bernoulli import Enclosure, bias_bits, decay, half_tanh, logistic, throw

# Draws made together: their bits stay in the processor's cache.
_CHUNK = 1 << 15


def discrete_laplace(noise: Noise, scale: Fraction, count: int) -> NDArray[np.int64]:
    """`count` independent integers with P(x) = tanh(1 / (2 scale)) exp(-|x| / scale).

    Added to integers of L1 sensitivity D, it gives epsilon = D / scale, with no other loss: no rounding, no truncation.

    *Shapes and units*: (count,) int64, in units of the integers that the noise is added to.

    **Guarantee**

    - The distribution is the one stated, exactly, given uniform bytes: total variation distance 0.
    - The time taken depends on the noise; timing is not protected.

    *Raises*: BadSetting for a scale that is not in (0, 2**50].

    *Source*: the bits of a geometric variable are independent coins with bias 1 / (1 + exp(2**i / scale)); zero has
    mass tanh(1 / (2 scale)), and otherwise the magnitude is one plus a geometric variable. Rational scale and exact
    coins as in Canonne, Kamath and Steinke (2020), section 5, whose loops over single coins this replaces by arrays.

    >>> from veilset.core.noise import SeededNoise
    >>> discrete_laplace(SeededNoise(1), Fraction(3, 2), 5).dtype
    dtype('int64')
    """
    if not 0 < scale <= 2**50:
        raise BadSetting(f"scale must be above 0 and at most 2**50, got {scale}")
    out = np.empty(count, dtype=np.int64)
    plan = _plan(scale)
    for start in range(0, count, _CHUNK):
        out[start : start + _CHUNK] = _draw(noise, plan, min(_CHUNK, count - start))
    return out


@dataclass(frozen=True, slots=True)
class _Plan:
    """The coins of one scale: those of the low bits, the one that carries on above them, the one of zero."""

    levels: int
    coins: tuple[Enclosure, ...]
    bits: NDArray[np.int64]


@lru_cache(maxsize=256)
def _plan(scale: Fraction) -> _Plan:
    # Above 8 scales the geometric variable goes on with probability exp(-8): rare enough for a loop.
    levels = 0
    while 2**levels < 8 * scale:
        levels += 1
    coins = (
        *(logistic(Fraction(2**level) / scale) for level in range(levels)),
        decay(Fraction(2**levels) / scale),
        half_tanh(1 / scale),
    )
    return _Plan(levels, coins, np.array([bias_bits(coin, 24) for coin in coins], dtype=np.int64))


def _draw(noise: Noise, plan: _Plan, count: int) -> NDArray[np.int64]:
    thrown = throw(noise, plan.coins, count, plan.bits)
    magnitude = np.ones(count, dtype=np.int64)
    for level in range(plan.levels):
        magnitude += thrown[level].astype(np.int64) << level
    top, zero = plan.levels, plan.levels + 1
    going_on = np.flatnonzero(thrown[top])
    while len(going_on):
        magnitude[going_on] += 1 << plan.levels
        again = throw(noise, plan.coins[top:zero], len(going_on), plan.bits[top:zero])[0]
        going_on = going_on[again]
    signs = np.unpackbits(np.frombuffer(noise.bytes(-(-count // 8)), dtype=np.uint8), count=count)
    magnitude[thrown[zero]] = 0
    return np.where(signs.astype(np.bool_), -magnitude, magnitude)
