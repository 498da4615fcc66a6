"""Eyes in pictures: which regions hold one, and where its pupil is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.roles import Pair
from veilset.core.sample import Image, Pixels
from veilset.core.where import Box, Mask, Polygon

Floats = NDArray[np.float64]


def pupil_centre(eye: NDArray[np.uint8]) -> tuple[float, float]:
    """Centre (x, y), in pixel indices, of the dark disc in a grey eye picture: where most gradients point away from.

    *Source*: means of gradients (Timm and Barth 2011): the point c that maximises the mean of the squared inner
    products of the unit displacement from c and the unit gradient, weighted by darkness. Searched on a picture of at
    most 48 pixels a side.

    >>> y, x = np.mgrid[0:40, 0:60]
    >>> disc = np.where((x - 36) ** 2 + (y - 18) ** 2 < 81, 20, 200).astype(np.uint8)
    >>> tuple(round(v) for v in pupil_centre(disc))
    (36, 18)
    """
    high, wide = eye.shape
    scale = min(1.0, 48 / max(high, wide))
    small = cv2.resize(eye, (max(8, round(wide * scale)), max(8, round(high * scale))), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small.astype(np.float64), (0, 0), 1.0)
    down, across = np.gradient(smooth)
    strength = np.hypot(across, down)
    strong = strength > strength.mean() + 0.3 * strength.std()
    if not strong.any():
        return (wide - 1) / 2, (high - 1) / 2
    ys, xs = np.nonzero(strong)
    gx, gy = across[strong] / strength[strong], down[strong] / strength[strong]

    def score(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
        dx, dy = xs[None] - columns[:, None], ys[None] - rows[:, None]
        length = np.maximum(np.hypot(dx, dy), 1e-9)
        # Dark inside and bright outside: the gradient points away from the centre, so only outward products count.
        along = np.maximum((dx * gx + dy * gy) / length, 0) ** 2
        return np.asarray(along.mean(axis=1) * (255 - smooth[rows, columns]))

    row, column = 0, 0
    # Every second place first, then all around the best: the score is smooth over more than that.
    for step, reach in ((2, max(small.shape)), (1, 2)):
        rows = np.arange(max(0, row - reach), min(small.shape[0], row + reach + 1), step)
        columns = np.arange(max(0, column - reach), min(small.shape[1], column + reach + 1), step)
        places = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        best = int(np.argmax(score(*places)))
        row, column = int(places[0][best]), int(places[1][best])
    return (column + 0.5) * wide / small.shape[1] - 0.5, (row + 0.5) * high / small.shape[0] - 0.5


def eyes_of(pair: Pair, kind: str) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Each eye of a pair, grey, before and after: regions of `kind`, else the halves of a strip, else the picture.

    A picture at least twice as wide as high is taken as a strip with two eyes.
    """
    if pair.after is None or not isinstance(pair.before.media, Image) or not isinstance(pair.after.media, Image):
        return []
    if pair.after.image.shape != pair.before.image.shape:
        return []
    places = [f.where for f in pair.findings if f.kind == kind]
    boxes = [w.bounds() for w in places if isinstance(w, Box | Polygon | Mask)]
    high, wide = pair.before.image.shape
    if not boxes:
        halves = [Box(0, 0, wide / 2, high), Box(wide / 2, 0, wide / 2, high)]
        boxes = halves if wide >= 2 * high else [Box(0, 0, wide, high)]
    return [(_cut(pair.before.image.pixels, b), _cut(pair.after.image.pixels, b)) for b in boxes]


def _cut(pixels: Pixels, box: Box) -> NDArray[np.uint8]:
    y, x = slice(max(0, int(box.y)), int(box.y + box.height)), slice(max(0, int(box.x)), int(box.x + box.width))
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels[y, x]), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
