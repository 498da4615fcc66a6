"""Tries to refute every claim of differential privacy: neighbouring pictures, many runs, the worst event found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.errors import ClaimRefuted
from veilset.core.finding import Finding
from veilset.core.guarantee import DP
from veilset.core.measurement import Measurement
from veilset.core.noise import Noise, SeededNoise
from veilset.core.roles import Case, Operator
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box, Where, Whole
from veilset.dp.audit import Outputs, Verdict, epsilon_at_least

_UNIT = re.compile(r"(\d+) pixels?")


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Two pictures that one unit tells apart, and what is treated in both."""

    words: str
    before: Sample
    after: Sample
    findings: tuple[Finding, ...]


def neighbours_of(operator: Operator, rng: np.random.Generator) -> Iterator[Neighbours]:
    """Pairs that differ in one unit, as far as they can: black against white, where implementations go wrong.

    The changed pixels lie at the top left of a cell, in the middle of one, in the partial cell at the bottom right,
    and anywhere; the picture is no multiple of the block, and one region stands inside of it.
    """
    promise = operator.guarantee()
    block = int(getattr(operator, "block", 8))
    height, width = block + block // 2 + 1, 2 * block + max(1, block // 4)
    changed = _changed(promise.unit, height * width) if isinstance(promise, DP) else None
    if changed is None:
        return
    black = np.zeros((height, width, 3), dtype=np.uint8)
    inner = Box(width // 5, height // 5, max(1, width // 2), max(1, height // 2))
    anchors = {
        "top left": (0, 0),
        "middle of a cell": (block // 2, block // 2),
        "bottom right": (height - 1, width - 1),
        "anywhere": (int(rng.integers(height)), int(rng.integers(width))),
    }
    for words, anchor in anchors.items():
        white = _brighten(black, anchor, changed, Whole())
        yield Neighbours(words, _sample(black), _sample(white), (_finding(Whole()),))
    white = _brighten(black, (int(inner.y), int(inner.x)), changed, inner)
    yield Neighbours("inner region", _sample(black), _sample(white), (_finding(inner),))


def run_many(
    operator: Operator, samples: Sequence[Sample], findings: tuple[Finding, ...], runs: int, noise: Noise
) -> Outputs:
    """Outputs (runs, ...) of treating each of the samples in turn, with their differences when there are several.

    An operator that shows what it released before any post-processing (`mechanism`) is judged by that, since
    post-processing can only hide; any other by the treated pixels.
    """
    rows = []
    for _ in range(runs):
        shown = [_release(operator, sample, findings, noise) for sample in samples]
        shown += [first - second for first, second in pairwise(shown)]
        rows.append(np.concatenate(shown))
    return cast(Outputs, np.stack(rows))


def refute_operator(operator: Operator, *, runs: int, confidence: float, rng: np.random.Generator) -> Verdict | None:
    """The worst found against an operator's claim, up to the first refutation; None when no neighbours are known."""
    promise = operator.guarantee()
    epsilon, delta = (promise.epsilon, promise.delta) if isinstance(promise, DP) else (0.0, 0.0)
    pairs = list(neighbours_of(operator, rng))
    noise = SeededNoise(rng.bytes(16))
    level = 1 - (1 - confidence) / max(1, len(pairs) + 1)
    worst: Verdict | None = None
    for at, pair in enumerate(pairs):
        trials: list[tuple[str, tuple[Sample, ...], tuple[Sample, ...]]] = [("", (pair.before,), (pair.after,))]
        if at == 0:
            # Two pictures treated one after the other: noise that is used twice cancels in their difference.
            trials.append((" after another picture", (pair.before, pair.before), (pair.before, pair.after)))
        for more, before, after in trials:
            one = run_many(operator, before, pair.findings, runs, noise)
            other = run_many(operator, after, pair.findings, runs, noise)
            verdict = epsilon_at_least(one, other, delta=delta, confidence=level)
            if worst is None or verdict.lower > worst.lower:
                worst = replace(verdict, event=f"{pair.words}{more}: {verdict.event}")
            if verdict.lower > epsilon:
                return worst
    return worst


@dataclass(frozen=True)
class Refute:
    """Run every treatment that claims differential privacy on neighbouring pictures and bound its epsilon from below.

    Each claim is tried at the settings of the policy and, where the operator has an `epsilon`, at epsilon 1 as well:
    there the runs have most power, and a wrong scale is wrong at every epsilon. A claim that survives is not proved.
    How long a treatment takes is not considered.

    Attributes:
        runs: Outputs per picture.
        confidence: That a true claim is not called refuted.

    *Adversary*: knows both pictures and everything about the treatment but the noise; sees what it released before
    any post-processing, where the operator shows that (`mechanism`), otherwise the treated pixels.

    *Measurements*: `epsilon_at_least`, for each treatment: a lower bound, at the stated confidence. A claim that holds
    is refuted with probability at most 1 - confidence.

    *Raises*: ClaimRefuted when a lower bound exceeds the claim.

    *Source*: Ding and others (2018); see veilset.dp.audit.

    >>> Refute(runs=100).confidence
    0.999
    """

    runs: int = 3000
    confidence: float = 0.999

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        in_range(40, 10_000_000, runs=self.runs)
        in_range(0.5, 1 - 1e-9, confidence=self.confidence)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """One lower bound for each treatment that claims differential privacy."""
        found = []
        for kind, operator in case.knowledge.treatments.items():
            # What follows a mechanism only hides its losses: each operator of a chain is tried by itself.
            parts: tuple[Operator, ...] = getattr(operator, "operators", (operator,))
            for one in (strength for part in parts for strength in _strengths(part)):
                promise = one.guarantee()
                if isinstance(promise, DP):
                    found.append(self._measure(kind, one, promise, rng))
        return tuple(found)

    def _measure(self, kind: str, operator: Operator, promise: DP, rng: np.random.Generator) -> Measurement:
        verdict = refute_operator(operator, runs=self.runs, confidence=self.confidence, rng=rng)
        name = f"epsilon_at_least (claim {promise.epsilon:g})"
        if verdict is None:
            why = f"no neighbours are known for the unit {promise.unit}: the claim was not tried"
            return Measurement("refute", name, float("nan"), 0.0, float("inf"), 0, "lower", group=kind, notes=(why,))
        if verdict.lower > promise.epsilon:
            raise ClaimRefuted(
                f"{type(operator).__name__} claims epsilon {promise.epsilon:g}, delta {promise.delta:g} per "
                f"{promise.unit}, but loses at least epsilon {verdict.lower:.3g} (confidence {self.confidence:g}, "
                f"{verdict.runs} runs; worst event: {verdict.event}). Do not release with it."
            )
        notes = (f"worst event: {verdict.event}", "timing not considered", "surviving is not a proof")
        return Measurement(
            "refute", name, verdict.lower, verdict.lower, verdict.lower, verdict.runs, "lower",
            confidence=self.confidence, group=kind, notes=notes,
        )  # fmt: skip


def _strengths(operator: Any) -> tuple[Operator, ...]:
    fields = getattr(operator, "__dataclass_fields__", {})
    if "epsilon" not in fields or operator.epsilon == 1:
        return (operator,)
    return operator, replace(operator, epsilon=1.0)


def _changed(unit: str, everything: int) -> int | None:
    """How many pixels one unit may change in a picture with so many."""
    if unit in {"face", "image"}:
        return everything
    match = _UNIT.fullmatch(unit)
    return min(int(match[1]), everything) if match else None


def _brighten(black: NDArray[np.uint8], anchor: tuple[int, int], changed: int, where: Box | Whole) -> NDArray[np.uint8]:
    """White at the `changed` pixels of a place that are nearest to the anchor."""
    rows, columns = np.indices(black.shape[:2])
    away = np.maximum(np.abs(rows - anchor[0]), np.abs(columns - anchor[1]))
    if isinstance(where, Box):
        inside = where.rasterise(black.shape[:2])
        away[~inside], changed = black.size, min(changed, int(inside.sum()))
    nearest = np.argsort(away, axis=None, kind="stable")[:changed]
    white = black.copy()
    white.reshape(-1, 3)[nearest] = 255
    return white


def _sample(pixels: NDArray[np.uint8]) -> Sample:
    return Sample("refute", Image(pixels))


def _finding(where: Where) -> Finding:
    return Finding("face", where, 1.0, "refute")


def _release(operator: Any, sample: Sample, findings: tuple[Finding, ...], noise: Noise) -> Outputs:
    mechanism = getattr(operator, "mechanism", None)
    if mechanism is not None:
        released: Outputs = np.asarray(mechanism(sample, findings, noise=noise))
        return released
    treated = operator.apply(sample, findings, noise=noise).sample
    pixels: Outputs = treated.image.pixels.reshape(-1, 3).astype(np.int64)
    return pixels
