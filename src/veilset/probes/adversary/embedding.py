"""A pretrained face embedding, fed with nothing but what lies inside the region found."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels
from veilset.weights import onnx, store

Floats = NDArray[np.float64]

NETWORK = "mobileface_v2"

# Where a detector's box lies in the 112 x 112 template that the network was trained on: x, y, width, height. Least
# squares over the five points of 150 faces of LFW in YuNet's boxes; the chin reaches below the template.
PLACE = (18, 6, 75, 117)


def canvas(crops: Pixels, place: tuple[int, int, int, int] = PLACE, how: int = cv2.INTER_AREA) -> Pixels:
    """Crops (n, side, side, 3) put at `place` of a network's 112 x 112 input, their edges repeated outward.

    >>> canvas(np.zeros((2, 48, 48, 3), np.uint8)).shape
    (2, 112, 112, 3)
    """
    x, y, width, height = place
    around = (y, max(0, 112 - y - height), x, max(0, 112 - x - width))
    out = np.empty((len(crops), 112, 112, 3), dtype=np.uint8)
    for row, crop in enumerate(crops):
        inner = cv2.resize(crop, (width, height), interpolation=how)
        out[row] = cv2.copyMakeBorder(inner, *around, cv2.BORDER_REPLICATE)[:112, :112]
    return out


def embed(batch: int = 16, network: str = NETWORK) -> Callable[[Pixels], Floats]:
    """A function from crops (n, side, side, 3) uint8 RGB to unit vectors (n, 256).

    Raises:
        MissingWeights: The weights are not at hand.
    """
    store.path(network)

    def features(crops: Pixels) -> Floats:
        faces = canvas(crops).transpose(0, 3, 1, 2).astype(np.float32)
        parts = [onnx.run(network, {"data": faces[i : i + batch]})[0] for i in range(0, len(faces), batch)]
        vectors = np.concatenate(parts).astype(float)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))

    return features
