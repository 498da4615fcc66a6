"""Processor time of the face detector on one photograph at 1 and at 12 megapixels, as JPEG files.

    python benchmarks/face_sizes.py PHOTOGRAPH [--rounds 3]

Processor time, not wall time, so that other work on the machine disturbs little; decoding is included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import cv2

from veilset.data.folder import Folder
from veilset.detectors.face import Face


def main() -> None:
    """Print milliseconds, faces, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    pixels = cv2.imread(str(options.photograph))
    taken: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in (1, 12):
            scale = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            cv2.imwrite(
                f"{folder}/{megapixels:02}.jpg", cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=how)
            )
        source = Folder(folder)
        for effort in ("thorough", "quick"):
            for ref, megapixels in zip(source.refs(), (1, 12), strict=True):
                times, faces = [], 0
                for _ in range(options.rounds + 1):
                    start = time.process_time()
                    faces = len(Face(effort=effort).find(source.load(ref)))
                    times.append(time.process_time() - start)
                taken[megapixels] = statistics.median(times[1:])
                print(
                    f"{effort}, {megapixels} megapixels: {taken[megapixels] * 1000:.0f} ms, {faces} faces", flush=True
                )
            print(f"{effort}: 12 megapixels take {taken[12] / taken[1]:.2f} x the time of 1", flush=True)


if __name__ == "__main__":
    main()
