"""Which treatment stops which adversary, on real faces: prints the tables of docs/explanation/attacks.md.

Reads `orl_faces` and `lfw_subset` below VEILSET_DATA, face weights below VEILSET_WEIGHTS. Same seed, same table.

    python benchmarks/attack_ladder.py [--quick] [--only orl lfw control text orl-networks lfw-networks]

Networks (they need torch) learn for at most 300 steps, however long that takes, so that their tables do not depend on
what else the machine does.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Operator, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.operators.blur import Blur
from veilset.operators.dp_pix import DpPix
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate
from veilset.operators.snow import Snow
from veilset.probes.attack.canary import Canary
from veilset.probes.attack.deobfuscate import Deobfuscate
from veilset.probes.attack.interpolate import Interpolate
from veilset.probes.attack.recover_text import RecoverText
from veilset.probes.attack.reidentify import Reidentify

OPERATORS: dict[str, Operator] = {
    "mosaic 16 x 16 px": Pixelate(cells=1000, floor=16, grow=0),
    "mosaic, 8 cells a face": Pixelate(grow=0),
    "blur, sigma 8 px": Blur(strength=0.0001, floor=8, grow=0),
    "blur, a fifth of the face": Blur(grow=0),
    "snow, half the pixels": Snow(delta=0.5, pixels=1, grow=0),
    "dp_pix, eps 1 per 16 px": DpPix(block=16, epsilon=1, pixels=16, grow=0),
    "dp_pix, eps 0.1 per 16 px": DpPix(block=16, epsilon=0.1, pixels=16, grow=0),
    "dp_pix, eps 0.5 per face": DpPix(block=16, epsilon=0.5, pixels="face", grow=0),
    "mask": Mask(grow=0),
}

TABLES = ("orl", "lfw", "control", "text", "orl-networks", "lfw-networks")
DEEP = ("mosaic 16 x 16 px", "dp_pix, eps 0.5 per face", "blur, a fifth of the face", "dp_pix, eps 1 per 16 px")
STEPS = 300


def orl(folder: Path) -> Iterator[tuple[str, str, np.ndarray, Box]]:
    """Whole pictures: they hold hardly more than the face."""
    for path in sorted(folder.glob("s*/*.pgm")):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        yield (
            path.parent.name,
            path.name,
            np.repeat(grey[:, :, None], 3, axis=2),
            Box(0, 0, grey.shape[1], grey.shape[0]),
        )


def lfw(folder: Path) -> Iterator[tuple[str, str, np.ndarray, Box]]:
    """People with 8 to 10 pictures; faces as the face detector finds them, the one nearest to the middle."""
    from veilset.detectors.face import Face

    detect = Face(model="yunet", min_score=0.5)
    with (folder / "images.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] == "many"]
    for row in rows:
        path = next(p for p in (folder / row["file"], folder / "images" / row["file"]) if p.is_file())
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        boxes = [f.where.bounds() for f in detect.find(Sample(row["file"], Image(pixels)))]
        if boxes:
            middle = min(boxes, key=lambda b: abs(b.x + b.width / 2 - 125) + abs(b.y + b.height / 2 - 125))
            yield row["identity"], row["file"], pixels, middle


def treated(people: Sequence[tuple[str, str, np.ndarray, Box]], operator: Operator) -> Case:
    """The case of a release made with `operator`, the adversary knowing it."""
    pairs = []
    for who, name, pixels, box in people:
        sample = Sample(f"{who}/{name}", Image(pixels), subjects=frozenset([who]))
        found = (Finding("face", box, 1.0, "benchmark"),)
        pairs.append(Pair(sample, operator.apply(sample, found, noise=SeededNoise(sample.id)).sample, found))
    return Case(pairs, Knowledge({"face": operator}))


def best(found: dict[str, object], mode: str, *, but: str = "") -> object | None:
    """The strongest recogniser of a mode, one of them left out."""
    those = [m for n, m in found.items() if n.startswith(f"rank1_{mode}") and not (but and n.endswith(but))]
    return max(those, key=lambda m: m.value, default=None)


def cell(one: object | None) -> str:
    """A value and its interval; a dash for what could not run."""
    return "-" if one is None else f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def faces(title: str, people: Sequence[tuple[str, str, np.ndarray, Box]], *, quick: bool) -> None:
    """One table."""
    count = len({who for who, *_ in people})
    print(f"\n### {title}: {len(people)} pictures of {count} people, rank-1, a guess reaches {1 / count:.3f}\n")
    head = ("treatment", "naive, face network", "naive, any", "parrot", "restore")
    print("| " + " | ".join((*head, "dB restored", "dB between", "epsilon at least")) + " |")
    print("|---|---|---|---|---|---|---|---|")
    for name, operator in OPERATORS.items():
        case = treated(people, operator)
        found = {m.name: m for m in Reidentify(network_steps=0).run(case, rng=np.random.default_rng(0))}
        probe = Deobfuscate(iterated=0 if quick else 16, network_steps=0)
        back = {m.name: m for m in probe.run(case, rng=np.random.default_rng(0))}
        gains = [m for n, m in back.items() if n.startswith("psnr_gain")]
        between = {m.name: m for m in Interpolate(limit=40).run(case, rng=np.random.default_rng(0))}
        bound = Canary(canaries=100).run(case, rng=np.random.default_rng(0))[0]
        row = [
            name,
            cell(found["rank1_naive_face"]) if "rank1_naive_face" in found else "no weights",
            *(cell(best(found, mode)) for mode in ("naive", "parrot", "restore")),
            f"{max(m.value for m in gains):+.1f}",
            f"{between['psnr_gain'].value:+.1f}",
            f"{bound.value:.2f}",
        ]
        print("| " + " | ".join(row) + " |", flush=True)


def networks(title: str, people: Sequence[tuple[str, str, np.ndarray, Box]]) -> None:
    """Networks trained on the set itself, beside the linear attacks that hold the same pictures."""
    count = len({who for who, *_ in people})
    print(f"\n### {title}, networks: {len(people)} pictures of {count} people, a guess reaches {1 / count:.3f}\n")
    head = ("treatment", "parrot, linear", "parrot, own network", "network restores, any recognises")
    print("| " + " | ".join((*head, "dB, linear", "dB, network", "its twins found, network", "a guess")) + " |")
    print("|---|---|---|---|---|---|---|---|")
    deep = {"network_steps": STEPS, "network_seconds": 36_000.0}
    for name in DEEP:
        case = treated(people, OPERATORS[name])
        probe = Reidentify(modes=("parrot", "rebuild"), **deep)
        found = {m.name: m for m in probe.run(case, rng=np.random.default_rng(0))}
        back = {m.name: m for m in Deobfuscate(iterated=0, **deep).run(case, rng=np.random.default_rng(0))}
        row = [
            name,
            cell(best(found, "parrot", but="network")),
            cell(found["rank1_parrot_network"]),
            cell(best(found, "rebuild")),
            f"{back['psnr_gain_learned_strangers'].value:+.1f}",
            f"{back['psnr_gain_network'].value:+.1f}",
            cell(back["identity_network"]),
            f"{back['identity_network'].chance:.3f}",
        ]
        print("| " + " | ".join(row) + " |", flush=True)


def control(people: Sequence[tuple[str, str, np.ndarray, Box]]) -> None:
    """The same attack on pictures blanked before the treatment: what it still reaches is not in the faces."""
    print("\n### Control: LFW, dp_pix with eps 0.5 per face, parrot, rank-1\n")
    print("| pictures | seed 0 | seed 1 |")
    print("|---|---|---|")
    blank = [(who, name, np.full_like(pixels, 127), box) for who, name, pixels, box in people]
    for title, given in (("faces", people), ("blanked before the treatment", blank)):
        case = treated(given, OPERATORS["dp_pix, eps 0.5 per face"])
        runs = [
            Reidentify(modes=("parrot",), network_steps=0).run(case, rng=np.random.default_rng(seed)) for seed in (0, 1)
        ]
        worst = [best({m.name: m for m in run}, "parrot") for run in runs]
        print("| " + " | ".join([title, *(cell(one) for one in worst)]) + " |", flush=True)


def text() -> None:
    """Text treated, read back."""
    print("\n### Text, 24 px, 36 letters, a guess reads 0.028 of the characters\n")
    print("| treatment | characters read | words read |")
    print("|---|---|---|")
    for name, operator in {
        "mosaic 8 x 8 px": Pixelate(cells=1000, floor=8, grow=0),
        "mosaic 16 x 16 px": Pixelate(cells=1000, floor=16, grow=0),
        "blur, sigma 6 px": Blur(strength=0.0001, floor=6, grow=0),
        "blur, a fifth of the line": Blur(grow=0),
        "mask": Mask(grow=0),
    }.items():
        case = Case([], Knowledge({"text": operator}))
        characters, words = RecoverText(words=4, letters=5).run(case, rng=np.random.default_rng(0))
        print(f"| {name} | {cell(characters)} | {cell(words)} |", flush=True)


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no iteration through the operator")
    parser.add_argument("--only", nargs="+", default=TABLES, choices=TABLES, help="tables to print")
    asked = parser.parse_args()
    data = Path(os.environ.get("VEILSET_DATA", "../shared/data"))
    start = time.perf_counter()
    if "orl" in asked.only:
        faces("ORL", list(orl(data / "orl_faces")), quick=asked.quick)
    if {"lfw", "control"} & set(asked.only):
        people = list(lfw(data / "lfw_subset"))
        if "lfw" in asked.only:
            faces("LFW", people, quick=asked.quick)
        if "control" in asked.only:
            control(people)
    if "text" in asked.only:
        text()
    if "orl-networks" in asked.only:
        networks("ORL", list(orl(data / "orl_faces")))
    if "lfw-networks" in asked.only:
        networks("LFW", list(lfw(data / "lfw_subset")))
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
