"""The main job on sample pictures: audit, release, verify. `make demo` runs this.

Without --photos a small set is made: drawn pictures with planted metadata, and public-domain photographs that ship inside
scikit-image.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "camera", "rocket")


def sample_set(folder: Path) -> Path:
    """Drawn pictures and photographs of scikit-image in one folder."""
    import cv2
    from skimage import data

    from veilset.testing.drawn import drawn_folder

    drawn_folder(folder / "drawn", 12, seed=7)
    (folder / "photographs").mkdir()
    for name in PHOTOGRAPHS:
        pixels = getattr(data, name)()
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels
        cv2.imwrite(str(folder / "photographs" / f"{name}.jpg"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return folder


def veilset(*words: str) -> None:
    """Run one verb and show it."""
    print(f"\n$ veilset {' '.join(words)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "veilset", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Make the set if none is given, then audit, release and verify it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--photos", type=Path, help="your own folder; only read")
    options.add_argument("--out", type=Path, default=Path("demo"))
    options.add_argument("--policy", default="publish-dataset")
    given = options.parse_args()
    marker = given.out / ".made-by-veilset-demo"
    if given.out.exists() and not marker.exists():
        sys.exit(f"{given.out} exists and is not from an earlier demo; name another folder with OUT=...")
    if given.out.exists():
        shutil.rmtree(given.out)
    given.out.mkdir(parents=True)
    marker.touch()
    photos = given.photos or sample_set(given.out / "photos")
    veilset("audit", str(photos), "--out", str(given.out / "audit"))
    veilset("release", str(photos), "--out", str(given.out / "release"), "--policy", given.policy)
    veilset("verify", str(given.out / "release"))
    print(f"\nLook at {given.out / 'audit' / 'report.html'} (private) and {given.out / 'release' / 'public'}.")


if __name__ == "__main__":
    main()
