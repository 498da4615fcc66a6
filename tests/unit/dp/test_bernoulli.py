"""Exact coins: against arbitrary precision, and on the ties that chance would never show."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from veilset.core.errors import BadSetting
from veilset.core.noise import SeededNoise
from veilset.dp.bernoulli import bias_bits, decay, exact, half_tanh, logistic, settle, throw, throw_each

EXPONENTS = [
    Fraction(1, 10**9),
    Fraction(1, 40800),
    Fraction(1, 3),
    Fraction(1),
    Fraction(7, 2),
    Fraction(16),
    Fraction(900),
]
FORMULAE = {
    decay: lambda x: mpmath.exp(-x),
    logistic: lambda x: 1 / (1 + mpmath.exp(x)),
    half_tanh: lambda x: mpmath.tanh(x / 2),
}


class Scripted:
    """Noise that reads from a script, to force what chance does not."""

    seeded = True

    def __init__(self, script: bytes) -> None:
        self.script = script

    def bytes(self, count: int) -> bytes:
        given, self.script = self.script[:count], self.script[count:]
        assert len(given) == count, "the script is too short"
        return given


@pytest.mark.parametrize("coin", FORMULAE)
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_bits_of_a_bias_agree_with_mpmath(coin, exponent):
    with mpmath.workprec(2000):
        expected = int(mpmath.floor(FORMULAE[coin](mpmath.mpf(exponent.numerator) / exponent.denominator) * 2**200))
    assert bias_bits(coin(exponent), 200) == expected


@pytest.mark.parametrize("coin", FORMULAE)
def test_a_tie_of_any_length_is_settled_by_further_bits(coin):
    bias = coin(Fraction(1, 3))
    bits = bias_bits(bias, 24 + 192)
    tie, tail = divmod(bits, 1 << 64)
    heads = np.array([bias_bits(bias, 24)])
    first, second = (bits >> 208 & 0xFF).to_bytes(1, "big"), (bits >> 192 & 0xFFFF).to_bytes(2, "little")
    middle = (tie & (1 << 128) - 1).to_bytes(16, "big")
    for last, expected in ((tail - 1, True), (tail + 1, False)):
        noise = Scripted(first + second + middle + last.to_bytes(8, "big"))
        assert throw(noise, (bias,), 1, heads)[0, 0] == expected
        assert not noise.script


def test_a_throw_in_doubt_is_settled_exactly():
    bias = decay(Fraction(1, 3))
    bits = bias_bits(bias, 128)
    head, tail = divmod(bits, 1 << 64)
    estimate = np.array([math.exp(-1 / 3)])
    for last, expected in ((tail - 1, True), (tail + 1, False)):
        noise = Scripted(head.to_bytes(8, "little") + last.to_bytes(8, "big"))
        assert throw_each(noise, estimate, lambda _: bias)[0] == expected
        assert not noise.script


def test_a_certain_coin_always_falls_heads():
    assert all(settle(SeededNoise(i), decay(Fraction(0))) for i in range(50))


def test_throws_have_the_stated_share_of_heads():
    coins = [decay(Fraction(1, 3)), logistic(Fraction(5)), half_tanh(Fraction(1, 500))]
    biases = [math.exp(-1 / 3), 1 / (1 + math.exp(5)), math.tanh(1 / 1000)]
    n = 200_000
    thrown = throw(SeededNoise(3), coins, n, np.array([bias_bits(coin, 24) for coin in coins]))
    for share, bias in zip(thrown.mean(axis=1), biases, strict=True):
        assert abs(share - bias) < 4.5 * math.sqrt(bias * (1 - bias) / n)


def test_a_setting_means_what_was_written():
    assert exact(0.1) == Fraction(1, 10)
    assert exact("1/3") == Fraction(1, 3)
    assert exact(2) == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_setting_that_is_no_number_is_refused(value):
    with pytest.raises(BadSetting):
        exact(value)


def test_a_negative_exponent_is_refused():
    with pytest.raises(BadSetting):
        decay(Fraction(-1))
