"""Choosing one of several candidates by integer scores: the exponential mechanism, and permute-and-flip."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from veilset.core.errors import BadSetting
from veilset.core.noise import Noise, uniform_integers
from veilset.dp.bernoulli import decay, settle


def exponential(noise: Noise, scores: Sequence[int], epsilon: Fraction, sensitivity: int = 1) -> int:
    """Index of a candidate, with probability proportional to exp(epsilon * score / (2 sensitivity)).

    *Shapes and units*: one integer score per candidate; `sensitivity` is the most that one unit moves any score.

    **Guarantee**

    - epsilon-differential privacy, exactly: uniform candidates are kept with probability exp(-epsilon gap / (2 D)).

    *Raises*: BadSetting without candidates, or when epsilon or the sensitivity is not above 0.

    *Source*: McSherry and Talwar (2007); rejection with the best candidate accepted at once, so that it ends.

    >>> from veilset.core.noise import SeededNoise
    >>> exponential(SeededNoise(1), [0, 900, 0], Fraction(1))
    1
    """
    _check(scores, epsilon, sensitivity)
    best = max(scores)
    while True:
        candidate = int(uniform_integers(noise, len(scores), 1)[0])
        if _heads(noise, best - scores[candidate], epsilon, sensitivity):
            return candidate


def permute_and_flip(noise: Noise, scores: Sequence[int], epsilon: Fraction, sensitivity: int = 1) -> int:
    """Index of a candidate: in random order, the first whose coin of bias exp(-epsilon gap / (2 D)) falls heads.

    Never worse than the exponential mechanism at the same epsilon.

    *Shapes and units*: one integer score per candidate; `sensitivity` is the most that one unit moves any score.

    **Guarantee**

    - epsilon-differential privacy, exactly.

    *Raises*: BadSetting without candidates, or when epsilon or the sensitivity is not above 0.

    *Source*: McKenna and Sheldon (2020), algorithm 1.

    >>> from veilset.core.noise import SeededNoise
    >>> permute_and_flip(SeededNoise(1), [0, 900, 0], Fraction(1))
    1
    """
    _check(scores, epsilon, sensitivity)
    best = max(scores)
    left = list(range(len(scores)))
    while True:
        candidate = left.pop(int(uniform_integers(noise, len(left), 1)[0]))
        if _heads(noise, best - scores[candidate], epsilon, sensitivity):
            return candidate


def _heads(noise: Noise, gap: int, epsilon: Fraction, sensitivity: int) -> bool:
    return gap == 0 or settle(noise, decay(epsilon * gap / (2 * sensitivity)))


def _check(scores: Sequence[int], epsilon: Fraction, sensitivity: int) -> None:
    if not scores or epsilon <= 0 or sensitivity <= 0:
        raise BadSetting(
            f"needs candidates, epsilon and sensitivity above 0; got {len(scores)}, {epsilon}, {sensitivity}"
        )
