"""What other projects' test files showed: each was damaged, refused without need, or taken in two ways."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from veilset.containers import inspect
from veilset.containers.clean import clean_file
from veilset.core.errors import Malformed

HEAD = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:s="http://other.example/ns" width="90" height="40">'


def cleaned(tmp_path: Path, data: bytes, name: str = "a.svg") -> tuple[str, bytes]:
    (tmp_path / name).write_bytes(data)
    target = tmp_path / f"out-{name}"
    done = clean_file(tmp_path / name, target)
    return done.reason or done.state, target.read_bytes() if target.exists() else b""


def test_comments_of_xml_do_not_end_a_sheet(tmp_path: Path) -> None:
    sheet = b"<style>rect { fill: red; <!-- Anna */ x --> stroke: blue }\ntext { fill: green }</style>"
    _, out = cleaned(tmp_path, HEAD + sheet + b'<rect width="9" height="9"/><text y="9">a</text></svg>')
    assert b"stroke:blue" in out.replace(b" ", b"")
    assert b"green" in out
    assert b"Anna" not in out


@pytest.mark.parametrize("font", ["700 12px 'DejaVu Sans'", "italic bold 1.5em/2 serif", "900 larger serif"])
def test_a_weight_is_no_size(tmp_path: Path, font: str) -> None:
    _, out = cleaned(tmp_path, HEAD + f'<text y="9" style="font: {font}">a</text></svg>'.encode())
    assert f"font:{font}".encode() in out


def test_what_is_drawn_may_be_said_besides(tmp_path: Path) -> None:
    """Editors note the numbers of a shape, and the words of a text, once more for themselves."""
    text = b'<text y="9" s:label="Video In">Video Input</text></svg>'
    drawn = b'<path d="M 743.05489,706.46863 l 1 1" s:cx="743.05489"/>' + text
    state, out = cleaned(tmp_path, HEAD + drawn)
    assert state == "residue"  # words that the drawing shows
    assert b"743.05489" in out
    assert b"s:" not in out
    state, _ = cleaned(tmp_path, HEAD + b'<text y="9" s:label="somebody else">Video Input</text></svg>', "b.svg")
    assert state == "residue"


def test_pixels_inside_the_palette_of_a_bmp_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(out, "BMP")
    whole = bytearray(out.getvalue())
    assert cleaned(tmp_path, bytes(whole), "a.bmp")[0] == "clean"
    struct.pack_into("<I", whole, 10, 54)
    assert "inside its palette" in cleaned(tmp_path, bytes(whole), "b.bmp")[0]


def test_a_png_that_says_twice_that_it_moves_is_refused() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    whole = out.getvalue()
    at = whole.index(b"acTL") - 4
    assert inspect(whole).facts.frames == 2
    with pytest.raises(Malformed, match="twice"):
        inspect(whole[:at] + whole[at : at + 20] + whole[at:])


def test_markers_of_jpeg_2000_that_mean_nothing_go(tmp_path: Path) -> None:
    out = io.BytesIO()
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(picture).save(out, "JPEG2000", no_jp2=True)
    whole = out.getvalue()
    at = whole.index(b"\xff\x90")
    state, done = cleaned(tmp_path, whole[:at] + b"\xff\x30\xff\x3f" + whole[at:], "a.j2k")
    assert state == "clean"
    assert b"\xff\x30" not in done[:at]
    assert (np.asarray(Image.open(io.BytesIO(done))) == picture).all()


def test_a_large_drawing_takes_no_long_time(tmp_path: Path) -> None:
    import time

    shapes = b"".join(
        b'<path d="M %d 1 L 2 3 z" clip-path="url(#k)" style="fill:#%06x;stroke:none"/>' % (n, n) for n in range(8000)
    )
    before = time.process_time()
    state, out = cleaned(
        tmp_path, HEAD + b'<clipPath id="k"><rect width="9" height="9"/></clipPath>' + shapes + b"</svg>"
    )
    assert state == "clean"
    assert out.count(b"<path") == 8000
    # Some 0.7 s on two slow cores; the bound is for what grows with the square.
    assert time.process_time() - before < 6
    assert zlib.crc32(out) == zlib.crc32(cleaned(tmp_path, out, "again.svg")[1])


def test_a_palette_with_opacity_beside_each_entry_keeps_its_colours(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pairs = np.stack([rng.integers(0, 200, (40, 50)), rng.integers(0, 200, (40, 50))], -1).astype(np.uint8)
    pairs[-1, -1, 0] = 255  # found by whoever looks at all bytes of a row, and not at the first half
    colours = rng.integers(1, 65535, (3, 256)).astype(np.uint16)
    tags = [(320, "H", 768, tuple(colours.ravel().tolist()), True)]
    how = {
        "photometric": "minisblack",
        "planarconfig": "contig",
        "extrasamples": ("unassalpha",),
        "compression": "zlib",
    }
    tifffile.imwrite(tmp_path / "a.tif", pairs, extratags=tags, **how)
    whole = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        struct.pack_into("<H", whole, file.pages[0].tags[262].valueoffset, 3)
    _, done = cleaned(tmp_path, bytes(whole), "b.tif")
    before, after = (Image.open(io.BytesIO(one)).convert("RGBA") for one in (bytes(whole), done))
    assert (np.asarray(before) == np.asarray(after)).all()
