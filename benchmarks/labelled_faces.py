"""The labelled pictures of faces that the benchmarks read, and how they are split."""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

SHRINK = (1, 2, 4)


def data_folder() -> Path:
    """The folder named by VEILSET_DATA, or ../shared/data; ends the program when there is none."""
    folder = Path(os.environ.get("VEILSET_DATA", "../shared/data"))
    if not (folder / "face_mask_boxes" / "boxes.csv").is_file():
        sys.exit(
            f"no labelled pictures: {folder}/face_mask_boxes/boxes.csv is missing; name the folder in VEILSET_DATA"
        )
    return folder


def labelled(part: str) -> dict[Path, np.ndarray]:
    """Every picture of `part` (`face_mask_boxes`, or `people_photos`: recall only) with its boxes (n, 4)."""
    folder = data_folder() / part
    boxes: dict[Path, list[list[float]]] = defaultdict(list)
    name = "boxes.csv" if part == "face_mask_boxes" else "face_boxes.csv"
    with (folder / name).open(newline="") as stream:
        for row in csv.DictReader(stream):
            boxes[folder / "images" / row["file"]].append([float(row[key]) for key in "xywh"])
    return {path: np.array(boxes[path]) for path in sorted(boxes)}


def is_for_tuning(path: Path) -> bool:
    """One half of the pictures, by the hash of the file's name; the other half is only ever reported on."""
    return hashlib.sha256(path.name.encode()).digest()[0] % 2 == 0


def shrunk(path: Path, by: int) -> np.ndarray:
    """RGB pixels, `by` times smaller a side."""
    pixels = cv2.imread(str(path))
    if by > 1:
        size = (round(pixels.shape[1] / by), round(pixels.shape[0] / by))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels[:, :, ::-1])
