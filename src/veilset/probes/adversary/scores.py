"""How an attack is scored: ranks, error rates, areas; with intervals that count people, not pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.core.interval import bootstrap, clopper_pearson
from veilset.core.measurement import Better, Measurement

Floats = NDArray[np.float64]


def ranks(similarity: Floats, truth: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rank (from 1) of the true column in each row; ties are broken by lot, so a constant score is a pure guess.

    >>> ranks(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]), np.random.default_rng(0)).tolist()
    [1, 2]
    """
    own = similarity[np.arange(len(truth)), truth][:, None]
    above = (similarity > own + 1e-9).sum(axis=1)
    tied = (np.abs(similarity - own) <= 1e-9).sum(axis=1) - 1
    return np.asarray(1 + above + np.floor(rng.random(len(truth)) * (tied + 1)), dtype=np.int64)


def equal_error(genuine: Floats, impostor: Floats) -> float:
    """Equal error rate: where as many impostors pass as genuine pairs are turned away; 0.5 is a guess.

    >>> equal_error(np.array([0.9, 0.8]), np.array([0.1, 0.2]))
    0.0
    """
    cuts = np.unique(np.concatenate((genuine, impostor)))
    miss = np.searchsorted(np.sort(genuine), cuts, side="left") / len(genuine)
    passed = 1 - np.searchsorted(np.sort(impostor), cuts, side="left") / len(impostor)
    at = int(np.argmin(np.abs(miss - passed)))
    return float((miss[at] + passed[at]) / 2)


def accepted_at(genuine: Floats, impostor: Floats, false_accepts: float) -> float:
    """Share of genuine pairs accepted at a threshold that accepts at most `false_accepts` of the impostors.

    >>> accepted_at(np.array([0.9, 0.3]), np.array([0.1, 0.2, 0.5]), 0.0)
    0.5
    """
    allowed = int(np.floor(false_accepts * len(impostor)))
    threshold = np.sort(impostor)[::-1][min(allowed, len(impostor) - 1)]
    return float(np.mean(genuine > threshold))


def area(positive: Floats, negative: Floats) -> float:
    """Area under the ROC: chance that a positive scores above a negative, ties counted half.

    >>> area(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    upto = np.searchsorted(ordered, positive, side="right")
    return float(np.mean((below + upto) / 2) / len(negative))


def share(
    probe: str,
    name: str,
    hits: NDArray[np.bool_],
    people: Sequence[str],
    *,
    rng: np.random.Generator,
    better: Better = "lower",
    confidence: float = 0.95,
    **more: Any,
) -> Measurement:
    """A share of hits; its interval is the wider of Clopper-Pearson and a bootstrap that draws whole people.

    Several pictures of one person are not independent, so Clopper-Pearson alone would be too narrow.
    """
    exact = Measurement.proportion(probe, name, int(hits.sum()), len(hits), better, confidence=confidence, **more)
    names, member = np.unique(np.asarray(people), return_inverse=True)
    if len(names) < 2 or len(names) == len(hits):
        return exact
    table = np.stack([np.bincount(member, weights=hits.astype(float)), np.bincount(member).astype(float)], axis=1)
    low, high = bootstrap(table, rng, lambda t: float(t[:, 0].sum() / t[:, 1].sum()), confidence)
    low, high = min(low, exact.low), max(high, exact.high)
    return Measurement(probe, name, exact.value, low, high, len(hits), better, confidence=confidence, **more)


def mean(
    probe: str, name: str, values: Floats, *, rng: np.random.Generator, better: Better = "lower", **more: Any
) -> Measurement:
    """A mean of independent values with its bootstrap interval."""
    value = float(np.mean(values))
    low, high = bootstrap(np.asarray(values, dtype=float), rng)
    return Measurement(probe, name, value, min(low, value), max(high, value), len(values), better, **more)


def worst(found: Sequence[Measurement], name: str) -> Measurement:
    """The highest of several shares, with the interval of one chosen out of so many (Bonferroni)."""
    highest = max(found, key=lambda m: m.value)
    low, high = clopper_pearson(round(highest.value * highest.n), highest.n, 1 - 0.05 / len(found))
    notes = (*highest.notes, f"the worst of {len(found)}: {highest.name}")
    return replace(highest, name=name, low=min(highest.low, low), high=max(highest.high, high), notes=notes)
