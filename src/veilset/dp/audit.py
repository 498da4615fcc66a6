"""A lower bound on epsilon from outputs on two neighbouring inputs: refutes a claim, never proves one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting
from veilset.core.interval import clopper_pearson

Outputs = NDArray[np.float64] | NDArray[np.int64]
Feature = Callable[[Outputs], NDArray[np.float64]]

# How many of the events that looked worst on the first half are counted on the second.
_CARRIED = 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the worst event says.

    Attributes:
        lower: Epsilon is at least this, with the stated confidence.
        point: The same without allowance for chance.
        event: The event, in words.
        only_one_side: The event was seen on one input and never on the other.
        runs: Outputs per input that the bound rests on.
    """

    lower: float
    point: float
    event: str
    only_one_side: bool
    runs: int


@dataclass(frozen=True, slots=True, eq=False)
class _Event:
    words: str
    feature: Feature
    threshold: float
    above: bool
    swapped: bool

    def count(self, outputs: Outputs) -> int:
        values = self.feature(outputs)
        return int(((values >= self.threshold) if self.above else (values < self.threshold)).sum())


def epsilon_at_least(one: Outputs, other: Outputs, *, delta: float = 0.0, confidence: float = 0.999) -> Verdict:
    """Epsilon that a mechanism has at least, from independent outputs on two neighbouring inputs.

    The first half of the runs chooses events (thresholds on single numbers, on a clipped projection, on the order of
    the numbers, on their finest binary digit, on having been seen before); the second half counts them. The bound is
    log((p - delta) / q) with p from below and q from above (Clopper and Pearson), corrected for the events carried.

    *Shapes and units*: (runs, ...) of the same shape; integers or floats.

    *Raises*: BadSetting for fewer than 20 runs, or unequal shapes.

    *Source*: Ding and others (2018), "Detecting violations of differential privacy"; Jagielski and others (2020).

    >>> rng = np.random.default_rng(0)
    >>> coins = rng.integers(0, 2, (2, 400, 1))
    >>> epsilon_at_least(coins[0], coins[1]).lower
    0.0
    """
    if one.shape != other.shape or len(one) < 20:
        raise BadSetting(f"needs 20 runs or more on either input, alike in shape; got {one.shape} and {other.shape}")
    half = len(one) // 2
    events = _worst(one[:half], other[:half], delta)
    runs = len(one) - half
    best = Verdict(0.0, 0.0, "none", False, runs)
    for event in events:
        p, q = event.count(one[half:]), event.count(other[half:])
        if event.swapped:
            p, q = q, p
        level = 1 - (1 - confidence) / len(events)
        low, high = clopper_pearson(p, runs, level)[0], clopper_pearson(q, runs, level)[1]
        lower = math.log((low - delta) / high) if low > delta else 0.0
        point = math.log(max(p / runs - delta, 1e-300) / (max(q, 0.5) / runs))
        if lower > best.lower:
            best = Verdict(lower, max(lower, point), event.words, q == 0, runs)
    return best


def _worst(one: Outputs, other: Outputs, delta: float) -> list[_Event]:
    """The events whose smoothed log ratio on the training half is largest, one per feature and direction."""
    found: list[tuple[float, _Event]] = []
    for words, feature in _features(one, other):
        a, b = feature(one), feature(other)
        pooled = np.unique(np.concatenate((a, b)))
        if len(pooled) > 200:
            pooled = np.unique(np.quantile(pooled, np.linspace(0, 1, 200)))
        shares = [_share_at_least(values, pooled) for values in (a, b)]
        for swapped in (False, True):
            p, q = shares[::-1] if swapped else shares
            for above, (pp, qq) in ((True, (p, q)), (False, (1 - p, 1 - q))):
                score = _score(pp, qq, len(one), delta)
                at = int(np.argmax(score))
                side = "at least" if above else "below"
                event = _Event(f"{words} {side} {pooled[at]:.6g}", feature, float(pooled[at]), above, swapped)
                found.append((float(score[at]), event))
    found.sort(key=lambda pair: -pair[0])
    return [event for _, event in found[:_CARRIED]]


