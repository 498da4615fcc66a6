"""CenterFace: a heat map of face centres with sizes and offsets, at a quarter of the picture's resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats, suppress
from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]

WEIGHTS = "centerface"
STRIDE = 4
_OUTPUTS = ("537", "538", "539")


def decode(heat: Array, size: Array, offset: Array, min_score: float) -> Floats:
    """Boxes (n, 5) from the heads of the network, in pixels of its input.

    *Shapes*: heat (h, w); size (2, h, w) as log of (height, width) over the stride; offset (2, h, w) as
    (y, x) in cells.

    *Source*: Xu, Yan, Yang, Luo, "CenterFace", 2019, section 3; the offset counts from the middle of a cell.
    """
    rows, columns = np.nonzero(heat > min_score)
    heights = np.exp(size[0, rows, columns].astype(np.float64)) * STRIDE
    widths = np.exp(size[1, rows, columns].astype(np.float64)) * STRIDE
    y = (rows + offset[0, rows, columns] + 0.5) * STRIDE
    x = (columns + offset[1, rows, columns] + 0.5) * STRIDE
    return np.column_stack(
        [x - widths / 2, y - heights / 2, x + widths / 2, y + heights / 2, heat[rows, columns].astype(np.float64)]
    )


def detect(pixels: Pixels, min_score: float) -> Floats:
    """Faces (n, 5) in an RGB picture (height, width, 3)."""
    height, width = pixels.shape[:2]
    padded = cv2.copyMakeBorder(pixels, 0, -height % 32, 0, -width % 32, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    planes = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
    heat, size, offset = onnx.run(WEIGHTS, {"input.1": planes}, _OUTPUTS, any_size=True)
    found = decode(heat[0, 0], size[0], offset[0], min_score)
    found[:, :4] = np.clip(found[:, :4], 0, [width, height, width, height])
    return suppress(found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])], 0.3)
