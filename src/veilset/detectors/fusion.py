"""Boxes of one or many networks made into one list: suppression, grouping, fused boxes and calibrated scores.

Boxes are rows (x1, y1, x2, y2) in pixels; detections carry a score in a fifth column.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_BLOCK = 512

NONE: Floats = np.empty((0, 5))
NONE.flags.writeable = False


def overlaps(first: Floats, second: Floats) -> Floats:
    """Intersection over union of every pair (n, m) of boxes (n, 4) and (m, 4).

    >>> overlaps(np.array([[0., 0., 2., 2.]]), np.array([[0., 0., 2., 2.], [1., 0., 3., 2.], [5., 5., 6., 6.]])).round(3)
    array([[1.   , 0.333, 0.   ]])
    """
    shared, height = (
        np.minimum(first[:, None, edge + 2], second[:, edge + 2]) - np.maximum(first[:, None, edge], second[:, edge])
        for edge in (0, 1)
    )
    np.maximum(shared, 0, out=shared)
    shared *= np.maximum(height, 0, out=height)
    area = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    united = np.subtract(area[0][:, None] + area[1], shared, out=height)
    ratio: Floats = np.divide(shared, united, out=np.zeros_like(shared), where=united > 0)
    return ratio


def groups(detections: Floats, min_overlap: float) -> Iterator[Indices]:
    """Indices of detections that show one thing: the best one left, with all that overlap it, until none is left.

    *Shapes*: detections (n, 5). Ties are broken by position, so the result depends on the input alone.
    """
    order = np.lexsort((np.arange(len(detections)), -detections[:, 4]))
    boxes = detections[order, :4]
    left = np.ones(len(order), dtype=bool)
    for start in range(0, len(order), _BLOCK):
        # A block of rows at a time: one pass for pictures as they are, bounded memory for pictures full of noise.
        near = overlaps(boxes[start : start + _BLOCK], boxes) >= min_overlap
        numbers = np.arange(start, start + len(near))
        near[numbers - start, numbers] = True
        row, column = np.nonzero(near)
        ends = np.searchsorted(row, np.arange(len(near) + 1)).tolist()
        for number in numbers.tolist():
            if left[number]:
                same = column[ends[number - start] : ends[number - start + 1]]
                if len(same) > 1:
                    same = same[left[same]]
                left[same] = False
                yield order[same]


def suppress(detections: Floats, min_overlap: float) -> Floats:
    """Greedy non-maximum suppression, best first.

    >>> suppress(np.array([[0, 0, 4, 4, .5], [0, 0, 4, 5, .9], [9, 9, 10, 10, .1]]), 0.3)[:, 4].tolist()
    [0.9, 0.1]
    """
    boxes = np.column_stack([detections[:, :2], detections[:, 2:4] - detections[:, :2]])
    # Ranks instead of scores: OpenCV rounds scores and passes over those of 0. It drops what overlaps by more than its
    # threshold, not by as much.
    ranks = np.empty(len(detections), np.float32)
    ranks[np.lexsort((np.arange(len(detections)), -detections[:, 4]))] = np.arange(len(detections), 0, -1)
    bar = float(np.nextafter(np.float32(min_overlap), np.float32(0)))
    kept = cv2.dnn.NMSBoxes(boxes, ranks, 0.0, bar)  # type: ignore[arg-type]
    return detections[np.asarray(kept, dtype=np.intp)]


def fused_boxes(members: Floats, numbers: Indices, count: int) -> Floats:
    """Mean box (count, 4) of each group, weighted by the square of the score: steadier than the best one alone.

    *Shapes*: members (n, 5); numbers (n,) is the group of each, below `count`; every group has a member.
    """
    weights = np.maximum(members[:, 4], 1e-6) ** 2
    total = np.bincount(numbers, weights, count)
    edges = [np.bincount(numbers, weights * members[:, edge], count) / total for edge in range(4)]
    return np.column_stack(edges)


def logit(scores: Floats) -> Floats:
    """Log odds, with scores held inside (0.001, 0.999)."""
    held = np.clip(scores, 1e-3, 1 - 1e-3)
    odds: Floats = np.log(held / (1 - held))
    return odds
