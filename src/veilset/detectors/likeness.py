"""Whether two pictures of different sizes are the same one: how they differ in brightness, and what detail one lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels

Grey = NDArray[np.float32]
_SIDE = 64
_BLOCK = 8
LARGEST = 512
"""The longest side at which two pictures are compared."""
_ALIGNED = 192
_STEPS = 30
_WINDOW = 0.03
# Detail of so many grey levels tells one part of a picture from another; below it, coding noise speaks.
_TEXTURE = 6.0
_USUAL = 2.5
_BLURRED = 2


def difference(main: Pixels, hidden: Pixels) -> float:
    """How differently two pictures look at their most different place, in [0, 1].

    Both are shrunk to 64 x 64 grey pixels and matched in mean and, within a factor of two, in contrast; the score is the
    largest mean difference over an 8 x 8 block, since a face that one of them hides is a small part of it. The hidden
    picture is tried in all eight orientations, as it is and without its black bars; the best fit counts.

    *Shapes and units*: both (height, width, 3) uint8 RGB.

    >>> ramp = np.tile(np.arange(96, dtype=np.uint8)[None, :, None], (96, 1, 3))
    >>> difference(ramp, ramp[::2, ::2]) < 0.02
    True
    """
    return _best(main, hidden)[0]


def compared(main: Pixels, hidden: Pixels) -> tuple[float, float]:
    """`difference`, and `lost_detail` in the orientation that fits best."""
    apart, view = _best(main, hidden)
    return apart, lost_detail(main, view)


def lost_detail(main: Pixels, hidden: Pixels) -> float:
    """Grey levels of detail that `hidden` shows somewhere and `main` does not, beyond what they differ by everywhere.

    A blurred or pixelated face keeps its brightness and loses its detail, so `difference` overlooks it. Both pictures are
    brought to the smaller one's size (512 pixels at most) and onto one another; in a window of 3 % of the side, the detail
    of one that is no linear function of the other's is what was lost. Twice and a half its median over all textured
    windows is taken off: another sharpening, coding or tone curve changes detail everywhere alike.

    *Shapes and units*: both (height, width, 3) uint8 RGB, upright alike; grey levels of 255, negative when nothing is lost.

    >>> grain = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    >>> covered = grain.copy()
    >>> covered[20:40, 20:40] = 128
    >>> lost_detail(grain, grain) < 0 < lost_detail(covered, grain)
    True

    *Source*: unexplained variance of a local linear regression, elementary; alignment by Evangelidis and Psarakis (2008).
    """
    import cv2

    height, width = hidden.shape[:2]
    scale = min(1.0, LARGEST / max(height, width), max(main.shape[:2]) / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    own, other = (_softened(cv2.resize(_grey(one), size, interpolation=cv2.INTER_AREA)) for one in (main, hidden))
    own = _onto(own, other)
    reach = max(2.0, _WINDOW * max(size))

    def mean(values: Grey) -> Grey:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), reach), dtype=np.float32)

    own_mean, other_mean = mean(own), mean(other)
    own_spread, other_spread = mean(own * own) - own_mean**2, mean(other * other) - other_mean**2
    joint = mean(own * other) - own_mean * other_mean
    lost = np.sqrt(np.maximum(other_spread - joint**2 / (np.maximum(own_spread, 0) + 4), 0))
    edge = int(reach) if min(size) > 4 * int(reach) else 0
    inner = np.s_[edge : size[1] - edge, edge : size[0] - edge]
    lost, textured = lost[inner], other_spread[inner] > _TEXTURE**2
    usual = lost[textured] if textured.sum() > 16 else lost
    return float(lost.max() - _USUAL * np.median(usual))


def _onto(own: Grey, other: Grey) -> Grey:
    """`own` shifted and stretched a little, so that it lies on `other`; as it is where nothing fits better."""
    import cv2

    scale = min(1.0, _ALIGNED / max(own.shape))
    size = (max(8, round(own.shape[1] * scale)), max(8, round(own.shape[0] * scale)))
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (other, own)]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, 1e-4)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(small[0], small[1], start, cv2.MOTION_AFFINE, stop, None, 5)
    except cv2.error:
        # Nothing in common, or nothing to hold on to: such pictures are compared as they lie.
        return own
    if np.abs(found[:, :2] - np.eye(2)).max() > 0.1 or np.abs(found[:, 2]).max() > 0.1 * max(size):
        return own
    found[:, 2] *= own.shape[1] / size[0]
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(own, found, own.shape[::-1], flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _best(main: Pixels, hidden: Pixels) -> tuple[float, Pixels]:
    """The least difference over all views of `hidden`, and that view."""
    wanted = _small(_at_most(main))
    # Squares turn as the pictures that they were made from do.
    scored = [
        (_largest_block(wanted, turned), number, whole)
        for whole in _with_and_without_bars(_at_most(hidden))
        for number, turned in enumerate(_views(_small(whole)))
    ]
    apart, number, whole = min(scored, key=lambda one: one[:2])
    return apart, list(_views(whole))[number]


def _at_most(pixels: Pixels) -> Pixels:
    import cv2

    scale = LARGEST / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _grey(pixels: Pixels) -> Grey:
    return np.asarray(pixels.mean(axis=2, dtype=np.float32), dtype=np.float32)


def _softened(grey: Grey) -> Grey:
    import cv2

    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.8), dtype=np.float32)


def _small(pixels: Pixels) -> Grey:
    import cv2

    small = cv2.resize(_grey(pixels), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), dtype=np.float32)


def _views(pixels: NDArray[Any]) -> Iterable[NDArray[Any]]:
    for base in (pixels, pixels[:, ::-1]):
        for turns in range(4):
            yield np.rot90(base, turns)


def _with_and_without_bars(pixels: Pixels) -> Iterable[Pixels]:
    """A thumbnail of 4:3 pads other shapes with black above and below, or left and right; a dark scene looks the same."""
    yield pixels
    bright = pixels.max(axis=2) > 24
    rows, columns = np.flatnonzero(bright.mean(axis=1) > 0.02), np.flatnonzero(bright.mean(axis=0) > 0.02)
    if min(len(rows), len(columns)) < 16 or (len(rows), len(columns)) == bright.shape:
        return
    inner = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    yield inner
    # Coding blurs the edge of a bar over two more lines.
    above, left = (_BLURRED * (len(found) < side) for found, side in zip((rows, columns), bright.shape, strict=True))
    yield inner[above : inner.shape[0] - above, left : inner.shape[1] - left]


def _largest_block(first: Grey, second: Grey) -> float:
    spread = float(second.std())
    # A picture that was painted over has no contrast to match: then the other one's must not vanish as well.
    gain = min(2.0, max(0.5, float(first.std()) / spread)) if spread > 1 else 1.0
    matched = (second - second.mean()) * gain + first.mean()
    blocks = np.abs(first - matched).reshape(_SIDE // _BLOCK, _BLOCK, _SIDE // _BLOCK, _BLOCK).mean(axis=(1, 3))
    return float(min(1.0, blocks.max() / 255))
