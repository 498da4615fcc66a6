"""Networks that turn an upright face into a vector, and what each of them expects: input, alignment, threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import UnknownName
from veilset.weights import onnx, store

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

DEFAULT = "default"


@dataclass(frozen=True, slots=True, eq=False)
class FaceNetwork:
    """One network for faces. Vectors of two networks have nothing to do with each other: never compare them.

    Attributes:
        weights: Key of the weights table.
        side: Rows and columns of its input, RGB from 0 to 255, called `data`.
        template: Where it expects the two eyes, the tip of the nose and the corners of the mouth (5, 2).
        place: Where the box of a face detector lies in the input: x, y, width, height. Parts may lie outside.
        alike: Mean cosine from which two groups of faces are taken for one person; measured, see `Identity`.
    """

    weights: str
    side: int
    template: Floats
    place: tuple[int, int, int, int]
    alike: float


def _points(*pairs: tuple[float, float]) -> Floats:
    points = np.array(pairs)
    points.setflags(write=False)
    return points


# The template of the ArcFace family; the place is by least squares over the five points of 150 faces of LFW in YuNet's
# boxes, the chin reaches below the input.
_ARCFACE = _points((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
_ARCFACE_PLACE = (18, 6, 75, 117)

# dlib's mean face shape of 68 points (`get_face_chip_details`): the six points of each eye averaged, point 30 the tip of the
# nose, points 48 and 54 the corners of the mouth; in a chip of 150 pixels with a padding of 0.25. The place is the mean of
# YuNet's boxes of 818 faces of LFW, aligned so; the forehead reaches above the input.
_DLIB = _points((47.549, 46.599), (100.476, 46.599), (74.013, 76.563), (50.415, 103.023), (97.610, 103.023))
_DLIB_PLACE = (14, -17, 118, 163)

NETWORKS: dict[str, FaceNetwork] = {
    one.weights: one
    for one in (
        FaceNetwork("mobileface_v2", 112, _ARCFACE, _ARCFACE_PLACE, 0.35),
        FaceNetwork("dlib_resnet_v1", 150, _DLIB, _DLIB_PLACE, 0.93),
        FaceNetwork("mobileface_v3", 112, _ARCFACE, _ARCFACE_PLACE, 0.35),
    )
}
PREFERRED, FALLBACK = "mobileface_v2", "dlib_resnet_v1"
MODELS = (DEFAULT, PREFERRED, FALLBACK)


def network_of(model: str = DEFAULT) -> FaceNetwork:
    """The network of this name; by default the preferred one where it is installed, else the one that can be pulled.

    Raises:
        UnknownName: No network for faces has the name.

    >>> network_of("dlib_resnet_v1").side
    150
    """
    if model == DEFAULT:
        model = PREFERRED if store.installed(PREFERRED) else FALLBACK
    if model not in NETWORKS:
        raise UnknownName(f"no network for faces is called {model!r}; known: {DEFAULT}, {', '.join(NETWORKS)}")
    return NETWORKS[model]


def vectors(network: FaceNetwork, faces: Pixels, batch: int = 16) -> Floats:
    """Vectors (n, length) of length 1 of upright faces (n, side, side, 3).

    Raises:
        MissingWeights: The weights are not on this machine.
    """
    parts = []
    for start in range(0, len(faces), batch):
        planes = faces[start : start + batch].transpose(0, 3, 1, 2)
        parts += onnx.run(network.weights, {"data": np.ascontiguousarray(planes, dtype=np.float32)})
    found = np.concatenate(parts).astype(np.float64)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))
