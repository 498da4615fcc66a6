"""Twins: what `duplicate` finds of pictures that were changed, what it takes for twins that are none, and what it costs.

    python benchmarks/twins.py thresholds      distributions on half of the pictures: the ground for the defaults
    python benchmarks/twins.py recall          on the other half, by kind of change, beside hashes alone and imagehash; and
                                               pairs of different files that are taken for twins; --sheet draws them
    python benchmarks/twins.py scale           seconds and memory for 10,000 and 100,000 drawn pictures

`TWINS_MODEL=open_nsfw` embeds with other weights than the default's.

Pictures are those that `VEILSET_DATA` names. imagehash is compared where it is installed. Times are CPU seconds.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from veilset.core.interval import clopper_pearson
from veilset.core.sample import Image, Sample
from veilset.detectors import sketch
from veilset.detectors.duplicate import CANDIDATES, Duplicate, Fingerprint, pairs
from veilset.detectors.neighbours import neighbours

DATA = Path(os.environ.get("VEILSET_DATA", "../shared/data"))
SETS = {
    "people_photos": "images/*",
    "coco128_train": "images/*.jpg",
    "face_mask_boxes": "images/*.jpg",
    "lfw_subset": "images/*/*.jpg",
    "plates_openalpr": "images/*/*",
}
Change = Callable[[np.ndarray], np.ndarray]


def read(path: Path) -> np.ndarray:
    """RGB pixels of a file."""
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def pictures(half: int) -> list[Path]:
    """Every second picture of each set; of the many portraits of LFW every eighth."""
    files = [
        path
        for name, pattern in SETS.items()
        for path in sorted((DATA / name).glob(pattern))[half :: 8 if name == "lfw_subset" else 2]
    ]
    return [path for path in files if cv2.haveImageReader(str(path))]


def faces() -> dict[str, list[tuple[float, ...]]]:
    """Labelled faces; on the aligned pictures of LFW the face is in the middle."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for name, table in (("face_mask_boxes", "boxes.csv"), ("people_photos", "face_boxes.csv")):
        with (DATA / name / table).open() as stream:
            for row in csv.DictReader(stream):
                box = tuple(
                    float(row[key]) for key in (("x", "y", "w", "h") if "w" in row else ("x", "y", "width", "height"))
                )
                found.setdefault(Path(row["file"]).name, []).append(box)
    return found


def jpeg(quality: int) -> Change:
    """Re-encoding."""
    return lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def crop(share: float) -> Change:
    """So much of the width and of the height is cut off, more on one side than on the other."""

    def cut(p: np.ndarray) -> np.ndarray:
        height, width = p.shape[:2]
        top, left = round(height * share * 0.2), round(width * share * 0.7)
        return p[top : top + round(height * (1 - share)), left : left + round(width * (1 - share))]

    return cut


