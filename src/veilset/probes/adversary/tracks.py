"""Who is the same in the frames of one scene, and how its regions lie over one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.where import Box

Floats = NDArray[np.float64]


@dataclass
class Track:
    """Boxes of one thing through the frames of a scene, as (position of the pair, box)."""

    seen: list[tuple[int, Box]] = field(default_factory=list)


def tracks_of(frames: Iterable[tuple[int, Sequence[Box]]], *, overlap: float = 0.3) -> list[Track]:
    """Boxes of consecutive frames linked by their overlap, best first; a gap of one frame ends nothing.

    >>> still = Box(0, 0, 9, 9)
    >>> [len(track.seen) for track in tracks_of([(0, [still]), (1, [still, Box(30, 0, 9, 9)])])]
    [2, 1]
    """
    done: list[Track] = []
    open_: list[tuple[int, Track]] = []
    for step, (pair, boxes) in enumerate(frames):
        free = list(boxes)
        links = sorted(
            ((track.seen[-1][1].iou(box), n, m) for n, (_, track) in enumerate(open_) for m, box in enumerate(boxes)),
            reverse=True,
        )
        taken: set[int] = set()
        for iou, n, m in links:
            if iou >= overlap and n not in taken and boxes[m] in free:
                open_[n][1].seen.append((pair, boxes[m]))
                open_[n] = (step, open_[n][1])
                taken.add(n)
                free.remove(boxes[m])
        for box in free:
            track = Track([(pair, box)])
            done.append(track)
            open_.append((step, track))
        open_ = [(last, track) for last, track in open_ if step - last < 2]
    return done


def shift_between(reference: Floats, other: Floats, most: float = 0.15) -> tuple[float, float]:
    """By how many pixels (x, y) `other` has to be moved to lie over `reference`, both (side, side) in [0, 1].

    Phase correlation of the pictures' middle, after a blur that takes away the edges of mosaic cells. A shift of more
    than `most` of the side is not believed, and none is made.

    >>> picture = np.random.default_rng(0).random((48, 48))
    >>> x, y = shift_between(picture, np.roll(picture, (2, -3), (0, 1)))
    >>> round(x), round(y)
    (3, -2)
    """
    side = len(reference)
    window = cv2.createHanningWindow((side, side), cv2.CV_64F)
    soft = [cv2.GaussianBlur(picture - picture.mean(), (0, 0), 1.0) for picture in (other, reference)]
    (x, y), _ = cv2.phaseCorrelate(soft[0], soft[1], window)
    return (float(x), float(y)) if np.hypot(x, y) <= most * side else (0.0, 0.0)


def moved(picture: Floats, x: float, y: float) -> Floats:
    """The picture (side, side) moved by parts of a pixel, its edges repeated."""
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(
        cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=float
    )
