"""What a model trained on a release betrays, on real data: prints the tables of docs/explanation/attacks.md.

Reads `mnist_5k`, `cifar10_subset`, `orl_faces` and `sisfall` below VEILSET_DATA. Same seed, same table.

    python benchmarks/model_attacks.py [--only membership invert gan attribute]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Operator, Pair
from veilset.core.sample import Image, Sample, Signal
from veilset.core.where import Box
from veilset.operators.dp_pix import DpPix
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate
from veilset.probes.attack.attribute import Attribute
from veilset.probes.attack.gan_leak import GanLeak
from veilset.probes.attack.invert import Invert
from veilset.probes.attack.membership import Membership

DATA = Path(os.environ.get("VEILSET_DATA", "../shared/data"))
COUNT = 400
TARGETS = {
    "overfit: no decay to speak of": {"decay": 1e-6},
    "regularised: decay 0.1": {"decay": 0.1},
    "strongly regularised: decay 3": {"decay": 3.0},
    "private: noise 2, mu 3.2": {"noise": 2.0},
    "private: noise 20, mu 0.32": {"noise": 20.0},
}
OPERATORS: dict[str, Operator | None] = {
    "none": None,
    "mosaic, 8 cells a face": Pixelate(grow=0),
    "dp_pix, eps 0.5 per face": DpPix(block=16, epsilon=0.5, pixels="face", grow=0),
    "mask": Mask(grow=0),
}


def cell(one: object) -> str:
    """A value and its interval."""
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def mnist() -> list[Sample]:
    """The first digits, as pictures."""
    folder = DATA / "mnist_5k"
    pixels = np.frombuffer(gzip.decompress((folder / "images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress((folder / "labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    pictures = pixels.reshape(-1, 28, 28)[:COUNT]
    return [
        Sample(str(i), Image(np.repeat(one[:, :, None], 3, axis=2)), labels={"class": str(int(labels[i]))})
        for i, one in enumerate(pictures)
    ]


def cifar() -> list[Sample]:
    """As many of each class."""
    folders = sorted(folder for folder in (DATA / "cifar10_subset" / "train").iterdir() if folder.is_dir())
    files = [file for folder in folders for file in sorted(folder.iterdir())[: COUNT // len(folders)]]
    return [Sample(f.name, Image(cv2.imread(str(f))), labels={"class": f.parent.name}) for f in files]


def membership() -> None:
    """Every attack against every target."""
    for title, pictures in (("MNIST", mnist()), ("CIFAR-10", cifar())):
        print(f"\n### Membership, {title}: {len(pictures)} pictures, half of them members\n")
        print("| target | loss | shadow | LiRA | RMIA | LiRA, TPR at 1 % FPR | RMIA, TPR at 1 % FPR |")
        print("|---|---|---|---|---|---|---|")
        for name, settings in TARGETS.items():
            probe = Membership(label="class", shadows=16, targets=4, limit=COUNT, **settings)
            run = probe.run(Case([Pair(one, one) for one in pictures]), rng=np.random.default_rng(0))
            found = {m.name: m for m in run}
            keys = ("auc_loss", "auc_shadow", "auc_lira", "auc_rmia", "tpr_lira", "tpr_rmia")
            print("| " + " | ".join([name, *(cell(found[key]) for key in keys)]) + " |", flush=True)


def faces(operator: Operator | None) -> Case:
    """Whole pictures of 20 people, treated."""
    pairs = []
    for path in sorted((DATA / "orl_faces").glob("s*/*.pgm")):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        who = path.parent.name
        sample = Sample(f"{who}/{path.name}", Image(np.repeat(grey[:, :, None], 3, axis=2)), subjects=frozenset([who]))
        found = (Finding("face", Box(0, 0, grey.shape[1], grey.shape[0]), 1.0, "benchmark"),)
        after = operator.apply(sample, found, noise=SeededNoise(sample.id)).sample if operator else sample
        pairs.append(Pair(sample, after, found))
    return Case(pairs, Knowledge({"face": operator} if operator else {}))


def drawn(title: str, probe: Invert | GanLeak) -> None:
    """Faces drawn out of a model that was trained on treated faces."""
    print(f"\n### {title}, ORL: 200 pictures of 20 people\n")
    print("| treatment of what the model learned from | recognised | a guess | likeness |")
    print("|---|---|---|---|")
    for name, operator in OPERATORS.items():
        first, likeness = probe.run(faces(operator), rng=np.random.default_rng(0))
        print(f"| {name} | {cell(first)} | {first.chance:.3f} | {cell(likeness)} |", flush=True)


def recordings() -> list[Sample]:
    """Walking and jogging of 38 people, 20 seconds each at 50 Hz."""
    with (DATA / "sisfall" / "subjects.csv").open(newline="", encoding="utf-8") as lines:
        people = {row["subject"]: row for row in csv.DictReader(lines)}
    found = []
    with zipfile.ZipFile(DATA / "sisfall" / "sisfall_subset.zip") as archive:
        for name in sorted(archive.namelist()):
            code, _, rest = Path(name).stem.partition("_")
            if code in {"D01", "D03"}:
                rows = archive.read(name).decode("latin-1").split("\n")[:4000:4]
                values = np.array([row.strip(" ;\r").split(",")[:6] for row in rows if row.strip()], dtype=float)
                person = rest.split("_")[0]
                labels = {"activity": {"D01": "walk", "D03": "jog"}[code], "gender": people[person]["gender"]}
                signal = Signal(values, 50.0, ("ax", "ay", "az", "gx", "gy", "gz"))
                found.append(Sample(name, signal, frozenset({person}), labels))
    return found


def attribute() -> None:
    """Activity and gender from recordings to which noise is added: clean lessons (naive), and noisy ones (parrot)."""
    samples = recordings()
    print(f"\n### Attributes, SisFall: {len(samples)} recordings, balanced accuracy, a guess reaches 0.50\n")
    print(
        "| noise, in deviations of each channel | activity, naive | activity, parrot | gender, naive | gender, parrot |"
    )
    print("|---|---|---|---|---|")
    for scale in (0.0, 0.5, 2.0, 10.0):
        found = {m.name: m for m in Attribute().run(noisy(samples, scale), rng=np.random.default_rng(0))}
        keys = ("activity_naive", "activity", "gender_naive", "gender")
        print("| " + " | ".join([f"{scale:g}", *(cell(found[key]) for key in keys)]) + " |", flush=True)


def noisy(samples: Sequence[Sample], scale: float) -> Case:
    """Each recording beside itself with white noise."""
    rng, pairs = np.random.default_rng(1), []
    for one in samples:
        values = one.media.values
        added = values + scale * values.std(axis=0) * rng.normal(size=values.shape)
        pairs.append(Pair(one, one.with_media(Signal(added, one.media.rate, one.media.channels))))
    return Case(pairs)


def main() -> None:
    """Print the tables asked for."""
    tables = {
        "membership": membership,
        "invert": lambda: drawn("Model inversion", Invert()),
        "gan": lambda: drawn("An insider's generator", GanLeak()),
        "attribute": attribute,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=list(tables), choices=list(tables), help="tables to print")
    for name in parser.parse_args().only:
        tables[name]()


if __name__ == "__main__":
    main()
