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
    parts = []
    for stride in STRIDES:
        classes, objects = heads[f"cls_{stride}"][:, 0], heads[f"obj_{stride}"][:, 0]
        # Nearly every cell is empty: the exact score is computed where a rough one is near enough.
        (cells,) = np.nonzero(classes * objects > 0.99 * min_score**2)
        scores = np.sqrt(np.clip(classes[cells], 0, 1).astype(np.float64) * np.clip(objects[cells], 0, 1))
        cells, scores = cells[scores > min_score], scores[scores > min_score]
        row, column = np.divmod(cells, columns // stride)
        dx, dy, log_width, log_height = heads[f"bbox_{stride}"][cells].astype(np.float64).T
        x, y = (column + dx) * stride, (row + dy) * stride
        half_width, half_height = np.exp(log_width) * stride / 2, np.exp(log_height) * stride / 2
        parts.append(np.column_stack([x - half_width, y - half_height, x + half_width, y + half_height, scores]))
    return np.concatenate(parts)


def detect(pixels: Pixels, min_score: float) -> Floats:
    """Faces (n, 5) in an RGB picture (height, width, 3)."""
    height, width = pixels.shape[:2]
    padded = cv2.copyMakeBorder(pixels, 0, -height % 32, 0, -width % 32, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    planes = np.empty((1, 3, *padded.shape[:2]), np.float32)
    for plane, colour in zip(planes[0], reversed(cv2.split(padded)), strict=True):
        plane[:] = colour
    names = [f"{head}_{stride}" for head in ("cls", "obj", "bbox") for stride in STRIDES]
    outputs = onnx.run(WEIGHTS, {"input": planes}, names)
    found = decode({name: out[0] for name, out in zip(names, outputs, strict=True)}, padded.shape[1], min_score)
    found[:, :4] = np.clip(found[:, :4], 0, [width, height, width, height])
    return suppress(found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])], 0.3)
