"""Suppression and grouping against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from veilset.core.where import Box
from veilset.detectors.fusion import NONE, fused_boxes, groups, overlaps, suppress


def detections(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 50, (count, 2)), rng.uniform(3, 30, (count, 2))
    return np.column_stack([corner, corner + size, rng.permutation(count) / count])


def as_box(row: np.ndarray) -> Box:
    return Box(*(float(v) for v in (row[0], row[1], row[2] - row[0], row[3] - row[1])))


def plain_suppression(rows: np.ndarray, limit: float) -> list[list[float]]:
    kept: list[np.ndarray] = []
    for row in sorted(rows, key=lambda r: -r[4]):
        if all(as_box(row).iou(as_box(other)) < limit for other in kept):
            kept.append(row)
    return [row.tolist() for row in kept]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("limit", [0.1, 0.3, 0.6])
def test_suppression_equals_the_plain_double_loop(seed: int, limit: float) -> None:
    rows = detections(seed, 40)
    assert suppress(rows, limit).tolist() == plain_suppression(rows, limit)


def test_overlaps_equal_those_of_single_boxes() -> None:
    rows = detections(9, 30)
    np.testing.assert_allclose(
        overlaps(rows[:4, :4], rows[:, :4]), [[as_box(a).iou(as_box(b)) for b in rows] for a in rows[:4]], atol=1e-12
    )


def test_groups_split_the_detections_and_every_member_overlaps_its_best() -> None:
    rows = detections(3, 60)
    parts = list(groups(rows, 0.4))
    assert sorted(int(i) for part in parts for i in part) == list(range(60))
    for part in parts:
        assert rows[part[0], 4] == rows[part, 4].max()
        assert (overlaps(rows[part[:1], :4], rows[part, :4]) >= 0.4).all()


def test_result_does_not_depend_on_the_order_of_what_came_in() -> None:
    rows = detections(5, 40)
    assert suppress(rows[::-1], 0.3).tolist() == suppress(rows, 0.3).tolist()


def test_fused_box_lies_between_its_members_and_leans_to_the_surer() -> None:
    members = np.array([[0, 0, 10, 10, 0.9], [2, 2, 12, 12, 0.1]])
    (fused,) = fused_boxes(members, np.zeros(2, dtype=int), 1)
    assert (members[0, :4] < fused).all()
    assert (fused < members[:, :4].mean(axis=0)).all()


def test_nothing_stays_nothing_and_a_box_without_area_is_harmless() -> None:
    assert suppress(NONE, 0.3).shape == (0, 5)
    assert len(suppress(np.array([[5, 5, 5, 5, 0.9], [0, 0, 9, 9, 0.8]]), 0.3)) == 2


def test_more_boxes_than_one_block_are_grouped_alike() -> None:
    rows = detections(7, 1100)
    assert suppress(rows, 0.3).tolist() == plain_suppression(rows, 0.3)


def test_fused_boxes_equal_the_weighted_mean_of_each_group() -> None:
    rows = detections(8, 30)
    numbers = np.arange(30) % 4
    for number, box in enumerate(fused_boxes(rows, numbers, 4)):
        part = rows[numbers == number]
        np.testing.assert_allclose(box, np.average(part[:, :4], axis=0, weights=part[:, 4] ** 2 + 1e-15))
