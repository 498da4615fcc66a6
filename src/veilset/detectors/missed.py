"""How many were missed in the user's own set: capture-recapture, and a sample that a person checks.

Two detectors that err independently let one estimate what both missed. They never err quite independently: a small,
dark or turned face is hard for both, so the estimate is too low. It is therefore reported as a **lower** bound on what
was missed. The **upper** bound comes from a random sample that a person checks, and rests on no assumption about the
detectors at all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from veilset.core.check import in_range
from veilset.core.errors import BadSetting

ASSUMPTIONS = (
    "detectors miss independently (they do not: what is hard for one is hard for both; the estimate is too low)",
    "every object is equally easy to find for each detector (it is not: the same direction of error)",
    "both looked at the same pictures, and a match means the same object",
    "false findings were removed, or are few beside the true ones",
)


@dataclass(frozen=True, slots=True)
class Recapture:
    """Objects in the set as two detectors see it.

    Attributes:
        seen: Objects that at least one of them found.
        total: Estimate of all objects, unbiased by Chapman's correction.
        missed: Estimate of what both missed.
        missed_low: Lower end of the exact interval under independence.
        missed_high: Upper end; infinite when they never agree. Not a bound in earnest: see the module.
    """

    seen: int
    total: float
    missed: float
    missed_low: float
    missed_high: float


def lincoln_petersen(first: int, second: int, both: int) -> float:
    """Objects in all, `first * second / both`; infinite when nothing was found by both.

    *Source*: Petersen 1896, Lincoln 1930.
    """
    _check_counts(first, second, both)
    return first * second / both if both else math.inf


def chapman(first: int, second: int, both: int, confidence: float = 0.95) -> Recapture:
    """Capture-recapture with Chapman's correction and the exact hypergeometric interval.

    Args:
        first: Objects found by one detector.
        second: Objects found by the other.
        both: Objects found by both.
        confidence: Of the interval.

    Raises:
        BadSetting: Counts that cannot be.

    *Source*: Chapman 1951; the interval inverts the hypergeometric tails, as Clopper and Pearson do the binomial ones.

    >>> chapman(90, 80, 72).total.__round__(2)
    99.97
    """
    _check_counts(first, second, both)
    in_range(0, 1, confidence=confidence)
    seen = first + second - both
    tail = (1 - confidence) / 2
    total = (first + 1) * (second + 1) / (both + 1) - 1
    high = _largest(seen, lambda n: _overlap_tail(n, first, second, both, upper=True) > tail) if both else math.inf
    low = seen
    if _overlap_tail(seen, first, second, both, upper=False) <= tail:
        low = _largest(seen, lambda n: _overlap_tail(n, first, second, both, upper=False) <= tail) + 1
    return Recapture(seen, total, total - seen, low - seen, high - seen)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Pictures of like risk, of which some were drawn at random and checked by a person.

    Attributes:
        pictures: How many there are.
        checked: How many were checked.
        with_miss: In how many of these the reviewer saw an object that no detector found.
    """

    pictures: int
    checked: int
    with_miss: int

    def __post_init__(self) -> None:
        if not 0 <= self.with_miss <= self.checked <= self.pictures:
            raise BadSetting(f"a stratum needs 0 <= with_miss <= checked <= pictures, got {self!r}")


def pictures_with_a_miss(strata: Sequence[Stratum], confidence: float = 0.95) -> int:
    """Upper bound on how many pictures of the set hold an object that was missed.

    Exact for each stratum (sampling without replacement), joined by Bonferroni's inequality: holds with `confidence`
    whatever the detectors do, if the pictures were drawn at random within each stratum and the reviewer missed nothing.

    >>> pictures_with_a_miss([Stratum(1000, 300, 0)])
    8
    """
    in_range(0, 1, confidence=confidence)
    tail = (1 - confidence) / max(1, len(strata))
    return sum(_upper_count(stratum, tail) for stratum in strata)


def to_check(strata: Mapping[str, Iterable[str]], budget: int, salt: str = "") -> dict[str, tuple[str, ...]]:
    """Ids to show to a reviewer: shared out by the square root of each stratum's size, at least one from each.

    Risky strata are small, so the square root looks at them more closely than at the large quiet one. The draw is by
    keyed hash: the same set and `salt` give the same pictures, in whatever order the ids come.

    >>> {name: len(ids) for name, ids in to_check({"a": map(str, range(100)), "b": "xyz"}, 10).items()}
    {'a': 8, 'b': 1}
    """
    if budget < 1:
        raise BadSetting(f"budget must be at least 1, got {budget}")
    ids = {name: sorted(set(members)) for name, members in strata.items()}
    weight = sum(math.sqrt(len(members)) for members in ids.values())
    return {
        name: tuple(
            sorted(members, key=lambda i: hashlib.sha256(f"{salt}\0{i}".encode()).digest())[
                : max(1, int(budget * math.sqrt(len(members)) / weight))
            ]
        )
        for name, members in ids.items()
        if members
    }


def corrected_prevalence(
    share: tuple[float, float], recall: tuple[float, float], precision: tuple[float, float] = (1.0, 1.0)
) -> tuple[float, float]:
    """What share of the set truly holds it, from the share where it was found: (low, high), worst ends combined.

    *Source*: Rogan and Gladen 1978, written with precision in place of specificity: share * precision / recall.

    >>> corrected_prevalence((0.4, 0.4), (0.8, 0.8))
    (0.5, 0.5)
    """
    for low, high in (share, recall, precision):
        in_range(0, 1, lower=low, upper=high)
    low = share[0] * precision[0] / recall[1] if recall[1] else 0.0
    high = share[1] * precision[1] / recall[0] if recall[0] else 1.0
    return min(1.0, low), min(1.0, high)


def _check_counts(first: int, second: int, both: int) -> None:
    if not 0 <= both <= min(first, second):
        raise BadSetting(f"counts must satisfy 0 <= both <= first, second; got {first}, {second}, {both}")


def _largest(start: int, holds: object) -> int:
    """The largest n >= start for which a predicate that turns from true to false once holds (true at start)."""
    assert callable(holds)
    step = 1
    while holds(start + step):
        step *= 2
    low, high = start + step // 2 if step > 1 else start, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _overlap_tail(total: int, first: int, second: int, both: int, *, upper: bool) -> float:
    """P(overlap >= both) or P(overlap <= both) when `second` of `total` are drawn and `first` are marked."""
    least, most = max(0, first + second - total), min(first, second)
    values = range(max(both, least), most + 1) if upper else range(least, min(both, most) + 1)
    whole = _log_choose(total, second)
    return math.fsum(math.exp(_log_choose(first, k) + _log_choose(total - first, second - k) - whole) for k in values)


def _upper_count(stratum: Stratum, tail: float) -> int:
    unchecked = stratum.pictures - stratum.checked
    low, high = stratum.with_miss, stratum.with_miss + unchecked
    while low < high:
        middle = (low + high + 1) // 2
        if _overlap_tail(stratum.pictures, middle, stratum.checked, stratum.with_miss, upper=False) > tail:
            low = middle
        else:
            high = middle - 1
    return low
