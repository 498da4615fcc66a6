"""Faces found in pictures of 12 megapixels: the labelled pictures laid side by side, saved as JPEG and read back.

    python benchmarks/face_sizes.py [--half report|tune|all] [--finest 7 ...]

How long a large picture takes is bounded, so its smallest faces are given up: this shows which. A mosaic holds 80 labelled
pictures at their own size. Recall at overlap 0.4, by the side of the face in pixels of the large picture; intervals are
Clopper-Pearson at 95 %. Times are in `detector_times.py`. `--finest` sets `finest_megapixels`, several to compare.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from face_recall import DETECTORS, judged, show
from labelled_faces import is_for_tuning, labelled

from veilset.core.sample import Sample
from veilset.data.folder import Folder
from veilset.detectors.face import Face
from veilset.probes.utility.detection_quality import by_size

WIDTH, HEIGHT, CELL = 4000, 3000, 400


def mosaics(half: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pixels in OpenCV's order, and boxes (n, 4); what a cell of 400 pixels does not hold is left out, face and all."""
    wanted = {"report": (False,), "tune": (True,), "all": (False, True)}[half]
    pictures = [(path, boxes) for path, boxes in labelled("face_mask_boxes").items() if is_for_tuning(path) in wanted]
    across, down = WIDTH // CELL, HEIGHT // CELL
    for start in range(0, len(pictures), across * down):
        canvas, truth = np.full((HEIGHT, WIDTH, 3), 114, np.uint8), []
        for cell, (path, boxes) in enumerate(pictures[start : start + across * down]):
            pixels = cv2.imread(str(path))[:CELL, :CELL]
            top, left = (cell // across) * CELL, (cell % across) * CELL
            canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
            inside = (boxes[:, 0] + boxes[:, 2] <= pixels.shape[1]) & (boxes[:, 1] + boxes[:, 3] <= pixels.shape[0])
            truth.append(boxes[inside] + [left, top, 0, 0])
        yield canvas, np.concatenate(truth)


def ours(sample: Sample, **settings: object) -> np.ndarray:
    """Our detector, on the file."""
    rows = [(f.where.bounds(), f.score) for f in Face(**settings).find(sample)]
    return np.array([[b.x, b.y, b.x + b.width, b.y + b.height, score] for b, score in rows]).reshape(-1, 5)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("report", "tune", "all"), default="report")
    parser.add_argument("--finest", type=float, nargs="*", default=[Face().finest_megapixels])
    options = parser.parse_args()
    cv2.setNumThreads(1)
    ways: dict[str, Callable[[Sample], np.ndarray]] = {
        name: partial(lambda look, sample: look(sample.image.pixels), DETECTORS[name])
        for name in ("CenterFace x1 (0.2)", "YuNet x1 (0.5)", "UltraFace RFB-640 (0.7)")
    }
    ways |= {f"veilset face, finest_megapixels {n:g}": partial(ours, finest_megapixels=n) for n in options.finest}
    ways["veilset face, quick"] = partial(ours, effort="quick")
    rows: dict[str, list] = {name: [] for name in ways}
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for pixels, truth in mosaics(options.half):
            count += 1
            cv2.imwrite(str(Path(folder) / "mosaic.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
            source = Folder(folder)
            (ref,) = source.refs()
            for name, find in ways.items():
                rows[name].append(judged(find(source.load(ref)), truth))
    show(
        f"{count} mosaics of 12 megapixels, {options.half} half",
        {name: by_size(found) for name, found in rows.items()},
        with_false=True,
    )


if __name__ == "__main__":
    main()
