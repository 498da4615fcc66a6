"""What repeated releases and the frames of a scene give away together: "Several views" in docs/explanation/attacks.md.

Faces of Labelled Faces in the Wild (`lfw_subset`), found by YuNet, released N times with fresh noise and with a
detector's box that moves from release to release; and the videos of `video_clips`, whose frames are treated one by
one. Needs VEILSET_DATA and VEILSET_WEIGHTS. Same seed, same tables.

    python benchmarks/fusion.py [--people N] [--releases 1 4 16]
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Operator, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.data.frames import Frames
from veilset.detectors.face import Face
from veilset.operators.dp_pix import DpPix
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate
from veilset.operators.snow import Snow
from veilset.probes.attack.fuse import Fuse

AROUND = 24
OPERATORS: Mapping[str, Operator] = {
    "mosaic 24 x 24 px": Pixelate(cells=1000, floor=24, grow=0),
    "mosaic 32 x 32 px": Pixelate(cells=1000, floor=32, grow=0),
    "snow, 1 % of the pixels shown": Snow(delta=0.01, pixels=1, grow=0),
    "dp_pix, eps 0.1 per 16 px": DpPix(block=16, epsilon=0.1, pixels=16, grow=0),
    "dp_pix, eps 0.5 per face": DpPix(block=16, epsilon=0.5, pixels="face", grow=0),
    "mask": Mask(grow=0),
}


def faces(folder: Path, most: int) -> Iterator[tuple[str, np.ndarray, Box]]:
    """The middle face of each picture, cut out with some room around it."""
    detect = Face(model="yunet", effort="quick", min_score=0.5)
    with (folder / "images.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] == "many"][:most]
    for row in rows:
        path = next(p for p in (folder / row["file"], folder / "images" / row["file"]) if p.is_file())
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        boxes = [f.where.bounds() for f in detect.find(Sample(row["file"], Image(pixels)))]
        if not boxes:
            continue
        box = min(boxes, key=lambda b: abs(b.x + b.width / 2 - 125) + abs(b.y + b.height / 2 - 125))
        x, y = max(0, int(box.x) - AROUND), max(0, int(box.y) - AROUND)
        near = pixels[y : int(box.y + box.height) + AROUND, x : int(box.x + box.width) + AROUND]
        yield row["file"], np.ascontiguousarray(near), Box(box.x - x, box.y - y, box.width, box.height)


def released(people: list[tuple[str, np.ndarray, Box]], operator: Operator, times: int) -> Case:
    """Each face `times` over; the box is a little larger than the face, and moves by up to 8 pixels."""
    pairs = []
    rng = np.random.default_rng(0)
    for name, pixels, box in people:
        sample = Sample(name, Image(pixels))
        made = []
        for number in range(times):
            dx, dy = rng.integers(-8, 9, 2)
            where = Box(box.x + dx - 8, box.y + dy - 8, box.width + 16, box.height + 16)
            found = (Finding("face", where, 1.0, "benchmark"),)
            made.append(operator.apply(sample, found, noise=SeededNoise(f"{name} {number}")).sample)
        pairs.append(Pair(sample, made[0], (Finding("face", box, 1.0, "benchmark"),), tuple(made[1:])))
    return Case(pairs, Knowledge({"face": operator}))


def noise_alone(people: list[tuple[str, np.ndarray, Box]], times: int) -> Case:
    """The control: every release shows noise that does not depend on the picture."""
    rng = np.random.default_rng(1)
    pairs = []
    for name, pixels, box in people:
        made = [Sample(name, Image(rng.integers(0, 256, pixels.shape, dtype=np.uint8))) for _ in range(times)]
        found = (Finding("face", box, 1.0, "benchmark"),)
        pairs.append(Pair(Sample(name, Image(pixels)), made[0], found, tuple(made[1:])))
    return Case(pairs)


def clip(path: Path, operator: Operator) -> Case:
    """Every frame treated by itself, with the boxes that the detector finds in that frame."""
    detect = Face(model="yunet", effort="quick", min_score=0.5)
    source = Frames(str(path), most=48)
    pairs = []
    for ref in source.refs():
        sample = source.load(ref)
        found = detect.find(sample)
        after = operator.apply(sample, found, noise=SeededNoise(ref.name)).sample if found else sample
        pairs.append(Pair(sample, after, tuple(found)))
    return Case(pairs, Knowledge({"face": operator}))


def cell(one: Measurement, digits: int = 2) -> str:
    """A value and its interval."""
    return f"{one.value:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"


def row(name: str, views: str, case: Case) -> None:
    """One line of a table."""
    try:
        found = {m.name: m for m in Fuse().run(case, rng=np.random.default_rng(0))}
    except Unsupported as error:
        print(f"| {name} | {views} | {error.message} |||||", flush=True)
        return
    single, fused, gain = found["identity_single"], found["identity_fused"], found["psnr_gain"]
    both = f"{found['psnr_single'].value:.1f} | {found['psnr_fused'].value:.1f}"
    guess = f"{single.chance:.3f}"
    print(f"| {name} | {views} | {guess} | {cell(single)} | {cell(fused)} | {both} | {cell(gain)} |", flush=True)


def main() -> None:
    """Both tables."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--people", type=int, default=300)
    asked.add_argument("--releases", type=int, nargs="+", default=[2, 4, 16])
    settings = asked.parse_args()
    root = Path(os.environ["VEILSET_DATA"])
    people = list(faces(root / "lfw_subset", settings.people))
    print(f"\n{len(people)} faces; half of them are attacked\n")
    print("| treatment | releases | a guess | from one | from all | dB one | dB all | dB won |")
    print("|---|---|---|---|---|---|---|---|")
    for name, operator in OPERATORS.items():
        for times in settings.releases:
            row(name, str(times), released(people, operator, times))
    for times in settings.releases:
        row("noise, whatever the picture", str(times), noise_alone(people, times))
    print("\n| video, treatment | frames | a guess | from one | from all | dB one | dB all | dB won |")
    print("|---|---|---|---|---|---|---|---|")
    for path in sorted((root / "video_clips").glob("*.mp4")):
        if path.stem.startswith("one-by-one"):
            continue  # faces of a few pixels, which the detector does not follow
        for name in ("mosaic 24 x 24 px", "dp_pix, eps 0.1 per 16 px", "mask"):
            row(f"{path.stem}, {name}", "up to 24", clip(path, OPERATORS[name]))


if __name__ == "__main__":
    main()
