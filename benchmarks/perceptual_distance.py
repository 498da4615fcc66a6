"""How far perceptual hashes of copies and of strangers lie apart on real photographs: the ground for `optout`'s distance.

Reads every picture below the given folders, makes copies of each (re-encoded, resized, mirrored, brightened, cropped),
and prints the share of copies within 4, 6, 8, 10 and 12 bits, and the share of pairs of different pictures as close.

    python benchmarks/perceptual_distance.py FOLDER...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np

from veilset.records.perceptual import distances, perceptual_hash, perceptual_hashes

BOUNDS = (4, 6, 8, 10, 12)


def copies(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The picture in disguise."""
    height, width = pixels.shape[:2]

    def jpeg(quality: int) -> np.ndarray:
        return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)

    cut_y, cut_x = height // 20, width // 20
    return {
        "jpeg quality 30": jpeg(30),
        "half size": cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA),
        "a fifth of the size, bilinear": cv2.resize(pixels, (width // 5, height // 5), interpolation=cv2.INTER_LINEAR),
        "mirrored, jpeg quality 60": np.ascontiguousarray(jpeg(60)[:, ::-1]),
        "brightened": np.clip(pixels * 0.8 + 30, 0, 255).astype(np.uint8),
        "cropped by 5 % on every side": np.ascontiguousarray(pixels[cut_y:-cut_y, cut_x:-cut_x]),
        "cropped by 25 % on the left": np.ascontiguousarray(pixels[:, width // 4 :]),
    }


def main() -> None:
    """Measure and print."""
    files = sorted(p for f in sys.argv[1:] for p in Path(f).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    far: dict[str, list[int]] = {}
    hashes, turned = [], []
    for path in files:
        pixels = cv2.imread(str(path))
        own = None if pixels is None else perceptual_hash(pixels)
        if own is None or min(pixels.shape[:2]) < 40:
            continue
        hashes.append(own)
        turned.append(perceptual_hashes(pixels))
        known = np.array([own], dtype=np.uint64)
        for name, copy in copies(pixels).items():
            far.setdefault(name, []).append(min(int(distances(q, known)[0]) for q in perceptual_hashes(copy)))
    known = np.array(hashes, dtype=np.uint64)
    strangers = []
    for index, queries in enumerate(turned):
        nearest = np.min([distances(query, known) for query in queries], axis=0)
        strangers += np.delete(nearest, index).tolist()
    result = {"pictures": len(hashes), "pairs": len(strangers)}
    shares = {name: {f"<={b}": round(float(np.mean(np.array(v) <= b)), 4) for b in BOUNDS} for name, v in far.items()}
    pairs = np.array(strangers)
    result |= {"copies": shares, "strangers": {f"<={b}": float(np.mean(pairs <= b)) for b in BOUNDS}}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
