"""How good `document`, `screen` and `thing` are: prints their tables of docs/explanation/detectors.md.

    python benchmarks/documents_recall.py [documents things] [--every N]

Documents and screens are drawn and laid into photographs of the half that nothing was fitted on (`drawn_documents.py`);
things, screens and books are those labelled in COCO. Intervals are exact (Clopper-Pearson, 95 %). Same pictures, same
tables.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import cv2
from detectors_recall import DATA, rows_of, sample_of, share, table
from drawn_documents import PAPER, backgrounds, composites

from veilset.core.region import regions_of, union
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors import quadrilaterals
from veilset.detectors.document import Document
from veilset.detectors.screen import SCREENS, Screen
from veilset.detectors.text import Text
from veilset.detectors.thing import NAMES, Thing

VEHICLES = ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat")


def things(every: int) -> None:
    """Recall and precision of `thing` and `screen` on COCO, by group of classes; books by `document`."""
    folder = DATA / "coco128_train"
    rows = rows_of(folder / "boxes.csv")
    files = sorted({row["file"] for row in rows})[::every]
    groups = {
        "thing, animals (default)": (Thing(), set(Thing().classes)),
        "thing, vehicles": (Thing(classes=VEHICLES), set(VEHICLES)),
        "thing, all 79 classes": (Thing(classes=NAMES), set(NAMES)),
        "thing, all 79, levels=2": (Thing(classes=NAMES, levels=2), set(NAMES)),
        "screen (default)": (Screen(), set(SCREENS)),
        "screen, score 0.1": (Screen(min_score=0.1), set(SCREENS)),
        "document on books": (Document(), {"book"}),
    }
    counts = {name: [0, 0, 0, 0] for name in groups}
    for file in files:
        sample = sample_of(folder / "images" / file)
        for name, (detector, classes) in groups.items():
            found = [(one.kind, one.where.bounds()) for one in detector.find(sample)]
            counts[name][3] += len(found)
            for row in (row for row in rows if row["file"] == file):
                kind = row["class_name"].replace(" ", "_")
                if kind in classes:
                    box = Box(*(float(row[key]) for key in "xywh"))
                    mine = [one for one in found if not name.startswith("thing") or one[0] == kind]
                    best = max(mine, key=lambda one: box.iou(one[1]), default=None)
                    counts[name][1] += 1
                    if best is not None and box.iou(best[1]) >= 0.5:
                        found.remove(best)
                        counts[name][0] += 1
            counts[name][2] += len(found)
    lines = [
        (name, share(hits, there), share(found - false, found), f"{false / len(files):.2f}")
        for name, (hits, there, false, found) in counts.items()
    ]
    table(
        f"Things on {len(files)} pictures of coco128_train",
        ("detector", "recall", "precision", "false a picture"),
        lines,
    )


def documents(every: int) -> None:
    """Drawings in the half of the photographs that nothing was fitted on, and the same photographs without them."""
    scores = (0.1, 0.3, 0.5)
    hits: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for kinds in (PAPER, ("screen",)):
        for kind, pixels, corners in composites(kinds, fitting=False, every=every):
            sample = Sample(kind, Image(pixels))
            whole = quadrilaterals.filled(corners, pixels.shape[:2])
            ways = {f"document, score {least:g}": Document(min_score=least) for least in scores}
            for name, detector in {**ways, "screen (default)": Screen(), "text": Text()}.items():
                if name == "screen (default)" and kind != "screen":
                    continue
                found = detector.find(sample)
                covered = union(regions_of(sample.image, found), sample.image.shape)[whole].mean() if found else 0.0
                rows = [(kind, covered >= 0.8 if name != "text" else covered >= 0.1)]
                for row, hit in [*rows, *([("all paper", rows[0][1])] if kind in PAPER else [])]:
                    hits[name, row][0] += bool(hit)
                    hits[name, row][1] += 1
    kinds = ("all paper", *PAPER, "screen")
    names = list(dict.fromkeys(name for name, _ in hits))
    lines = [(name, *(share(*hits[name, kind]) if (name, kind) in hits else "" for kind in kinds)) for name in names]
    table("Drawings covered to 80 % (text: to 10 %)", ("detector", *kinds), lines)
    bare = [sample_of(path) for path in backgrounds(fitting=False)[::every]]
    lines = []
    for name, detector in {
        **{f"document, score {s:g}": Document(min_score=s) for s in scores},
        "screen": Screen(),
    }.items():
        alarms = [len(detector.find(sample)) for sample in bare]
        lines.append((name, share(sum(map(bool, alarms)), len(bare)), f"{sum(alarms) / len(bare):.2f}"))
    table("The same photographs without a drawing", ("detector", "pictures with an alarm", "alarms a picture"), lines)


PARTS = {"documents": documents, "things": things}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--every", type=int, default=1, help="use every n-th picture")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for name in options.parts or PARTS:
        PARTS[name](options.every)


if __name__ == "__main__":
    main()
