"""Pictures per second of a whole release, side by side with deface, on the same pictures.

    python benchmarks/face_throughput.py --deface PYTHON [--set face_mask_boxes] [--pictures 200] [--rounds 5]

`--set` is `face_mask_boxes` (about 400 x 300 pixels) or `people_photos` (0.1 to 5 megapixels, as people publish them).

Each side is one process that is started, reads a folder of JPEG files, finds and treats faces, writes JPEG files, and
ends. deface: its own loop over files (`image_detect`) at its own defaults, with every thread that it starts by itself.
Ours: `veilset release` with `find: [{face: {effort: ...}}]`, `treat: {face: mask}` and two workers of one thread each;
`--megapixels` sets `quick_megapixels`;
that is the whole step, with journal, files flushed to disk, read back and checked, and the manifest. Start-up is in the
time of both. Rounds alternate (deface, quick, deface, quick, ...), so that other work on the machine hits all. A ratio
is that of one round's wall times. Processor time (user and system, children included) is printed beside it: it says
what each costs whatever else the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from labelled_faces import data_folder, labelled

from veilset.detectors.face import Face

PR_SET_CHILD_SUBREAPER = 36
IN_DEFACE = """
import contextlib, io, os, sys
with contextlib.redirect_stdout(io.StringIO()):
    from deface.centerface import CenterFace
    from deface.deface import image_detect
    network = CenterFace()
source, out = sys.argv[1:]
for name in sorted(os.listdir(source)):
    image_detect(os.path.join(source, name), os.path.join(out, name), network, 0.2, "blur", 1.3, True, False, False, False)
"""
POLICY = """version: 1
find:
  - face: {{effort: {effort}, quick_megapixels: {megapixels}}}
treat:
  face: mask
  "*": refuse
"""


def timed(command: list[str], written: Path, expected: int) -> tuple[float, float]:
    """Wall and processor seconds of one whole process; ends the program unless it wrote every picture."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    with contextlib.suppress(ChildProcessError):
        while True:  # what it started and did not wait for: its processor time counts too
            os.wait()
    after = os.times()
    pictures = sum(1 for path in written.rglob("*.jp*g"))
    if done.returncode or pictures != expected:
        sys.exit(f"{command[:3]} wrote {pictures} of {expected} pictures:\n{done.stderr[-2000:]}")
    busy = after.children_user - before.children_user + after.children_system - before.children_system
    return wall, busy


def one_round(sides: dict[str, list[str]], work: Path, expected: int) -> dict[str, tuple[float, float]]:
    """Every side once, each into an empty folder."""
    taken = {}
    for side, command in sides.items():
        out = work / "out"
        shutil.rmtree(out, ignore_errors=True)
        if side == "deface":
            out.mkdir()
        taken[side] = timed([*command, str(out)], out if side == "deface" else out / "public", expected)
    return taken


def spread(values: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


def pictures_of(name: str) -> list[Path]:
    """JPEG files of a set, in the order of their names."""
    if name == "people_photos":
        return sorted((data_folder() / name / "images").glob("*.jpg"))
    return list(labelled(name))


def main() -> None:
    """Print pictures per second, processor time and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deface", default=sys.executable, help="a Python in which deface is installed")
    parser.add_argument("--set", choices=("face_mask_boxes", "people_photos"), default="face_mask_boxes")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=1, help="copies of each picture, so that the start weighs less")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--effort", action="append", choices=("quick", "thorough"), help="may be given again")
    parser.add_argument(
        "--megapixels", type=float, default=Face().quick_megapixels, help="what quick shrinks pictures to"
    )
    options = parser.parse_args()
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit("orphans of the measured processes cannot be waited for on this system")
    os.environ.pop("OMP_NUM_THREADS", None)  # neither side is held back by the caller's settings
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "in").mkdir()
        names = pictures_of(options.set)[: options.pictures]
        count = len(names) * options.repeat
        for path in names:
            for copy in range(options.repeat):
                shutil.copy(path, work / "in" / f"{copy}-{path.name}")
        sides = {"deface": [options.deface, "-c", IN_DEFACE, str(work / "in")]}
        for effort in options.effort or ("quick",):
            policy = work / f"{effort}.yaml"
            policy.write_text(POLICY.format(effort=effort, megapixels=options.megapixels))
            verb = [sys.executable, "-m", "veilset", "release", str(work / "in"), "--policy", str(policy)]
            sides[effort] = [*verb, "--workers", str(options.workers), "--json", "--out"]
        rounds = []
        for number in range(options.rounds + 1):
            taken = one_round(sides, work, count)
            if number:  # the first round fills the caches of the disk
                rounds.append(taken)
                print({side: f"{wall:.1f} s, {busy:.1f} s busy" for side, (wall, busy) in taken.items()}, flush=True)
    print(f"\n{options.set}: {count} pictures, {options.rounds} rounds, {os.cpu_count()} cores;")
    print(f"median [least, most]; load while measuring {os.getloadavg()[0]:.1f}\n")
    print("| side | pictures/s | x deface | processor ms per picture | deface's processor time over it |")
    print("|---|---|---|---|---|")
    for side in sides:
        rate = spread([count / taken[side][0] for taken in rounds])
        ratio = spread([taken["deface"][0] / taken[side][0] for taken in rounds])
        busy = spread([1000 * taken[side][1] / count for taken in rounds])
        saved = spread([taken["deface"][1] / taken[side][1] for taken in rounds])
        print(f"| {side} | {rate} | {ratio} | {busy} | {saved} |")


if __name__ == "__main__":
    main()
