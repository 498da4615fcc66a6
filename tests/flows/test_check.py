"""A look never says "clean" of a file that cleaning would take something from, or state residue of."""

from __future__ import annotations

import io
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from veilset.containers.contract import Keep
from veilset.containers.foresee import foresee
from veilset.flows.clean import clean

DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect fill="red" width="9" height="9"/></svg>'
TOLD = {
    "namespace": DRAWN.replace("<svg ", '<svg xmlns:a="http://somebody.example/" '),
    "font": DRAWN.replace('fill="red"', 'style="font-family:Somebodysans"'),
    "comment": DRAWN.replace("<rect", "<!--somebody--><rect"),
    "selector": DRAWN.replace("<rect", "<style>rect.somebody{fill:red}</style><rect"),
    "data": DRAWN.replace('fill="red"', 'd="M0 0 Somebody" fill="red"'),
    "after": DRAWN + "<!-- somebody -->",
}


def state(path: Path) -> str:
    return clean([path], check=True).files[0][1].state


@pytest.mark.parametrize("place", TOLD)
def test_words_that_cleaning_takes_out_of_a_drawing_make_it_dirty(tmp_path: Path, place: str) -> None:
    path = tmp_path / "x.svg"
    path.write_text(TOLD[place])
    clean([path], out=tmp_path / "out")
    assert "omebody" not in (tmp_path / "out/x.svg").read_text()
    assert state(path) == "dirty"
    assert state(tmp_path / "out/x.svg") == "clean"


def test_a_plain_drawing_is_clean_whoever_laid_it_out(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text(DRAWN.replace("><", ">\n  <"))
    assert state(tmp_path / "x.svg") == "clean"


@pytest.mark.parametrize("said", [b"%somebody was here\n", b"/Somebody BMC\n", b"9 0 obj\n/Somebody\nendobj\n"])
def test_a_document_with_more_than_its_pages_is_dirty(tmp_path: Path, said: bytes) -> None:
    out = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(out, "PDF")
    (tmp_path / "in.pdf").write_bytes(out.getvalue())
    clean([tmp_path / "in.pdf"], out=tmp_path / "out")
    plain = (tmp_path / "out/in.pdf").read_bytes()
    assert state(tmp_path / "out/in.pdf") == "clean"
    at = plain.index(b"xref\n")
    told = plain[:at] + said + plain[at:].replace(b"startxref\n%d" % at, b"startxref\n%d" % (at + len(said)))
    (tmp_path / "told.pdf").write_bytes(told)
    clean([tmp_path / "told.pdf"], out=tmp_path / "again")
    assert b"omebody" not in (tmp_path / "again/told.pdf").read_bytes()
    assert state(tmp_path / "told.pdf") == "dirty"


def test_what_would_be_named_as_left_is_no_clean_file_and_no_dirty_one_either(tmp_path: Path) -> None:
    # The encoder codes even sides alone, and says by a clean aperture which pixels are shown.
    pillow_heif.from_pillow(Image.linear_gradient("L").resize((31, 33)).convert("RGB")).save(tmp_path / "x.heic")
    clean([tmp_path / "x.heic"], out=tmp_path / "out")
    for path in (tmp_path / "x.heic", tmp_path / "out/x.heic"):
        done = clean([path], check=True)
        assert [(one.state, one.residue) for _, one in done.files] == [
            ("residue", ("pixels outside the clean aperture",))
        ]
        done.raise_if_unclean()


def test_comparing_writes_nothing_and_tells_the_same_from_the_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    Image.new("RGB", (16, 16)).save(path, comment=b"somebody was here")
    assert not foresee(path, Keep()).same
    clean([path], out=tmp_path / "out")
    assert foresee(tmp_path / "out/x.jpg", Keep()).same
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out", "x.jpg"]