def framed(p: np.ndarray) -> np.ndarray:
    """A white frame."""
    edge = round(0.08 * max(p.shape[:2]))
    return cv2.copyMakeBorder(p, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def watermarked(p: np.ndarray) -> np.ndarray:
    """A word across the picture."""
    p, size = p.copy(), p.shape[1] / 250
    cv2.putText(p, "SAMPLE", (p.shape[1] // 12, p.shape[0] * 2 // 3), 0, size, (255, 255, 255), max(1, round(3 * size)))
    return p


CHANGES: dict[str, Change] = {
    "JPEG quality 30": jpeg(30),
    "half the size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "cropped by 5 %": crop(0.05),
    "cropped by 10 %": crop(0.1),
    "cropped by 20 %": crop(0.2),
    "cropped by 40 %": crop(0.4),
    "mirrored": lambda p: p[:, ::-1],
    "turned by 90 degrees": np.rot90,
    "brighter by 20 %": lambda p: np.clip(p * 1.2, 0, 255).astype(np.uint8),
    "white frame of 8 %": framed,
    "watermark": watermarked,
    "cropped by 20 %, mirrored, JPEG 50": lambda p: jpeg(50)(np.ascontiguousarray(crop(0.2)(p)[:, ::-1])),
}


def masked(part: np.ndarray) -> np.ndarray:
    """Black."""
    return np.zeros_like(part)


def blurred(part: np.ndarray) -> np.ndarray:
    """Gaussian blur of a sixth of the face."""
    return cv2.GaussianBlur(part, (0, 0), max(2.0, max(part.shape[:2]) / 6))


def pixelated(part: np.ndarray) -> np.ndarray:
    """Four by four blocks."""
    coarse = cv2.resize(part, (4, 4), interpolation=cv2.INTER_AREA)
    return cv2.resize(coarse, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)


TREATMENTS = {"masked": masked, "blurred": blurred, "pixelated": pixelated}


def treated(p: np.ndarray, boxes: list[tuple[float, ...]], how: Change) -> np.ndarray:
    """Every labelled face, grown by a fifth on each side."""
    p = p.copy()
    for x, y, width, height in boxes:
        top, left = max(0, round(y - 0.2 * height)), max(0, round(x - 0.2 * width))
        region = p[top : round(y + 1.2 * height), left : round(x + 1.2 * width)]
        if region.size:
            region[:] = how(region)
    return p


def disguises(path: Path, known: dict[str, list[tuple[float, ...]]]) -> dict[str, np.ndarray]:
    """The picture after each change."""
    p = read(path)
    found = {name: np.ascontiguousarray(change(p)) for name, change in CHANGES.items()}
    boxes = [(85.0, 75.0, 80.0, 100.0)] if "lfw" in str(path) else known.get(path.name)
    if boxes:
        found |= {f"faces {name}": treated(p, boxes, how) for name, how in TREATMENTS.items()}
    return found


MODEL = os.environ.get("TWINS_MODEL", "default")


def observe(p: np.ndarray) -> Fingerprint:
    """What the detector keeps of a picture; `TWINS_MODEL` names other weights than the default's."""
    return Duplicate(embed="always", model=MODEL).observe(Sample("", Image(p)))


def share(hits: int, of: int) -> str:
    """A share with its interval."""
    low, high = clopper_pearson(hits, of)
    return f"{hits}/{of} = {hits / max(of, 1):.3f} [{low:.3f}, {high:.3f}]"


def thresholds(every: int) -> None:
    """What twins and strangers look like on the first half."""
    known, files = faces(), pictures(0)
    base = [observe(read(path)) for path in files]
    cosines: dict[str, list[float]] = {}
    agreed: dict[str, list[float]] = {}
    for number in range(0, len(files), every):
        own = base[number].sketch
        for name, p in disguises(files[number], known).items():
            twin = observe(p).sketch
            if own is None or twin is None:
                continue
            cosines.setdefault(name, []).append(float(vector(own) @ vector(twin)))
            how = sketch.align(own.grey, twin.grey, turned=True, points=6, correlation=-1)
            agreed.setdefault(name, []).append(how.correlation if how else -1)
    print("\n| change | n | cosine: least, 5 % | correlation: 1 %, 5 % | not aligned |\n|---|---|---|---|---|")
    for name, values in cosines.items():
        low = np.quantile(agreed[name], [0.01, 0.05])
        print(
            f"| {name} | {len(values)} | {min(values):.3f}, {np.quantile(values, 0.05):.3f} | {low[0]:.2f}, {low[1]:.2f} "
            f"| {sum(value == -1 for value in agreed[name])} |"
        )
    listed = strangers_of(files, base, -1, 0.0)
    print(f"\nhighest correlations of different files, of {len(files) * (len(files) - 1) // 2} pairs:")
    for correlation, points, one, other in listed[:60]:
        print(f"  {correlation:.2f} {points} {one.name} {other.name}")


def vector(one: sketch.Sketch) -> np.ndarray:
    """The unit vector of a sketch."""
    return np.frombuffer(one.vector, np.float16).astype(np.float32)


def strangers_of(
    files: list[Path], base: list[Fingerprint], least: float, alike: float
) -> list[tuple[float, int, Path, Path]]:
    """(correlation, points, one, other) of different files that align, the best first."""
    rows = [number for number, one in enumerate(base) if one.sketch is not None]
    vectors = np.stack([np.frombuffer(base[number].sketch.vector, np.float16) for number in rows])
    found = []
    for one, other, _ in neighbours(vectors, CANDIDATES, alike):
        greys = base[rows[one]].sketch.grey, base[rows[other]].sketch.grey
        how = sketch.align(*greys, turned=True, points=6, correlation=least)
        if how:
            found.append((how.correlation, how.points, files[rows[one]], files[rows[other]]))
    return sorted(found, reverse=True)


def recall(every: int, sheet: Path | None, workers: int) -> None:
    """Twins are hidden among all pictures of the second half, one kind of change at a time."""
    files = pictures(1)
    chosen = files[::every]
    # The same originals meet in every row of the table: they are aligned once.
    sketch.align = lru_cache(maxsize=None)(sketch.align)
    with ProcessPoolExecutor(workers) as pool:
        base = {f"{number:05d}": one for number, one in enumerate(pool.map(original, files, chunksize=8))}
        strangers(files, list(base.values()), sheet)
        changed = list(pool.map(twins_of, chosen))
    print(
        f"\n{len(files)} pictures\n\n| change | hash alone | default | imagehash phash, 6 bits | crop-resistant hash |"
    )
    print("|---|---|---|---|---|")
    for name in dict.fromkeys(name for one in changed for name in one):
        twins = {f"{row * every:05d}t": one[name][0] for row, one in enumerate(changed) if name in one}
        cells = []
        for sketched in (False, True):
            all_of_them = {**base, **twins}
            if not sketched:
                all_of_them = {own: one._replace(sketch=None) for own, one in all_of_them.items()}
            found = Duplicate().conclude(all_of_them)
            hits = sum(any(other == own[:-1] for f in found.get(own, ()) for other in f.value) for own in twins)
            cells.append(share(hits, len(twins)))
        said = [one[name][1] for one in changed if name in one and one[name][1] is not None]
        cells += [share(sum(one[place] for one in said), len(said)) if said else "" for place in (0, 1)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def original(path: Path) -> Fingerprint:
    """What the detector keeps of a file."""
    return observe(read(path))


def twins_of(path: Path) -> dict[str, tuple[Fingerprint, tuple[bool, bool] | None]]:
    """What the detector keeps of each changed picture, and whether imagehash knows it again."""
    own = peer(read(path))
    return {
        name: (observe(p), None if own is None else peer_match(own, peer(p)))
        for name, p in disguises(path, faces()).items()
    }


def peer(p: np.ndarray) -> object:
    """Hashes of imagehash, where it is installed."""
    try:
        import imagehash
    except ImportError:
        return None
    from PIL import Image as Picture

    opened = Picture.fromarray(p)
    return imagehash.phash(opened), imagehash.crop_resistant_hash(
        opened, min_segment_size=500, segmentation_image_size=300
    )


def peer_match(one: object, other: object) -> tuple[bool, bool]:
    """Whether either hash says that it is the same picture."""
    return bool(one[0] - other[0] <= 6), bool(one[1].matches(other[1]))


def strangers(files: list[Path], base: list[Fingerprint], sheet: Path | None) -> None:
    """Pairs of different files that are taken for twins on the second half: look at them, some are twins."""
    count = len(files) * (len(files) - 1) // 2
    near = [(one, other) for one, other, _ in pairs(base, Duplicate().bits)]
    aligned = strangers_of(files, base, Duplicate().agree, Duplicate().alike)
    print(f"{len(files)} pictures, {count} pairs: {len(near)} by hash, {len(aligned)} by alignment")
    listed = [(1.0, 0, files[one], files[other]) for one, other in near]
    listed += [one for one in aligned if not {(one[2], one[3])} & {(files[a], files[b]) for a, b in near}]
    for correlation, points, one, other in listed:
        print(f"  {correlation:.2f} {points} {one.name} {other.name}", flush=True)
    if sheet and listed:
        cells = [[cv2.resize(read(path), (150, 120)) for path in one[2:]] for one in listed]
        rows = [np.hstack([*a, np.zeros((120, 10, 3), np.uint8)]) for a in cells]
        rows += [np.zeros_like(rows[0])] * (-len(rows) % 5)
        drawn = np.vstack([np.hstack(rows[at : at + 5]) for at in range(0, len(rows), 5)])
        cv2.imwrite(str(sheet), drawn[:, :, ::-1])


def scale(sizes: list[int]) -> None:
    """Drawn fingerprints: a tenth are twins of another, within the hash's bits and near in the embedding."""
    rng = np.random.default_rng(0)
    for count in sizes:
        hashes = rng.integers(0, 1 << 63, (count, 8), dtype=np.uint64)
        vectors = rng.normal(0, 1, (count, sketch.LENGTH)).astype(np.float32) + 1.3
        for number in range(count // 10):
            twin = count - 1 - number
            hashes[twin, 0] = hashes[number, 0] ^ np.uint64(0b10101 << int(rng.integers(0, 50)))
            vectors[twin] = vectors[number] + rng.normal(0, 0.4, sketch.LENGTH)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        half = vectors.astype(np.float16)
        prints = [Fingerprint(str(n), tuple(map(int, row))) for n, row in enumerate(hashes)]
        del vectors, hashes
        wanted = {(number, count - 1 - number) for number in range(count // 10)}
        start = time.process_time()
        near = {(one, other) for one, other, _ in pairs(prints, 6)}
        _cost("hashes", count, start, len(near & wanted), len(wanted))
        start = time.process_time()
        found = {(one, other) for one, other, _ in neighbours(half, CANDIDATES, Duplicate().alike)}
        _cost("embeddings", count, start, len(found & wanted), len(wanted))


def _cost(what: str, count: int, start: float, hits: int, of: int) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {what} | {count} | {time.process_time() - start:.1f} s | {hits}/{of} | {peak:.0f} MB |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("thresholds", "recall", "scale"))
    parser.add_argument("--every", type=int, default=8, help="change every n-th picture alone")
    parser.add_argument("--sheet", type=Path, help="recall: draw the strangers; private")
    parser.add_argument("--workers", type=int, default=1, help="recall: processes that look at pictures")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="scale: numbers of pictures")
    given = parser.parse_args()
    match given.part:
        case "thresholds":
            thresholds(given.every)
        case "recall":
            recall(given.every, given.sheet, given.workers)
        case _:
            scale(given.sizes)
