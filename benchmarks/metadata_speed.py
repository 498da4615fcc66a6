"""Cleaning and auditing beside cp and exiftool, in one run, on two corpora.

    python benchmarks/metadata_speed.py --large 300 --small 3000 --rounds 3

Corpus A: copies of a drawn photo of about 2.6 MB; corpus B: of about 160 KB. Both carry EXIF with coordinates, a
thumbnail, XMP and a colour profile. `--photo-a` and `--photo-b` take real photos instead.

Each round runs every tool once, in turn, each in one process of its own, its start included; medians are printed. Our
rows run the program `veilset` with compiled bytecode, as an installation has it, and the same functions called from
Python. Beside the clock stands processor time (user and system): on a machine with other work the clock measures that work
too. exiftool is so slow that it runs over one file and over a share of the files, and the time for all of them is the
straight line through both.

Two things would favour whoever comes first, and are taken away. Free memory is touched before every run, since a virtual
machine gets fresh pages from its host at a price. What was written is cut to nothing and removed at the end, since ext4
searches past every file that was deleted in the last minutes when it makes a new one; the tools that work in place, which
delete as they go, have rounds of their own after all others. At the end stands the memory that a film of 1 GB takes.
"""

from __future__ import annotations

import argparse
import io
import mmap
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

EXIFTOOL = shutil.which("exiftool")


def drawn_photo(target: int, seed: int = 0) -> bytes:
    """A noisy drawn picture whose JPEG takes about `target` bytes, with the metadata of a phone."""
    import cv2
    import numpy as np
    from PIL import Image

    from veilset.testing.planted import Marks, exif_block, icc_profile, xmp_packet

    rng = np.random.default_rng(seed)
    width, height = (3264, 2448) if target > 1_000_000 else (1024, 768)
    coarse = rng.integers(0, 255, (height // 16, width // 16, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noisy = np.clip(smooth + rng.integers(-9, 9, smooth.shape), 0, 255).astype(np.uint8)
    marks = Marks("bench")
    for quality in range(95, 30, -1):
        out = io.BytesIO()
        exif = b"Exif\0\0" + exif_block(marks)
        Image.fromarray(noisy).save(
            out, "JPEG", quality=quality, exif=exif, icc_profile=icc_profile(marks), xmp=xmp_packet(marks)
        )
        if out.tell() <= target:
            break
    return out.getvalue()


def _corpus(folder: Path, photo: bytes, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"IMG_{number:05d}.jpg").write_bytes(photo)
    return folder


Times = tuple[float, float]


def _veilset(*words: object) -> list[str]:
    return [sys.executable, "-c", "from veilset.cli.main import run; run()", *map(str, words)]


def _python(name: str, corpus: Path, *words: str) -> list[str]:
    """The same function called from a Python process that starts for it, without the command line around it."""
    code = f"from pathlib import Path\nfrom veilset.flows.{name} import {name}\n{name}({', '.join(words)})"
    return [sys.executable, "-c", code.replace("CORPUS", f"Path({str(corpus)!r})")]


def _start(cache: Path) -> dict[str, str]:
    """The environment of every child: compiled modules are kept, in a folder of this run."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(cache), "OMP_NUM_THREADS": "1"}


def _timed(command: Sequence[object], environment: dict[str, str]) -> Times:
    """Seconds by the clock and of processor (user and system) of one child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, capture_output=True, env=environment)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _emptied(folder: Path, gone: Path) -> None:
    """Give back what a folder's files hold, and put it out of the way; nothing is deleted before the end."""
    if folder.exists():
        for path in folder.rglob("*"):
            if path.is_file():
                os.truncate(path, 0)
        gone.mkdir(exist_ok=True)
        folder.rename(gone / str(len(list(gone.iterdir()))))


def _touched(size: int) -> None:
    """Free memory that the machine has, and not one that it still has to ask its host for."""
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE):
        pass


