"""Bytes behind coded blocks: found to the byte in every kind of Huffman-coded JPEG, and in partitions of WebP."""

from __future__ import annotations

import base64
import io
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from veilset.containers import Keep, rebuild
from veilset.containers.jpeg_segments import SCAN, UNSEARCHED, segments
from veilset.containers.jpeg_walk import surplus as walked
from veilset.containers.surplus import surplus_of, without_surplus
from veilset.containers.surplus_inside import said_behind
from veilset.containers.webp_surplus import _parts
from veilset.core.finding import Risk
from veilset.data.folder import Folder
from veilset.detectors.hidden import Hidden
from veilset.flows.clean import clean
from veilset.testing.planted_pdf import document

SECRET = b"Zq-hidden-4711"
RESTART = 8
KINDS = {
    "plain": {},
    "grey": {"grey": True},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "progressive restarts": {"progressive": True, "restart_marker_rows": 1},
    "restarts": {"restart_marker_blocks": RESTART},
    "full colour": {"subsampling": 0},
    "half colour": {"subsampling": 1},
    "cmyk": {"cmyk": True},
}


def picture(width: int = 150, height: int = 110) -> np.ndarray:
    rng = np.random.default_rng(7)
    coarse = rng.uniform(0, 255, (height // 16 + 2, width // 16 + 2, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + rng.normal(0, 9, smooth.shape), 0, 255).astype(np.uint8)


def jpeg(kind: str) -> bytes:
    options = dict(KINDS[kind])
    image = Image.fromarray(picture())
    image = image.convert("L") if options.pop("grey", False) else image
    image = image.convert("CMYK") if options.pop("cmyk", False) else image
    out = io.BytesIO()
    image.save(out, "JPEG", quality=83, **options)
    return out.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("kind", KINDS)
def test_an_ordinary_jpeg_has_none_and_that_is_proven(kind: str) -> None:
    found = surplus_of(jpeg(kind))
    assert found.proven
    assert found.spans == found.said == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 2, 6, 7, 8, 40, 1000])
def test_bytes_behind_every_scan_are_found_to_the_byte_and_go(kind: str, length: int) -> None:
    plain = jpeg(kind)
    spans, hidden = [], bytearray(plain)
    payload = (SECRET * 80)[:length]
    for part in reversed([one for one in segments(memoryview(plain)) if one.marker == SCAN]):
        hidden[part.stop : part.stop] = payload
        spans.append(part.stop)
    found = surplus_of(bytes(hidden))
    assert found.proven
    assert [stop - start for start, stop in found.spans] == [length] * len(spans)
    assert found.said[0].value == payload * len(spans)
    assert without_surplus(bytes(hidden), found) == plain


@pytest.mark.parametrize("kind", ["restarts", "progressive restarts"])
def test_bytes_before_every_restart_marker_are_found_and_go(kind: str) -> None:
    plain = jpeg(kind)
    markers = [bytes([0xFF, 0xD0 + number]) for number in range(8)]
    hidden = plain
    for marker in markers:
        hidden = hidden.replace(marker, SECRET[:5] + marker)
    assert len(hidden) - len(plain) >= 5 * 7
    # Decoders do not even warn of so few.
    assert np.array_equal(pixels(hidden), pixels(plain))
    found = surplus_of(hidden)
    assert found.said[0].size == len(hidden) - len(plain)
    assert without_surplus(hidden, found) == plain


def test_few_bytes_are_found_that_a_strict_decoder_says_nothing_about() -> None:
    plain = jpeg("plain")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    hidden = plain[:end] + b"4" + plain[end:]
    simplejpeg.decode_jpeg(hidden, strict=True)
    assert surplus_of(hidden).spans == ((end, end + 1),)


def test_whole_intervals_that_nothing_asks_for_go_with_their_marker() -> None:
    plain = jpeg("restarts")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    extra = b"\xff\xd3" + SECRET + b"\xff\xd4" + SECRET
    found = surplus_of(plain[:end] + extra + plain[end:])
    assert found.spans == ((end, end + len(extra)),)


