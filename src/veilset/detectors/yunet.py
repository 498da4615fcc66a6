"""YuNet: anchor-free boxes at strides 8, 16 and 32; a tenth of CenterFace's work."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats, suppress
from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]

WEIGHTS = "yunet_n"
STRIDES = (8, 16, 32)


def decode(heads: Mapping[str, Array], columns: int, min_score: float) -> Floats:
    """Boxes (n, 5) from the heads of the network, in pixels of its input.

    *Shapes*: `cls_s` and `obj_s` (cells, 1), `bbox_s` (cells, 4) as (dx, dy, log width, log height) over the stride s,
    cells row by row; `columns` is the width of the input in pixels. A cell's anchor is its top-left corner.

    *Source*: Wu, Peng, Yu, "YuNet: a tiny millisecond-level face detector", 2023; score = sqrt(class * objectness).
    """
    counts = [len(heads[f"cls_{stride}"]) for stride in STRIDES]
    classes, objects = (
        np.concatenate([heads[f"{head}_{stride}"][:, 0] for stride in STRIDES]) for head in ("cls", "obj")
    )
    # Nearly every cell is empty: the exact score is computed where a rough one is near enough.
    (found,) = np.nonzero(classes * objects > 0.99 * min_score**2)
    scores = np.sqrt(_share(classes[found]) * _share(objects[found]))
    found, scores = found[scores > min_score], scores[scores > min_score]
    level = np.searchsorted(np.cumsum(counts), found, side="right")
    boxes = np.concatenate([heads[f"bbox_{stride}"] for stride in STRIDES])[found].astype(np.float64)
    stride = np.array(STRIDES)[level]
    row, column = np.divmod(found - np.cumsum([0, *counts])[level], columns // stride)
    centre = (np.column_stack([column, row]) + boxes[:, :2]) * stride[:, None]
    half = np.exp(boxes[:, 2:]) * stride[:, None] / 2
    return np.column_stack([centre - half, centre + half, scores])


def _share(values: Array) -> Floats:
    return np.minimum(np.maximum(values, 0), 1).astype(np.float64)


def detect(pixels: Pixels, min_score: float) -> Floats:
    """Faces (n, 5) in an RGB picture (height, width, 3)."""
    height, width = pixels.shape[:2]
    right, below = -width % 32, -height % 32
    padded = (
        cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        if right | below
        else pixels
    )
    planes = np.empty((1, 3, *padded.shape[:2]), np.float32)
    for plane, colour in zip(planes[0], reversed(cv2.split(padded)), strict=True):
        plane[:] = colour
    names = [f"{head}_{stride}" for head in ("cls", "obj", "bbox") for stride in STRIDES]
    outputs = onnx.run(WEIGHTS, {"input": planes}, names)
    found = decode({name: out[0] for name, out in zip(names, outputs, strict=True)}, width + right, min_score)
    found[:, :4] = np.minimum(np.maximum(found[:, :4], 0), [width, height, width, height])
    return suppress(found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])], 0.3)