def _bare(corpus: Path) -> None:
    """What no tool in Python that replaces files in one step can beat: the kernel copies beside, and renames."""
    for entry in sorted(os.scandir(corpus), key=lambda one: one.name):
        source = os.open(entry.path, os.O_RDONLY)
        target = os.open(entry.path + ".part", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        size = os.fstat(source).st_size
        if os.copy_file_range(source, target, size, 0) != size:
            raise SystemExit("the kernel copied a part only")
        os.close(target)
        os.close(source)
        os.replace(entry.path + ".part", entry.path)


def _exiftool(words: Sequence[object], names: Sequence[Path], share: int, work: Path, start: dict[str, str]) -> Times:
    """exiftool over all names, from one file and from `share` files."""
    took = []
    for number in (1, share):
        folder = work / f"part{number}"
        folder.mkdir()
        for path in names[:number]:
            shutil.copyfile(path, folder / path.name)
        _touched(2 * share * names[0].stat().st_size)
        took.append(_timed([EXIFTOOL, "-q", "-m", *words, folder], start))
        for done in (folder, work / "kept"):
            _emptied(done, work / "gone")
    one, some = took
    wall, processor = (a + (b - a) / (share - 1) * (len(names) - 1) for a, b in zip(one, some, strict=True))
    return wall, processor


Job = Callable[[], Times]


def _copying(corpus: Path, work: Path, share: int, start: dict[str, str]) -> dict[str, Job]:
    """Tools that leave the corpus as it is."""
    names, out = sorted(corpus.iterdir()), work / "out"

    def run(command: list[str]) -> Times:
        _touched(sum(path.stat().st_size for path in names))
        took = _timed(command, start)
        _emptied(out, work / "gone")
        return took

    keep = ("-all=", "-tagsFromFile", "@", "-icc_profile", "-orientation", "-o", f"{work}/kept/")
    jobs: dict[str, Job] = {
        "cp -r": partial(run, ["cp", "-r", str(corpus), str(out)]),
        "veilset clean": partial(run, _veilset("clean", corpus, "-o", out, "--json")),
        "Python clean()": partial(run, _python("clean", corpus, "[CORPUS]", f"out=Path({str(out)!r})")),
        "veilset audit": partial(run, _veilset("audit", corpus, "-f", "metadata", "--json")),
        "Python audit()": partial(run, _python("audit", corpus, "CORPUS", "find=['metadata']")),
    }
    if EXIFTOOL:
        jobs["exiftool -j"] = partial(_exiftool, ["-j"], names, share, work, start)
        jobs["exiftool keep"] = partial(_exiftool, keep, names, share, work, start)
    return jobs


def _in_place(corpus: Path, work: Path, share: int, start: dict[str, str]) -> dict[str, Job]:
    """Tools that put a clean file where the original was."""
    names, twin = sorted(corpus.iterdir()), work / "twin"

    def run(command: list[str]) -> Times:
        shutil.copytree(corpus, twin)
        _touched(sum(path.stat().st_size for path in names))
        took = _timed(command, start)
        _emptied(twin, work / "gone")
        return took

    jobs: dict[str, Job] = {
        "veilset in place": partial(run, _veilset("clean", twin, "--in-place", "--no-backup", "--json")),
        "Python in place": partial(run, _python("clean", twin, "[CORPUS]", "in_place=True", "backup=False")),
        "bare rewrite": partial(run, [sys.executable, __file__, "--bare", str(twin)]),
    }
    if EXIFTOOL:
        words = ["-all=", "-overwrite_original"]
        jobs["exiftool in place"] = partial(_exiftool, words, names, share, work, start)
    return jobs


def _measure(name: str, photo: bytes, options: argparse.Namespace, count: int, share: int) -> None:
    with tempfile.TemporaryDirectory(prefix="metadata_speed-", dir=options.where) as base:
        corpus = _corpus(Path(base) / "corpus", photo, count)
        start = _start(Path(base) / "bytecode")
        for words in (("clean", corpus, "--check"), ("audit", corpus, "-f", "metadata", "--json")):
            subprocess.run(_veilset(*words), capture_output=True, env=start, check=False)
        seen: dict[str, list[Times]] = {}
        before = os.getloadavg()
        for kind in (_copying, _in_place):
            work = Path(base) / kind.__name__
            work.mkdir()
            jobs = list(kind(corpus, work, share, start).items())
            for number in range(options.rounds):
                for tool, job in jobs[number % len(jobs) :] + jobs[: number % len(jobs)]:
                    seen.setdefault(tool, []).append(job())
        after = os.getloadavg()
    _print(name, photo, count, options.rounds, seen, (before[0], after[0]))


def _print(
    name: str, photo: bytes, count: int, rounds: int, seen: dict[str, list[Times]], load: tuple[float, float]
) -> None:
    write = sys.stdout.write
    write(
        f"corpus {name}: {count} files of {len(photo) / 1e6:.2f} MB, medians of {rounds} rounds; "
        f"load average {load[0]:.1f} before and {load[1]:.1f} after, {os.cpu_count()} cores\n"
    )
    write(f"  {'':20}{'files/s':>9}{'(slowest, fastest)':>20}{'processor ms a file':>21}{'(lowest, highest)':>19}\n")
    for tool, both in sorted(seen.items()):
        rates = sorted(count / wall for wall, _ in both)
        costs = sorted(1000 * processor / count for _, processor in both)
        spread, range_of = f"({rates[0]:.0f}, {rates[-1]:.0f})", f"({costs[0]:.2f}, {costs[-1]:.2f})"
        middle, cost = statistics.median(rates), statistics.median(costs)
        write(f"  {tool:20}{middle:9.0f}{spread:>20}{cost:21.2f}{range_of:>19}\n")
    write(f"  {'speed, as a ratio':42}{'by the clock':>13}{'by processor':>14}{'wanted':>8}\n")
    wanted = 0.85 if len(photo) > 1_000_000 else 0.7
    for ours, theirs, target in (
        ("veilset clean", "cp -r", wanted),
        ("Python clean()", "cp -r", wanted),
        ("veilset clean", "exiftool keep", 10),
        ("veilset audit", "exiftool -j", 10),
        ("Python audit()", "exiftool -j", 10),
        ("veilset in place", "exiftool in place", 10),
        ("Python in place", "exiftool in place", 10),
        ("bare rewrite", "exiftool in place", 10),
        ("cp -r", "exiftool keep", 10),  # the most that a tool which copies the file can reach
    ):
        if theirs in seen:
            wall, processor = (
                statistics.median(one[part] for one in seen[theirs])
                / statistics.median(one[part] for one in seen[ours])
                for part in (0, 1)
            )
            write(f"  {f'{ours} / {theirs}':42}{wall:13.2f}{processor:14.2f}{target:8}\n")


_FILM = """
import re, sys
from pathlib import Path
from veilset.flows.clean import clean
done = clean([Path(sys.argv[1])], out=Path(sys.argv[2]))
print(done.files[0][1].state, re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def _film(options: argparse.Namespace) -> None:
    """The most memory that cleaning a film of 1 GB takes."""
    from veilset.testing.long_film import write_long_film

    with tempfile.TemporaryDirectory(prefix="metadata_speed-", dir=options.where) as base:
        film = Path(base) / "film.mp4"
        write_long_film(film)
        command = [sys.executable, "-c", _FILM, str(film), str(Path(base) / "out")]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        state, kilobytes = run.stdout.split()
    sys.stdout.write(
        f"film of {1024 * 2**20 / 1e9:.2f} GB: {state}; at most {int(kilobytes) / 1000:.0f} MB of memory, wanted under 200\n"
    )


def main() -> None:
    """Measure both corpora, or run the bare rewrite for a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=300)
    parser.add_argument("--small", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photo-a", type=Path)
    parser.add_argument("--photo-b", type=Path)
    parser.add_argument("--where", type=Path, help="folder for the corpora; the system's folder for temporary files")
    parser.add_argument("--bare", type=Path)
    options = parser.parse_args()
    if options.bare:
        _bare(options.bare)
        return
    for name, given, size, count, share in (
        ("A", options.photo_a, 2_650_000, options.large, 40),
        ("B", options.photo_b, 165_000, options.small, 200),
    ):
        photo = given.read_bytes() if given else drawn_photo(size)
        _measure(name, photo, options, count, min(share, count))
    _film(options)


if __name__ == "__main__":
    main()
