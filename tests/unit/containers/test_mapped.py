"""Large files are mapped and small ones read: both give the same, and one that shrinks meanwhile is no result."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.clean import clean_file
from veilset.containers.door import Stored
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
