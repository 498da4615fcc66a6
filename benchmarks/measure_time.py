"""How long the default attacks take: 1,000 drawn pictures of 640 x 480, 100 people, faces pixelated.

    python benchmarks/measure_time.py [PICTURES]

Prints wall and processor seconds of `veilset measure` and of `veilset measure --quick`, and the same for each probe.
Where another process shares the machine, the processor seconds are the ones to compare.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from veilset.core.finding import Finding
from veilset.core.noise import SystemNoise
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.flows.measure import FULL, QUICK, measure
from veilset.operators.pixelate import Pixelate
from veilset.testing.drawn import put_face, texture

PEOPLE = 100
POLICY = """
version: 1
find: [face]
treat: {face: pixelate, "*": refuse}
"""


def draw(root: Path, pictures: int) -> None:
    """`before/<person>/<number>.jpg`, the same below `after` with its face pixelated, and the policy."""
    rng = np.random.default_rng(0)
    operator = Pixelate()
    for number in range(pictures):
        person = number % PEOPLE
        wide = int(rng.integers(90, 200))
        box = Box(int(rng.integers(20, 620 - wide)), int(rng.integers(20, 450 - wide * 5 // 4)), wide, wide * 5 // 4)
        pixels = texture(640, 480, seed=number)
        put_face(pixels, box, identity=person, variation=number)
        sample = Sample(str(number), Image(pixels))
        treated = operator.apply(sample, (Finding("face", box, 1.0, "drawn"),), noise=SystemNoise()).sample
        assert treated is not None
        for side, done in (("before", sample), ("after", treated)):
            file = root / side / f"p{person:03}" / f"{number}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            bgr = cv2.cvtColor(done.image.pixels, cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(file), bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
    (root / "policy.yaml").write_text(POLICY, encoding="utf-8")


def timed(root: Path, *, quick: bool) -> None:
    """One run; a line per probe as it ends, then the sum."""
    last = [time.perf_counter(), time.process_time()]
    begun, doing = tuple(last), [""]

    def progress(words: str, done: int, total: int) -> None:
        del done, total
        now = [time.perf_counter(), time.process_time()]
        if doing[0]:
            print(f"  {doing[0]:16} {now[0] - last[0]:7.1f} s wall {now[1] - last[1]:7.1f} s processor", flush=True)
        doing[0] = words.removeprefix("measuring ") if words != "measuring" else ""
        last[:] = now

    done = measure(
        root / "before", root / "after", policy=root / "policy.yaml", subjects="folder", quick=quick, progress=progress
    )
    wall, processor = time.perf_counter() - begun[0], time.process_time() - begun[1]
    name = "--quick" if quick else "default"
    probes = len(QUICK if quick else FULL) - len(done.not_tested)
    print(f"{name}: {wall:.0f} s wall, {processor:.0f} s processor; {probes} probes, {done.pairs[1]} pictures")
    for probe, why in done.not_tested.items():
        print(f"  not tested: {probe}: {why}")


def main() -> None:
    """Draw, then measure twice."""
    pictures = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as place:
        begun = time.perf_counter()
        draw(Path(place), pictures)
        print(f"{pictures} pictures drawn in {time.perf_counter() - begun:.0f} s", flush=True)
        timed(Path(place), quick=True)
        timed(Path(place), quick=False)


if __name__ == "__main__":
    main()
