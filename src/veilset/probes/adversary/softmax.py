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


def train_privately(
    features: Floats,
    labels: Integers,
    classes: int,
    *,
    noise: float,
    rng: np.random.Generator,
    clip: float = 1.0,
    steps: int = 40,
    rate: float = 2.0,
) -> Softmax:
    """Gradient descent over all samples, each gradient clipped to `clip`, Gaussian noise of `noise` * clip on their sum.

    *Shapes*: as `train`. **Guarantee**: mu-Gaussian differential privacy with mu = sqrt(steps) / noise, for one sample
    added or removed, when the noise is secret; here it is seeded, since the model only stands for one that is attacked.

    *Source*: DP-SGD of Abadi et al. 2016 without sampling; composition of Dong, Roth and Su 2022.
    """
    n, d = features.shape
    target = np.zeros((n, classes))
    target[np.arange(n), labels] = 1
    rows = np.concatenate([features, np.ones((n, 1))], axis=1)
    weights, length = np.zeros((d + 1, classes)), np.linalg.norm(rows, axis=1)
    for _ in range(steps):
        error = np.exp(log_softmax(rows @ weights)) - target
        # One sample's gradient is an outer product, whose norm is the product of the norms.
        shrink = np.minimum(1, clip / np.maximum(length * np.linalg.norm(error, axis=1), 1e-12))
        total = rows.T @ (error * shrink[:, None]) + rng.normal(0, noise * clip, weights.shape)
        weights = weights - rate * total / n
    return Softmax(weights)