def test_stuffed_bytes_count_as_the_decoder_counts_them() -> None:
    plain = jpeg("plain")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    hidden = plain[:end] + b"\xff\0\xff\0A\xff\0" + plain[end:]
    assert surplus_of(hidden).spans == ((end, end + 7),)


def test_filling_is_cut_and_says_nothing() -> None:
    plain = jpeg("restarts")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    found = surplus_of(plain[:end] + bytes(3) + plain[end:])
    assert found.spans
    assert found.said == ()


def test_damage_is_said_and_proves_nothing() -> None:
    plain = bytearray(jpeg("restarts"))
    scan = next(part for part in segments(memoryview(bytes(plain))) if part.marker == SCAN)
    del plain[scan.start + 40 : scan.start + 200]
    found = surplus_of(bytes(plain))
    assert not found.proven
    assert found.missed


def test_restarts_that_are_announced_and_do_not_come_prove_nothing() -> None:
    plain = jpeg("plain")
    at = plain.index(b"\xff\xda")
    announced = plain[:at] + b"\xff\xdd\0\4\0\x0a" + plain[at:]
    found = surplus_of(announced)
    # Ten units are shown; what follows them is no picture, whatever it is.
    assert not found.proven or sum(stop - start for start, stop in found.spans) > len(plain) // 2


def test_the_quick_proof_agrees_with_the_walk() -> None:
    for quality in range(5, 100, 5):
        out = io.BytesIO()
        Image.fromarray(picture(40 + quality, 33)).save(out, "JPEG", quality=quality)
        data = out.getvalue()
        assert surplus_of(data).spans == ()
        assert walked(memoryview(data), segments(memoryview(data)), 33) == []


@pytest.mark.parametrize("size", [(60000, 60000), (20000, 9000)])
def test_a_header_that_claims_too_much_is_refused_before_anything_is_walked(size: tuple[int, int]) -> None:
    plain = bytearray(jpeg("progressive"))
    at = plain.index(b"\xff\xc2")
    struct.pack_into(">HH", plain, at + 5, *size)
    start = time.process_time()
    found = surplus_of(bytes(plain))
    assert not found.proven
    assert time.process_time() - start < 2


def webp(**options: object) -> bytes:
    out = io.BytesIO()
    array = picture()
    if options.pop("alpha", False):
        array = np.dstack([array, picture()[:, :, 0]])
    Image.fromarray(array).save(out, "WEBP", **options)
    return out.getvalue()


WEBP = {
    "lossy": {"quality": 70},
    "lossless": {"lossless": True},
    "alpha": {"quality": 70, "alpha": True},
    "lossless alpha": {"lossless": True, "alpha": True},
}


@pytest.mark.parametrize("kind", WEBP)
def test_an_ordinary_webp_has_none(kind: str) -> None:
    assert surplus_of(webp(**WEBP[kind])).spans == ()


@pytest.mark.parametrize("kind", WEBP)
def test_bytes_behind_the_partitions_of_a_webp_are_found_and_go(kind: str) -> None:
    plain, payload = webp(**WEBP[kind]), SECRET * 3
    at = plain.index(b"VP8L" if kind.startswith("lossless") else b"VP8 ")
    size = struct.unpack_from("<I", plain, at + 4)[0]
    body = plain[at + 8 : at + 8 + size]
    new = bytearray(body + payload)
    planted = 1
    if body[0] != 0x2F:
        first = _parts(b"VP8 ", body)[0][1]
        new[first:first] = payload
        new[:3] = (int.from_bytes(body[:3], "little") & 31 | (first - 10 + len(payload)) << 5).to_bytes(3, "little")
        planted = 2
    chunk = plain[at : at + 4] + struct.pack("<I", len(new)) + bytes(new) + b"\0" * (len(new) % 2)
    whole = plain[:at] + chunk + plain[at + 8 + size + size % 2 :]
    hidden = whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]
    assert np.array_equal(pixels(hidden), pixels(plain))
    found = surplus_of(hidden)
    assert len(found.spans) == planted
    cleaned = without_surplus(hidden, found)
    assert SECRET not in cleaned
    assert np.array_equal(pixels(cleaned), pixels(plain))
    assert surplus_of(cleaned).spans == ()


