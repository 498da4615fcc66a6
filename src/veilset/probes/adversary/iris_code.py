"""Iris codes: where the iris is, its ring unrolled, the phase of its texture, and how far two codes lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bits = NDArray[np.bool_]

ROWS, COLUMNS = 16, 256
# Lids and lashes lie above and below: what is encoded is 45 degrees to either side of the horizontal.
SIDES = np.abs(np.sin(2 * np.pi * np.arange(COLUMNS) / COLUMNS)) < np.sin(np.pi / 4)


@dataclass(frozen=True, slots=True)
class Rings:
    """Pupil and iris as two circles about one centre, in pixels."""

    x: float
    y: float
    pupil: float
    iris: float


def rings(eye: NDArray[np.uint8], start: tuple[float, float]) -> Rings:
    """Pupil and iris near `start` (x, y) in a grey eye picture (height, width).

    *Source*: the integro-differential operator of Daugman 1993: the circle across which the mean grey along it grows
    most. The inner circle is sought over the whole turn, the outer one to the sides alone.
    """
    soft = cv2.GaussianBlur(eye, (0, 0), max(1.0, eye.shape[1] / 150)).astype(np.float64)
    reach = min(eye.shape) / 2
    radii = np.arange(max(2.0, reach / 24), reach, max(0.5, reach / 120))
    best = (-np.inf, start[0], start[1], float(radii[0]))
    step = max(1.0, reach / 24)
    for _ in range(3):
        _, cx, cy, _ = best
        for dy in np.arange(-3, 4) * step:
            for dx in np.arange(-3, 4) * step:
                jump = np.diff(_circles(soft, cx + dx, cy + dy, radii, sides=False))
                at = int(np.argmax(jump[: len(jump) * 2 // 3]))
                if jump[at] > best[0]:
                    best = (float(jump[at]), cx + dx, cy + dy, float(radii[at]))
        step /= 3
    _, x, y, pupil = best
    jump = np.diff(_circles(soft, x, y, radii, sides=True))
    # An iris is between 1.25 and 10 times as wide as its pupil.
    jump[(radii[1:] < 1.25 * pupil) | (radii[1:] > 10 * pupil)] = -np.inf
    outer = float(radii[int(np.argmax(jump))]) if np.isfinite(jump).any() else float(radii[-1])
    return Rings(x, y, pupil, outer)


def _circles(picture: Floats, x: float, y: float, radii: Floats, *, sides: bool) -> Floats:
    """Mean grey along circles (radii,), over the whole turn or to the sides alone."""
    angles = 2 * np.pi * np.arange(64) / 64
    if sides:
        angles = angles[np.abs(np.sin(angles)) < np.sin(np.pi / 4)]
    across = (x + radii[:, None] * np.cos(angles)).astype(np.float32)
    down = (y + radii[:, None] * np.sin(angles)).astype(np.float32)
    return np.asarray(cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).mean(axis=1))


def unrolled(eye: NDArray[np.uint8], where: Rings) -> Floats:
    """The ring between pupil and iris as a strip (16, 256): rows from the pupil outward, columns once around.

    *Source*: the rubber sheet of Daugman 1993. The innermost and outermost tenth are left out.
    """
    share = np.linspace(0.1, 0.9, ROWS)[:, None]
    radius = where.pupil + share * (where.iris - where.pupil)
    angles = 2 * np.pi * np.arange(COLUMNS) / COLUMNS
    across = (where.x + radius * np.cos(angles)).astype(np.float32)
    down = (where.y + radius * np.sin(angles)).astype(np.float32)
    strip = cv2.remap(eye.astype(np.float32), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(strip, dtype=float)


def code(strip: Floats, wavelength: float = 16.0) -> Bits:
    """Two bits of phase at each place of a strip (16, 256): (2, 16, 256).

    *Source*: log-Gabor filters along each row, as in the open code of Masek and Kovesi 2003 in place of Daugman's
    two-dimensional Gabor wavelets.

    >>> code(np.random.default_rng(0).random((16, 256))).shape
    (2, 16, 256)
    """
    frequency = np.arange(COLUMNS) / COLUMNS
    with np.errstate(divide="ignore"):
        gabor = np.exp(-(np.log(frequency * wavelength) ** 2) / (2 * np.log(0.5) ** 2))
    gabor[0] = gabor[COLUMNS // 2 + 1 :] = 0  # one-sided: the result is complex, and its phase is the code
    response = np.fft.ifft(np.fft.fft(strip - strip.mean(axis=1, keepdims=True), axis=1) * gabor, axis=1)
    return np.stack([response.real > 0, response.imag > 0])


def apart(one: Bits, many: Bits, turn: int = 8) -> Floats:
    """Share of bits in which a code (2, 16, 256) differs from each of many (n, 2, 16, 256), at the best of small turns.

    Codes of two eyes differ in nearly half of their bits, whatever was turned; a code differs from itself in none.

    >>> codes = np.random.default_rng(0).random((2, 2, 16, 256)) < 0.5
    >>> apart(codes[0], codes).round(1).tolist()
    [0.0, 0.5]
    """
    shifts = range(-turn, turn + 1)
    each = [(np.roll(one, s, axis=-1)[None] ^ many)[..., SIDES].mean(axis=(1, 2, 3)) for s in shifts]
    return np.asarray(np.min(each, axis=0))
