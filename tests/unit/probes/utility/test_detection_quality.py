"""Matching and tables, against brute force and scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from veilset.core.interval import clopper_pearson
from veilset.core.where import Box
from veilset.probes.utility.detection_quality import average_precision, by_group, by_size, judge, overlap_matrix


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.column_stack([rng.uniform(0, 60, (count, 2)), rng.uniform(2, 50, (count, 2))])


def test_overlaps_equal_those_of_single_boxes() -> None:
    rng = np.random.default_rng(1)
    first, second = boxes(rng, 9), boxes(rng, 7)
    expected = [[Box(*a).iou(Box(*b)) for b in second] for a in first]
    np.testing.assert_allclose(overlap_matrix(first, second), expected, atol=1e-12)


def test_matching_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        found = np.column_stack([boxes(rng, 8), rng.permutation(8) / 8])
        truth = boxes(rng, 5)
        judged = judge(found, truth, min_overlap=0.2)
        free = set(range(5))
        for row, partner in zip(sorted(found.tolist(), key=lambda r: -r[4]), judged.partner, strict=True):
            best = max(free, key=lambda t: (Box(*row[:4]).iou(Box(*truth[t])), -t), default=None)
            if best is not None and Box(*row[:4]).iou(Box(*truth[best])) >= 0.2:
                assert partner == best
                free.discard(best)
            else:
                assert partner == -1
        assert judged.hit.tolist() == [t not in free for t in range(5)]


def test_a_true_box_is_found_at_most_once() -> None:
    found = np.array([[0, 0, 10, 10, s] for s in (0.9, 0.8, 0.7)])
    judged = judge(found, np.array([[0.0, 0, 10, 10]]))
    row = by_size([judged])[-1]
    assert (row.truth, row.hits, row.false) == (1, 1, 2)


def test_average_precision_without_ties_is_the_area_under_the_envelope() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        scores, right = rng.permutation(12) / 12.0, rng.random(12) < 0.5
        truth = int(right.sum()) + int(rng.integers(0, 4)) or 1
        order = np.argsort(-scores)
        points = [(right[order][:n].sum() / truth, right[order][:n].sum() / n) for n in range(1, 13)]
        levels = sorted({r for r, _ in points if r > 0})
        expected = sum(
            (level - before) * max(p for r, p in points if r >= level)
            for before, level in itertools.pairwise([0, *levels])
        )
        assert average_precision(scores, right, truth) == pytest.approx(expected)


def test_sizes_split_the_whole() -> None:
    rng = np.random.default_rng(4)
    pictures = [
        judge(np.column_stack([boxes(rng, 9), rng.random(9)]), boxes(rng, 6), min_overlap=0.1) for _ in range(20)
    ]
    *classes, whole = by_size(pictures)
    assert sum(row.truth for row in classes) == whole.truth == 120
    assert sum(row.hits for row in classes) == whole.hits
    assert sum(row.false for row in classes) == whole.false == 180 - whole.hits
    assert (whole.recall_low, whole.recall_high) == clopper_pearson(whole.hits, 120)


def test_a_hit_counts_where_the_truth_is_even_when_the_found_box_has_another_size() -> None:
    truth = np.array([[0.0, 0, 15, 15]])
    rows = {row.part: row for row in by_size([judge(np.array([[0, 0, 17, 17, 1.0]]), truth)])}
    assert (rows["8-16"].hits, rows["8-16"].false, rows["16-32"].false) == (1, 0, 0)


def test_groups() -> None:
    truth = np.array([[0.0, 0, 10, 10], [50, 50, 10, 10], [90, 90, 10, 10]])
    judged = judge(np.array([[0, 0, 10, 10, 0.9]]), truth, groups=("child", "child", "adult"))
    rows = by_group([judged])
    assert [(row.part, row.truth, row.hits) for row in rows] == [("adult", 1, 0), ("child", 2, 1)]
    assert rows[0].to_plain()["precision"] is None


def test_nothing_found_and_nothing_there() -> None:
    none = judge(np.empty((0, 5)), np.empty((0, 4)))
    row = by_size([none])[-1]
    assert (row.truth, row.hits, row.false, row.recall_low, row.recall_high) == (0, 0, 0, 0.0, 1.0)
    assert by_size([judge(np.array([[0, 0, 10, 10, 0.9]]), np.empty((0, 4)))])[-1].false == 1