def test_an_animated_webp_is_looked_through_frame_by_frame() -> None:
    out = io.BytesIO()
    frames = [Image.fromarray(picture()), Image.fromarray(255 - picture())]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=90, quality=60)
    plain = out.getvalue()
    assert surplus_of(plain).spans == ()
    at = plain.rindex(b"ANMF")
    size = struct.unpack_from("<I", plain, at + 4)[0]
    inner = at + 24
    length = struct.unpack_from("<I", plain, inner + 4)[0]
    body = plain[inner + 8 : inner + 8 + length] + SECRET * 4
    frame = plain[inner : inner + 4] + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    chunk = b"ANMF" + struct.pack("<I", 16 + len(frame)) + plain[at + 8 : at + 24] + frame
    whole = plain[:at] + chunk + plain[at + 8 + size :]
    hidden = whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]
    found = surplus_of(hidden)
    assert len(found.spans) == 1
    cleaned = without_surplus(hidden, found)
    assert SECRET not in cleaned
    with Image.open(io.BytesIO(cleaned)) as after, Image.open(io.BytesIO(plain)) as before:
        for frame_number in range(2):
            before.seek(frame_number)
            after.seek(frame_number)
            assert np.array_equal(np.asarray(after), np.asarray(before))


def test_what_is_not_walked_says_so() -> None:
    out = io.BytesIO()
    Image.fromarray(picture()).save(out, "PNG")
    assert surplus_of(out.getvalue()).missed == "png is not walked"


