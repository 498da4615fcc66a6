"""How good the detectors other than `face` are on real pictures: prints the tables of docs/explanation/detectors.md.

Reads folders below VEILSET_DATA and weights below VEILSET_WEIGHTS. Intervals are exact (Clopper-Pearson, 95 %). Same
pictures, same tables.

    python benchmarks/detectors_recall.py [person plates explicit identity duplicates age fits] [--every N]
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from veilset.core.interval import clopper_pearson
from veilset.core.region import regions_of, union
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors import demographics, identity, yunet
from veilset.detectors.duplicate import Duplicate
from veilset.detectors.explicit import judge, judge_open
from veilset.detectors.grouping import average_linkage
from veilset.detectors.person import Person
from veilset.detectors.plate import Plate
from veilset.detectors.text import Text
from veilset.weights import store
from veilset.weights.face_embedding import FaceNetwork, network_of

DATA = Path(os.environ.get("VEILSET_DATA", "../shared/data"))
KINDS = (("hentai", "porn", "sexy"), ("hentai", "porn"))
SIZES = (("under 32 px", 32.0), ("32-96 px", 96.0), ("over 96 px", float("inf")))


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV table."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


def sample_of(path: Path) -> Sample:
    """A picture as a sample."""
    return Sample(path.name, Image(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)))


def share(count: int, of: int) -> str:
    """A proportion with its interval."""
    low, high = clopper_pearson(count, of)
    return f"{count}/{of} = {count / max(of, 1):.3f} [{low:.3f}, {high:.3f}]"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """One Markdown table."""
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def person(every: int) -> None:
    """Recall by size, precision, and the share of true boxes that findings cover, on COCO."""
    folder = DATA / "coco128_train"
    truth: dict[str, list[Box]] = defaultdict(list)
    for row in rows_of(folder / "boxes.csv"):
        boxes = truth[row["file"]]
        if row["class_id"] == "0":
            boxes.append(Box(*(float(row[key]) for key in "xywh")))
    detectors = {
        "one look (levels=1)": Person(levels=1),
        "default (levels=2)": Person(),
        "default, score 0.1": Person(min_score=0.1),
        "with FastestDet": Person(models=("yolox", "fastestdet")),
    }
    lines = []
    for name, detector in detectors.items():
        hits: dict[str, list[int]] = {size: [0, 0] for size, _ in SIZES}
        false = found_all = covered = total = 0
        for file in sorted(truth)[::every]:
            sample = sample_of(folder / "images" / file)
            found = detector.find(sample)
            mask = union(regions_of(sample.image, found), sample.image.shape)
            left = [finding.where.bounds() for finding in found]
            found_all += len(left)
            for box in truth[file]:
                size = next(size for size, limit in SIZES if box.side < limit)
                best = max(left, key=box.iou, default=None)
                hit = best is not None and box.iou(best) >= 0.5
                if hit:
                    left.remove(best)
                hits[size][0] += hit
                hits[size][1] += 1
                total += 1
                covered += bool(mask[box.rasterise(sample.image.shape)].mean() >= 0.8)
            false += len(left)
        recall = [share(*hits[size]) for size, _ in SIZES]
        lines.append(
            (
                name,
                *recall,
                share(sum(h for h, _ in hits.values()), total),
                share(found_all - false, found_all),
                share(covered, total),
            )
        )
    head = ("person", *(size for size, _ in SIZES), "all (IoU 0.5)", "precision", "box covered to 80 %")
    table("Persons on coco128_train, crowd boxes included", head, lines)


def plates(every: int) -> None:
    """Plates covered, by region; and their characters read whole."""
    folder = DATA / "plates_openalpr"
    detectors = {"default": Plate(), "on vehicles only": Plate(anywhere=False), "text without margin": Plate(margin=0)}
    covered: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    read: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    reader = Text(words=True)
    for row in rows_of(folder / "plates.csv")[::every]:
        sample = sample_of(folder / "images" / row["file"])
        truth = Box(*(float(row[key]) for key in "xywh"))
        place = truth.rasterise(sample.image.shape)
        for name, detector in detectors.items():
            found = detector.find(sample)
            part = union(regions_of(sample.image, found), sample.image.shape)[place].mean()
            counts = covered[name, row["region"]]
            counts[0] += bool(part >= 0.5)
            counts[1] += bool(part >= 0.8)
            counts[2] += 1
            counts[3] += len(found)
            counts[4] += sum(finding.where.bounds().iou(truth) == 0 for finding in found)
        words = {"".join(filter(str.isalnum, str(f.value).upper())) for f in reader.find(sample) if f.value}
        read[row["region"]][0] += any(row["text"].upper() in word for word in words)
        read[row["region"]][1] += 1
    lines = [
        (name, region, share(half, n), share(most, n), f"{many / n:.1f}", f"{other / n:.1f}")
        for (name, region), (half, most, n, many, other) in sorted(covered.items())
    ]
    head = ("plate", "region", "half covered", "80 % covered", "findings a picture", "of them elsewhere")
    table("Plates on plates_openalpr (one labelled plate a picture; others are not labelled)", head, lines)
    table("Plates whose characters are all read", ("region", "read"), [(r, share(*c)) for r, c in sorted(read.items())])


def explicit(every: int) -> None:
    """False alarms: none of these pictures is explicit."""
    lines = []
    for name in ("people_photos", "coco128_train", "lfw_subset"):
        # Faces of LFW are cropped closely; one in eight is enough.
        paths = sorted(p for p in (DATA / name / "images").rglob("*") if p.suffix in (".jpg", ".png", ".jpeg"))
        used = paths[:: every * (8 if name == "lfw_subset" else 1)]
        said = [judge(sample_of(path).image.pixels) for path in used]
        sums = {" + ".join(kinds): [sum(one[kind] for kind in kinds) for one in said] for kinds in KINDS}
        if store.installed("open_nsfw"):
            sums["OpenNSFW"] = [judge_open(sample_of(path).image.pixels)["nsfw"] for path in used]
        for what, scores in sums.items():
            alarms = [share(sum(score >= least for score in scores), len(scores)) for least in (0.3, 0.5, 0.8)]
            lines.append((name, what, *alarms))
    head = ("pictures", "what counts", "score 0.3", "score 0.5 (default)", "score 0.8")
    table("Explicit: false alarms", head, lines)


def embedded(network: FaceNetwork, every: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """File, person and embedding of the face nearest to the middle."""
    folder = DATA / "lfw_subset"
    for row in rows_of(folder / "images.csv")[::every]:
        pixels = sample_of(folder / row["file"]).image.pixels
        found = yunet.detect(pixels, 0.5)
        if len(found):
            x1, y1, x2, y2, _ = min(found.tolist(), key=lambda b: abs(b[0] + b[2] - 250) + abs(b[1] + b[3] - 250))
            vector = identity.embed(pixels, Box(x1, y1, x2 - x1, y2 - y1), 0.4, network)
            if vector is not None:
                yield row["file"], row["identity"], vector


# Thresholds to try, around the one that `identity` takes by default.
TRIED = {"mobileface_v2": (0.25, 0.3, 0.35, 0.4), "dlib_resnet_v1": (0.91, 0.92, 0.93, 0.94)}


def identities(every: int) -> None:
    """Pairs verified, and pairs of pictures grouped, on two halves of the people, by each network that is installed."""
    pairs, groups = [], []
    for name, tried in TRIED.items():
        if not store.installed(name):
            print(f"\n{name} is not installed and was not measured.")
            continue
        known = list(embedded(network_of(name), every))
        pairs += [(name, *line) for line in verified(known, tried)]
        groups += [(name, *line) for line in grouped(known, tried[1:])]
    head = ("network", "cosine", "same person accepted", "strangers accepted")
    table("Identity: labelled pairs of lfw_subset", head, pairs)
    head = ("network", "people", "min_alike", "in truth", "groups made", "pairwise precision", "pairwise recall")
    table("Identity: grouping (pairs are not independent: intervals are too narrow)", head, groups)


def verified(known: Sequence[tuple[str, str, np.ndarray]], tried: Sequence[float]) -> Iterator[tuple[object, ...]]:
    """For each threshold: pairs of one person and of strangers that are accepted."""
    by_file = {file: vector for file, _, vector in known}
    pairs = [
        (float(by_file[row["file_a"]] @ by_file[row["file_b"]]), row["same"] == "1")
        for row in rows_of(DATA / "lfw_subset" / "pairs.csv")
        if row["file_a"] in by_file and row["file_b"] in by_file
    ]
    likeness, same = np.array([one for one, _ in pairs]), np.array([two for _, two in pairs])
    for least in tried:
        accepted = likeness >= least
        yield (
            least,
            share(int(accepted[same].sum()), int(same.sum())),
            share(int(accepted[~same].sum()), int((~same).sum())),
        )


def grouped(known: Sequence[tuple[str, str, np.ndarray]], tried: Sequence[float]) -> Iterator[tuple[object, ...]]:
    """For each half of the people and each threshold: pairs of pictures that come into one group."""
    people = sorted({who for _, who, _ in known})
    for half, name in ((0, "even number"), (1, "odd number")):
        mine = [(who, vector) for _, who, vector in known if people.index(who) % 2 == half]
        truth = np.array([who for who, _ in mine])
        pair = np.triu_indices(len(mine), 1)
        together = (truth[:, None] == truth)[pair]
        for least in tried:
            groups = average_linkage(np.stack([vector for _, vector in mine]), least)
            label = np.empty(len(mine), int)
            for number, members in enumerate(groups):
                label[members] = number
            joined = (label[:, None] == label)[pair]
            hits = int((joined & together).sum())
            exact = share(hits, int(joined.sum()))
            yield name, least, len(set(truth)), len(groups), exact, share(hits, int(together.sum()))


def duplicates(every: int) -> None:
    """Twins made of every picture are found; strangers are not."""
    paths = sorted((DATA / "coco128_train" / "images").glob("*.jpg"))[::every]
    originals = [sample_of(path).image.pixels for path in paths]
    changes = {
        "the same pixels": lambda p: p,
        "JPEG quality 50": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 1),
        "half the size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
        "quarter turn": lambda p: np.ascontiguousarray(np.rot90(p)),
        "brighter by 20": lambda p: cv2.add(p, np.full_like(p, 20)),
        "2 % cut off each side": lambda p: p[
            p.shape[0] // 50 : -p.shape[0] // 50, p.shape[1] // 50 : -p.shape[1] // 50
        ],
        "10 % cut off each side": lambda p: p[
            p.shape[0] // 10 : -p.shape[0] // 10, p.shape[1] // 10 : -p.shape[1] // 10
        ],
    }
    detector = Duplicate()
    prints = {f"{n:04d}": detector.observe(Sample("", Image(p))) for n, p in enumerate(originals)}
    strangers = detector.conclude(prints)
    lines = [("strangers (false alarms)", share(len(strangers), len(originals)))]
    for name, change in changes.items():
        twins = {f"{n:04d}t": detector.observe(Sample("", Image(change(p)))) for n, p in enumerate(originals)}
        found = detector.conclude({**prints, **twins})
        hits = sum(
            any(other == f"{n:04d}" for f in found.get(f"{n:04d}t", ()) for other in f.value)
            for n in range(len(originals))
        )
        lines.append((name, share(hits, len(originals))))
    sizes = sorted((DATA / "people_photos" / "images").glob("fr_obama*"))
    found = detector.conclude({path.name: detector.observe(sample_of(path)) for path in sizes})
    lines.append((f"one portrait at several sizes: {', '.join(sorted(found))} of {len(sizes)} files", ""))
    table("Duplicates on coco128_train", ("twin", "found"), lines)


def logistic(x: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the likeliest logistic curve, by Newton's method."""
    design, weights = np.column_stack([np.ones_like(x), x]), np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        bend = (design * (chance * (1 - chance))[:, None]).T @ design
        weights = weights + np.linalg.solve(bend, design.T @ (truth - chance))
    return float(weights[0]), float(weights[1])


