"""The way back from treated pictures, learned as a linear map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.probes.adversary.recogniser import principal

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Restoration:
    """A learned linear map from treated pictures (n, d) to originals (n, d)."""

    treated_mean: Floats
    weights: Floats
    clean_mean: Floats
    clean_basis: Floats

    def __call__(self, treated: Floats) -> Floats:
        """Restore; values may leave the range of the originals."""
        return np.asarray(self.clean_mean + (treated - self.treated_mean) @ self.weights @ self.clean_basis.T)


def learn_restoration(treated: Floats, clean: Floats, *, components: int = 150, copies: int = 1) -> Restoration:
    """The best linear guess of the original, by ridge regression between principal components.

    The originals' components are the prior: what comes out is always a mixture of what such pictures look like. The
    strength of the ridge is chosen by the error on originals left out, so noise makes the guess shrink to the mean.
    With `copies`, the rows are so many treatments of the same originals, one block after another.
    """
    treated_mean, treated_basis, _ = principal(treated, components)
    clean_mean, clean_basis, _ = principal(clean, components)
    if not treated_basis.shape[1] or not clean_basis.shape[1]:
        nothing = np.zeros((treated.shape[1], 1)), clean_mean, np.zeros((clean.shape[1], 1))
        return Restoration(treated_mean, *nothing)
    source, target = (treated - treated_mean) @ treated_basis, (clean - clean_mean) @ clean_basis
    strengths = np.linalg.norm(source, 2) ** 2 * np.logspace(-7, 3, 21)
    fold = np.arange(len(source)) % (len(source) // copies) % 4
    errors = np.zeros(len(strengths))
    for left_out in range(4):
        kept, tested = fold != left_out, fold == left_out
        if kept.any() and tested.any():
            for i, weights in enumerate(_ridges(source[kept], target[kept], strengths)):
                errors[i] += float(np.sum((target[tested] - source[tested] @ weights) ** 2))
    best = _ridges(source, target, strengths[[int(np.argmin(errors))]])[0]
    return Restoration(treated_mean, treated_basis @ best, clean_mean, clean_basis)


def _ridges(source: Floats, target: Floats, strengths: Floats) -> list[Floats]:
    """Ridge regression at every strength, from one decomposition."""
    left, singular, right = np.linalg.svd(source, full_matrices=False)
    turned = left.T @ target
    return [(right.T * (singular / (singular**2 + s))) @ turned for s in strengths]
