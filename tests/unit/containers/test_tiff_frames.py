"""LZMA, Zstandard and LERC in TIFF: where they say that they end; what they hold beyond the picture is said."""

from __future__ import annotations

import io
import lzma
import struct
import zlib

import numpy as np
import pyarrow
import pytest
import tifffile
from tests.unit.containers.test_surplus import SECRET
from tests.unit.containers.test_tiff_surplus import changed, looked_through, shown, tiff

from veilset.containers.surplus import NOT_PROVEN, surplus_of
from veilset.containers.tiff_frames import lerc_end, lzma_end, zstandard_end
from veilset.core.errors import Malformed, Unsupported


def zstandard(raw: bytes) -> bytes:
    return pyarrow.compress(raw, codec="zstd", asbytes=True)


@pytest.mark.parametrize(("pack", "end"), [(lzma.compress, lzma_end), (zstandard, zstandard_end)])
@pytest.mark.parametrize("size", [0, 1, 300, 500_000])
def test_a_stream_ends_where_it_was_ended(pack: object, end: object, size: int) -> None:
    for raw in (bytes(size), np.random.default_rng(size).bytes(size)):
        strip = pack(raw)  # type: ignore[operator]
        for tail in (b"", SECRET, strip):
            assert end(strip + tail, size) == len(strip)  # type: ignore[operator]
        for broken in (strip[:-1], strip[: len(strip) // 2], b"", SECRET):
            with pytest.raises(Malformed):
                end(broken, size)  # type: ignore[operator]
        with pytest.raises(Malformed):
            end(strip, size + 1)  # type: ignore[operator]


def test_what_is_packed_beyond_the_picture_is_not_passed_over() -> None:
    with pytest.raises(Unsupported, match="more than is shown"):
        lzma_end(lzma.compress(bytes(300) + SECRET), 300)
    with pytest.raises(Malformed):
        zstandard_end(zstandard(bytes(300) + SECRET), 300)
    for compression, pack, unpack in (("lzma", lzma.compress, lzma.decompress),):
        fuller = changed(tiff(compression), lambda strip, p=pack, u=unpack: p(u(strip) + SECRET))  # type: ignore[misc]
        assert np.array_equal(shown(fuller), shown(tiff(compression)))
        assert not surplus_of(fuller).proven
        assert NOT_PROVEN in looked_through(fuller)[1]


def lerc(version: int, rows: int, columns: int, samples: int, body: bytes) -> bytes:
    """The head of a blob, as its format lays it out, and something behind it."""
    sizes = struct.pack("<ii", rows, columns) + (struct.pack("<i", samples) if version >= 4 else b"")
    head = b"Lerc2 " + struct.pack("<i", version) + (bytes(4) if version >= 3 else b"") + sizes
    return head + struct.pack("<iii", rows * columns, 8, len(head) + 12 + len(body)) + body


@pytest.mark.parametrize("version", [2, 3, 4, 6])
def test_a_lerc_blob_ends_where_it_says_and_what_is_inside_is_not_proven(version: int) -> None:
    blob = lerc(version, 20, 30, 1, bytes(50))
    end, missed = lerc_end(blob + SECRET, 20, 30, 1, 0)
    assert end == len(blob)
    assert "not walked" in missed
    assert lerc_end(zlib.compress(blob) + SECRET, 20, 30, 1, 1)[0] == len(zlib.compress(blob))
    assert lerc_end(zstandard(blob) + SECRET, 20, 30, 1, 2)[0] == len(zstandard(blob))
    for broken in (blob[:-1], lerc(version, 21, 30, 1, b"")):
        with pytest.raises(Malformed):
            lerc_end(broken, 20, 30, 1, 0)
    with pytest.raises(Unsupported, match="first version"):
        lerc_end(b"CntZImage " + bytes(90), 20, 30, 1, 0)


def test_what_stands_behind_a_lerc_blob_is_found() -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((20, 30), np.uint8), metadata=None, rowsperstrip=20)
    blob = lerc(4, 20, 30, 1, bytes(50))
    data = bytearray(changed(out.getvalue(), lambda _: blob + SECRET))
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
        struct.pack_into(file.byteorder + "H", data, file.pages[0].tags[259].valueoffset, 34887)
    found = surplus_of(bytes(data))
    assert found.said[0].value == SECRET
    assert not found.proven
    new, residue = looked_through(bytes(data))
    assert SECRET not in new
    assert NOT_PROVEN in residue
