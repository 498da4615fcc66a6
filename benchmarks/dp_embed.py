"""Is noise in a linear face subspace better than DP-Pix at the same person-level epsilon?

Principal components of ten people of `orl_faces` (below VEILSET_DATA) are taken as public; the other ten are treated.
Coefficients are clipped to the public 99th percentile and get discrete Laplace noise on a grid, epsilon split evenly.
Both get epsilon per face. Usage: python benchmarks/dp_embed.py
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from dp_faces import attack, operator_of, orl

from veilset.core.interval import clopper_pearson
from veilset.core.noise import SystemNoise
from veilset.dp.laplace import discrete_laplace
from veilset.operators.dp_pix import DpPix


def subspace(public: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (pixels,), components (rank, pixels) and clipping bounds (rank,) of public faces."""
    flat = public[:, :, :, 0].reshape(len(public), -1).astype(float)
    mean = flat.mean(axis=0)
    parts = np.linalg.svd(flat - mean, full_matrices=False)[2][:rank]
    return mean, parts, np.ceil(np.quantile(np.abs((flat - mean) @ parts.T), 0.99, axis=0))


def embed(public: np.ndarray, rank: int, epsilon: int) -> Callable[[np.ndarray], np.ndarray]:
    """Clipped integer coefficients with noise: one face changes coefficient i by at most 2 bounds[i]."""
    mean, parts, bounds = subspace(public, rank)

    def treat(face: np.ndarray) -> np.ndarray:
        codes = np.rint(np.clip((face[:, :, 0].ravel() - mean) @ parts.T, -bounds, bounds)).astype(np.int64)
        for i, bound in enumerate(bounds):
            codes[i] += discrete_laplace(SystemNoise(), Fraction(2 * int(bound) * rank, epsilon), 1)[0]
        back = np.clip(mean + np.clip(codes, -bounds, bounds) @ parts, 0, 255).reshape(face.shape[:2])
        return np.repeat(np.rint(back).astype(np.uint8)[:, :, None], 3, axis=2)

    return treat


def main() -> None:
    """Print error and re-identification for both, at equal epsilon per face."""
    faces, people = orl()
    names = sorted(set(people))
    hidden = np.isin(people, names[10:])
    public, faces, people = faces[~hidden], faces[hidden], people[hidden]
    print(f"{len(faces)} faces of {len(set(people))} people, chance {100 / len(set(people)):.0f} %; intervals 95 %\n")
    print("| treatment | epsilon per face (person level, one picture) | root mean squared error | LDA % |")
    print("|---|---|---|---|")
    for epsilon in (1, 10, 100, 1000):
        tried = {f"subspace of {rank}": embed(public, rank, epsilon) for rank in (2, 4, 8)}
        for block in (16, 32, 56):
            tried[f"DP-Pix {block}"] = operator_of(DpPix(block=block, epsilon=epsilon, grey=True))
        for name, treat in tried.items():
            error = np.sqrt(np.mean([(treat(f).astype(float) - f) ** 2 for f in faces]))
            hits = attack(faces, people, treat, True)["LDA"]
            low, high = clopper_pearson(hits, len(faces))
            share = f"{100 * hits / len(faces):.0f} ({100 * low:.0f} to {100 * high:.0f})"
            print(f"| {name} | {epsilon} | {error:.1f} | {share} |", flush=True)


if __name__ == "__main__":
    main()
