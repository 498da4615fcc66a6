"""Processor time of every detector on photographs of 1 and of 12 megapixels, beside single public detectors.

    python benchmarks/detector_times.py [PHOTOGRAPH ...] [--rounds 3] [--only NAME ...]

Each photograph is scaled to both sizes and saved as a phone saves it: JPEG, colours at half the resolution, with a
little noise, so that files are as long as those of phones. A row is the median over the photographs of the median over
the rounds, and starts from the file: reading and decoding are in it. `file alone` is the least that any look at a
picture costs: the file read, its header checked and its pixels decoded, whole or at an eighth. Processor time
(user + system) of one process with one thread, not wall time: other work on the machine disturbs it little.

The single detectors are run as their users run them: whole decode, the picture as it is or at double size, or scaled to
the network's input.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from face_recall import alone

from veilset.core.roles import Ref
from veilset.core.sample import Sample
from veilset.data.folder import Folder
from veilset.detectors import objects
from veilset.flows.catalog import catalog
from veilset.flows.look import Look

SIZES = (1, 12)
PHOTOGRAPHS = ("dlib_bald_guys.jpg", "egoblur_plates.png", "egoblur_face.png", "fr_biden.jpg")
AUDIT = ("face", "person", "demographics", "explicit", "text", "plate")
EVERY = (*AUDIT, "screen", "document", "thing", "identity")
CATALOG = catalog(third_party=False)
Way = Callable[[Folder, Ref], int]


def found(names: tuple[str, ...], settings: Mapping[str, object], source: Folder, ref: Ref) -> int:
    """Findings of detectors in one file, from the file on, as a worker process of an audit makes them."""
    made = [(name, CATALOG.build("detector", name, settings)) for name in names]
    one_by_one = tuple((name, detector) for name, detector in made if hasattr(detector, "find"))
    whole_set = tuple((name, detector) for name, detector in made if not hasattr(detector, "find"))
    seen = Look(source, one_by_one, whole_set)(ref)
    if seen.error:
        raise SystemExit(seen.error)
    return len(seen.findings) + sum(len(rows) for rows in seen.observed.values())


def single(look: Callable[[np.ndarray], np.ndarray], source: Folder, ref: Ref) -> int:
    """A single detector on the whole decoded picture."""
    return len(look(source.load(ref).image.pixels))


def decoded(reduce: int, source: Folder, ref: Ref) -> int:
    """The file read and decoded."""
    sample: Sample = source.load(ref)
    return 0 * len(sample.image.reduced(reduce))


def yolox(pixels: np.ndarray) -> list[np.ndarray]:
    """Persons by YOLOX-nano, one look."""
    return objects.see(pixels, (objects.PERSON,), {"yolox": 0.3}, 1)


WAYS: dict[str, Way] = {
    "file alone, decoded whole": partial(decoded, 1),
    "file alone, decoded at an eighth": partial(decoded, 8),
    **{name: partial(found, (name,), {}) for name in EVERY},
    "face, quick": partial(found, ("face",), {"effort": "quick"}),
    f"audit of people ({', '.join(AUDIT)})": partial(found, AUDIT, {}),
    "all of them": partial(found, EVERY, {}),
    "single: CenterFace x1 (0.2)": partial(single, partial(alone, network="centerface", scale=1, min_score=0.2)),
    "single: CenterFace x2 (0.2)": partial(single, partial(alone, network="centerface", scale=2, min_score=0.2)),
    "single: YuNet x1 (0.5)": partial(single, partial(alone, network="yunet", scale=1, min_score=0.5)),
    "single: YuNet x2 (0.5)": partial(single, partial(alone, network="yunet", scale=2, min_score=0.5)),
    "single: UltraFace RFB-640 (0.7)": partial(single, partial(alone, network="ultraface", scale=1, min_score=0.7)),
    "single: YOLOX-nano, persons (0.3)": partial(single, yolox),
}


def saved(photograph: Path, folder: Path, seed: int) -> None:
    """The photograph at each size, as a phone would save it."""
    pixels = cv2.imread(str(photograph))
    if pixels is None:
        raise SystemExit(f"{photograph} is no photograph that can be read; name another one")
    for megapixels in SIZES:
        scale = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        sized = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=how)
        grain = np.random.default_rng(seed).normal(0, 3, sized.shape)
        noisy = np.clip(sized + grain, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{megapixels:02}_{seed}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 93])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="rows whose name begins so")
    options = parser.parse_args()
    below = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "people_photos" / "images"
    photographs = options.photographs or [below / name for name in PHOTOGRAPHS]
    cv2.setNumThreads(1)
    ways = {name: way for name, way in WAYS.items() if not options.only or name.startswith(tuple(options.only))}
    taken: dict[tuple[str, int, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for seed, photograph in enumerate(photographs):
            saved(photograph, folder, seed)
        sizes = [path.stat().st_size / 1e6 for path in sorted(folder.iterdir())]
        half = len(photographs)
        print(f"{half} photographs; files of {np.mean(sizes[:half]):.2f} and {np.mean(sizes[half:]):.2f} MB (mean)\n")
        source = Folder(str(folder))
        refs = sorted(source.refs(), key=lambda ref: ref.name)
        print("| detector | 1 megapixel | 12 megapixels | times as long |\n|---|---|---|---|")
        for name, way in ways.items():
            # The single ones take long, and always the same.
            for turn in range(2 if name.startswith("single") else options.rounds + 1):
                for number, ref in enumerate(refs):
                    began = time.process_time()
                    way(source, ref)
                    if turn:
                        key = (name, number // half, number % half)
                        taken.setdefault(key, []).append(time.process_time() - began)
            small, large = (
                [statistics.median(taken[name, size, number]) * 1000 for number in range(half)] for size in (0, 1)
            )
            ratio = statistics.median(b / a for a, b in zip(small, large, strict=True))
            print(
                f"| {name} | {statistics.median(small):.0f} ms | {statistics.median(large):.0f} ms | {ratio:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
