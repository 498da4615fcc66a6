"""What is kept of a picture to know its cropped and treated twins again: a vector to look up, a sketch to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.explicit import MEAN
from veilset.weights import onnx, store

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]
Planes = NDArray[np.float32]

_SEEN = 224
LENGTH = 512
SIDE = 160
_FEATURES = 500
_NARROWEST = 32
_RATIO = 0.8
_TOLERANCE = 3.0
_SMOOTH = 1.2


class Network(NamedTuple):
    """The input of a network and the layer whose features are taken, and what is made of RGB floats (n, 224, 224, 3)."""

    enters: str
    layer: str
    prepared: Callable[[Planes], Planes]


NETWORKS: Mapping[str, Network] = {
    "mobilenet_v2": Network("image", "MobilenetV2/Logits/AvgPool_prequant", lambda rgb: rgb),
    "open_nsfw": Network("input:0", "pool/AvgPool:0", lambda rgb: rgb[..., ::-1] - MEAN),
}
"""By weights, those that find the most first. Any network that was trained to tell pictures apart will do."""


class Sketch(NamedTuple):
    """A unit vector (512,) in half precision, and a grey JPEG of 160 pixels on its longer side; about 5 kB."""

    vector: bytes
    grey: bytes


class Alignment(NamedTuple):
    """How one picture lies on another: points that agree, median correlation of small patches, share covered."""

    points: int
    correlation: float
    covered: float
    mirrored: bool


def installed() -> str:
    """The weights to look with: the best that are at hand; empty when none are."""
    return next((name for name in NETWORKS if store.installed(name)), "")


def sketch(pixels: Pixels, network: str, *, turned: bool) -> Sketch:
    """Of RGB pixels (height, width, 3), with one of `NETWORKS`; vectors of two networks cannot be compared.

    Raises:
        MissingWeights: The network is not installed.
    """
    small = cv2.resize(pixels, (_SEEN, _SEEN), interpolation=cv2.INTER_AREA).astype(np.float32)
    ways = np.stack([np.rot90(small, turns) for turns in range(4 if turned else 1)])
    # The strongest answer over four turns is the same for a turned picture; the network itself overlooks mirroring.
    enters, layer, prepared = NETWORKS[network]
    (features,) = onnx.run(network, {enters: np.ascontiguousarray(prepared(ways))}, [layer], taps=(layer,))
    strongest = features.reshape(len(ways), -1).max(axis=0)
    vector = strongest @ _projection(len(strongest))
    vector /= max(float(np.linalg.norm(vector)), 1e-12)
    coded = cv2.imencode(".jpg", _grey(pixels), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return Sketch(vector.astype(np.float16).tobytes(), coded.tobytes())


def align(one: bytes, other: bytes, *, turned: bool, points: int, correlation: float) -> Alignment | None:
    """How the picture of one grey JPEG lies on another; None when fewer `points` agree, or patches correlate less.

    Corners of both are matched, an affine map is fitted that most matches keep, and what lies on one another is compared
    patch by patch: a face that was masked or blurred spoils few patches, a stranger all of them. Maps that shear, or scale
    by more than 4, are refused; without `turned`, mirrored and turned ones too.

    *Source*: ORB (Rublee et al. 2011), ratio test (Lowe 2004), RANSAC (Fischler, Bolles 1981); normalised
    cross-correlation over patches of a tenth of the picture.
    """
    best = None
    for mirrored in (False, True) if turned else (False,):
        fitted = _fit(_corners(one, mirrored), _corners(other, False), turned)
        if fitted is None or fitted[0] < points or (best is not None and fitted[0] <= best.points):
            continue
        agreement, covered = _agreement(_decoded(one, mirrored), _decoded(other, False), fitted[1])
        if agreement >= correlation:
            best = Alignment(fitted[0], agreement, covered, mirrored)
    return best


def _grey(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    fitted = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    shrunk: Pixels = cv2.resize(grey, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return shrunk


@lru_cache(maxsize=2)
def _projection(length: int) -> NDArray[np.float32]:
    """Keeps distances within a few percent at less than half the length (Johnson, Lindenstrauss 1984)."""
    drawn = np.random.default_rng(0).normal(0, LENGTH**-0.5, (length, LENGTH))
    return drawn.astype(np.float32)


@lru_cache(maxsize=512)
def _decoded(grey: bytes, mirrored: bool) -> Pixels:
    picture: Any = cv2.imdecode(np.frombuffer(grey, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)


@lru_cache(maxsize=4096)
def _corners(grey: bytes, mirrored: bool) -> tuple[Points, Pixels]:
    """Where corners are (n, 2), and what they look like (n, 32)."""
    picture = _decoded(grey, mirrored)
    if min(picture.shape) < _NARROWEST:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    finder = cv2.ORB.create(_FEATURES, 1.2, 8, edgeThreshold=8, patchSize=21, fastThreshold=5)
    places, looks = finder.detectAndCompute(picture, None)
    if looks is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    return np.array([place.pt for place in places], np.float32), looks


def _fit(one: tuple[Points, Pixels], other: tuple[Points, Pixels], turned: bool) -> tuple[int, Points] | None:
    """Corners that agree with the best plausible affine map (2, 3) of one picture onto another, and the map."""
    if min(len(one[0]), len(other[0])) < 4:
        return None
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(one[1], other[1], k=2)
    clear = [pair[0] for pair in found if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
    if len(clear) < 4:
        return None
    here = one[0][[match.queryIdx for match in clear]]
    there = other[0][[match.trainIdx for match in clear]]
    fitted, agree = cv2.estimateAffine2D(here, there, ransacReprojThreshold=_TOLERANCE, maxIters=500, confidence=0.99)
    if fitted is None or not _plausible(fitted[:, :2], turned):
        return None
    kept = agree[:, 0] > 0
    # Several corners in one place are one piece of evidence.
    apart = (len(np.unique(np.round(places[kept] / 2), axis=0)) for places in (here, there))
    return min(apart), fitted


def _plausible(linear: NDArray[np.float64], turned: bool) -> bool:
    stretch = np.linalg.svd(linear, compute_uv=False)
    if np.linalg.det(linear) <= 0 or stretch[0] > 4 or stretch[1] < 0.25 or stretch[0] > 1.5 * stretch[1]:
        return False
    return turned or bool(linear[0, 0] > abs(linear[1, 0]) * 3)


def _agreement(one: Pixels, other: Pixels, fitted: Points) -> tuple[float, float]:
    """(median correlation of patches with any structure, share of `other` that is covered)."""
    height, width = other.shape
    # Both are smoothed, since a map that is half a pixel off would tear fine structure apart.
    moved = cv2.GaussianBlur(cv2.warpAffine(one, fitted, (width, height)).astype(np.float32), (0, 0), _SMOOTH)
    still = cv2.GaussianBlur(other.astype(np.float32), (0, 0), _SMOOTH)
    inside = cv2.warpAffine(np.full_like(one, 255), fitted, (width, height)) > 250
    covered = float(inside.mean())
    side = max(8, min(height, width) // 10)
    whole = cv2.erode(inside.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    mean_moved, mean = (cv2.boxFilter(values, -1, (side, side)) for values in (moved, still))
    spread_moved = cv2.boxFilter(moved * moved, -1, (side, side)) - mean_moved**2
    spread = cv2.boxFilter(still * still, -1, (side, side)) - mean**2
    joint = cv2.boxFilter(moved * still, -1, (side, side)) - mean_moved * mean
    telling = whole & ((spread_moved > 9) | (spread > 9))
    if covered < 0.05 or telling.sum() < 30:
        return 0.0, covered
    correlation = joint / np.sqrt(np.maximum(spread_moved, 1) * np.maximum(spread, 1))
    return min(1.0, float(np.median(correlation[telling]))), covered
