"""Is noise in a linear face subspace better than DP-Pix at the same person-level epsilon?

Principal components of ten people of `orl_faces` (below VEILSET_DATA) are taken as public; the other ten are treated.
Plain cosines need no faces at all. All get the same epsilon per face. Usage: python benchmarks/dp_embed.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from dp_faces import attack, operator_of, orl

from veilset.core.interval import clopper_pearson
from veilset.operators.dp_embed import DpEmbed, learned
from veilset.operators.dp_pix import DpPix


def main() -> None:
    """Print error and re-identification for both, at equal epsilon per face."""
    faces, people = orl()
    names = sorted(set(people))
    hidden = np.isin(people, names[10:])
    public, faces, people = faces[~hidden], faces[hidden], people[hidden]
    basis = learned(public[:, :, :, 0], 8)
    file = str(Path(tempfile.mkdtemp()) / "basis.npz")
    np.savez(file, mean=basis.mean, rows=basis.rows, bounds=basis.bounds)
    print(f"{len(faces)} faces of {len(set(people))} people, chance {100 / len(set(people)):.0f} %; intervals 95 %\n")
    print("| treatment | epsilon per face (person level, one picture) | root mean squared error | LDA % |")
    print("|---|---|---|---|")
    for epsilon in (1, 10, 100, 1000):
        tried = {f"faces, {r}": operator_of(DpEmbed(rank=r, epsilon=epsilon, basis=file)) for r in (2, 4, 8)}
        tried |= {f"cosines, {r}": operator_of(DpEmbed(rank=r, epsilon=epsilon)) for r in (4, 16)}
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
