"""Structural similarity of two pictures, as a map and over scales."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Plane = NDArray[np.uint8]

WINDOW = 11
SIGMA = 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST = WINDOW * 2 ** (len(SCALES) - 1)


def ssim_maps(one: NDArray[np.float32], two: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """SSIM and its contrast-structure factor at every pixel of two planes (height, width) with values 0 to 255.

    Gaussian window of 11 pixels and sigma 1.5, borders mirrored.

    *Source*: Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment (2004), equation 13.
    """

    def mean(plane: NDArray[np.float64]) -> Floats:
        soft: Floats = cv2.GaussianBlur(plane, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT)
        return soft

    x, y = one.astype(np.float64), two.astype(np.float64)
    mx, my = mean(x), mean(y)
    variance = mean(x * x) + mean(y * y) - mx * mx - my * my
    structure = (2 * (mean(x * y) - mx * my) + C2) / (variance + C2)
    return (2 * mx * my + C1) / (mx * mx + my * my + C1) * structure, structure


def ssim_map(one: Plane, two: Plane) -> Floats:
    """SSIM (height, width) of two pictures (height, width, 3) uint8, mean of the channels.

    Where two pictures agree, so does their SSIM: only the window around what differs is computed.

    >>> import numpy as np
    >>> ssim_map(np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4, 3), np.uint8)).tolist()[0]
    [1.0, 1.0, 1.0, 1.0]
    """
    result = np.ones(one.shape[:2])
    differs = (one != two).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return result
    window = tuple(slice(max(0, int(at[0]) - WINDOW), int(at[-1]) + WINDOW + 1) for at in (rows, columns))
    channels = [
        ssim_maps(one[window][:, :, c].astype(np.float32), two[window][:, :, c].astype(np.float32))[0] for c in range(3)
    ]
    result[window] = np.mean(channels, axis=0)
    return result


def ms_ssim(one: Plane, two: Plane) -> float:
    """SSIM over five scales of the luminance of two pictures (height, width, 3) uint8, at least 176 pixels a side.

    *Source*: Wang, Simoncelli and Bovik, Multi-scale Structural Similarity (2003), equation 7. Negative factors, which
    have no fractional power, count as zero.
    """
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    x, y = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in (one, two))
    product = 1.0
    for number, weight in enumerate(SCALES):
        full, structure = ssim_maps(x, y)
        last = number == len(SCALES) - 1
        product *= max(0.0, float((full if last else structure).mean())) ** weight
        x, y = _halved(x), _halved(y)
    return product


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    even = plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]
    quarter = np.float32(0.25)
    return (even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]) * quarter
