"""What cleaning would do, without a file: the same answer as cleaning gives, small or large."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilset.containers import Keep, rebuild
from veilset.containers.clean import INHERENT, clean_file
from veilset.containers.foresee import Nowhere, foresee
from veilset.core.errors import DataError
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


def test_few_bytes_behind_a_picture_go_and_copied_ones_are_not_held(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)).save(out, "PNG")
    path = tmp_path / "large.png"
    path.write_bytes(out.getvalue())
    assert foresee(path, Keep()).same
    path.write_bytes(out.getvalue() + b"at home")
    assert foresee(path, Keep()).goes == ("bytes after the picture",)
    with Nowhere() as nowhere:
        rebuild(path, nowhere, Keep())
        assert sum(len(piece) for piece in nowhere.pieces if isinstance(piece, bytes)) < 1000


def test_what_cleaning_refuses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError):
        foresee(path, Keep())