def fits(every: int) -> None:
    """The constants of `demographics`: two logistic curves, and where 80 % of true ages lie."""
    rows = rows_of(DATA / "utkface_scores_table" / "scores.csv")[::every]
    true, said, male = (np.array([float(row[key]) for row in rows]) for key in ("age", "age_pred", "p_male_pred"))
    odds = np.log(np.clip(male, 1e-4, 1 - 1e-4)) - np.log1p(-np.clip(male, 1e-4, 1 - 1e-4))
    print("\nminor: intercept {:.4f}, slope {:.4f}".format(*logistic(said, true < 18)))
    print(
        "male: intercept {:.4f}, slope {:.4f}".format(
            *logistic(odds, np.array([row["gender"] == "male" for row in rows]))
        )
    )
    edges = (0, *(limit for limit, _, _ in demographics._RANGES))
    for low, high in itertools.pairwise(edges):
        off = (true - said)[(said >= low) & (said < high)]
        print(
            f"apparent age {low:g} to {high:g}: true age {np.quantile(off, 0.1):+.1f} to {np.quantile(off, 0.9):+.1f}"
        )


def age(every: int) -> None:
    """What `demographics` makes of the labelled scores of UTKFace."""
    rows = rows_of(DATA / "utkface_scores_table" / "scores.csv")[::every]
    seen = [
        (float(r["age"]), r["gender"], r["race"], demographics.apparent(float(r["age_pred"]), float(r["p_male_pred"])))
        for r in rows
    ]
    lines = []
    for name in ("all", *sorted({race for _, _, race, _ in seen})):
        mine = [one for one in seen if name in ("all", one[2])]
        minors = [s for a, _, _, s in mine if a < 18]
        adults = [s for a, _, _, s in mine if a >= 18]
        sure = [(g, s) for _, g, _, s in mine if s["gender"] != "uncertain"]
        lines.append(
            (
                name,
                share(sum(s["minor"] >= 0.1 for s in minors), len(minors)),
                share(sum(s["minor"] >= 0.1 for s in adults), len(adults)),
                share(sum(s["age_low"] <= a <= s["age_high"] for a, _, _, s in mine), len(mine)),
                share(sum(g == s["gender"] for g, s in sure), len(sure)),
                share(len(mine) - len(sure), len(mine)),
            )
        )
    head = (
        "labelled as",
        "minors flagged",
        "adults flagged",
        "true age in range",
        "gender right, when said",
        "gender not said",
    )
    table("Age and gender on utkface_scores_table (curves were fitted on the same scores)", head, lines)


PARTS = {
    "person": person,
    "plates": plates,
    "explicit": explicit,
    "identity": identities,
    "duplicates": duplicates,
    "age": age,
    "fits": fits,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--every", type=int, default=1, help="look at every n-th picture alone")
    given = parser.parse_args()
    for part in given.parts or PARTS:
        PARTS[part](given.every)
