"""Windows of a recording as numbers: level, spread and spectrum of each channel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Signal

Floats = NDArray[np.float64]


def windows(signal: Signal, *, length: float = 2.5, step: float = 1.25, bands: int = 16) -> Floats:
    """Features (windows, channels * (2 + bands)): mean, deviation and log energy in `bands` up to 12.5 Hz.

    *Units*: length and step in seconds. A recording shorter than one window gives none.

    >>> windows(Signal(np.zeros((500, 2)), 100.0)).shape
    (3, 36)
    """
    size, hop = max(8, round(length * signal.rate)), max(1, round(step * signal.rate))
    values = signal.values
    starts = range(0, len(values) - size + 1, hop)
    if not starts:
        return np.empty((0, values.shape[1] * (2 + bands)))
    stack = np.stack([values[i : i + size] for i in starts])
    spectrum = np.abs(np.fft.rfft((stack - stack.mean(axis=1, keepdims=True)) * np.hanning(size)[:, None], axis=1)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / signal.rate)
    edges = np.linspace(0, min(12.5, signal.rate / 2), bands + 1)
    energy = [spectrum[:, (hertz >= low) & (hertz < high + 1e-9)].sum(axis=1) for low, high in pairwise(edges)]
    parts = [stack.mean(axis=1), stack.std(axis=1), *(np.log1p(e) for e in energy)]
    return np.concatenate(parts, axis=1)
