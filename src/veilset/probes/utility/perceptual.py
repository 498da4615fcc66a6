"""Perceptual distance: how far two pictures lie apart in the layers of a network that was trained to tell objects."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels
from veilset.weights import onnx, store

Floats = NDArray[np.float64]

NETWORK = "mobilenet_v2"
SIDE = 224
# One layer at each of five scales: 112, 56, 28, 14 and 7 places a side.
LAYERS = ("Relu6__5:0", "Relu6__15:0", "Relu6__30:0", "Relu6__55:0", "Relu6__90:0")


def distances(before: Sequence[Pixels], after: Sequence[Pixels]) -> Floats:
    """Distance (n,) of each pair of pictures of one size (height, width, 3) uint8: 0 for the same, to about 1.

    Pictures are brought to 224 x 224. In each layer the vector of channels at every place is brought to unit length;
    the squared differences are averaged over places, and these means over the layers.

    *Source*: Zhang, Isola, Efros, Shechtman and Wang 2018, equation 1, with all weights equal (their baseline without
    calibration) and MobileNet-V2 in place of AlexNet: figures are not comparable with published LPIPS.

    Raises:
        MissingWeights: The weights are not at hand.
    """
    store.path(NETWORK)
    return np.array([_distance(one, two) for one, two in zip(before, after, strict=True)])


def inside(before: Pixels, after: Pixels, region: NDArray[np.bool_], most: int = 3) -> float:
    """Mean distance of the `most` largest connected parts of a region (height, width), each with its surrounding box."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    parts = sorted(stats[1:].tolist(), key=lambda row: -row[4])[:most]
    cuts = [(slice(y, y + high), slice(x, x + wide)) for x, y, wide, high, _ in parts]
    return float(distances([before[cut] for cut in cuts], [after[cut] for cut in cuts]).mean())


def _distance(one: Pixels, two: Pixels) -> float:
    both = np.stack([_fitted(one), _fitted(two)])
    layers = onnx.run(NETWORK, {"image": both}, LAYERS, taps=LAYERS)
    return float(np.mean([_apart(layer.astype(np.float64)) for layer in layers]))


def _fitted(pixels: Pixels) -> NDArray[np.float32]:
    way = cv2.INTER_AREA if min(pixels.shape[:2]) >= SIDE else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(pixels), (SIDE, SIDE), interpolation=way)
    return np.asarray(small, dtype=np.float32)


def _apart(layer: Floats) -> float:
    """Mean over places of the squared distance of two layers (2, channels, height, width), channels of unit length."""
    unit = layer / np.maximum(np.linalg.norm(layer, axis=1, keepdims=True), 1e-9)
    return float(((unit[0] - unit[1]) ** 2).sum(axis=0).mean() / 2)
