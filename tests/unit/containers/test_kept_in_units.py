"""Words between coded units, in boxes and marker segments, behind coded data, and in a drawing's links."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pillow_heif
import pytest
from tests.unit.containers.test_kept_places import cleaned, mark, saved

from veilset.containers import Keep, inspect
from veilset.containers.bmff import boxes
from veilset.containers.clean import INHERENT, READABLE, clean_file
from veilset.containers.codec_boxes import rewrite
from veilset.containers.heif_choice import _first
from veilset.containers.mp4_notes import notes_of
from veilset.core.errors import DataError
from veilset.testing.planted_each import av1, between, hevc, jp2, scene
from veilset.testing.planted_films import film
from veilset.testing.planted_media import box, full
from veilset.testing.planted_media import still as made


def svg(inside: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{inside}</svg>'.encode()


@pytest.mark.parametrize(("make", "unit"), [(hevc, 39), (hevc, 38), (hevc, 44), (av1, 5), (av1, 15)])
def test_messages_beside_a_coded_still_go(make: Callable[[], object], unit: int) -> None:
    plain: bytes = make().data  # type: ignore[attr-defined]
    words = mark(40)
    note = struct.pack(">I", 44) + bytes([unit << 1, 1, 5, 40]) + words
    if make is av1:
        note = bytes([unit << 3 | 2, 42, 4, 0xB5]) + words
    out = io.BytesIO()
    scene().save(out, "AVIF", quality=80) if make is av1 else pillow_heif.from_pillow(scene()).save(out, quality=80)
    coded = between(out.getvalue(), b"mdat")[8:]
    kind, config = (b"av01", b"av1C") if make is av1 else (b"hvc1", b"hvcC")
    size, brand = ((64, 48), b"avif") if make is av1 else ((64, 64), b"heic")
    data = made(kind, between(out.getvalue(), config), note + coded, size, brand).data
    assert words in data
    assert words not in cleaned(data)
    assert coded in cleaned(data)
    assert plain != data
    assert "heif/item/1/messages" in {tag.path for tag in inspect(data).tags}


def sei(kind: int, words: bytes) -> bytes:
    unit = b"\x06" + bytes([kind, len(words)]) + words + b"\x80"
    return struct.pack(">I", len(unit)) + unit


def test_messages_in_a_film_fall_silent_at_their_own_length() -> None:
    plain = film().data
    at = plain.index(b"PICTURE0") - 5
    words = mark(40)

    alone = SimpleNamespace(codecs=(b"avc1",), table={b"stsd": []})
    raw = sei(5, bytes(16) + words) + sei(6, b"\0") + plain[at : at + 18]
    notes, walked = notes_of(memoryview(raw), alone, [(0, len(raw))])  # type: ignore[arg-type]
    assert walked
    quiet = bytearray(raw)
    for low, high, new in notes:
        assert len(new) == high - low
        quiet[low:high] = new
    assert words not in quiet
    assert sei(6, b"\0") in quiet
    assert plain[at : at + 18] in quiet


def test_words_behind_the_coded_data_are_said(tmp_path: Path) -> None:
    coded = saved("JPEG")
    (tmp_path / "a.jpg").write_bytes(coded[:-2] + mark(60) + coded[-2:])
    done = clean_file(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert done.state == "residue"
    assert READABLE in done.residue
    assert READABLE not in INHERENT
    (tmp_path / "c.jpg").write_bytes(coded)
    assert clean_file(tmp_path / "c.jpg", tmp_path / "d.jpg").state == "clean"


def test_filters_of_a_drawing_keep_their_links() -> None:
    chain = '<filter id="f"><feOffset dx="1" result="Anna"/><feBlend in="Anna" in2="SourceGraphic"/></filter>'
    after = cleaned(svg(f'{chain}<rect filter="url(#f)"/>')).decode()
    assert after.count('"r1"') == 2
    assert 'in2="SourceGraphic"' in after
    assert "Anna" not in after


def test_marker_segments_of_a_codestream_are_cut_to_their_counts() -> None:
    data = jp2().data
    at = data.index(b"\xff\x5c")
    size = struct.unpack_from(">H", data, at + 2)[0]
    words = mark(40)
    surplus = (
        data[: at + 2] + struct.pack(">H", size + 40) + data[at + 4 : at + 2 + size] + words + data[at + 2 + size :]
    )
    codestream = surplus[surplus.index(b"jp2c") + 4 :]
    assert words not in cleaned(codestream[: codestream.rindex(b"\xff\xd9") + 2])


def test_a_recipe_of_a_grid_ends_with_its_size() -> None:
    """What stands behind the numbers of a grid item is read by nobody."""
    assert _first([(0, 4), (10, 50)], 8) == [(0, 4), (10, 14)]
    with pytest.raises(DataError):
        _first([(0, 4)], 8)


def test_boxes_of_numbers_hold_no_letters() -> None:
    for small in (box(b"btrt", mark(12)), box(b"pasp", mark(8)), box(b"mdcv", mark(24))):
        assert rewrite(memoryview(small), next(iter(boxes(memoryview(small), 0, len(small), "test"))), Keep()) is None
    vision = box(b"dvcC", b"\1\0\x10\x25\x10" + mark(19))
    new = rewrite(memoryview(vision), next(iter(boxes(memoryview(vision), 0, len(vision), "test"))), Keep())
    assert new == box(b"dvcC", b"\1\0\x10\x25\x10" + bytes(19))
    many = full(b"pixi", bytes([200]) + mark(200))
    with pytest.raises(DataError):
        rewrite(memoryview(many), next(iter(boxes(memoryview(many), 0, len(many), "test"))), Keep())