def in_zip(photo: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/photo.jpg", photo)
    return out.getvalue()


def in_tar(photo: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("photo.jpg")
        info.size = len(photo)
        archive.addfile(info, io.BytesIO(photo))
    return out.getvalue()


def in_svg(photo: bytes) -> bytes:
    link = b"data:image/jpeg;base64," + base64.b64encode(photo)
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="150" height="110"><image width="150" height="110" href="'
        + link
        + b'"/></svg>'
    )


def in_pdf(photo: bytes) -> bytes:
    return document(photo, (150, 110)).data


@pytest.mark.parametrize("holder", [in_zip, in_tar, in_svg, in_pdf])
def test_bytes_behind_a_picture_inside_another_file_go(holder: Callable[[bytes], bytes]) -> None:
    plain = jpeg("plain")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    hidden = plain[:end] + SECRET + plain[end:]
    out, again = io.BytesIO(), io.BytesIO()
    rebuilt = rebuild(holder(hidden), out, Keep())
    coded = base64.b64encode(plain[end - 60 : end - 6])[:60] if holder is in_svg else plain[end - 60 : end]
    assert coded in out.getvalue()
    assert SECRET not in out.getvalue()
    assert base64.b64encode(SECRET)[4:12] not in out.getvalue()
    assert UNSEARCHED not in rebuilt.residue
    rebuild(out.getvalue(), again, Keep())
    assert again.getvalue() == out.getvalue()


@pytest.mark.parametrize("holder", [in_zip, in_tar, in_svg, in_pdf])
def test_a_check_looks_behind_pictures_inside_another_file(holder: Callable[[bytes], bytes]) -> None:
    plain = jpeg("progressive")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    (tag,) = said_behind(holder(plain[:end] + SECRET + plain[end:]))
    assert tag.path.endswith("jpeg/behind_coded_data")
    assert tag.value == SECRET
    assert said_behind(holder(plain)) == ()
    nested = in_zip(holder(plain[:end] + SECRET + plain[end:]))
    assert len(said_behind(nested)) == 1


def bare_pdf(photo: bytes) -> bytes:
    """One page with one picture, and not a word besides."""
    out = io.BytesIO()
    rebuild(in_pdf(photo), out, Keep())
    return out.getvalue()


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_a_document_without_tags_is_dirty_all_the_same(form: str, tmp_path: Path) -> None:
    plain = jpeg("plain")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    hidden = plain[:end] + SECRET + plain[end:]
    bare = {"svg": in_svg, "pdf": bare_pdf}[form](plain)
    (tmp_path / f"bare.{form}").write_bytes(bare)
    if form == "svg":
        planted = in_svg(hidden)
    else:
        # The picture grows, so its object says another length, and what follows moves.
        assert bare.count(plain) == 1
        planted = bare.replace(plain, hidden).replace(b"/Length %d" % len(plain), b"/Length %d" % len(hidden))
        start = bare.index(plain) + len(plain)
        moved = len(planted) - len(bare)
        table = bare.rindex(b"xref\n", 0, bare.rindex(b"startxref"))
        old = [int(line[:10]) for line in bare[table:].splitlines() if line.endswith(b" n ")]
        for place in old:
            if place > start:
                planted = planted.replace(b"%010d 00000 n" % place, b"%010d 00000 n" % (place + moved))
        planted = planted.replace(b"startxref\n%d" % table, b"startxref\n%d" % (table + moved))
    (tmp_path / f"hidden.{form}").write_bytes(planted)
    states = {Path(name).stem: one for name, one in clean([tmp_path], check=True).files}
    assert states["bare"].state == "clean"
    assert states["hidden"].state == "dirty"
    assert "behind_coded_data" in states["hidden"].reason


def grown(tiff: bytes) -> bytes:
    """The file with its first strip moved to its end, and longer."""
    with Image.open(io.BytesIO(tiff)) as file:
        start, size = file.tag_v2[273][0], file.tag_v2[279][0]
    strip = tiff[start : start + size]
    assert strip.endswith(b"\xff\xd9")
    longer = strip[:-2] + SECRET + strip[-2:]
    old, new = struct.pack("<I", start), struct.pack("<I", len(tiff))
    assert tiff.count(old) == 1
    moved = tiff.replace(old, new)
    at = moved.index(struct.pack("<H", 279))
    kind, count = struct.unpack_from("<HI", moved, at + 2)
    where = struct.unpack_from("<I", moved, at + 8)[0] if count * (4 if kind == 4 else 2) > 4 else at + 8
    whole = bytearray(moved + longer)
    struct.pack_into("<I" if kind == 4 else "<H", whole, where, len(longer))
    return bytes(whole)


def test_an_audit_looks_behind_what_it_does_not_decode(tmp_path: Path) -> None:
    """A drawing and a TIFF of two pages: listed alone, and searched all the same."""
    plain = jpeg("plain")
    end = next(part.stop for part in segments(memoryview(plain)) if part.marker == SCAN)
    (tmp_path / "a.svg").write_bytes(in_svg(plain[:end] + SECRET + plain[end:]))
    pages = io.BytesIO()
    pair = [Image.fromarray(picture()), Image.fromarray(picture()[::-1])]
    pair[0].save(pages, "TIFF", compression="jpeg", save_all=True, append_images=pair[1:])
    (tmp_path / "plain.tif").write_bytes(pages.getvalue())
    (tmp_path / "hidden.tif").write_bytes(grown(pages.getvalue()))
    source = Folder(str(tmp_path), metadata_only=True)
    found = {ref.name: Hidden().find(source.load(ref)) for ref in source.refs()}
    for name in ("a.svg", "hidden.tif"):
        behind = [finding for finding in found[name] if "behind_coded_data" in str(finding.where)]
        assert [finding.kind for finding in behind] == ["hidden_image"]
        assert behind[0].risk is Risk.HIDDEN
    assert not [finding for finding in found["plain.tif"] if "behind_coded_data" in str(finding.where)]
