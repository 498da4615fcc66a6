"""Cleaning and auditing beside cp and exiftool, in one run, on two drawn corpora.

    python benchmarks/metadata_speed.py --large 300 --small 3000 --rounds 5

Corpus A: copies of a drawn photo of about 2.6 MB; corpus B: of about 160 KB. Both carry EXIF with coordinates, a
thumbnail, XMP and a colour profile. Each round runs every tool once, in turn; the medians are printed, and the ratios
that the project promises. `--photo-a` and `--photo-b` take real photos instead.
"""

from __future__ import annotations

import argparse
import io
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from veilset.containers import inspect
from veilset.flows.clean import clean

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
    for quality in range(95, 30, -3):
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


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def _audit(corpus: Path) -> None:
    for path in corpus.iterdir():
        inspect(path)


def _clean(corpus: Path, out: Path) -> None:
    if clean([corpus], out=out).count("clean") == 0:
        raise SystemExit("nothing was cleaned")


def _in_place(corpus: Path) -> None:
    clean([corpus], in_place=True, backup=False)


def _ours(verb: str, corpus: Path, out: Path) -> None:
    """Our own verbs in a process of their own, its start included as for every other tool."""
    _run(sys.executable, __file__, "--verb", verb, "--corpus", corpus, "--out", out)


def _round(corpus: Path, work: Path, slow_share: int) -> dict[str, tuple[float, float]]:
    """Wall and processor seconds for each tool over the corpus (exiftool over a share of it, scaled up)."""
    names = sorted(corpus.iterdir())
    share = work / "share"
    share.mkdir()
    part = names[: max(1, len(names) // slow_share)]
    for path in part:
        shutil.copyfile(path, share / path.name)
    twin, twin_share = work / "twin", work / "twin_share"
    shutil.copytree(corpus, twin)
    shutil.copytree(share, twin_share)
    scale = len(names) / len(part)
    jobs: list[tuple[str, Callable[[], None], float]] = [
        ("cp -r", partial(_run, "cp", "-r", corpus, work / "cp"), 1),
        ("veilset clean", partial(_ours, "clean", corpus, work / "clean"), 1),
        ("veilset audit", partial(_ours, "audit", corpus, work / "none"), 1),
        ("veilset in place", partial(_ours, "in-place", twin, work / "none"), 1),
    ]
    if EXIFTOOL:
        keep = ("-all=", "-tagsFromFile", "@", "-icc_profile", "-orientation")
        jobs += [
            ("exiftool -j", partial(_run, EXIFTOOL, "-j", "-q", "-m", share), scale),
            ("exiftool keep", partial(_run, EXIFTOOL, "-q", "-m", *keep, "-o", f"{work}/kept/", share), scale),
            (
                "exiftool in place",
                partial(_run, EXIFTOOL, "-q", "-m", "-all=", "-overwrite_original", twin_share),
                scale,
            ),
        ]
    took = {}
    for name, job, factor in jobs:
        start, before = time.perf_counter(), _processor()
        job()
        took[name] = ((time.perf_counter() - start) * factor, (_processor() - before) * factor)
    return took


def _processor() -> float:
    """Processor seconds of all finished children: what a busy machine cannot stretch."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measure(name: str, photo: bytes, count: int, rounds: int, slow_share: int) -> None:
    with tempfile.TemporaryDirectory(prefix="metadata_speed-") as base:
        corpus = _corpus(Path(base) / "corpus", photo, count)
        seen: dict[str, list[tuple[float, float]]] = {}
        for number in range(rounds):
            work = Path(base) / f"round{number}"
            work.mkdir()
            for tool, seconds in _round(corpus, work, slow_share).items():
                seen.setdefault(tool, []).append(seconds)
            shutil.rmtree(work)
    wall = {tool: count / statistics.median(times[0] for times in both) for tool, both in seen.items()}
    processor = {tool: count / statistics.median(times[1] for times in both) for tool, both in seen.items()}
    sys.stdout.write(f"corpus {name}: {count} files of {len(photo) / 1e6:.2f} MB, {rounds} rounds, medians\n")
    for tool, both in seen.items():
        rates = [count / times[0] for times in both]
        spread = f"{min(rates):.0f} to {max(rates):.0f}"
        by_processor = f"{1000 / processor[tool]:.2f} ms of processor a file"
        sys.stdout.write(f"  {tool:20} {wall[tool]:9.0f} files/s  ({spread}), {by_processor}\n")
    pairs = [("veilset clean", "cp -r"), ("veilset clean", "exiftool keep"), ("veilset audit", "exiftool -j"),
             ("veilset in place", "exiftool in place")]  # fmt: skip
    for ours, theirs in pairs:
        if theirs in wall:
            by_wall, by_processor = wall[ours] / wall[theirs], processor[ours] / processor[theirs]
            sys.stdout.write(
                f"  {ours} / {theirs} = {by_wall:.2f} by the clock, {by_processor:.2f} by processor time\n"
            )


def main() -> None:
    """Measure both corpora, or run one of our verbs for a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=300)
    parser.add_argument("--small", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow-share", type=int, default=10, help="exiftool runs over one file in this many")
    parser.add_argument("--photo-a", type=Path)
    parser.add_argument("--photo-b", type=Path)
    parser.add_argument("--verb")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.verb:
        verbs: dict[str, Callable[[], None]] = {
            "audit": partial(_audit, options.corpus),
            "clean": partial(_clean, options.corpus, options.out),
            "in-place": partial(_in_place, options.corpus),
        }
        verbs[options.verb]()
        return
    for name, given, size, count in (
        ("A", options.photo_a, 2_650_000, options.large),
        ("B", options.photo_b, 165_000, options.small),
    ):
        photo = given.read_bytes() if given else drawn_photo(size)
        _measure(name, photo, count, options.rounds, options.slow_share)


if __name__ == "__main__":
    main()
