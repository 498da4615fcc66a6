"""Recall and false boxes of face detectors by the size of the face, on the labelled pictures.

    python benchmarks/face_recall.py [--deface PYTHON] [--half report|tune|all] [--json FILE]

Faces in the pictures are seldom smaller than 16 pixels, so every picture is also looked at shrunk to a half and to a
quarter: the small classes rest mostly on these copies. Overlap 0.4; intervals are Clopper-Pearson at 95 %. The pictures
hold real faces without a label, so false boxes are too many, for every detector alike. The working point of our own
detector was tuned on the other half (`fit_face_fusion.py`).

deface runs in its own code at its own defaults: `--deface` names a Python in which it is installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from labelled_faces import SHRINK, is_for_tuning, labelled, shrunk

from veilset.core.sample import Image, Sample
from veilset.detectors import centerface, ultraface, yunet
from veilset.detectors.face import Face
from veilset.detectors.fusion import suppress
from veilset.detectors.tiles import look
from veilset.probes.utility.detection_quality import Judged, Row, by_size, judge

IN_DEFACE = """
import contextlib, io, json, sys
import imageio.v2 as imageio
with contextlib.redirect_stdout(io.StringIO()):
    from deface.centerface import CenterFace
    network = CenterFace()
json.dump([network(imageio.imread(name), threshold=0.2)[0].tolist() for name in json.load(sys.stdin)], sys.stdout)
"""


def alone(pixels: np.ndarray, network: str, scale: float, min_score: float) -> np.ndarray:
    """One network at one scale, (n, 5) as corners and score."""
    detect = {"centerface": centerface, "yunet": yunet, "ultraface": ultraface}[network].detect
    return look(pixels, scale, partial(detect, min_score=min_score), tile=2048)


def union(pixels: np.ndarray) -> np.ndarray:
    """Four passes thrown together, duplicates suppressed."""
    passes = [("centerface", 1, 0.2), ("centerface", 2, 0.2), ("yunet", 1, 0.5), ("yunet", 2, 0.5)]
    return suppress(np.concatenate([alone(pixels, *settings) for settings in passes]), 0.3)


def ours(pixels: np.ndarray, **settings: str) -> np.ndarray:
    """Our detector."""
    found = Face(**settings).find(Sample("picture", Image(pixels)))
    return np.array(
        [[f.where.x, f.where.y, f.where.x + f.where.width, f.where.y + f.where.height, f.score] for f in found]
    ).reshape(-1, 5)


DETECTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "CenterFace x1 (0.2)": partial(alone, network="centerface", scale=1, min_score=0.2),
    "CenterFace x2 (0.2)": partial(alone, network="centerface", scale=2, min_score=0.2),
    "YuNet x1 (0.5)": partial(alone, network="yunet", scale=1, min_score=0.5),
    "YuNet x2 (0.5)": partial(alone, network="yunet", scale=2, min_score=0.5),
    "UltraFace RFB-640 (0.7)": partial(alone, network="ultraface", scale=1, min_score=0.7),
    "plain union of the four": union,
    "veilset face": ours,
    "veilset face, quick": partial(ours, effort="quick"),
    "veilset face, CenterFace only": partial(ours, model="centerface"),
    "veilset face, YuNet only": partial(ours, model="yunet"),
}


def one_picture(task: tuple[Path, int]) -> dict[str, np.ndarray]:
    """Every detector on one picture."""
    cv2.setNumThreads(1)
    pixels = shrunk(*task)
    return {name: detect(pixels) for name, detect in DETECTORS.items()}


def by_deface(python: str, tasks: list[tuple[Path, int]]) -> list[np.ndarray] | None:
    """What deface finds, or None where it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, (path, by) in enumerate(tasks):
            names.append(str(path.resolve()))
            if by > 1:
                names[-1] = f"{folder}/{number}.png"
                cv2.imwrite(names[-1], shrunk(path, by)[:, :, ::-1])
        done = subprocess.run(
            [python, "-c", IN_DEFACE], input=json.dumps(names), capture_output=True, text=True, check=False
        )
    if done.returncode:
        return None
    return [np.array(rows, dtype=float).reshape(-1, 5) for rows in json.loads(done.stdout)]


def judged(found: np.ndarray, truth: np.ndarray) -> Judged:
    """Corners matched with truth."""
    return judge(np.column_stack([found[:, :2], found[:, 2:4] - found[:, :2], found[:, 4:]]), truth)


def show(title: str, tables: dict[str, tuple[Row, ...]], *, with_false: bool) -> None:
    """One table in Markdown: recall with interval, and false boxes."""
    parts = [row for row in next(iter(tables.values())) if row.truth]
    print(f"\n**{title}**\n")
    print("| detector | " + " | ".join(f"{row.part} px (n={row.truth})" for row in parts) + " | AP |")
    print("|---|" + "---|" * (len(parts) + 1))
    for name, rows in tables.items():
        cells = []
        for row in rows:
            if row.truth:
                false = f", {row.false} false" if with_false else ""
                cells.append(f"{row.recall:.3f} [{row.recall_low:.3f}, {row.recall_high:.3f}]{false}")
        print(f"| {name} | " + " | ".join(cells) + f" | {rows[-1].average_precision:.3f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deface", default=sys.executable, help="a Python in which deface is installed")
    parser.add_argument("--half", choices=("report", "tune", "all"), default="report")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    wanted = {"report": (False,), "tune": (True,), "all": (False, True)}[options.half]
    masks = {path: boxes for path, boxes in labelled("face_mask_boxes").items() if is_for_tuning(path) in wanted}
    frontal = labelled("people_photos")
    tasks = [(path, by) for path in masks for by in SHRINK] + [(path, 1) for path in frontal]
    with ProcessPoolExecutor(options.workers) as pool:
        found = dict(zip(tasks, pool.map(one_picture, tasks, chunksize=4), strict=True))
    deface = by_deface(options.deface, tasks)
    names = list(DETECTORS)
    if deface is None:
        print("deface is not installed in the Python given by --deface: its row is missing.")
    else:
        names.insert(0, "deface (its defaults)")
        for task, rows in zip(tasks, deface, strict=True):
            found[task]["deface (its defaults)"] = rows
    print(__doc__.split("\n\n", 2)[2])
    everything = {}
    for title, scales in (("Pictures as they are, and shrunk 2 and 4 times", SHRINK), ("Pictures as they are", (1,))):
        tables = {
            name: by_size([judged(found[p, by][name], boxes / by) for p, boxes in masks.items() for by in scales])
            for name in names
        }
        show(f"{title}: {len(masks)} pictures of the {options.half} half", tables, with_false=True)
        everything[title] = {name: [row.to_plain() for row in rows] for name, rows in tables.items()}
    tables = {name: by_size([judged(found[p, 1][name], boxes) for p, boxes in frontal.items()]) for name in names}
    show(f"Clearly frontal faces in {len(frontal)} larger photographs: recall only", tables, with_false=False)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
