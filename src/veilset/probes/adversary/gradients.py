"""Histograms of oriented gradients: what a picture is like without brightness, colour or any training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels
from veilset.probes.adversary.crops import grey

Floats = NDArray[np.float64]


def oriented(crops: Pixels, side: int = 48, cells: int = 8, bins: int = 9) -> Floats:
    """Unit vectors (n, cells * cells * bins) of crops (n, s, s, 3): gradient strength by place and direction.

    *Source*: Dalal and Triggs 2005, unsigned directions, without overlapping blocks.

    >>> oriented(np.zeros((2, 48, 48, 3), np.uint8)).shape
    (2, 576)
    """
    pictures = grey(crops, side).reshape(-1, side, side)
    down, across = np.gradient(pictures, axis=1), np.gradient(pictures, axis=2)
    strength, angle = np.hypot(down, across), np.mod(np.arctan2(down, across), np.pi)
    which = np.minimum((angle / np.pi * bins).astype(int), bins - 1)
    size = side // cells
    out = np.zeros((len(pictures), cells, cells, bins))
    for one in range(bins):
        kept = np.where(which == one, strength, 0)[:, : cells * size, : cells * size]
        out[..., one] = kept.reshape(-1, cells, size, cells, size).sum(axis=(2, 4))
    rows = np.sqrt(out).reshape(len(pictures), -1)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3))
