"""What cleaning would do, without a file: the same answer as cleaning gives, small or large."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilset.containers import Keep
from veilset.containers import foresee as module
from veilset.containers.clean import INHERENT, clean_file
from veilset.containers.foresee import foresee
from veilset.core.errors import DataError, Unreadable
from veilset.testing.planted_files import every_planted


@pytest.mark.parametrize("planted", every_planted(), ids=lambda planted: planted.name)
def test_it_is_what_cleaning_does(planted: object, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(planted.data)
    done = clean_file(before, after)
    seen = foresee(before, Keep())
    assert seen.goes
    assert not seen.same
    assert seen.residue == tuple(one for one in done.residue if one not in INHERENT)
    again = foresee(after, Keep())
    assert (again.same, again.goes) == (True, ())


def test_a_large_file_is_tried_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", 1000)
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(out, "PNG")
    path = tmp_path / "large.png"
    path.write_bytes(out.getvalue())
    assert foresee(path, Keep()).same
    path.write_bytes(out.getvalue() + b"at home")
    assert foresee(path, Keep()).goes == ("bytes after the picture",)

    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(Unreadable, match="No space"):
        foresee(path, Keep())


def test_what_cleaning_refuses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError):
        foresee(path, Keep())
