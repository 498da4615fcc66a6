"""Utility for eyes and for motion, on real data: the tables "Eyes" and "Motion" of docs/explanation/utility.md.

Reads `eye_strips_lfw` and `sisfall` below VEILSET_DATA. Same seed, same tables.

    python benchmarks/eyes_and_motion.py [eyes] [drawn] [motion]
"""

from __future__ import annotations

import csv
import os
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Operator, Pair
from veilset.core.sample import Image, Sample, Signal
from veilset.core.where import Box
from veilset.operators.blur import Blur
from veilset.operators.dp_pix import DpPix
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate
from veilset.probes.adversary.eyes import eyes_of, pupil_centre
from veilset.probes.attack.iris import Iris
from veilset.probes.utility.activity import Activity
from veilset.probes.utility.landmarks import Landmarks
from veilset.testing.drawn_eyes import drawn_eye

EYES: Mapping[str, Operator | None] = {
    "as it is": None,
    "blur, sigma 3 px": Blur(strength=0.0001, floor=3, grow=0),
    "blur, sigma 8 px": Blur(strength=0.0001, floor=8, grow=0),
    "mosaic 8 x 8 px": Pixelate(cells=1000, floor=8, grow=0),
    "mosaic 16 x 16 px": Pixelate(cells=1000, floor=16, grow=0),
    "dp_pix, eps 1 per 16 px": DpPix(block=8, epsilon=1, pixels=16, grow=0),
    "mask": Mask(grow=0),
}
ACTIVITIES = {"D01": "walking", "D02": "walking", "D03": "jogging", "D04": "jogging", "D05": "stairs", "D06": "stairs"}
RATE = 50.0


def cell(one: Measurement) -> str:
    """A value and its interval."""
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def strips(folder: Path) -> list[tuple[str, str, np.ndarray]]:
    """Person, name and pixels of each strip with two eyes."""
    with (folder / "images.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = []
    for row in rows:
        path = next(p for p in (folder / row["file"], folder / "images" / row["file"]) if p.is_file())
        found.append((row["identity"], row["file"], cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)))
    return found


