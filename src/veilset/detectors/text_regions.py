"""PP-OCRv3 text detection: a map of shrunk text cores, made into rectangles that hold the whole text."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Image
from veilset.detectors.shared import copy_of, shared
from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]
Corners = NDArray[np.float64]

WEIGHTS = "ppocr_text_det"
CORE = 0.3
GROWTH = 1.6
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def regions(cores: Array, min_score: float, *, smallest: float = 3.0) -> list[tuple[Corners, float]]:
    """Rectangles (4, 2), turned as the text is, with the mean probability of their core; in order of the map.

    *Shapes*: cores (height, width), probability that a pixel lies in the core of a text. A core is its text with every
    side moved inward by area * (1 - 0.4^2) / perimeter; each rectangle is grown back by area * `GROWTH` / perimeter
    of the core.

    *Source*: Liao, Wan, Yao, Chen, Bai, "Real-time scene text detection with differentiable binarization", 2020,
    section 3.4; rectangles in place of polygons, since what is treated should be covered, not traced.
    """
    found = []
    outlines, _ = cv2.findContours((cores > CORE).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in reversed(outlines):
        centre, (across, down), angle = cv2.minAreaRect(outline)
        # A rectangle through centres of pixels is a pixel smaller than the pixels are.
        across, down = across + 1, down + 1
        if min(across, down) < smallest:
            continue
        score = _mean_inside(cores, outline)
        if score < min_score:
            continue
        grown = across * down * GROWTH / (2 * (across + down))
        corners = cv2.boxPoints((centre, (across + 2 * grown, down + 2 * grown), angle)).astype(np.float64) + 0.5
        found.append((corners, score))
    return found


def framed(corners: Corners, margin: float) -> Corners:
    """A rectangle (4, 2) with every side moved outward by `margin` of its shorter side.

    >>> framed(np.array([[0, 0], [40, 0], [40, 10], [0, 10.0]]), 0.5).tolist()
    [[-5.0, -5.0], [45.0, -5.0], [45.0, 15.0], [-5.0, 15.0]]
    """
    centre = corners.mean(axis=0)
    sides = np.hypot(*(corners - np.roll(corners, 1, axis=0)).T)
    by = margin * min(sides[0], sides[1])
    along, across = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    along = along * (1 + by / max(np.hypot(*along), 1e-6))
    across = across * (1 + by / max(np.hypot(*across), 1e-6))
    grown: Corners = centre + np.stack([-along - across, along - across, along + across, across - along])
    return grown


def _mean_inside(cores: Array, outline: NDArray[np.int32]) -> float:
    x, y, width, height = cv2.boundingRect(outline)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [outline - (x, y)], 1)
    return float(cores[y : y + height, x : x + width][inside.astype(bool)].mean())


def see(image: Image, min_score: float, side: int) -> list[tuple[Corners, float]]:
    """Text of a picture of any size, in its pixels, looked for once whoever asks; see `detect`."""

    def seen() -> list[tuple[Corners, float]]:
        pixels = copy_of(image, side)
        back = np.array([image.width / pixels.shape[1], image.height / pixels.shape[0]])
        return [(corners * back, score) for corners, score in detect(pixels, 0.0, side)]

    return [(corners, score) for corners, score in shared(image, ("text", side), seen) if score >= min_score]


def detect(pixels: Pixels, min_score: float, side: int) -> list[tuple[Corners, float]]:
    """Text of an RGB picture (height, width, 3) that is scaled, up at most twofold, to a longer side of `side`."""
    height, width = pixels.shape[:2]
    scale = min(2.0, side / max(height, width))
    fitted = tuple(max(32, round(length * scale / 32) * 32) for length in (width, height))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, fitted, interpolation=how).astype(np.float32) / 255
    planes = ((small - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None]
    (cores,) = onnx.run(WEIGHTS, {"x": np.ascontiguousarray(planes)})
    back = np.array([width / fitted[0], height / fitted[1]])
    found = [(np.clip(corners * back, 0, [width, height]), score) for corners, score in regions(cores[0, 0], min_score)]
    return [(corners, score) for corners, score in found if np.ptp(corners, axis=0).min() > 0]
