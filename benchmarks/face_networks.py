"""Which of the two pretrained face networks recognises more in treated pictures: a table of docs/explanation/attacks.md.

Reads `lfw_subset` below VEILSET_DATA; 50 people with four pictures each. Same pictures, same seed, same table.

    python benchmarks/face_networks.py
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Operator, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors import yunet
from veilset.operators.blur import Blur
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate
from veilset.probes.attack.reidentify import Reidentify

FOLDER = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "lfw_subset"
NETWORKS = ("mobileface_v2", "dlib_resnet_v1")
TREATMENTS: dict[str, Operator | None] = {
    "none": None,
    "mosaic, 8 px": Pixelate(cells=1000, floor=8, grow=0),
    "mosaic, 16 px": Pixelate(cells=1000, floor=16, grow=0),
    "blur, a fifth of the face": Blur(grow=0),
    "mask": Mask(grow=0),
}


def faces() -> list[tuple[Sample, Finding]]:
    """200 pictures with the face nearest to the middle."""
    by_person: dict[str, list[str]] = defaultdict(list)
    with (FOLDER / "images.csv").open(newline="", encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            by_person[row["identity"]].append(row["file"])
    chosen = []
    for who, files in [(who, files) for who, files in by_person.items() if len(files) >= 4][:50]:
        for file in files[:4]:
            pixels = cv2.cvtColor(cv2.imread(str(FOLDER / file)), cv2.COLOR_BGR2RGB)
            found = yunet.detect(pixels, 0.5).tolist()
            if found:
                x1, y1, x2, y2, _ = min(found, key=lambda b: abs(b[0] + b[2] - 250) + abs(b[1] + b[3] - 250))
                sample = Sample(file, Image(pixels), subjects=frozenset([who]))
                chosen.append((sample, Finding("face", Box(x1, y1, x2 - x1, y2 - y1), 1.0, "yunet")))
    return chosen


def case(known: list[tuple[Sample, Finding]], operator: Operator | None) -> Case:
    """Every picture before and after."""
    pairs = [
        Pair(one, operator.apply(one, (face,), noise=SeededNoise(one.id)).sample if operator else one, (face,))
        for one, face in known
    ]
    return Case(pairs, Knowledge({"face": operator} if operator else {}))


def main() -> None:
    """Print the table."""
    known = faces()
    print(f"{len(known)} pictures of {len({min(one.subjects) for one, _ in known})} people\n")
    print("| treatment | network | naive | parrot | a guess |\n|---|---|---|---|---|")
    for name, operator in TREATMENTS.items():
        given = case(known, operator)
        modes = ("naive", "parrot") if operator else ("naive",)
        for network in NETWORKS:
            probe = Reidentify(recogniser="face", modes=modes, face_network=network)
            found = {one.name: one for one in probe.run(given, rng=np.random.default_rng(0))}
            cells = [found.get(f"rank1_{mode}_face") for mode in ("naive", "parrot")]
            shown = [f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]" if one else "" for one in cells]
            print(f"| {name} | {network} | {' | '.join(shown)} | {cells[0].chance:.3f} |", flush=True)


if __name__ == "__main__":
    main()
