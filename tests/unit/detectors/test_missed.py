"""Capture-recapture and the checked sample: closed forms, exact tails, and coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from veilset.core.errors import BadSetting
from veilset.detectors.missed import (
    Stratum,
    chapman,
    corrected_prevalence,
    lincoln_petersen,
    pictures_with_a_miss,
    to_check,
)

stats = pytest.importorskip("scipy.stats", reason="scipy is the independent reference here")


def test_lincoln_petersen_and_chapman_closed_forms() -> None:
    assert lincoln_petersen(90, 80, 72) == 100
    assert lincoln_petersen(3, 4, 0) == math.inf
    result = chapman(90, 80, 72)
    assert result.total == pytest.approx(91 * 81 / 73 - 1)
    assert result.seen == 98
    assert result.missed_low <= result.missed <= result.missed_high


def test_chapman_is_unbiased_when_its_assumptions_hold() -> None:
    # Exact expectation over the hypergeometric: E = N when first + second >= N.
    total, first, second = 40, 30, 25
    overlaps = np.arange(first + second - total, second + 1)
    chances = stats.hypergeom(total, first, second).pmf(overlaps)
    mean = sum(p * chapman(first, second, int(k)).total for p, k in zip(chances, overlaps, strict=True))
    assert mean == pytest.approx(total)


def test_interval_ends_are_where_the_tails_cross() -> None:
    for first, second, both in ((90, 80, 72), (20, 15, 5), (7, 9, 7)):
        result = chapman(first, second, both)
        high, low = int(result.seen + result.missed_high), int(result.seen + result.missed_low)
        assert stats.hypergeom(high, first, second).sf(both - 1) > 0.025
        assert stats.hypergeom(high + 1, first, second).sf(both - 1) <= 0.025
        assert stats.hypergeom(low, first, second).cdf(both) > 0.025
        if low > result.seen:
            assert stats.hypergeom(low - 1, first, second).cdf(both) <= 0.025


def test_interval_covers_when_independent_and_is_too_low_when_not() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        a, b = rng.random(150) < 0.8, rng.random(150) < 0.7
        result = chapman(int(a.sum()), int(b.sum()), int((a & b).sum()))
        truth = 150 - result.seen
        covered += result.missed_low <= truth <= result.missed_high
    assert covered >= 185
    hard = rng.random(4000) < 0.3
    ease = np.where(hard, 0.2, 0.95)
    a, b = rng.random(4000) < ease, rng.random(4000) < ease
    result = chapman(int(a.sum()), int(b.sum()), int((a & b).sum()))
    assert result.missed_high < 4000 - result.seen, "dependence makes it a lower bound, as documented"


def test_detectors_that_never_agree_bound_nothing() -> None:
    assert chapman(5, 5, 0).missed_high == math.inf


@pytest.mark.parametrize("counts", [(5, 5, 6), (5, 2, 3), (-1, 0, -1)])
def test_impossible_counts(counts: tuple[int, int, int]) -> None:
    with pytest.raises(BadSetting):
        chapman(*counts)


def test_upper_bound_is_exact_for_one_stratum() -> None:
    for pictures, checked, misses in ((1000, 300, 0), (50, 20, 3), (30, 30, 4), (10, 0, 0)):
        bound = pictures_with_a_miss([Stratum(pictures, checked, misses)])
        assert stats.hypergeom(pictures, bound, checked).cdf(misses) > 0.05
        if bound < pictures - checked + misses:
            assert stats.hypergeom(pictures, bound + 1, checked).cdf(misses) <= 0.05
    assert pictures_with_a_miss([Stratum(30, 30, 4)]) == 4
    assert pictures_with_a_miss([Stratum(10, 0, 0)]) == 10


def test_upper_bound_over_strata_holds_as_often_as_it_says() -> None:
    rng = np.random.default_rng(6)
    sizes, misses, drawn = (400, 60), (12, 20), (100, 40)
    held = 0
    for _ in range(300):
        strata = [
            Stratum(n, c, int(rng.hypergeometric(m, n - m, c))) for n, m, c in zip(sizes, misses, drawn, strict=True)
        ]
        held += pictures_with_a_miss(strata) >= sum(misses)
    assert held >= 280


def test_sample_to_check_does_not_depend_on_order_and_looks_closer_at_the_risky() -> None:
    quiet, risky = [f"q{i}" for i in range(900)], [f"r{i}" for i in range(25)]
    drawn = to_check({"quiet": quiet, "risky": risky}, 70)
    again = to_check({"quiet": reversed(quiet), "risky": risky}, 70)
    assert drawn == again
    assert len(drawn["risky"]) / 25 > 5 * len(drawn["quiet"]) / 900
    assert set(drawn["risky"]) <= set(risky)
    assert to_check({"quiet": quiet}, 70, salt="other")["quiet"] != to_check({"quiet": quiet}, 70)["quiet"]


def test_prevalence_uses_the_worst_ends_and_stays_a_share() -> None:
    low, high = corrected_prevalence((0.3, 0.4), (0.5, 0.8), (0.9, 1.0))
    assert (low, high) == (pytest.approx(0.3 * 0.9 / 0.8), pytest.approx(0.4 / 0.5))
    assert corrected_prevalence((0.3, 0.4), (0.0, 0.8))[1] == 1.0
