"""Whom a blur hides less, by labelled group: the table "Fairness" of docs/explanation/utility.md, by the probe `gap`.

Reads `utkface_scores_table` below VEILSET_DATA: for 4000 labelled faces the score of a face detector on the clean face,
on the face blurred (sigma 8 pixels) and on the face at 24 pixels. A face that the detector still finds is one that a
treatment leaves for a detector to find: `gap` asks whether that depends on who is seen.

    python benchmarks/fairness_groups.py
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Sample
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


if __name__ == "__main__":
    main()
