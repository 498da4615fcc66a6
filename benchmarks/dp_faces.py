"""Who is seen after differentially private treatment? Re-identification by an attacker retrained on treated faces.

Reads `orl_faces` and `lfw_subset` below VEILSET_DATA. The attacker knows the operator and its settings, treats every
training face several times with noise of its own, and is judged on faces it has not seen, five folds in turn.
Usage: python benchmarks/dp_faces.py [orl] [lfw]
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from veilset.core.finding import Finding
from veilset.core.interval import clopper_pearson
from veilset.core.noise import SystemNoise
from veilset.core.sample import Image, Sample
from veilset.core.where import Whole
from veilset.dp.cells import cells_of
from veilset.operators.dp_pix import DpPix, fill
from veilset.operators.dp_samp import DpSamp
from veilset.operators.dp_svd import DpSvd
from veilset.operators.snow import Snow

DATA = Path(os.environ.get("VEILSET_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
COPIES = 4


def orl() -> tuple[np.ndarray, np.ndarray]:
    """(faces, 112, 92, 3) and the person of each."""
    files = sorted((DATA / "orl_faces").glob("s*/*.pgm"))
    return np.stack([cv2.imread(str(f)) for f in files]), np.array([f.parent.name for f in files])


def lfw() -> tuple[np.ndarray, np.ndarray]:
    """(faces, 112, 112, 3) and the person of each, for people with eight pictures or more."""
    folder = DATA / "lfw_subset"
    with (folder / "images.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["kind"] == "many"]
    faces = [cv2.cvtColor(cv2.imread(str(folder / row["file"])), cv2.COLOR_BGR2RGB)[69:181, 69:181] for row in rows]
    return np.stack(faces), np.array([row["identity"] for row in rows])


def operator_of(op: object) -> Callable[[np.ndarray], np.ndarray]:
    """The operator as a function of one face."""
    findings = (Finding("face", Whole(), 1.0, "benchmark"),)
    return lambda face: op.apply(Sample("f", Image(face)), findings, noise=SystemNoise()).sample.image.pixels


def mosaic(face: np.ndarray) -> np.ndarray:
    """Plain pixelation with cells of 16."""
    return fill(cells_of(face, [np.ones(face.shape[:2], bool)], 16), face.shape[:2], 16, "none")


def rows(pixels: int, grey: bool) -> list[tuple[str, str, str, bool, Callable[[np.ndarray], np.ndarray]]]:
    """Name, nominal claim, the same per face, whether it is random, treatment."""
    listed: list = [
        ("clean", "-", "-", False, lambda face: face),
        ("pixelate 16", "-", "none", False, mosaic),
        ("blur, sigma 8", "-", "none", False, lambda face: cv2.GaussianBlur(face, (0, 0), 8)),
    ]
    for epsilon in (0.1, 0.5, 1.0):
        op = DpPix(block=16, epsilon=epsilon, pixels=16, grey=grey)
        listed.append(("DP-Pix 16", f"{epsilon:g} / 16 pixels", f"{epsilon * pixels / 16:.4g}", True, operator_of(op)))
    for epsilon in (0.1, 1.0):
        op = DpPix(block=4, epsilon=epsilon, pixels=16, grey=grey, smooth="blur")
        listed.append(("DP-Blur 4", f"{epsilon:g} / 16 pixels", f"{epsilon * pixels / 16:.4g}", True, operator_of(op)))
    for epsilon in (1, 10, 100, 1000):
        op = DpPix(block=16, epsilon=epsilon, pixels="face", grey=grey)
        listed.append(("DP-Pix 16", f"{epsilon} / face", f"{epsilon}", True, operator_of(op)))
    for delta in (0.1, 0.5):
        op = Snow(delta=delta, pixels=1)
        listed.append(("Snow", f"0, delta {delta:g} / 1 pixel", "0, delta 1.0", True, operator_of(op)))
    listed.extend(
        ("DP-SVD 4", f"{epsilon:g} / distance 1", "none", True, operator_of(DpSvd(4, epsilon)))
        for epsilon in (0.1, 0.5)
    )
    for epsilon in (1.0, 4.0):
        samples = -(-pixels // 64)
        op = DpSamp(block=8, epsilon=epsilon, pixels=1)
        listed.append(("DP-Samp 8", f"{epsilon:g} / 1 pixel", f"about {epsilon * samples:.4g}", True, operator_of(op)))
    return listed


def features(faces: np.ndarray) -> np.ndarray:
    """Grey, 28 pixels wide and high, as vectors in 0..1."""
    small = [cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), (28, 28), interpolation=cv2.INTER_AREA) for f in faces]
    return np.stack(small).reshape(len(faces), -1) / 255.0


def attackers() -> dict:
    """Two classifiers, trained anew for every treatment."""
    return {
        "LDA": lambda: make_pipeline(
            PCA(60, random_state=0), LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
        ),
        "SVM": lambda: make_pipeline(
            PCA(60, whiten=True, random_state=0), LinearSVC(C=0.01, random_state=0, max_iter=5000)
        ),
    }


def attack(faces: np.ndarray, people: np.ndarray, treat: Callable, random: bool) -> dict[str, int]:
    """Faces recognised, by attacker, over five folds."""
    released = features(np.stack([treat(face) for face in faces]))
    copies = [features(np.stack([treat(face) for face in faces])) for _ in range(COPIES if random else 1)]
    hits = dict.fromkeys(attackers(), 0)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(faces, people):
        seen = np.concatenate([copy[train] for copy in copies])
        names = np.tile(people[train], len(copies))
        for name, make in attackers().items():
            hits[name] += int((make().fit(seen, names).predict(released[test]) == people[test]).sum())
    return hits


def main(sets: list[str]) -> None:
    """Print one table for each set of faces."""
    for name in sets:
        faces, people = {"orl": orl, "lfw": lfw}[name]()
        pixels, grey = faces.shape[1] * faces.shape[2], name == "orl"
        print(f"\n{name}: {len(faces)} faces of {len(set(people))} people, {faces.shape[2]} x {faces.shape[1]}, "
              f"{'grey' if grey else 'colour'}; chance {100 / len(set(people)):.1f} %; attacker retrained, "
              f"{COPIES} noisy copies of each training face; intervals 95 % Clopper-Pearson\n")  # fmt: skip
        print("| treatment | epsilon / unit (nominal) | epsilon per face (person level, one picture) | LDA % | SVM % |")
        print("|---|---|---|---|---|")
        for title, nominal, person, random, treat in rows(pixels, grey):
            hits = attack(faces, people, treat, random)
            cells = []
            for count in hits.values():
                low, high = clopper_pearson(count, len(faces))
                cells.append(f"{100 * count / len(faces):.1f} ({100 * low:.1f} to {100 * high:.1f})")
            print(f"| {title} | {nominal} | {person} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["orl", "lfw"])
