"""A pretrained face embedding, fed with nothing but what lies inside the region found."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels
from veilset.weights import store
from veilset.weights.face_embedding import FaceNetwork, vectors

Floats = NDArray[np.float64]


def canvas(crops: Pixels, place: tuple[int, int, int, int], how: int = cv2.INTER_AREA, *, side: int = 112) -> Pixels:
    """Crops (n, any, any, 3) put at `place` of a network's input of `side` pixels, their edges repeated outward.

    >>> canvas(np.zeros((2, 48, 48, 3), np.uint8), (18, 6, 75, 117)).shape
    (2, 112, 112, 3)
    """
    x, y, width, height = place
    around = (max(0, y), max(0, side - y - height), max(0, x), max(0, side - x - width))
    out = np.empty((len(crops), side, side, 3), dtype=np.uint8)
    for row, crop in enumerate(crops):
        inner = cv2.resize(crop, (width, height), interpolation=how)[max(0, -y) :, max(0, -x) :]
        out[row] = cv2.copyMakeBorder(inner, *around, cv2.BORDER_REPLICATE)[:side, :side]
    return out


def embed(network: FaceNetwork) -> Callable[[Pixels], Floats]:
    """A function from crops (n, side, side, 3) uint8 RGB to unit vectors (n, length), by a pretrained network.

    Raises:
        MissingWeights: The weights are not at hand.
    """
    store.path(network.weights)

    def features(crops: Pixels) -> Floats:
        return vectors(network, canvas(crops, network.place, side=network.side))

    return features
