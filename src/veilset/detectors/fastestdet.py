"""FastestDet: one box a cell on a grid of 22 x 22, of the 80 COCO classes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats
from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]

WEIGHTS = "fastestdet"
SIDE = 352


def decode(output: Array, size: tuple[int, int], classes: Sequence[int], min_score: float) -> Floats:
    """Rows (n, 6): box corners in pixels of a picture of `size` (width, height), score, class number.

    *Shapes*: output (85, rows, columns): objectness, offset of the centre, size relative to the picture, 80 classes.

    *Source*: the network's own repository; score = objectness^0.6 * class^0.4.
    """
    _, rows, columns = output.shape
    values = output.astype(np.float64)
    scores = values[0] ** 0.6 * values[5:][list(classes)] ** 0.4
    number, row, column = np.nonzero(scores > min_score)
    offset_x, offset_y, wide, high = values[1:5, row, column]
    x, y = (column + np.tanh(offset_x)) / columns, (row + np.tanh(offset_y)) / rows
    half_x, half_y = 0.5 / (1 + np.exp(-wide)), 0.5 / (1 + np.exp(-high))
    width, height = size
    boxes = np.column_stack([x - half_x, y - half_y, x + half_x, y + half_y]) * (width, height, width, height)
    return np.column_stack([boxes, scores[number, row, column], np.array(classes, dtype=float)[number]])


def detect(pixels: Pixels, classes: Sequence[int], min_score: float) -> Floats:
    """Rows (n, 6) in an RGB picture (height, width, 3), one per cell that answers: not yet suppressed."""
    height, width = pixels.shape[:2]
    how = cv2.INTER_AREA if max(height, width) > SIDE else cv2.INTER_LINEAR
    fitted = cv2.resize(pixels, (SIDE, SIDE), interpolation=how)
    planes = np.ascontiguousarray(fitted[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255)
    (output,) = onnx.run(WEIGHTS, {"input.1": planes})
    found = decode(output[0], (width, height), classes, min_score)
    found[:, :4] = np.clip(found[:, :4], 0, [width, height, width, height])
    return found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])]
