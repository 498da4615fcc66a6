"""Where a finer look is worth its time: the parts of a picture in which a coarser one saw a hint of something."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats
from veilset.detectors.tiles import STRIDE, Part, fitted

Cells = NDArray[np.int64]

# Room around a hint, so that the finer look sees what is around it: a share of its longer side, and at least so many
# pixels after scaling.
ROOM = 0.25
LEAST_ROOM = 16
# What starting a network once more takes, in cells of a stride squared that it could have looked at meanwhile.
START = 10


def around(hints: Floats, scale: float, width: int, height: int) -> tuple[Part, ...]:
    """Parts (left, top, right, bottom) of a picture that together hold every hint, with room around it.

    Parts lie on the grid of a network's stride after scaling, so that next to nothing is padded or stretched; parts that
    cost less together than one by one are joined.

    *Shapes*: hints (n, 4 or more) as corners in pixels of the picture (width, height).

    >>> around(np.array([[100., 100., 120., 130.]]), 1.0, 640, 480)
    ((64, 64, 160, 160),)
    >>> around(np.empty((0, 5)), 1.0, 640, 480)
    ()
    """
    columns, rows = fitted(width * scale) // STRIDE, fitted(height * scale) // STRIDE
    cell = np.array([width / columns, height / rows])
    corners = np.concatenate([hints[:, :2], hints[:, 2:4]], axis=1)
    sides = (corners[:, 2:] - corners[:, :2]).max(axis=1, initial=0.0)
    room = np.maximum(LEAST_ROOM / scale, ROOM * sides)[:, None]
    starts = np.clip(np.floor((corners[:, :2] - room) / cell), 0, [columns - 1, rows - 1]).astype(int)
    stops = np.clip(np.ceil((corners[:, 2:] + room) / cell), starts + 1, [columns, rows]).astype(int)
    seen = np.zeros((rows, columns), np.uint8)
    for (left, top), (right, bottom) in zip(starts.tolist(), stops.tolist(), strict=True):
        seen[top:bottom, left:right] = 1
    _, _, found, _ = cv2.connectedComponentsWithStats(seen, connectivity=4, ltype=cv2.CV_16U)
    boxes = found[1:, :4].astype(np.int64)  # the first is what nobody hinted at
    boxes[:, 2:] += boxes[:, :2]
    edges = np.rint(_joined(boxes) * np.tile(cell, 2)).astype(int).tolist()
    return tuple((left, top, right, bottom) for left, top, right, bottom in edges)


def _joined(boxes: Cells) -> Cells:
    """Boxes (n, 4) in cells, the pair that saves the most by being one joined first, until no pair saves anything."""
    while len(boxes) > 1:
        low, high = np.minimum(boxes[:, None, :2], boxes[:, :2]), np.maximum(boxes[:, None, 2:], boxes[:, 2:])
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        saved = area[:, None] + area + START - (high - low).prod(axis=2)
        np.fill_diagonal(saved, -1)
        first, second = divmod(int(saved.argmax()), len(boxes))
        if saved[first, second] < 0:
            break
        boxes[first] = [*low[first, second], *high[first, second]]
        boxes = np.delete(boxes, second, axis=0)
    return boxes