def treated(pictures: list[tuple[str, str, np.ndarray]], operator: Operator | None, *, halves: bool) -> Case:
    """A case of eyes: each half of a strip, or each whole picture, is one eye."""
    pairs = []
    for who, name, pixels in pictures:
        high, wide = pixels.shape[:2]
        boxes = (
            [Box(0, 0, wide // 2, high), Box(wide // 2, 0, wide - wide // 2, high)]
            if halves
            else [Box(0, 0, wide, high)]
        )
        found = tuple(Finding("eye", box, 1.0, "benchmark") for box in boxes)
        sample = Sample(name, Image(pixels), subjects=frozenset([who]))
        after = operator.apply(sample, found, noise=SeededNoise(name)).sample if operator else sample
        pairs.append(Pair(sample, after, found))
    return Case(pairs, Knowledge({"eye": operator} if operator else {}))


def pupils(pictures: list[tuple[str, str, np.ndarray]]) -> None:
    """How far the pupil finder is from the eye points that the strips were levelled by, 80 pixels apart."""
    known = ((40.0, 32.0), (120.0, 32.0))
    away = []
    for _, name, pixels in pictures:
        sample = Sample(name, Image(pixels))
        for (before, _), (x, y), left in zip(eyes_of(Pair(sample, sample), "eye"), known, (0, 80), strict=True):
            at = pupil_centre(before)
            away.append(float(np.hypot(at[0] + left - x, at[1] - y)) / 80)
    shares = ", ".join(f"{np.mean(np.array(away) <= bound):.2f} within {bound:g}" for bound in (0.05, 0.1, 0.25))
    print(
        f"pupil finder against the eye points, in eye distances: median {np.median(away):.3f}; {shares}\n", flush=True
    )


def eyes(root: Path) -> None:
    """Strips from photographs of faces."""
    pictures = strips(root / "eye_strips_lfw")
    print(f"\n## Eyes: {len(pictures)} strips\n")
    pupils(pictures)
    print("| treatment | pupil kept | a fixed guess | moved (widths) | region matched | a guess | iris code |")
    print("|---|---|---|---|---|---|---|")
    for name, operator in EYES.items():
        case = treated(pictures, operator, halves=True)
        found = {m.name: m for m in Landmarks(limit=300).run(case, rng=np.random.default_rng(0))}
        kept, match = found["pupil_kept"], found["region_match"]
        row = [name, cell(kept), f"{kept.chance:.2f}", f"{found['displacement'].value:.3f}", cell(match)]
        print(f"| {' | '.join(row)} | {match.chance:.3f} | {iris(case)} |", flush=True)


def drawn(_root: Path) -> None:
    """Drawn eyes that are large enough for an iris code: 130 pixels across the iris."""
    pictures = [(f"p{p}", f"{p}-{shot}", drawn_eye(p, shot)) for p in range(30) for shot in range(2)]
    print("\n| treatment of drawn eyes | pupil kept | a fixed guess | iris code matched | rank-1 | bits that differ |")
    print("|---|---|---|---|---|---|")
    for name, operator in EYES.items():
        case = treated(pictures, operator, halves=False)
        kept = Landmarks().run(case, rng=np.random.default_rng(0))[0]
        found = {m.name: m for m in Iris().run(case, rng=np.random.default_rng(0))}
        cells = [
            cell(kept),
            f"{kept.chance:.2f}",
            cell(found["matched"]),
            cell(found["rank1"]),
            f"{found['distance'].value:.2f}",
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def iris(case: Case) -> str:
    """What the iris probe says of these pictures."""
    try:
        return cell(Iris(limit=40).run(case, rng=np.random.default_rng(0))[0])
    except Unsupported as error:
        return error.message.partition(";")[0]


def recordings(folder: Path) -> list[Sample]:
    """Accelerometer and gyroscope of walking, jogging and stairs at 50 Hz, in g and hundreds of degrees a second."""
    found = []
    with zipfile.ZipFile(folder / "sisfall_subset.zip") as archive:
        for name in sorted(archive.namelist()):
            stem = Path(name).stem
            activity = ACTIVITIES.get(stem[:3])
            if activity is None or not name.endswith(".txt"):
                continue
            text = archive.read(name).decode("latin-1").replace(";", "")
            raw = np.array(
                [line.split(",") for line in text.split() and text.splitlines() if line.strip()], dtype=float
            )
            values = np.concatenate([raw[:, :3] * 32 / 8192, raw[:, 3:6] * 4000 / 65536 / 100], axis=1)
            whole = values[: len(values) // 4 * 4].reshape(-1, 4, 6).mean(axis=1)
            labels = {"activity": activity}
            found.append(Sample(stem, Signal(whole, RATE), frozenset([stem.split("_")[1]]), labels))
    return found


def noise_of(scale: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """Gaussian noise of so many times each channel's spread."""
    return lambda values, rng: values + rng.normal(0, 1, values.shape) * values.std(axis=0) * scale


MOTION: Mapping[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "as it is": lambda values, _: values,
    "rounded to 1 spread": lambda values, _: np.round(values / values.std(axis=0)) * values.std(axis=0),
    "noise, 1 spread": noise_of(1.0),
    "noise, 5 spreads": noise_of(5.0),
    "noise alone": lambda values, rng: rng.normal(0, 1, values.shape),
}


def motion(root: Path) -> None:
    """Trained on treated, tested on clean recordings of other people; every class; and whose recording it was."""
    samples = recordings(root / "sisfall")
    print(f"\n## Motion: {len(samples)} recordings of {len({min(s.subjects) for s in samples})} people\n")
    print("| treatment | kept | treated | clean | jogging | stairs | walking | whose it was | a guess |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, treat in MOTION.items():
        rng = np.random.default_rng(0)
        pairs = [Pair(s, s.with_media(Signal(treat(s.media.values, rng), RATE))) for s in samples]  # type: ignore[union-attr]
        found = Activity().run(Case(pairs), rng=np.random.default_rng(0))
        by = {(m.name, m.group): m for m in found}
        parts = [cell(by[key, ""]) for key in ("kept", "accuracy_treated", "accuracy_clean")]
        parts += [f"{by['recall', activity].value:.2f}" for activity in ("jogging", "stairs", "walking")]
        who = by["identity", ""]
        print(f"| {name} | {' | '.join(parts)} | {cell(who)} | {who.chance:.3f} |", flush=True)


def main() -> None:
    """What was asked for, or all."""
    root = Path(os.environ["VEILSET_DATA"])
    for name, run in (("eyes", eyes), ("drawn", drawn), ("motion", motion)):
        if name in sys.argv[1:] or len(sys.argv) == 1:
            run(root)


if __name__ == "__main__":
    main()
