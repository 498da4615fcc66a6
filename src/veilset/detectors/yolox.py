"""YOLOX-nano: anchor-free boxes of the 80 COCO classes at strides 8, 16 and 32."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats
from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]

WEIGHTS = "yolox_nano"
SIDE = 416
STRIDES = (8, 16, 32)
_GREY = 114


@lru_cache(maxsize=1)
def cells() -> tuple[Floats, Floats]:
    """Column and row (n, 2) of every cell, and its stride (n, 1), in the order of the network's output."""
    corners, strides = [], []
    for stride in STRIDES:
        across = SIDE // stride
        rows, columns = np.divmod(np.arange(across * across), across)
        corners.append(np.column_stack([columns, rows]))
        strides.append(np.full((across * across, 1), stride))
    return np.concatenate(corners).astype(float), np.concatenate(strides).astype(float)


def decode(output: Array, classes: Sequence[int], min_score: float) -> Floats:
    """Rows (n, 6): box corners in pixels of the input, score, class number.

    *Shapes*: output (3549, 85): offset of the centre in cells, log size over the stride, objectness, 80 classes.

    *Source*: Ge, Liu, Wang, Li, Sun, "YOLOX", 2021, section 2.1; score = objectness * class.
    """
    corners, strides = cells()
    scores = output[:, 4:5].astype(np.float64) * output[:, 5:][:, list(classes)]
    chosen, number = np.nonzero(scores > min_score)
    centre = (output[chosen, :2].astype(np.float64) + corners[chosen]) * strides[chosen]
    half = np.exp(output[chosen, 2:4].astype(np.float64)) * strides[chosen] / 2
    names = np.array(classes, dtype=float)[number]
    return np.column_stack([centre - half, centre + half, scores[chosen, number], names])


def detect(pixels: Pixels, classes: Sequence[int], min_score: float) -> Floats:
    """Rows (n, 6) in an RGB picture (height, width, 3), one per cell that answers: not yet suppressed."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    fitted = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = np.full((SIDE, SIDE, 3), _GREY, np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[: fitted[1], : fitted[0]] = cv2.resize(pixels, fitted, interpolation=how)
    planes = np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], dtype=np.float32)
    (output,) = onnx.run(WEIGHTS, {"images": planes})
    found = decode(output[0], classes, min_score)
    found[:, :4] *= np.array([width / fitted[0], height / fitted[1]] * 2)
    found[:, :4] = np.clip(found[:, :4], 0, [width, height, width, height])
    return found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])]
