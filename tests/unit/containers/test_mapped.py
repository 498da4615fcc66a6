"""Large files are mapped and small ones read: both give the same, and one that shrinks meanwhile is no result."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.clean import clean_file, clean_in_place
from veilset.containers.door import Stored, open_source
from veilset.containers.held import held
from veilset.containers.pieces import RangeWriter
from veilset.core.errors import Unreadable
from veilset.testing.planted import Marks, exif_block


@pytest.mark.parametrize("side", [200, 1100, 3600])
def test_read_or_mapped_the_result_is_the_same(side: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(side).integers(0, 255, (side, side, 3)).astype(np.uint8)
    photo, marks = io.BytesIO(), Marks("mapped")
    Image.fromarray(noise).save(photo, "JPEG", quality=90, exif=b"Exif\0\0" + exif_block(marks))
    raw = photo.getvalue() + b"a tail that says something"
    (tmp_path / "photo.jpg").write_bytes(raw)
    assert clean_file(tmp_path / "photo.jpg", tmp_path / "clean.jpg").state == "clean"
    made = io.BytesIO()
    rebuild(raw, made, Keep())
    assert (tmp_path / "clean.jpg").read_bytes() == made.getvalue()
    assert inspect(tmp_path / "photo.jpg") == inspect(raw)


def test_a_file_that_was_cut_off_is_no_result(tmp_path: Path) -> None:
    path = tmp_path / "ten"
    path.write_bytes(b"0123456789")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert Stored(descriptor, 10)[2:5] == b"234"
        assert Stored(descriptor, 10)[8:] == b"89"
        assert len(Stored(descriptor, 10)) == 10
        with pytest.raises(OSError, match="cut off"):
            Stored(descriptor, 20)[5:20]
    finally:
        os.close(descriptor)


def photo_of(size: int, path: Path) -> Path:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(5).integers(0, 255, (900, 900, 3)).astype(np.uint8)).save(
        out, "JPEG", quality=95
    )
    path.write_bytes(out.getvalue() + bytes(max(0, size - out.tell())))
    return path


def test_a_photo_that_is_shortened_meanwhile_is_refused_and_ends_nothing(tmp_path: Path) -> None:
    path = photo_of(3 << 20, tmp_path / "photo.jpg")

    def look() -> None:
        with open_source(path) as door:
            os.truncate(path, 1000)
            assert len(bytes(door.data)) == 3 << 20

    with pytest.raises(Unreadable, match=r"photo\.jpg changed while"):
        look()


@pytest.mark.parametrize("in_place", [False, True])
def test_what_was_judged_is_what_is_copied(in_place: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes into the photo after it was read and before the kernel copies its coded data."""
    path = photo_of(0, tmp_path / "photo.jpg")
    real = RangeWriter.copy

    def after_another(self: RangeWriter, data: memoryview, start: int, stop: int) -> None:
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"THE ADDRESS OF SOMEBODY")
        os.utime(path)
        real(self, data, start, stop)

    monkeypatch.setattr(RangeWriter, "copy", after_another)
    done = clean_in_place(path) if in_place else clean_file(path, tmp_path / "clean.jpg")
    assert (done.state, "changed while" in done.reason) == ("refused", True)
    assert [one.name for one in tmp_path.iterdir()] == ["photo.jpg"]


def test_nobody_shortens_a_large_file_while_it_is_mapped(tmp_path: Path) -> None:
    path = photo_of(24 << 20, tmp_path / "large.jpg")
    shorten = "import os, sys; os.truncate(sys.argv[1], 1000); print('done', flush=True)"
    with open_source(path) as door:
        with path.open("rb") as probe, held(probe.fileno()) as holds:
            if not holds:
                pytest.skip("this file system knows no leases")
        other = subprocess.Popen([sys.executable, "-c", shorten, str(path)], stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(1.5)
        # Every page is still there: without the lease, reading the last one would end this process.
        assert door.data[-1] == 0
        assert path.stat().st_size == 24 << 20
    assert other.communicate(timeout=30)[0] == b"done\n"
    assert path.stat().st_size == 1000


def test_a_file_that_is_written_is_not_held(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file, held(file.fileno()) as holds:
        assert not holds
