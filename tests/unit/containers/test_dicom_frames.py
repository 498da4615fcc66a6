"""Compressed frames of DICOM: the same samples, without what encoders and others wrote into them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pydicom = pytest.importorskip("pydicom", reason="pydicom, which reads DICOM, is not installed")

from pydicom.encaps import generate_fragments  # noqa: E402

from veilset.containers import dicom_frames, inspect, jpeg_ls  # noqa: E402
from veilset.containers.dicom import rebuild_under  # noqa: E402
from veilset.containers.dicom_rules import DicomProfile  # noqa: E402
from veilset.containers.jpeg_segments import UNSEARCHED  # noqa: E402
from veilset.core.errors import DataError, Malformed  # noqa: E402
from veilset.flows.clean import clean  # noqa: E402
from veilset.testing.planted_dicom import image  # noqa: E402
from veilset.testing.planted_films import film  # noqa: E402

JPEG, JPEG_LS, J2K, HTJ2K, MPEG = (f"1.2.840.10008.1.2.4.{last}" for last in (50, 80, 90, 201, 100))
ITEM = b"\xfe\xff\x00\xe0"
SECRET = b"SECRET WORD"


def picture(seed: int = 0) -> np.ndarray:
    ramp = np.add.outer(np.arange(40) * 3, np.arange(56) * 2 + 9 * seed)
    return np.dstack([ramp % 256, ramp // 2 % 256, 255 - ramp % 256]).astype(np.uint8)


def jpeg(seed: int = 0, **more: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture(seed)).save(out, "JPEG", comment=SECRET + bytes([48 + seed]), **more)
    return out.getvalue()


def jpeg_2000() -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture()).save(out, "JPEG2000", no_jp2=True, comment=SECRET)
    return out.getvalue()


def item(value: bytes) -> bytes:
    value += bytes(len(value) % 2)
    return ITEM + struct.pack("<I", len(value)) + value


def file_of(syntax: str, fragments: Sequence[bytes], count: int, table: bytes = b"") -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(image("PAT-7").data))
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 40, 56, 3
    dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "YBR_FULL_422", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.NumberOfFrames = 7, count
    dataset.PixelData = item(table) + b"".join(map(item, fragments))
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def cleaned(data: bytes) -> bytes:
    out = io.BytesIO()
    rebuilt, _ = rebuild_under(memoryview(data), out, DicomProfile(), bytes(range(32)))
    raw = out.getvalue()
    assert rebuilt.size == len(raw)
    for start, place, length in rebuilt.copied:
        assert data[start : start + length] == raw[place : place + length]
    again = io.BytesIO()
    rebuild_under(memoryview(raw), again, DicomProfile(), bytes(range(32)))
    assert again.getvalue() == raw
    return raw


def frames(raw: bytes, count: int = 1) -> list[np.ndarray]:
    dataset = pydicom.dcmread(io.BytesIO(raw))
    assert dataset.get("NumberOfFrames") == count
    _, *fragments = generate_fragments(dataset.PixelData)
    return [np.asarray(Image.open(io.BytesIO(fragment))) for fragment in fragments]


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_jpeg_frame_loses_its_comment_and_keeps_its_samples(pieces: int) -> None:
    stream = jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\0\0" + SECRET)
    cut = [len(stream) * n // pieces // 2 * 2 for n in range(pieces)] + [len(stream)]
    data = file_of(JPEG, [stream[a:b] for a, b in pairwise(cut)], 1)
    assert {tag.path for tag in inspect(data).tags if SECRET in (tag.value if isinstance(tag.value, bytes) else b"")}
    raw = cleaned(data)
    assert SECRET not in raw
    (shown,) = frames(raw)
    assert np.array_equal(shown, np.asarray(Image.open(io.BytesIO(stream))))


def test_frames_are_found_by_their_offsets_and_the_offsets_are_put_right() -> None:
    streams = [jpeg(seed) for seed in range(3)]
    halves = [half for stream in streams for half in (stream[:300], stream[300:])]
    at, offsets = 0, []
    for number, half in enumerate(halves):
        offsets += [at] if number % 2 == 0 else []
        at += 8 + len(half) + len(half) % 2
    raw = cleaned(file_of(JPEG, halves, 3, struct.pack("<3I", *offsets)))
    assert SECRET not in raw
    for shown, stream in zip(frames(raw, 3), streams, strict=True):
        assert np.array_equal(shown, np.asarray(Image.open(io.BytesIO(stream))))
    pixels = pydicom.dcmread(io.BytesIO(raw)).PixelData
    for offset in struct.unpack("<3I", pixels[8:20]):
        assert pixels[20 + offset : 24 + offset] == ITEM


def test_what_belongs_to_no_frame_goes_and_is_listed() -> None:
    hidden = jpeg(7)
    data = file_of(JPEG, [jpeg(0), jpeg(1), hidden], 2)
    assert [tag.path for tag in inspect(data).tags if tag.path.startswith("dicom/frame/beyond")]
    raw = cleaned(data)
    assert len(frames(raw, 2)) == 2
    assert hidden[-200:] not in raw
    # A table of offsets that are none of its frames' is a message.
    assert SECRET not in cleaned(file_of(JPEG, [jpeg(0), jpeg(1)], 2, SECRET + b"!"))


def test_a_second_picture_behind_the_only_frame_goes() -> None:
    hidden = jpeg(7)
    raw = cleaned(file_of(JPEG, [jpeg(0), hidden], 1))
    assert hidden[-200:] not in raw
    assert len(frames(raw)) == 1


def test_a_jpeg_2000_frame_loses_its_comment() -> None:
    stream = jpeg_2000()
    assert SECRET in stream
    raw = cleaned(file_of(J2K, [stream], 1))
    assert SECRET not in raw
    assert np.array_equal(frames(raw)[0], np.asarray(Image.open(io.BytesIO(stream))))


RUNS = b"\x81\7" * 17  # 2,176 of 2,240 pixels


def rle(seed: int = 0, bits: int = 8) -> tuple[bytes, bytes]:
    """A file of one RLE frame as pydicom codes it, and the frame."""
    dataset = pydicom.dcmread(io.BytesIO(file_of(JPEG, [jpeg()], 1)))
    dataset.PhotometricInterpretation = "RGB"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    pixels = picture(seed).astype(f"uint{bits}")
    dataset.compress(pydicom.uid.RLELossless, pixels, encoding_plugin="pydicom", generate_instance_uid=False)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    _, frame = generate_fragments(dataset.PixelData)
    return out.getvalue(), frame


@pytest.mark.parametrize("bits", [8, 16])
def test_an_rle_frame_says_nothing_beyond_its_samples(bits: int) -> None:
    plain, frame = rle(bits=bits)
    count = struct.unpack_from("<I", frame)[0]
    assert count == 3 * bits // 8
    used = 4 + 4 * count
    hidden = frame[:used] + SECRET.ljust(64 - used, b"\0") + frame[64:] + SECRET + b"!"
    data = plain.replace(item(frame), item(hidden))
    listed = {tag.path for tag in inspect(data).tags}
    assert {"dicom/frame/1/unused_offsets", "dicom/frame/1/bytes_behind_a_segment"} <= listed
    raw = cleaned(data)
    assert SECRET not in raw
    assert raw == cleaned(plain)
    assert np.array_equal(pydicom.dcmread(io.BytesIO(raw)).pixel_array, picture().astype(f"uint{bits}"))
    assert not [tag.path for tag in inspect(raw).tags if "frame" in tag.path]


def test_bytes_between_and_before_rle_segments_go() -> None:
    plain, frame = rle()
    starts = struct.unpack_from("<3I", frame, 4)
    moved = struct.pack("<4I", 3, starts[0] + 12, starts[1] + 24, starts[2] + 24).ljust(64, b"\0")
    hidden = moved + SECRET + b"!" + frame[64 : starts[1]] + SECRET + b"!" + frame[starts[1] :]
    assert cleaned(plain.replace(item(frame), item(hidden))) == cleaned(plain)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[:-40],
        lambda frame: SECRET * 9,
        lambda frame: struct.pack("<I", 4) + frame[4:],
        lambda frame: frame[:4] + struct.pack("<I", 1 << 20) + frame[8:],
        # The last stretch goes on behind the last pixel.
        lambda _: (
            struct.pack("<4I", 3, 64, 100, 136).ljust(64, b"\0") + 2 * (RUNS + b"\xc1\7") + RUNS + b"\x45" + bytes(70)
        ),
    ],
)
def test_a_damaged_rle_frame_refuses_the_file(change: Callable[[bytes], bytes]) -> None:
    plain, frame = rle()
    whole = struct.pack("<4I", 3, 64, 100, 136).ljust(64, b"\0") + 3 * (RUNS + b"\xc1\7")
    assert whole in cleaned(plain.replace(item(frame), item(whole)))
    with pytest.raises(DataError):
        cleaned(plain.replace(item(frame), item(change(frame))))


def test_many_megabytes_of_frames_are_not_searched_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_frames, "_MOST_SEARCHED", 1)
    for data in (rle()[0], file_of(JPEG, [jpeg()], 1)):
        rebuilt, _ = rebuild_under(memoryview(data), io.BytesIO(), DicomProfile(), bytes(32))
        assert UNSEARCHED in rebuilt.residue
        assert SECRET not in cleaned(data)
    monkeypatch.undo()
    for data in (rle()[0], file_of(JPEG, [jpeg()], 1)):
        rebuilt, _ = rebuild_under(memoryview(data), io.BytesIO(), DicomProfile(), bytes(32))
        assert UNSEARCHED not in rebuilt.residue


def test_bytes_behind_the_last_block_of_a_jpeg_frame_go() -> None:
    frame = jpeg()
    hidden = frame[:-2] + SECRET + b"\xff\xd9"
    data = file_of(JPEG, [hidden], 1)
    assert "dicom/frame/1/bytes_behind_the_last_coded_block" in {tag.path for tag in inspect(data).tags}
    raw = cleaned(data)
    assert SECRET not in raw
    assert raw == cleaned(file_of(JPEG, [frame], 1))
    assert np.array_equal(frames(raw)[0], np.asarray(Image.open(io.BytesIO(frame))))


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


START = b"\xff\xd8" + segment(0xF7, bytes([8, 0, 4, 0, 4, 1, 1, 0x11, 0]))
SCAN = segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + b"\x12\xff\x7f\x34\xff\x00\x56"


def test_jpeg_ls_keeps_tables_and_scans_alone() -> None:
    stream = (
        START
        + segment(0xFE, SECRET)
        + segment(0xF8, b"\2\1\1" + SECRET)
        + segment(0xE8, b"mrfx\x01")
        + segment(0xE8, b"SPIFF\0" + SECRET)
        + SCAN
    )
    out = io.BytesIO()
    rebuilt = jpeg_ls.rebuild(memoryview(stream + b"\xff\xd9" + SECRET), out)
    assert out.getvalue() == START + segment(0xE8, b"mrfx\x01") + SCAN + b"\xff\xd9"
    assert rebuilt.size == len(out.getvalue())
    assert rebuilt.claims[-1].stop == len(stream) + 2 + len(SECRET)
    data = file_of(JPEG_LS, [stream + b"\xff\xd9"], 1)
    assert "dicom/frame/1/segment_0xfe" in {tag.path for tag in inspect(data).tags}
    assert SECRET not in cleaned(data)


@pytest.mark.parametrize(
    "stream",
    [
        b"\xff\xd9",
        START,
        START + SCAN,
        START + b"\x00\x01",
        START + b"\xff\xd8",
        START + b"\xff\xfe\x00\xff",
        b"\xff\xd8" + segment(0xF7, bytes([8, 0, 4, 0, 4, 1, 1, 0x11, 0]) + SECRET) + SCAN + b"\xff\xd9",
        START + segment(0xDA, bytes([1, 1, 0, 0, 0, 0]) + SECRET) + b"\xff\xd9",
        START + segment(0xF8, b"\x01" + SECRET) + SCAN + b"\xff\xd9",
        START + segment(0xF8, b"\x04\x02" + SECRET) + SCAN + b"\xff\xd9",
        START + segment(0xDA, bytes([1, 1, 7, 0, 0, 0])) + b"\x12\xff\xd9",
        START + segment(0xDD, SECRET) + SCAN + b"\xff\xd9",
    ],
)
def test_a_damaged_jpeg_ls_stream_is_said(stream: bytes) -> None:
    with pytest.raises(Malformed):
        jpeg_ls.rebuild(memoryview(stream), io.BytesIO())


@pytest.mark.parametrize(
    ("syntax", "fragments", "count"),
    [(JPEG, [SECRET], 1), (JPEG, [jpeg(0)], 2), (JPEG, [jpeg(0)[:200]], 1), (JPEG_LS, [SECRET], 1), (J2K, [SECRET], 1)],
)
def test_frames_of_a_known_coding_that_cannot_be_read_refuse_the_file(
    syntax: str, fragments: list[bytes], count: int, tmp_path: Path
) -> None:
    (tmp_path / "one.dcm").write_bytes(file_of(syntax, fragments, count))
    ((_, done),) = clean([tmp_path / "one.dcm"], out=tmp_path / "out").files
    assert done.state == "refused"
    assert not (tmp_path / "out/one.dcm").exists()


@pytest.mark.parametrize(
    ("syntax", "fragments", "count", "words"),
    [
        (MPEG, [b"G" + SECRET], 9, "film inside stays as it is"),
        (HTJ2K, [SECRET], 1, "compressed frames"),
    ],
)
def test_frames_that_cannot_be_read_stay_and_that_is_said(
    syntax: str, fragments: list[bytes], count: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "one.dcm").write_bytes(file_of(syntax, fragments, count))
    ((_, done),) = clean([tmp_path / "one.dcm"], out=tmp_path / "out").files
    assert done.state == "residue"
    assert any(words in said for said in done.residue)


UNITS = {
    "4.100": (b"\0\0\1\xb3" + bytes(8), b"\0\0\1\xb2" + SECRET, b"\0\0\1\0" + b"\x10" * 30),
    "4.102": (b"\0\0\0\1\x67" + b"\x42" * 9, b"\0\0\1\6\5" + SECRET, b"\0\0\1\x65" + b"\x88" * 30),
    "4.107": (b"\0\0\0\1\x42\1" + b"\x42" * 9, b"\0\0\1\x4e\1\5" + SECRET, b"\0\0\1\x26\1" + b"\x88" * 30),
}


@pytest.mark.parametrize("syntax", list(UNITS))
def test_notes_between_the_units_of_a_film_go(syntax: str) -> None:
    head, note, picture_unit = UNITS[syntax]
    data = file_of(f"1.2.840.10008.1.2.{syntax}", [head + note + picture_unit], 9)
    assert "dicom/frame/1/notes_in_the_film" in {tag.path for tag in inspect(data).tags}
    raw = cleaned(data)
    assert SECRET not in raw
    assert head + picture_unit in raw
    assert raw == cleaned(file_of(f"1.2.840.10008.1.2.{syntax}", [head + picture_unit], 9))


def test_an_mp4_film_inside_is_cleaned_as_one() -> None:
    planted = film()
    data = file_of("1.2.840.10008.1.2.4.102", [planted.data], 9)
    assert planted.marks.left_in(data)
    raw = cleaned(data)
    assert planted.marks.left_in(raw) == []


def test_the_program_cleans_frames_with_the_marks_of_jfif(tmp_path: Path) -> None:
    (tmp_path / "one.dcm").write_bytes(file_of(JPEG, [jpeg(0, dpi=(72, 72)), jpeg(1)], 2))
    ((_, done),) = clean([tmp_path / "one.dcm"], out=tmp_path / "out", thorough=True).files
    assert done.state == "clean"
    assert SECRET not in (tmp_path / "out/one.dcm").read_bytes()


def test_no_picture_hides_in_an_item_or_in_the_tables_of_offsets() -> None:
    dataset = pydicom.dcmread(io.BytesIO(image("PAT-7").data))
    inner = pydicom.Dataset()
    inner.add_new("PixelData", "OB", SECRET + b"!")
    dataset.SharedFunctionalGroupsSequence = pydicom.Sequence([inner])
    dataset.ExtendedOffsetTable = SECRET.ljust(16)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    assert SECRET not in cleaned(out.getvalue())
    dataset.FloatPixelData = SECRET.ljust(16)  # two pictures in one file: the standard allows one of them
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    with pytest.raises(DataError):
        cleaned(out.getvalue())


def test_a_file_with_the_head_of_a_tiff_before_it_is_dicom() -> None:
    data = bytearray(image("PAT-7").data)
    data[:8] = b"II*\0\x80\0\0\0"
    assert cleaned(bytes(data))[:128] == bytes(128)
    assert inspect(bytes(data)).facts.format == "dicom"
    with pytest.raises(DataError):
        inspect(bytes(data[:140]))
