"""Drawn eyes with irises of known texture: the same person again is turned, lit and grained anew."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def iris_texture(person: int, rows: int = 16, columns: int = 256) -> NDArray[np.float64]:
    """The planted texture (rows, columns), in grey values about 0: waves of all lengths that only this person has.

    >>> iris_texture(3).shape
    (16, 256)
    """
    rng = np.random.default_rng([11, person])
    waves = rng.normal(0, 1, (rows, columns))
    waves = cv2.GaussianBlur(np.tile(waves, (1, 3)), (0, 0), sigmaX=3, sigmaY=1.2)[:, columns : 2 * columns]
    return np.asarray(28 * waves / waves.std())


def drawn_eye(
    person: int, shot: int, *, diameter: float = 130.0, size: tuple[int, int] = (200, 300)
) -> NDArray[np.uint8]:
    """A grey-brown eye (height, width, 3): sclera, iris of `diameter` pixels, pupil, lids, a glint.

    `shot` moves, turns, lights and grains it; the texture stays the person's.

    >>> drawn_eye(1, 0).shape
    (200, 300, 3)
    """
    rng = np.random.default_rng([12, person, shot])
    high, wide = size
    cx, cy = wide / 2 + rng.uniform(-8, 8), high / 2 + rng.uniform(-5, 5)
    outer = diameter / 2
    inner = outer * rng.uniform(0.36, 0.44)
    texture, turn = iris_texture(person), rng.uniform(-0.06, 0.06)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float64)
    radius, angle = np.hypot(x - cx, y - cy), np.arctan2(y - cy, x - cx) + turn
    row = (radius - inner) / max(outer - inner, 1e-6) * len(texture)
    column = np.mod(angle, 2 * np.pi) / (2 * np.pi) * texture.shape[1]
    padded = np.concatenate([texture, texture[:, :1]], axis=1)
    sampled = cv2.remap(
        padded, column.astype(np.float32), np.clip(row, 0, len(texture) - 1).astype(np.float32), cv2.INTER_LINEAR
    )
    picture = np.where(radius < outer, 105 + sampled, 215.0)
    picture = np.where(radius < inner, 25.0, picture)
    lids = np.abs(y - high / 2) > outer * 0.82 * np.sqrt(np.clip(1 - ((x - wide / 2) / (wide * 0.47)) ** 2, 0, 1))
    picture = np.where(lids, 170.0, picture)
    picture = np.where(np.hypot(x - cx + inner * 0.3, y - cy + inner * 0.3) < inner * 0.15, 250.0, picture)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.8) * rng.uniform(0.9, 1.1) + rng.normal(0, 2, picture.shape)
    return np.asarray(np.clip(picture[:, :, None] * np.array([1.0, 0.95, 0.9]), 0, 255), dtype=np.uint8)
