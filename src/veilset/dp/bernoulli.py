"""Coins whose bias is irrational, thrown exactly: uniform bits are compared with the bias, lazily, until they differ.

A bias is given as an *enclosure*: a function from a number of decimal digits to a lower and an upper bound. The first
bits decide almost always, for whole arrays at once; the rare ties are settled with as many further bits as it takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting
from veilset.core.noise import Noise

BoolArray = NDArray[np.bool_]
Enclosure = Callable[[int], tuple[Fraction, Fraction]]

# A float64 estimate of a bias is off by a few units in its 50th bit; ties are sought far outside of that.
_DOUBT = 2.0**-40


def exact(number: float | str | Fraction) -> Fraction:
    """The number as it was written: a setting of 0.1 means one tenth, not the nearest double.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    if isinstance(number, float) and not math.isfinite(number):
        raise BadSetting(f"a finite number is needed, got {number!r}")
    return Fraction(str(number)) if isinstance(number, float) else Fraction(number)


def decay(exponent: Fraction) -> Enclosure:
    """The bias exp(-exponent), for an exponent of at least 0."""
    return enclose(exponent, lambda x: (-x).exp())


def logistic(exponent: Fraction) -> Enclosure:
    """The bias 1 / (1 + exp(exponent))."""
    return enclose(exponent, lambda x: 1 / (1 + x.exp()))


def half_tanh(exponent: Fraction) -> Enclosure:
    """The bias tanh(exponent / 2) = (1 - exp(-exponent)) / (1 + exp(-exponent))."""
    return enclose(exponent, lambda x: (1 - (-x).exp()) / (1 + (-x).exp()))


def bias_bits(enclosure: Enclosure, length: int) -> int:
    """The first `length` bits of a bias after the binary point.

    >>> bias_bits(decay(Fraction(1)), 8), int(math.exp(-1) * 256)
    (94, 94)
    """
    digits = length // 3 + 24
    while True:
        low, high = enclosure(digits)
        bits = math.floor(low * (1 << length))
        # A bias that is not 1 lies below it, however little: no number of digits would tell.
        most = math.floor(high * (1 << length))
        if bits == (min(most, (1 << length) - 1) if low < 1 else most):
            return bits
        digits *= 2


def settle(noise: Noise, enclosure: Enclosure, drawn: int = 0, length: int = 0) -> bool:
    """Whether a uniform number lies below the bias, when its first `length` bits are `drawn`."""
    while True:
        bits = bias_bits(enclosure, length)
        if drawn != bits:
            return drawn < bits
        drawn = drawn << 64 | int.from_bytes(noise.bytes(8), "big")
        length += 64


def throw(noise: Noise, enclosures: Sequence[Enclosure], count: int, bits: NDArray[np.int64]) -> BoolArray:
    """`count` throws of each coin: (coins, count). `bits` holds the first 24 bits of every bias.

    Eight bits decide 255 throws of 256, sixteen more all but one in 16 million, `settle` the rest.
    """
    heads = (bits >> 16).astype(np.uint8)
    words = np.frombuffer(noise.bytes(len(bits) * count), dtype=np.uint8).reshape(len(bits), count)
    result = words < heads[:, None]
    coin, place = np.nonzero(words == heads[:, None])
    more = np.frombuffer(noise.bytes(2 * len(coin)), dtype="<u2").astype(np.int64)
    rest = bits[coin] & 0xFFFF
    result[coin, place] = more < rest
    for tie in np.flatnonzero(more == rest):
        result[coin[tie], place[tie]] = settle(noise, enclosures[coin[tie]], int(bits[coin[tie]]), 24)
    return result


def throw_each(noise: Noise, estimates: NDArray[np.float64], enclosure: Callable[[int], Enclosure]) -> BoolArray:
    """One throw of each of many coins, with biases known to about 2**-48 as float64 and exactly by `enclosure(index)`.

    A throw is decided in floating point only when it is not within 2**-40 of the bias; the others are exact anyway.
    """
    words = np.frombuffer(noise.bytes(8 * len(estimates)), dtype="<u8")
    uniform = words.astype(np.float64) * 2.0**-64
    result = uniform < estimates
    for index in np.flatnonzero(np.abs(uniform - estimates) <= _DOUBT):
        result[index] = settle(noise, enclosure(int(index)), int(words[index]), 64)
    return result


def enclose(exponent: Fraction, formula: Callable[[Decimal], Decimal]) -> Enclosure:
    """Bounds of `formula(exponent)`: Decimal's exp is correctly rounded, and the margin covers cancellation."""
    if exponent < 0:
        raise BadSetting(f"an exponent of at least 0 is needed, got {exponent}")
    if exponent == 0:
        only = Fraction(formula(Decimal(0)))
        return lambda _: (only, only)

    def bounds(digits: int) -> tuple[Fraction, Fraction]:
        with localcontext(Context(prec=digits, rounding=ROUND_HALF_EVEN, Emin=-(10**9), Emax=10**9)):
            value = Fraction(formula(Decimal(exponent.numerator) / Decimal(exponent.denominator)))
        margin = value * (exponent + 8 + 1 / exponent) / 10 ** (digits - 2)
        return max(value - margin, Fraction(0)), value + margin

    return bounds
