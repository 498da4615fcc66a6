"""A film of a gigabyte, drawn as holes in a file, is listed and cleaned by a process of 200 MB."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from veilset.containers import Keep, rebuild
from veilset.testing.planted_films import film

GIGABYTE = 1 << 30
PROGRAM = """
import sys
from pathlib import Path
from veilset.containers import inspect
from veilset.containers.clean import clean_file
def peak():
    # What the kernel counts for resource.getrusage begins with the size of the parent.
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
path = Path(sys.argv[1])
listing = inspect(path)
print(peak())
if sys.argv[2] == "clean":
    done = clean_file(path, path.with_name("clean.mp4"))
    assert done.state in ("clean", "residue"), done.reason
print(peak())
print(sorted(tag.path for tag in listing.tags if tag.path.startswith("mp4/free")))
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not say how large a process was"
)


def measured(path: Path, what: str) -> str:
    """Which boxes of free room were listed; both steps have to stay within 200 MB."""
    command = [sys.executable, "-c", PROGRAM, path, what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    inspecting, cleaning, boxes = done.stdout.splitlines()
    assert max(int(inspecting), int(cleaning)) < 200_000
    return boxes


@pytest.mark.parametrize("what", ["inspect", pytest.param("clean", marks=pytest.mark.slow)])
def test_large_samples(tmp_path: Path, what: str) -> None:
    """The picture's three samples are moved into a data box of a gigabyte at the end."""
    out = io.BytesIO()
    rebuild(film().data, out, Keep())
    raw = bytearray(out.getvalue())
    sizes = raw.index(b"stsz") + 8
    assert struct.unpack_from(">I", raw, sizes + 4) == (3,)
    struct.pack_into(">3I", raw, sizes + 8, 8, GIGABYTE - 16, 8)
    struct.pack_into(">I", raw, raw.index(b"stco") + 12, len(raw) + 16)
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.write(raw + struct.pack(">I4sQ", 1, b"mdat", GIGABYTE + 16))
        file.truncate(len(raw) + 16 + GIGABYTE)
    measured(path, what)
    if what == "clean":
        assert (tmp_path / "clean.mp4").stat().st_size > GIGABYTE


def test_large_boxes_that_go(tmp_path: Path) -> None:
    """Free room of a gigabyte with a few words at its end: found, and not loaded."""
    raw = film().data
    path = tmp_path / "free.mp4"
    with path.open("wb") as file:
        file.write(raw[: raw.rindex(b"uuid") - 4] + struct.pack(">I4sQ", 1, b"free", GIGABYTE + 16))
        file.seek(GIGABYTE - 16, 1)
        file.write(b"SECRET OF SOMEBO")
    assert measured(path, "clean").count("mp4/free") == 2
    assert b"SECRET" not in (tmp_path / "clean.mp4").read_bytes()
