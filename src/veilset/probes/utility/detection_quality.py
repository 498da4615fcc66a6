"""How good a detector is, from boxes: matching, recall, precision and average precision, by size and by group.

Boxes are rows (x, y, width, height) in pixels, findings carry a score in a fifth column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.core.interval import clopper_pearson

Floats = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SIZES: tuple[tuple[float, float], ...] = ((0, 8), (8, 16), (16, 32), (32, 64), (64, float("inf")))


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One picture after matching.

    Attributes:
        found: (n, 5) what the detector said, best first.
        truth: (m, 4) what is there.
        partner: (n,) index of the truth that each found box hit, -1 for none.
        groups: (m,) name of the group of each true box, or empty.
    """

    found: Floats
    truth: Floats
    partner: NDArray[np.intp]
    groups: tuple[str, ...] = ()

    @property
    def hit(self) -> BoolArray:
        """(m,) whether each true box was found."""
        return np.isin(np.arange(len(self.truth)), self.partner)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; intervals are Clopper-Pearson at 95 %.

    `precision` is nan where truth does not cover every object, or where boxes of the class cannot be told (groups).
    """

    part: str
    truth: int
    hits: int
    recall: float
    recall_low: float
    recall_high: float
    false: int
    precision: float
    precision_low: float
    precision_high: float
    average_precision: float

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form; nan becomes null."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


def overlap_matrix(first: Floats, second: Floats) -> Floats:
    """Intersection over union of every pair, (n, m), of boxes (n, 4) and (m, 4).

    >>> overlap_matrix(np.array([[0., 0., 2., 2.]]), np.array([[1., 0., 2., 2.], [2., 0., 2., 2.]])).round(3)
    array([[0.333, 0.   ]])
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, :2] + first[:, None, 2:4], second[None, :, :2] + second[None, :, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    united = first[:, 2:4].prod(axis=1)[:, None] + second[:, 2:4].prod(axis=1)[None] - shared
    ratio: Floats = np.divide(shared, united, out=np.zeros_like(shared), where=united > 0)
    return ratio


def judge(found: Floats, truth: Floats, *, min_overlap: float = 0.4, groups: Sequence[str] = ()) -> Judged:
    """Match greedily, best score first: each found box takes the free true box that it overlaps most.

    >>> judge(np.array([[0, 0, 4, 4, .5], [0, 0, 4, 4, .9]]), np.array([[0., 0, 4, 4]])).partner.tolist()
    [0, -1]
    """
    found = found[np.argsort(-found[:, 4], kind="stable")]
    overlaps = overlap_matrix(found[:, :4], truth)
    partner = np.full(len(found), -1, dtype=np.intp)
    for index in range(len(found) if len(truth) else 0):
        best = int(np.argmax(overlaps[index]))
        if overlaps[index, best] >= min_overlap:
            partner[index] = best
            overlaps[:, best] = -1
    return Judged(found, truth, partner, tuple(groups))


def average_precision(scores: Floats, right: BoolArray, truth: int) -> float:
    """Area under the precision envelope over recall (all points, as PASCAL VOC since 2010). nan without truth.

    >>> average_precision(np.array([.9, .8, .7]), np.array([True, False, True]), 2)
    0.8333333333333333
    """
    if not truth:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[right[order]].sum() / truth)


def by_size(pictures: Iterable[Judged], sizes: Sequence[tuple[float, float]] = SIZES) -> tuple[Row, ...]:
    """One row per class of the square root of the box's area, and `all`.

    A true box counts in its own class. A found box that hit counts in the class of what it hit; one that did not
    counts as false in the class of its own size.
    """
    pictures = tuple(pictures)
    rows = [_row(_name(low, high), pictures, low, high) for low, high in sizes]
    return (*rows, _row("all", pictures, 0, float("inf")))


def by_group(pictures: Iterable[Judged]) -> tuple[Row, ...]:
    """One row of recall per group named in the truth. A false box belongs to no group, so precision is nan."""
    pictures = tuple(pictures)
    names = sorted({group for picture in pictures for group in picture.groups})
    rows = []
    for name in names:
        counted = [picture.hit[np.array(picture.groups) == name] for picture in pictures if picture.groups]
        total, hits = sum(map(len, counted)), int(sum(part.sum() for part in counted))
        low, high = clopper_pearson(hits, total)
        nan = float("nan")
        rows.append(Row(name, total, hits, hits / total, low, high, 0, nan, nan, nan, nan))
    return tuple(rows)


def _name(low: float, high: float) -> str:
    return f"{low:g}+" if high == float("inf") else f"{low:g}-{high:g}"


def _side(boxes: Floats) -> Floats:
    side: Floats = np.sqrt(boxes[:, 2] * boxes[:, 3])
    return side


def _row(name: str, pictures: Sequence[Judged], low: float, high: float) -> Row:
    total = hits = 0
    scores, right = [np.empty(0)], [np.empty(0, dtype=bool)]
    for picture in pictures:
        side = _side(picture.truth)
        inside = (low <= side) & (side < high)
        total += int(inside.sum())
        hits += int((picture.hit & inside).sum())
        matched = picture.partner >= 0
        own = _side(picture.found)
        counted = (low <= own) & (own < high)
        counted[matched] = inside[picture.partner[matched]]
        scores.append(picture.found[counted, 4])
        right.append(matched[counted])
    every, good = np.concatenate(scores), np.concatenate(right)
    recall_ends, precision_ends = clopper_pearson(hits, total), clopper_pearson(hits, len(every))
    return Row(
        name,
        total,
        hits,
        hits / total if total else float("nan"),
        *recall_ends,
        len(every) - hits,
        hits / len(every) if len(every) else float("nan"),
        *precision_ends,
        average_precision(every, good, total),
    )
