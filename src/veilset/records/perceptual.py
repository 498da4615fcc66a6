"""A perceptual hash: the signs of a picture's coarse structure, alike after re-encoding, resizing and mirroring."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting

SIDE = 32
KEPT = 8
_FLAT = 2.0


def perceptual_hash(pixels: NDArray[np.uint8]) -> int | None:
    """A 64-bit hash of RGB pixels (height, width, 3); None for a picture without structure, which would match all such.

    The grey picture is averaged to 32 x 32, transformed by a two-dimensional DCT-II, and each of the 8 x 8 lowest
    coefficients gives one bit: whether it exceeds the median of all of them but the mean.

    *Source*: the scheme known as pHash (Zauner 2010, section 3.2.1), with exact area averaging in place of a filtered
    resize, so that it does not depend on a library's resampling.

    >>> coarse = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    >>> picture = np.repeat(np.repeat(coarse, 40, axis=0), 32, axis=1)[:, :, None].repeat(3, axis=2)
    >>> perceptual_hash(picture) == perceptual_hash(np.ascontiguousarray(picture[::2, ::2]))
    True
    """
    coefficients = _coefficients(pixels)
    return None if coefficients is None else _bits(coefficients)


def perceptual_hashes(pixels: NDArray[np.uint8]) -> tuple[int, ...]:
    """Hashes of the picture in its eight mirrorings and quarter turns, itself first; empty when it has no structure.

    A mirroring changes the sign of every odd coefficient of its axis, a transposition transposes them: one transform
    serves all eight.
    """
    coefficients = _coefficients(pixels)
    if coefficients is None:
        return ()
    signs = np.where(np.arange(KEPT) % 2, -1.0, 1.0)
    flips = (np.ones(KEPT), signs)
    ways = itertools.product((coefficients, coefficients.T), flips, flips)
    return tuple(_bits(turned * rows[:, None] * columns[None, :]) for turned, rows, columns in ways)


def distances(query: int, known: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many of 64 bits differ from each known hash (n,)."""
    differing: NDArray[np.uint8] = np.bitwise_count(known ^ np.uint64(query))
    return differing


def _bits(coefficients: NDArray[np.float64]) -> int:
    flat = coefficients.ravel()
    above = flat > np.median(flat[1:])
    above[0] = False  # the mean brightness says nothing about the structure
    return int.from_bytes(np.packbits(above).tobytes(), "big")


def _coefficients(pixels: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise BadSetting(f"a perceptual hash needs (height, width, 3) uint8, got {pixels.dtype} {pixels.shape}")
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    small = _averaging(grey.shape[0]) @ grey @ _averaging(grey.shape[1]).T
    if small.std() < _FLAT:
        return None
    transform = _cosines()
    kept: NDArray[np.float64] = transform @ small @ transform.T
    return kept


@lru_cache(maxsize=8)
def _averaging(length: int) -> NDArray[np.float64]:
    """Weights (32, length) that average a line over 32 equal stretches, pixels on a border shared by overlap."""
    edges = np.arange(SIDE + 1) * length / SIDE
    starts = np.arange(length)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    weights: NDArray[np.float64] = np.clip(overlap, 0, None) * SIDE / length
    return weights


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float64]:
    """The first 8 rows of the orthonormal DCT-II of length 32."""
    rows: NDArray[np.float64] = np.cos(
        np.pi * np.arange(KEPT)[:, None] * (2 * np.arange(SIDE) + 1) / (2 * SIDE)
    ) * np.sqrt(2 / SIDE)
    rows[0] /= np.sqrt(2)
    return rows
