"""Boxes of one or many networks made into one list: suppression, grouping, fused boxes and calibrated scores.

Boxes are rows (x1, y1, x2, y2) in pixels; detections carry a score in a fifth column.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

NONE: Floats = np.empty((0, 5))
NONE.flags.writeable = False


def overlaps(box: Floats, boxes: Floats) -> Floats:
    """Intersection over union of one box (4,) with many (n, 4).

    >>> overlaps(np.array([0., 0., 2., 2.]), np.array([[0., 0., 2., 2.], [1., 0., 3., 2.], [5., 5., 6., 6.]])).round(3)
    array([1.   , 0.333, 0.   ])
    """
    width = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    height = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    united = (box[2] - box[0]) * (box[3] - box[1]) + area - shared
    ratio: Floats = np.divide(shared, united, out=np.zeros_like(shared), where=united > 0)
    return ratio


def groups(detections: Floats, min_overlap: float) -> Iterator[Indices]:
    """Indices of detections that show one thing: the best one left, with all that overlap it, until none is left.

    *Shapes*: detections (n, 5). Ties are broken by position, so the result depends on the input alone.
    """
    left = np.lexsort((np.arange(len(detections)), -detections[:, 4]))
    while len(left):
        same = overlaps(detections[left[0], :4], detections[left, :4]) >= min_overlap
        same[0] = True
        yield left[same]
        left = left[~same]


def suppress(detections: Floats, min_overlap: float) -> Floats:
    """Greedy non-maximum suppression, best first.

    >>> suppress(np.array([[0, 0, 4, 4, .5], [0, 0, 4, 5, .9], [9, 9, 10, 10, .1]]), 0.3)[:, 4].tolist()
    [0.9, 0.1]
    """
    kept = [group[0] for group in groups(detections, min_overlap)]
    return detections[kept]


def fused_box(members: Floats) -> Floats:
    """Mean of the boxes (n, 5), weighted by the square of the score: steadier than the best one alone."""
    weights = np.maximum(members[:, 4], 1e-6) ** 2
    mean: Floats = (members[:, :4] * weights[:, None]).sum(axis=0) / weights.sum()
    return mean


def logit(scores: Floats) -> Floats:
    """Log odds, with scores held inside (0.001, 0.999)."""
    held = np.clip(scores, 1e-3, 1 - 1e-3)
    odds: Floats = np.log(held / (1 - held))
    return odds
