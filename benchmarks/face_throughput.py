"""Pictures per second, side by side with deface, in one run on the same pictures.

    python benchmarks/face_throughput.py --deface PYTHON [--pictures 200] [--rounds 3]

Both read JPEG files, find faces, treat them and write JPEG files. deface runs in its own code (`image_detect`) at its
own defaults, with every thread that it starts by itself; ours runs in two worker processes of one thread each: decode,
`Face.find`, boxes grown by 15 % filled with the means of 16 cells a side, encode. Rounds alternate, so that other work
on the machine hits both; the median of the rounds' ratios is printed last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from labelled_faces import labelled

from veilset.core.sample import Image, Sample
from veilset.detectors.face import Face

IN_DEFACE = """
import contextlib, io, json, os, sys, time
with contextlib.redirect_stdout(io.StringIO()):
    from deface.centerface import CenterFace
    from deface.deface import image_detect
    network = CenterFace()
settings = (0.2, "blur", 1.3, True, False, False, False)
def run(names, out):
    start = time.perf_counter()
    for name in names:
        image_detect(name, os.path.join(out, os.path.basename(name)), network, *settings)
    return time.perf_counter() - start
names, out = json.loads(sys.stdin.readline())
run(names[:5], out)
print(network.backend, flush=True)
for line in sys.stdin:
    print(run(names, out), flush=True)
"""


def treat(name: str, out: str, settings: dict[str, str]) -> int:
    """Our path for one picture; the number of faces."""
    cv2.setNumThreads(1)
    pixels = cv2.cvtColor(cv2.imread(name), cv2.COLOR_BGR2RGB)
    findings = Face(**settings).find(Sample(name, Image(pixels)))
    treated = pixels.copy()
    for finding in findings:
        box = finding.where.grow(0.15)
        x0, y0 = max(0, int(box.x)), max(0, int(box.y))
        part = pixels[y0 : int(box.y + box.height) + 1, x0 : int(box.x + box.width) + 1]
        if part.size:
            cells = cv2.resize(part, (min(16, part.shape[1]), min(16, part.shape[0])), interpolation=cv2.INTER_AREA)
            size = (part.shape[1], part.shape[0])
            treated[y0 : y0 + size[1], x0 : x0 + size[0]] = cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(Path(out) / Path(name).name), cv2.cvtColor(treated, cv2.COLOR_RGB2BGR))
    return len(findings)


def seconds(pool: ProcessPoolExecutor, names: list[str], out: str, settings: dict[str, str]) -> float:
    """How long our path takes for all of them."""
    start = time.perf_counter()
    sum(pool.map(partial(treat, out=out, settings=settings), names, chunksize=8))
    return time.perf_counter() - start


def main() -> None:
    """Print pictures per second and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deface", default=sys.executable, help="a Python in which deface is installed")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    names = [str(path.resolve()) for path in labelled("face_mask_boxes")][: options.pictures]
    efforts = {"thorough": {}, "quick": {"effort": "quick"}}
    ratios: dict[str, list[float]] = {name: [] for name in efforts}
    with tempfile.TemporaryDirectory() as out, ProcessPoolExecutor(options.workers) as pool:
        deface = subprocess.Popen(
            [options.deface, "-c", IN_DEFACE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        print(json.dumps([names, out]), file=deface.stdin, flush=True)
        backend = deface.stdout.readline().strip()
        if not backend:
            sys.exit("deface is not installed in the Python given by --deface")
        for settings in efforts.values():
            seconds(pool, names[: 16 * options.workers], out, settings)
        for _ in range(options.rounds):
            print("go", file=deface.stdin, flush=True)
            theirs = float(deface.stdout.readline())
            line = [f"deface ({backend}) {len(names) / theirs:6.1f} pictures/s"]
            for name, settings in efforts.items():
                took = seconds(pool, names, out, settings)
                ratios[name].append(theirs / took)
                line.append(f"veilset {name} {len(names) / took:6.1f} pictures/s")
            print("   ".join(line), flush=True)
        deface.stdin.close()
        deface.wait()
    for name, values in ratios.items():
        print(f"veilset {name}: {statistics.median(values):.2f} x deface (rounds {np.round(values, 2).tolist()})")


if __name__ == "__main__":
    main()
