"""Archives as people and systems make them, and as somebody who means harm does."""

from __future__ import annotations

import io
import struct
import tarfile
import tracemalloc
import zipfile
import zlib

import pytest

from veilset.containers import Keep, inspect, rebuild
from veilset.core.errors import DataError
from veilset.testing.planted_each import png
from veilset.testing.planted_media import Marks


def zipped(*members: tuple[str, bytes], **how: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **how) as archive:  # type: ignore[arg-type]
        for name, raw in members:
            archive.writestr(name, raw)
    return out.getvalue()


def tarred(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, raw in members:
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def cleaned(raw: bytes) -> bytes:
    out = io.BytesIO()
    rebuild(raw, out, Keep())
    return out.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_member_that_cannot_be_cleaned_is_named_with_what_to_do(tmp_path, pack) -> None:
    path = tmp_path / "holiday.bin"
    for name, raw in (("a/notes.txt", b"words"), ("a/cut.png", png()[:40])):
        path.write_bytes(pack(("a/a.png", png()), (name, raw)))
        for act in (inspect, lambda file: rebuild(file, io.BytesIO(), Keep())):
            with pytest.raises(DataError, match=rf"holiday\.bin.*'{name}'.*take that member out") as caught:
                act(path)
            assert "given bytes" not in caught.value.message


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_what_systems_and_programs_noted_beside_pictures_goes(pack) -> None:
    marks = Marks("noted")
    double = b"\0\5\x16\7\0\2\0\0Mac OS X        " + marks("double")
    raw = pack(
        ("trip/a.png", png()),
        ("__MACOSX/trip/._a.png", double),
        ("trip/.DS_Store", b"\0\0\0\1Bud1" + marks("view")),
        ("trip/Thumbs.db", marks("thumbs")),
        ("trip/a.xmp", b"<x:xmpmeta>" + marks("xmp") + b"</x:xmpmeta>"),
        ("trip/a.png.json", b'{"people": "' + marks("json") + b'"}'),
    )
    new = cleaned(raw)
    said = {str(tag.value) for tag in inspect(raw).tags}
    for mark in marks.all:
        assert mark not in new
        assert any(mark.decode() in value for value in said)
    assert cleaned(new) == new
    with pytest.raises(DataError, match="alone"):
        # Beside no picture of its name, it is a file like any other.
        cleaned(pack(("alone.json", b"{}")))


@pytest.mark.parametrize("name", ["Photo 12:30:05.png", "trip\\a.png", "IMG.png", "ä/日本.png"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_everyday_names_are_no_reason_to_refuse(pack, name: str) -> None:
    assert cleaned(pack((name, png()), ("img.PNG", png())))


@pytest.mark.parametrize("name", ["a/../../b.png", "/b.png", "C:\\b.png", "..\\b.png", "\\b.png"])
def test_names_that_lead_outside_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="outside"):
        cleaned(tarred((name, png())))


def test_members_that_share_their_bytes_are_refused_before_they_fill_the_memory() -> None:
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = body.compress(bytes(20 << 20)) + body.flush()
    crc = zlib.crc32(bytes(20 << 20))
    local = struct.pack("<4s5HIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), 20 << 20, 5, 0) + b"a.png"
    entries = b"".join(
        struct.pack("<4s6HIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, len(packed), 20 << 20, 5, 0, 0, 0, 0, 0, 0)
        + b"%05d" % number
        for number in range(500)
    )
    end = struct.pack("<4s4HIIH", b"PK\5\6", 0, 0, 500, 500, len(entries), len(local) + len(packed), 0)
    with pytest.raises(DataError, match="harm"):
        inspect(local + packed + entries + end)


def test_a_link_an_encrypted_member_and_a_nested_one_are_named() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a/link.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    locked = bytearray(zipped(("a/locked.png", png())))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        locked[locked.index(mark) + at] |= 1
    deep = zipped(("deep.zip", zipped(("in.zip", zipped(("a.png", png()))))))
    named = {"a/link.png": out.getvalue(), "a/locked.png": bytes(locked), "deep.zip": deep}
    for name, raw in named.items():
        with pytest.raises(DataError, match=rf"member '{name}'.*take that member out") as caught:
            cleaned(raw)
        assert caught.value.message.count("Nothing of an archive") == 1


def test_a_member_that_lies_about_its_size_fills_no_memory() -> None:
    raw = bytearray(zipped(("a.png", bytes(48 << 20)), compression=zipfile.ZIP_DEFLATED))
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = raw.index(mark) + at
        raw[place : place + 4] = (1000).to_bytes(4, "little")
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            inspect(bytes(raw))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("way", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_members_are_read_however_they_are_packed_and_damage_is_an_answer(way: int) -> None:
    raw = zipped(("a.png", png() + bytes(9000)), compression=way)
    assert cleaned(raw)
    for at in range(40, 120, 3):
        with pytest.raises(DataError):
            cleaned(raw[:at] + b"\xff\0\xff" + raw[at + 3 :])


def test_lzma_is_refused() -> None:
    with pytest.raises(DataError, match="pack it anew"):
        cleaned(zipped(("a.png", png()), compression=zipfile.ZIP_LZMA))
