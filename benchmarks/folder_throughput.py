"""Files per second through the folder source and sink, beside a plain decode and encode of the same pictures.

    python benchmarks/folder_throughput.py FOLDER [--limit 200]

Every round handles each picture once in four ways, in turn, so that a busy machine slows all of them alike:

- `decode + encode`: decode with simplejpeg or Pillow, encode at quality 90 with Pillow: what a simple script does;
- `untreated`: load, and write the container anew (no pixel is decoded);
- `untreated, looked at`: the same after its pixels were decoded, as an audit needs them;
- `treated`: load, decode, cover a ninth of the picture, write.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from veilset.core.errors import DataError
from veilset.core.roles import Ref
from veilset.data.folder import Folder
from veilset.data.folder_sink import FolderSink


def plain(source: Folder, ref: Ref, out: Path) -> None:
    """What a simple script does."""
    coded = io.BytesIO()
    with PillowImage.open(Path(source.path) / ref.name) as image:
        image.convert("RGB").save(coded, "JPEG", quality=90)
    (out / f"{ref.id}.plain.jpg").write_bytes(coded.getvalue())


def written(source: Folder, ref: Ref, out: Path, *, look: bool, treat: bool) -> None:
    """Through the source and the sink."""
    sample = source.load(ref)
    if look:
        _ = sample.image.pixels
    if treat:
        height, width = sample.image.shape
        region = np.zeros((height, width), dtype=bool)
        region[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
        region = sample.image.grid.snap(region)
        sample = sample.with_media(sample.image.treat(region, np.full((height, width, 3), 90, np.uint8)))
    FolderSink(str(out)).write(sample, ref.id)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    source = Folder(arguments.folder)
    ways = {
        "decode + encode": lambda ref, out: plain(source, ref, out),
        "untreated": lambda ref, out: written(source, ref, out, look=False, treat=False),
        "untreated, looked at": lambda ref, out: written(source, ref, out, look=True, treat=False),
        "treated": lambda ref, out: written(source, ref, out, look=True, treat=True),
    }
    spent = dict.fromkeys(ways, 0.0)
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        for ref in source.refs()[: arguments.limit]:
            try:
                seconds = {}
                for name, way in ways.items():
                    start = time.perf_counter()
                    way(ref, Path(folder))
                    seconds[name] = time.perf_counter() - start
            except (DataError, OSError):
                continue
            done += 1
            for name, value in seconds.items():
                spent[name] += value if done > 1 else 0.0  # the first one pays for imports
    print(f"{done - 1} pictures of {arguments.folder}")
    for name, value in spent.items():
        print(
            f"{name:22} {(done - 1) / value:8.1f} files/s   {spent['decode + encode'] / value:5.2f} x decode + encode"
        )


if __name__ == "__main__":
    main()
