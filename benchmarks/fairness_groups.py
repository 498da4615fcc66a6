"""Whom a treatment hides less, by group: the tables "Fairness" of docs/explanation/utility.md, by the probe `gap`.

Reads `utkface_scores_table` below VEILSET_DATA: for 4000 labelled faces the score of a face detector on the clean face,
on the face blurred (sigma 8 pixels) and on the face at 24 pixels. A face that the detector still finds is one that a
treatment leaves for a detector to find: `gap` asks whether that depends on who is seen. Then pictures: people of
`lfw_subset` under a mosaic, by the gender that a network reads from them (apparent, and sometimes wrong), since no set
of pictures with people's own labels is here.

    python benchmarks/fairness_groups.py
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.flows.catalog import catalog
from veilset.operators.pixelate import Pixelate
from veilset.probes.fairness.gap import Gap

SCORE = 0.5
NOTHING = Image(np.zeros((1, 1, 3), dtype=np.uint8))


@dataclass(frozen=True)
class StillFound:
    """The share of the faces found clean that are still found: a probe over scores that were computed before."""

    column: str

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Count."""
        del rng
        clean = [p for p in case.pairs if p.before.labels["yunet_score"] >= SCORE]
        hits = sum(p.before.labels[self.column] >= SCORE for p in clean)
        return (Measurement.proportion("still_found", self.column, hits, len(clean), "lower"),)


def pairs(path: Path) -> list[Pair]:
    """One pair a face, with its labels and scores; there are no pictures."""
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = []
    for row in rows:
        labels: dict[str, Any] = {"gender": row["gender"], "race": row["race"], "age": int(float(row["age"]))}
        labels |= {key: float(row[key] or 0) for key in ("yunet_score", "yunet_score_24px", "yunet_score_blur8")}
        sample = Sample(row["id"], NOTHING, labels=labels)
        found.append(Pair(sample, sample))
    return found


def line(name: str, by: str, found: Sequence[Measurement]) -> str:
    """The widest gap and every group."""
    gap = next(m for m in found if m.name == "gap")
    groups = sorted((m for m in found if m.group), key=lambda m: -m.value)
    each = ", ".join(f"{m.group} {m.value:.3f} (n = {m.n})" for m in groups)
    return f"| {name} | {by} | {gap.value:.3f} [{gap.low:.3f}, {gap.high:.3f}] | {each} |"


def portraits(folder: Path) -> list[Pair]:
    """People with 8 to 10 pictures, faces under a mosaic, with the gender that most of their pictures appear to show."""
    from veilset.detectors.demographics import Demographics

    operator, look = Pixelate(cells=1000, floor=16, grow=0), Demographics()
    with (folder / "images.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] == "many"]
    seen: list[tuple[Sample, Finding]] = []
    said: dict[str, Counter[str]] = {}
    for row in rows:
        path = next(p for p in (folder / row["file"], folder / "images" / row["file"]) if p.is_file())
        who = row["identity"]
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        sample = Sample(row["file"], Image(pixels), frozenset([who]))
        found = [f for f in look.find(sample) if isinstance(f.where, Box)]
        if found:
            one = min(found, key=lambda f: abs(f.where.bounds().x + f.where.bounds().width / 2 - 125))
            seen.append((sample, Finding("face", one.where, 1.0, "benchmark")))
            said.setdefault(who, Counter())[str(one.detail["gender"])] += 1
    made = []
    for sample, face in seen:
        gender = said[min(sample.subjects)].most_common(1)[0][0]
        before = replace(sample, labels={"apparent gender": gender})
        made.append(Pair(before, operator.apply(before, (face,), noise=SeededNoise(before.id)).sample, (face,)))
    return made


def main() -> None:
    """Both treatments by every label, and the same with a group made too small."""
    faces = pairs(Path(os.environ["VEILSET_DATA"]) / "utkface_scores_table" / "scores.csv")
    print("| treatment | label | widest gap | share still found, by group |")
    print("|---|---|---|---|")
    for name, column in (("blur, sigma 8 px", "yunet_score_blur8"), ("face at 24 px", "yunet_score_24px")):
        case = Case(faces, build=lambda *_, column=column: StillFound(column))
        for by in ("gender", "race", "age"):
            print(line(name, by, Gap(probe="still_found", by=by).run(case, rng=np.random.default_rng(0))), flush=True)
    race = Gap(probe="still_found", by="race").run(case, rng=np.random.default_rng(0))[0]
    print("\nrace:", "; ".join(note for note in race.notes if note.startswith(("too small", "warning"))))
    case = Case(portraits(Path(os.environ["VEILSET_DATA"]) / "lfw_subset"), build=catalog().build)
    case = replace(case, knowledge=Knowledge({"face": Pixelate(cells=1000, floor=16, grow=0)}))
    print("\n| measure, mosaic 16 x 16 px | widest gap | by group |\n|---|---|---|")
    for probe, settings in (
        ("reidentify", {"recogniser": "pixels"}),
        ("deobfuscate", {"iterated": 0}),
        ("fidelity", {}),
    ):
        gap = Gap(probe=probe, settings=settings, by="apparent gender")
        found = gap.run(case, rng=np.random.default_rng(0))
        first = [m for m in found if m.group and m.name == next(m.name for m in found if m.group)]
        each = "; ".join(
            f"{m.group} {m.value:.2f} [{m.low:.2f}, {m.high:.2f}]"
            + (f", a guess {m.chance:.3f}" if m.chance is not None else "")
            for m in first
        )
        widest = found[0]
        print(f"| {first[0].name} | {widest.value:.2f} [{widest.low:.2f}, {widest.high:.2f}] | {each} |", flush=True)


if __name__ == "__main__":
    main()
