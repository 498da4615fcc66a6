"""A recogniser trained on the set itself: principal components, then Fisher's discriminants, then cosine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projection:
    """A learned map from features (n, d) to unit vectors (n, k)."""

    mean: Floats
    basis: Floats

    def __call__(self, features: Floats) -> Floats:
        """Project and normalise to unit length."""
        out = self.plain(features)
        length = np.linalg.norm(out, axis=1, keepdims=True)
        return np.asarray(out / np.maximum(length, 1e-12))

    def plain(self, features: Floats) -> Floats:
        """Project, lengths kept: the spread within classes is 1 in every direction."""
        return np.asarray((features - self.mean) @ self.basis)


def principal(features: Floats, components: int) -> tuple[Floats, Floats, Floats]:
    """Mean (d,), components (d, k) and their deviations (k,), the largest first, none without spread.

    >>> mean, basis, spread = principal(np.array([[0.0, 0.0], [2.0, 0.0]]), 5)
    >>> basis.shape
    (2, 1)
    """
    mean = features.mean(axis=0)
    centred = features - mean
    n, d = centred.shape
    if n <= d:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        values, vectors = values[::-1], vectors[:, ::-1]
        keep = values > max(values[0], 0) * 1e-9 + 1e-12
        keep[components:] = False
        basis = centred.T @ vectors[:, keep] / np.sqrt(values[keep])
    else:
        values, basis = np.linalg.eigh(centred.T @ centred)
        values, basis = values[::-1], basis[:, ::-1]
        keep = values > max(values[0], 0) * 1e-9 + 1e-12
        keep[components:] = False
        basis = basis[:, keep]
    return mean, np.asarray(basis), np.sqrt(np.maximum(values[keep], 0) / max(n - 1, 1))


def fit(features: Floats, labels: Sequence[str], *, components: int = 120, shrink: float = 0.1) -> Projection:
    """Fisher's discriminants in the space of the principal components (Belhumeur, Hespanha and Kriegman 1997).

    With one example a class there is no spread within classes to learn from, and the components are whitened instead.
    `shrink` mixes the spread within classes with a multiple of the identity.
    """
    mean, basis, spread = principal(features, components)
    if not basis.shape[1]:
        return Projection(mean, np.zeros((features.shape[1], 1)))
    points = (features - mean) @ basis
    names, member = np.unique(np.asarray(labels), return_inverse=True)
    counts = np.bincount(member)
    centres = np.zeros((len(names), points.shape[1]))
    np.add.at(centres, member, points)
    centres /= counts[:, None]
    if len(names) == len(points) or len(names) < 2:
        return Projection(mean, basis / (spread + shrink * spread[0]))
    within = points - centres[member]
    scatter = within.T @ within / max(len(points) - len(names), 1)
    scatter = (1 - shrink) * scatter + shrink * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    values, vectors = np.linalg.eigh(scatter + 1e-12 * np.eye(len(scatter)))
    whiten = vectors / np.sqrt(np.maximum(values, 1e-12))
    _, directions, _ = principal(centres @ whiten, min(len(names) - 1, whiten.shape[1]))
    return Projection(mean, basis @ whiten @ directions)


def class_centres(vectors: Floats, labels: Sequence[str], names: Sequence[str]) -> Floats:
    """Mean vector of each class in the order of `names`, of unit length."""
    member = np.asarray(labels)
    centres = np.stack([vectors[member == name].mean(axis=0) for name in names])
    return np.asarray(centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12))
