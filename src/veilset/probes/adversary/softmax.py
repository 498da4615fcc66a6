"""Softmax regression, the smallest model worth attacking: convex, exact, trained in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Softmax:
    """Weights (d + 1, k); the last row is the bias."""

    weights: Floats

    def __call__(self, features: Floats) -> Floats:
        """Log probabilities (n, k)."""
        return log_softmax(features @ self.weights[:-1] + self.weights[-1])


def log_softmax(logits: Floats) -> Floats:
    """Log of the softmax by rows.

    >>> np.exp(log_softmax(np.zeros((1, 4)))).round(2).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def train(features: Floats, labels: Integers, classes: int, *, decay: float = 1e-3, steps: int = 200) -> Softmax:
    """Minimise mean cross-entropy + decay / 2 * |weights|^2 (the bias goes free) by L-BFGS.

    *Shapes*: features (n, d), labels (n,) in 0..classes-1.
    """
    from scipy.optimize import minimize

    n, d = features.shape
    target = np.zeros((n, classes))
    target[np.arange(n), labels] = 1

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(d + 1, classes)
        log = log_softmax(features @ weights[:-1] + weights[-1])
        error = (np.exp(log) - target) / n
        slope = np.concatenate([features.T @ error + decay * weights[:-1], error.sum(axis=0)[None]])
        value = -float(log[np.arange(n), labels].mean()) + decay / 2 * float((weights[:-1] ** 2).sum())
        return value, slope.ravel()

    found = minimize(loss, np.zeros((d + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return Softmax(found.x.reshape(d + 1, classes))
