"""PDF of photographs: pages and images stay, everything else goes, and what cannot be told is refused."""

from __future__ import annotations

import io
import re
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from veilset.containers import inspect, rebuild
from veilset.containers.contract import Keep
from veilset.core.errors import DataError, Unsupported
from veilset.core.finding import Risk
from veilset.testing.planted_media import Planted
from veilset.testing.planted_pdf import document


def photo() -> bytes:
    y, x = np.mgrid[0:48, 0:64]
    out = io.BytesIO()
    Image.fromarray(np.stack([x * 4, y * 5, x + y], axis=2).astype(np.uint8)).save(
        out, "JPEG", comment=b"Xjpegcomment0001X"
    )
    return out.getvalue()


def planted() -> Planted:
    made = document(photo(), (64, 48))
    made.marks.all.append(b"Xjpegcomment0001X")
    return made


def clean(data: bytes) -> bytes:
    out = io.BytesIO()
    done = rebuild(data, out, Keep())
    for start, place, length in done.copied:
        assert data[start : start + length] == out.getvalue()[place : place + length]
    return out.getvalue()


def inflated(raw: bytes) -> bytes:
    """The file with every stream that zlib can read unpacked behind it."""
    streams = re.findall(rb"stream\r?\n(.*?)\nendstream", raw, re.DOTALL)
    return raw + b"".join(zlib.decompressobj().decompress(one) for one in streams if one[:1] == b"\x78")


def test_no_planted_string_survives_in_any_stream() -> None:
    made = planted()
    assert len(made.marks.left_in(inflated(made.data))) == len(made.marks.all)
    assert made.marks.left_in(inflated(clean(made.data))) == []


def test_pictures_are_the_same_and_pages_stay() -> None:
    before, after = planted().data, clean(planted().data)
    old, new = (Image.open(io.BytesIO(raw[raw.index(b"\xff\xd8") :])) for raw in (before, after))
    assert np.array_equal(np.asarray(old), np.asarray(new))
    assert bytes(range(256)) * 3 in inflated(after)
    assert after.count(b"/Type /Page/") == 2
    assert b"/Rotate 90" in after
    assert inspect(before).facts == inspect(after).facts


def test_a_second_pass_changes_nothing() -> None:
    once = clean(planted().data)
    assert clean(once) == once


def test_what_it_says_is_listed_and_earlier_revisions_are_told() -> None:
    tags = inspect(planted().data).tags
    said = "\n".join(str(tag.value) for tag in tags)
    for word in ("title", "attachment", "language", "piece", "modified", "link", "xmp_creator", "Xjpegcomment0001X"):
        assert word in said
    assert [tag.path for tag in tags if tag.risk is Risk.HIDDEN][0] == "pdf/revisions"  # noqa: RUF015


def test_samples_are_copied_where_nothing_surplus_is_packed() -> None:
    exact = planted().data.replace(b"/Height 16", b"/Height 1 ")
    assert clean(exact).count(b"/Height 1/") == 1
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(out, "PDF")
    assert rebuild(out.getvalue(), io.BytesIO(), Keep()).size > 0


def test_what_is_painted_over_is_stated() -> None:
    made = planted().data
    covered = made.replace(b" EMC", b" f  ").replace(b"/Artifact <</By", b"/Artifact <</By", 1)
    with pytest.raises(DataError):
        clean(made.replace(b" Do Q EMC", b" Tj Q EMC"))
    done = rebuild(covered, io.BytesIO(), Keep())
    assert any("painted over" in word for word in done.residue)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Root 1 0 R/Info", b"/Encrypt 13 0 R /Root 1 0 R/Info"),
        (b"/Subtype/Link", b"/Subtype/Stamp"),
        (b"/Lang(", b"/OCProperties("),
        (b"/Filter/DCTDecode", b"/Filter/JBIG2Decode"),
        (b"/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode", b"[/Separation/A/DeviceRGB 1 0 R]/Filter/FlateDecode"),
    ],
)  # fmt: skip
def test_what_cannot_be_rebuilt_with_certainty_is_refused(old: bytes, new: bytes) -> None:
    data = planted().data
    assert old in data
    changed = data.replace(old, new)
    with pytest.raises(DataError):
        clean(changed)


def test_text_is_refused_in_clear_words() -> None:
    data = planted().data.replace(b"/Artifact <</By", b"BT (hi) Tj ET %", 1)
    with pytest.raises(Unsupported, match="export its pages as pictures"):
        clean(data)


def test_objects_and_tables_in_streams_are_read() -> None:
    body = b"<</Type/Catalog/Pages 3 0 R>> <</Type/Pages/Kids[4 0 R]/Count 1>> <</Type/Page/MediaBox[0 0 9 9]"
    body += b"/Contents 6 0 R>>"
    offsets = [0, body.index(b"<</Type/Pages"), body.index(b"<</Type/Page/")]
    head = b" ".join(b"%d %d" % pair for pair in zip((2, 3, 4), offsets, strict=True)) + b" "
    packed = zlib.compress(head + body)
    out = b"%PDF-1.5\n"
    places = {5: len(out)}
    out += b"5 0 obj\n<</Type/ObjStm/N 3/First %d/Filter/FlateDecode/Length %d>>\nstream\n" % (len(head), len(packed))
    out += packed + b"\nendstream\nendobj\n"
    places[6] = len(out)
    out += b"6 0 obj\n<</Length 3>>\nstream\nq Q\nendstream\nendobj\n"
    places[7] = len(out)
    rows = [bytes([2, 0, 5, i]) for i in range(3)] + [
        bytes([1]) + places[n].to_bytes(2, "big") + b"\0" for n in (5, 6, 7)
    ]
    flat = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 4)
    up = np.diff(flat, axis=0, prepend=np.zeros((1, 4), np.uint8)).astype(np.uint8)
    table = zlib.compress(b"".join(b"\2" + row.tobytes() for row in up))
    out += b"7 0 obj\n<</Type/XRef/Root 2 0 R/Size 8/Index[2 6]/W[1 2 1]/Filter/FlateDecode"
    out += b"/DecodeParms<</Predictor 12/Columns 4>>"
    out += b"/Length %d>>\nstream\n" % len(table) + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % places[7]
    assert inspect(out).facts.frames == 1
    assert b"/MediaBox [0 0 9 9]" in clean(out)


def test_damaged_files_raise_one_kind_of_error_soon() -> None:
    data, rng = planted().data, np.random.default_rng(9)
    for trial in range(150):
        hurt = bytearray(data if trial % 3 else data[: int(rng.integers(10, len(data)))])
        for _ in range(int(rng.integers(1, 12))):
            hurt[int(rng.integers(8, len(hurt)))] = int(rng.integers(0, 256))
        start = time.monotonic()
        for work in (clean, inspect):
            try:
                work(bytes(hurt))
            except DataError:
                continue
        assert time.monotonic() - start < 2
