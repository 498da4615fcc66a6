"""Peak memory and time of `veilset release` over drawn sets of growing size: memory is to stay flat, time to be linear.

    python benchmarks/memory.py --sizes 1000 20000 --work /tmp/veilset-memory

Prints one row per size: pictures, seconds, pictures per second, the largest resident memory of any process of the run, and
of all of them together (sampled four times a second).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from veilset.testing.drawn import drawn_folder

POLICY = """
version: 1
find: [metadata, {face: {model: centerface, effort: quick}}]
treat:
  metadata: strip
  hidden_image: strip
  face: mask
  "*": refuse
"""


def resident(process: int) -> list[int]:
    """Resident bytes of a process and everything below it."""
    pending, found = [process], []
    while pending:
        one = pending.pop()
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
            found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")]
            pending += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except (OSError, ValueError):
            continue
    return found


def measure(photos: Path, out: Path, policy: Path) -> tuple[float, int, int]:
    """Seconds, peak of one process, peak of the sum."""
    began = time.perf_counter()
    run = subprocess.Popen(
        [sys.executable, "-m", "veilset", "release", str(photos), "-o", str(out), "-p", str(policy), "--json"],
        stdout=subprocess.DEVNULL,
    )
    peaks = [0, 0]

    def watch() -> None:
        while run.poll() is None:
            sizes = resident(run.pid) or [0]
            peaks[0], peaks[1] = max(peaks[0], *sizes), max(peaks[1], sum(sizes))
            time.sleep(0.25)

    watcher = threading.Thread(target=watch)
    watcher.start()
    run.wait()
    watcher.join()
    if run.returncode:
        sys.exit(run.returncode)
    return time.perf_counter() - began, peaks[0], peaks[1]


def main() -> None:
    """Draw, release, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[1000, 20000])
    options.add_argument("--work", type=Path, required=True)
    given = options.parse_args()
    given.work.mkdir(parents=True)
    policy = given.work / "policy.yaml"
    policy.write_text(POLICY)
    print("pictures  seconds  pictures/s  peak of one process  peak of all")
    for size in given.sizes:
        photos, out = given.work / f"photos-{size}", given.work / f"out-{size}"
        drawn_folder(photos, size, seed=1, size=(160, 120), faces=(0, 2))
        seconds, one, every = measure(photos, out, policy)
        print(f"{size:8}  {seconds:7.0f}  {size / seconds:10.1f}  {one / 2**20:15.0f} MiB  {every / 2**20:7.0f} MiB")
        shutil.rmtree(photos)
        shutil.rmtree(out)


if __name__ == "__main__":
    main()
