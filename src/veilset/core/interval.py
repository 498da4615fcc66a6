"""Confidence intervals that hold for small numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.errors import BadSetting


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a proportion (Clopper and Pearson 1934): at least `confidence` coverage, always.

    >>> low, high = clopper_pearson(0, 30)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.1157)
    """
    if not 0 <= successes <= trials:
        raise BadSetting(f"successes must be between 0 and trials, got {successes} of {trials}")
    in_range(0, 1, confidence=confidence)
    if trials == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else _solve(lambda p: _upper_tail(successes, trials, p) - tail)
    high = 1.0 if successes == trials else _solve(lambda p: tail - _upper_tail_complement(successes, trials, p))
    return low, high


def bootstrap(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    statistic: Callable[[NDArray[np.float64]], float] = lambda v: float(np.mean(v)),
    confidence: float = 0.95,
    rounds: int = 1000,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic of independent `values` (n,) or (n, k), resampled by rows."""
    if len(values) < 2:
        return -math.inf, math.inf
    draws = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(rounds)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _log_pmf(k: int, n: int, p: float) -> float:
    choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return choose + k * math.log(p) + (n - k) * math.log1p(-p)


def _tail_sum(k: int, n: int, p: float, step: int) -> float:
    """Sum of the binomial probabilities of k, k + step, ... by their ratios, from the term at k."""
    term = math.exp(_log_pmf(k, n, p))
    total = term
    while 0 <= k + step <= n and term > total * 1e-17:
        term *= ((n - k) / (k + 1)) * (p / (1 - p)) if step > 0 else (k / (n - k + 1)) * ((1 - p) / p)
        k += step
        total += term
    return total


def _upper_tail(k: int, n: int, p: float) -> float:
    """P(X >= k), summed over the side on which the terms fall."""
    return _tail_sum(k, n, p, 1) if k > n * p else 1.0 - (_tail_sum(k - 1, n, p, -1) if k else 0.0)


def _upper_tail_complement(k: int, n: int, p: float) -> float:
    """P(X <= k)."""
    return _tail_sum(k, n, p, -1) if k < n * p else 1.0 - (_tail_sum(k + 1, n, p, 1) if k < n else 0.0)


def _solve(increasing: Callable[[float], float]) -> float:
    """The root in (0, 1) of a function that grows with p, by bisection."""
    low, high = 1e-300, 1 - 1e-16
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if increasing(middle) < 0 else (low, middle)
    return (low + high) / 2
