"""Mutate planted and real files, and look that a reader only ever raises DataError, quickly, and never half-writes.

    python tests/fuzz/containers.py --minutes 10 --seed 1
    python tests/fuzz/containers.py --minutes 10 --seed 2 --files FOLDER

Prints the seed of every failure; put it into SEEDS of tests/unit/containers/test_fuzz.py. Real files are read from
VEILSET_DATA/camera_files when it is there; `--files` mutates those of a folder of yours instead, such as other
projects' tests.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageCms

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.surplus import surplus_of, without_surplus
from veilset.core.errors import DataError, VeilsetError
from veilset.data.turned import turned
from veilset.testing.planted import drawn as pixels
from veilset.testing.planted_files import every_planted

SLOW = 2.0
# Whatever else a reader may die of; only DataError is an answer.
WRONG = (
    Image.DecompressionBombError, ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, LookupError,
    MemoryError, NameError, OSError, RuntimeError, TypeError, ValueError, VeilsetError, struct.error, zlib.error,
)  # fmt: skip
KEEPS = (Keep(), Keep(rights=True, exposure=True, gps_grid=0.1, georeference=True, dates="month"))
WORDS = (b"\xff\xd8", b"\xff\xd9", b"\xff\xe1\0\4", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"IEND", b"fdAT",
         b"II*\0", b"\0\0\0\1", b"\x21\xff\x0b", b"\x2c", b"ANMF", b"moov", b"\x80\0\0\0")  # fmt: skip


def seeds(real: bool = True, *, more: bool = True) -> list[tuple[str, bytes]]:
    """What is mutated: every planted file, small real ones, and (`more`) drawn ones for what is told by decoding.

    A seed names a file by its place in this list: those of before there were `more` need the list without.
    """
    found = [(planted.name, planted.data) for planted in every_planted()]
    folder = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "camera_files"
    if real and folder.is_dir():
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md")
        found += [(path.name, path.read_bytes()) for path in paths if path.stat().st_size < 1 << 18]
    return found + drawn() if more else found


def of_folder(folder: Path) -> list[tuple[str, bytes]]:
    """Every file below a folder that is not too large to be mutated often."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and 0 < path.stat().st_size < 1 << 18)
    return [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths]


def drawn() -> list[tuple[str, bytes]]:
    """Pictures with several scans, restart markers, partitions, an orientation, a wide profile, and reduced pages."""
    picture = Image.fromarray(pixels())
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ways: dict[str, tuple[str, dict[str, object]]] = {
        "progressive.jpg": ("JPEG", {"progressive": True}),
        "restarts.jpg": ("JPEG", {"restart_marker_blocks": 2, "subsampling": 0}),
        "progressive-restarts.jpg": ("JPEG", {"progressive": True, "restart_marker_blocks": 3}),
        "turned.jpg": ("JPEG", {"exif": exif, "icc_profile": profile}),
        "turned.png": ("PNG", {"exif": exif, "icc_profile": profile}),
        "lossy.webp": ("WEBP", {"exif": exif}),
        "lossless.webp": ("WEBP", {"exif": exif, "lossless": True}),
        "turned.tiff": ("TIFF", {"exif": exif, "compression": "tiff_adobe_deflate"}),
    }
    found = []
    for name, (kind, options) in ways.items():
        out = io.BytesIO()
        picture.save(out, kind, **options)
        found.append((name, out.getvalue()))
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(pixels(), photometric="rgb", tile=(16, 16), subifds=1, metadata=None)
        writer.write(pixels()[::2, ::2], photometric="rgb", subfiletype=1, compression="zlib", metadata=None)
    return [*found, ("reduced.tiff", out.getvalue()), ("raw.dng", raw_picture())]


def raw_picture() -> bytes:
    """A mosaic below a preview, as cameras write a DNG."""
    mosaic = pixels()[:, :, 1].astype(np.uint16) << 6
    version, pattern = (50706, 1, 4, (1, 4, 0, 0), True), (33422, 1, 4, (0, 1, 1, 2), True)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        how = {"photometric": "rgb", "subfiletype": 1, "metadata": None}
        writer.write(pixels()[::2, ::2], subifds=1, extratags=[version, (274, 3, 1, 6, True)], **how)
        writer.write(mosaic, photometric=32803, extratags=[(33421, 3, 2, (2, 2), True), pattern], metadata=None)
    return out.getvalue()


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to eight random changes: bits, words, cuts, copies, lengths; most of them near the start."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if len(made) < 16:
            break
        reach = len(made) if rng.random() < 0.4 else min(len(made), 2048)
        at = rng.randrange(reach)
        match rng.randrange(6):
            case 0:
                made[at] ^= 1 << rng.randrange(8)
            case 1:
                word = rng.choice(WORDS)
                made[at : at + len(word)] = word
            case 2:
                del made[at : at + rng.randint(1, 64)]
            case 3:
                made[at:at] = made[max(0, at - rng.randint(1, 200)) : at]
            case 4:
                made[at : at + 4] = rng.randint(0, 1 << 32).to_bytes(5, "big")[-4:]
            case _:
                if rng.random() < 0.3:
                    del made[at:]
                else:
                    made[at] = rng.randrange(256)
    return bytes(made)


def tried(data: bytes, keep: Keep) -> str:
    """What went wrong with one file, in words; empty when nothing did."""
    start = time.process_time()
    try:
        inspect(data)
        first = io.BytesIO()
        rebuild(data, first, keep)
        second = io.BytesIO()
        rebuild(first.getvalue(), second, keep)
        if second.getvalue() != first.getvalue():
            return "a second pass changes the file"
        wrong = finished(first.getvalue(), keep)
        if wrong:
            return wrong
    except DataError:
        pass
    except WRONG as error:
        return f"{type(error).__name__} at {_place(error)}"
    took = time.process_time() - start
    return f"takes {took:.1f} s" if took > SLOW else ""


def finished(data: bytes, keep: Keep) -> str:
    """What went wrong when a clean file was looked through to its last bit and turned upright."""
    found = surplus_of(data)
    shorter = without_surplus(data, found)
    if found.spans and surplus_of(shorter).spans:
        return "bytes behind coded blocks are left"
    done = turned(shorter, keep, "mutated")
    again = io.BytesIO()
    rebuild(done.data, again, keep)
    return "" if again.getvalue() == done.data else "a turned file would be cleaned again"


def _place(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "nowhere"


def once(seed: int, files: list[tuple[str, bytes]]) -> str:
    """One mutation by its seed."""
    rng = random.Random(seed)
    name, data = files[rng.randrange(len(files))]
    wrong = tried(mutated(data, rng), KEEPS[rng.randrange(len(KEEPS))])
    return f"{name}: {wrong}" if wrong else ""


def main() -> int:
    """Run for a while; 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=Path)
    options = parser.parse_args()
    files = of_folder(options.files) if options.files else seeds()
    end = time.monotonic() + 60 * options.minutes
    seed, failures, slowest = options.seed * 10**9, 0, (0.0, 0)
    while time.monotonic() < end:
        start = time.process_time()
        wrong = once(seed, files)
        slowest = max(slowest, (time.process_time() - start, seed))
        if wrong:
            failures += 1
            sys.stdout.write(f"seed {seed}: {wrong}\n")
        seed += 1
    sys.stdout.write(f"{seed - options.seed * 10**9} mutations of {len(files)} files, {failures} failures\n")
    sys.stdout.write(f"slowest: seed {slowest[1]} in {slowest[0]:.2f} s of processor time\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
