"""UltraFace RFB-640: a fixed input of 640 x 480, boxes already decoded by the network."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats, suppress
from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]

WEIGHTS = "ultraface_rfb_640"
WIDTH, HEIGHT = 640, 480


def decode(scores: Array, boxes: Array, size: tuple[int, int], min_score: float) -> Floats:
    """Boxes (n, 5) in pixels of a picture of `size` (width, height).

    *Shapes*: scores (anchors, 2) as (background, face); boxes (anchors, 4) as corners relative to the picture.
    """
    (chosen,) = np.nonzero(scores[:, 1] > min_score)
    corners = boxes[chosen].astype(np.float64) * (size * 2)
    return np.column_stack([corners, scores[chosen, 1].astype(np.float64)])


def detect(pixels: Pixels, min_score: float) -> Floats:
    """Faces (n, 5) in an RGB picture (height, width, 3)."""
    height, width = pixels.shape[:2]
    fitted = cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    planes = np.ascontiguousarray(((fitted.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None])
    scores, boxes = onnx.run(WEIGHTS, {"input": planes}, ("scores", "boxes"))
    found = decode(scores[0], boxes[0], (width, height), min_score)
    found[:, :4] = np.clip(found[:, :4], 0, [width, height, width, height])
    return suppress(found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])], 0.3)
