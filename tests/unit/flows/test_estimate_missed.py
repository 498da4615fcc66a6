"""Two networks' own scores become counts, strata and a draw."""

from __future__ import annotations

import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.where import Box
from veilset.flows.estimate_missed import estimate_missed, upper_bound


def face(**scores: float) -> Finding:
    return Finding("face", Box(0, 0, 9, 9), 0.9, "face/centerface+yunet", detail={"scores": scores})


SET = {
    "both": [face(centerface=0.9, yunet=0.9), face(centerface=0.5, yunet=0.6)],
    "one": [face(centerface=0.9, yunet=0.1), face(centerface=0.8, yunet=0.8)],
    "other": [face(yunet=0.9)],
    "weak": [face(centerface=0.1, yunet=0.2)],
    "none": [Finding("plate", Box(0, 0, 9, 9), 0.9, "plate")],
}


def test_counts_and_strata() -> None:
    missed = estimate_missed(SET, budget=30)
    assert (missed.first, missed.second, missed.both) == (4, 4, 3)
    assert missed.strata == {"agree": 1, "disagree": 2, "empty": 2}
    assert set(missed.to_check["disagree"]) == {"one", "other"}
    assert missed.recapture.seen == 5
    assert missed.recapture.total == pytest.approx(5 * 5 / 4 - 1)


def test_everything_checked_leaves_exactly_what_was_seen() -> None:
    missed = estimate_missed(SET, budget=30)
    assert upper_bound(missed, {}) == 0
    assert upper_bound(missed, {"empty": ("none",)}) == 1


def test_estimate_comes_near_the_truth_when_networks_err_independently() -> None:
    rng = np.random.default_rng(8)
    pictures, unseen = {}, 0
    for number in range(1500):
        a, b = rng.random() < 0.8, rng.random() < 0.7
        unseen += not (a or b)
        pictures[str(number)] = [face(centerface=0.9 * a, yunet=0.9 * b)] if a or b else []
    missed = estimate_missed(pictures)
    assert missed.recapture.missed_low <= unseen <= missed.recapture.missed_high
    assert abs(missed.recapture.missed - unseen) < 30


def test_same_set_same_draw() -> None:
    assert estimate_missed(SET, budget=2).to_check == estimate_missed(dict(reversed(SET.items())), budget=2).to_check
