"""Fit the numbers of `veilset/detectors/document.py` on drawings laid into one half of the photographs.

    python benchmarks/fit_documents.py

The other half of the photographs (`detectors_recall.py documents`) is never read here. A quadrilateral that overlaps the
drawing by 0.7 is a document; all others, in the photographs with a drawing and without, are not.
"""

from __future__ import annotations

import cv2
import numpy as np
from drawn_documents import PAPER, backgrounds, composites
from fit_face_fusion import logistic

from veilset.core.sample import Image
from veilset.detectors.document import apart, see
from veilset.detectors.quadrilaterals import NUMBERS, overlap


def main() -> None:
    """Print the constants, and what they find at several scores in the half they were fitted on."""
    cv2.setNumThreads(1)
    seen = []
    for kind, pixels, truth in composites(PAPER, fitting=True, turns=2):
        quads, numbers = see(Image(pixels))
        seen.append((kind, quads, numbers, np.array([overlap(quad, truth) for quad in quads])))
    for path in backgrounds(fitting=True):
        quads, numbers = see(Image(cv2.imread(str(path))[:, :, ::-1]))
        seen.append(("", quads, numbers, np.zeros(len(quads))))
    x = np.concatenate([numbers for _, _, numbers, _ in seen])
    y = np.concatenate([near >= 0.7 for _, _, _, near in seen]).astype(float)
    spread = x.std(axis=0)
    weights = logistic(x / spread, y)
    weights[1:] /= spread
    print(f"CONSTANT = {weights[0]:.4f}")
    print(f"WEIGHTS = {tuple(round(float(one), 4) for one in weights[1:])}")
    print(f"# {NUMBERS}, {len(y)} quadrilaterals, {int(y.sum())} documents")
    for least in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7):
        hits = drawings = false = bare = 0
        for kind, quads, numbers, near in seen:
            scores = 1 / (1 + np.exp(-(numbers @ weights[1:] + weights[0])))
            kept = [number for number in apart(quads, scores) if scores[number] >= least]
            drawings, bare = drawings + bool(kind), bare + (not kind)
            hits += bool(kind) and any(near[number] >= 0.5 for number in kept)
            false += 0 if kind else len(kept)
        print(f"# score {least}: {hits}/{drawings} found, {false / bare:.2f} false a bare picture")


if __name__ == "__main__":
    main()