def _share_at_least(values: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    ordered = np.sort(values)
    share: NDArray[np.float64] = 1 - np.searchsorted(ordered, thresholds, side="left") / len(values)
    return share


def _score(p: NDArray[np.float64], q: NDArray[np.float64], runs: int, delta: float) -> NDArray[np.float64]:
    """A rough lower bound of the log ratio: three standard deviations (and a few counts) against the claim."""
    low = p - 3 * np.sqrt(p * (1 - p) / runs) - 4 / runs - delta
    high = q + 3 * np.sqrt(q * (1 - q) / runs) + 8 / runs
    score: NDArray[np.float64] = np.log(np.maximum(low, 1e-12) / high)
    return score


def _features(one: Outputs, other: Outputs) -> Iterator[tuple[str, Feature]]:
    a, b = _flat(one), _flat(other)
    middle_a, middle_b = np.median(a, axis=0), np.median(b, axis=0)
    spread = np.median(np.abs(a - middle_a), axis=0) + np.median(np.abs(b - middle_b), axis=0) + 1e-9
    apart = np.abs(middle_a - middle_b) / spread
    for place in np.argsort(-apart, kind="stable")[:6]:
        yield f"number {place}", _coordinate(int(place))
    told = np.flatnonzero(apart > 6 / math.sqrt(len(a)))
    if len(told):
        yield "clipped projection", _projection(told, middle_a[told], middle_b[told])
    if a.shape[1] > 1:
        yield "descents", _descents
        yield "place of the largest", lambda outputs: _flat(outputs).argmax(axis=1).astype(np.float64)
    if one.dtype.kind == "f":
        yield "finest binary digit", _finest_digit(told if len(told) else np.arange(a.shape[1]))
    for name, outputs in (("one", one), ("other", other)):
        yield f"seen on {name} before", _seen(outputs)


def _flat(outputs: Outputs) -> NDArray[np.float64]:
    flat: NDArray[np.float64] = outputs.reshape(len(outputs), -1).astype(np.float64)
    return flat


def _coordinate(place: int) -> Feature:
    return lambda outputs: _flat(outputs)[:, place]


def _projection(places: NDArray[np.intp], start: NDArray[np.float64], end: NDArray[np.float64]) -> Feature:
    """The log-likelihood ratio of Laplace noise has this shape: linear between the two inputs, flat outside."""

    def feature(outputs: Outputs) -> NDArray[np.float64]:
        share: NDArray[np.float64] = np.clip((_flat(outputs)[:, places] - start) / (end - start), 0, 1).sum(axis=1)
        return share

    return feature


def _descents(outputs: Outputs) -> NDArray[np.float64]:
    """How often a number is smaller than the one before it, along the first axis of an output."""
    steps = np.diff(outputs.reshape(len(outputs), outputs.shape[1], -1).astype(np.float64), axis=1)
    count: NDArray[np.float64] = (steps < 0).sum(axis=(1, 2)).astype(np.float64)
    return count


def _finest_digit(places: NDArray[np.intp]) -> Feature:
    """Binary exponent of the last digit in use, the finest over some places: what floating point leaves behind."""

    def feature(outputs: Outputs) -> NDArray[np.float64]:
        mantissa, exponent = np.frexp(_flat(outputs)[:, places])
        whole = np.abs(mantissa * 2.0**53).astype(np.int64)
        lowest = np.where(whole == 0, 2**53, whole & -whole).astype(np.float64)
        finest: NDArray[np.float64] = (exponent - 53 + np.log2(lowest)).min(axis=1)
        return finest

    return feature


def _seen(outputs: Outputs) -> Feature:
    known = {row.tobytes() for row in outputs}
    return lambda rows: np.array([row.tobytes() in known for row in rows], dtype=np.float64)
