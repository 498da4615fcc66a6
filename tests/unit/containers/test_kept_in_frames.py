"""What single frames of films and sound hold besides picture and sound; another decoder judges that those stay the same."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.mp4_frames import quiet_jpeg, quiet_prores, quiet_units
from veilset.containers.mp4_sound import quiet_elements, quiet_frame, quiet_padding, vorbis_settings
from veilset.core.errors import DataError, Unsupported

PICTURE = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1"]
SOUND = ["-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000"]
WORDS = b"somebody was here"


def silenced(raw: bytes, notes) -> bytes:
    out = bytearray(raw)
    for low, high, new in notes:
        assert len(new) == high - low
        out[low:high] = new
    return bytes(out)


def bits(*fields: tuple[int, int]) -> bytes:
    value = size = 0
    for number, width in fields:
        value, size = value << width | number, size + width
    return (value << -size % 8).to_bytes((size + 7) // 8, "big")


def spelled(words: bytes) -> list[tuple[int, int]]:
    return [(letter, 8) for letter in words]


@pytest.mark.parametrize(("kind", "count"), [("notes", 17), ("notes", 300), ("filling", 17)])
def test_notes_and_filling_before_the_first_channel_fall_silent(kind: str, count: int) -> None:
    words = (WORDS * 20)[:count]
    if kind == "notes":
        lengths = [(count, 8)] if count < 255 else [(255, 8), (count - 255, 8)]
        head = [(4, 3), (0, 4), (0, 1), *lengths]
    else:
        head = [(6, 3), (15, 4), (count - 14, 8)]
    channel = [(0, 3), (5, 4), *spelled(b"coded sound")]
    held = spelled(words if kind == "notes" else b"\0" + words[1:])
    frame = bits(*head, *held, *head, *held, *channel)
    quiet = silenced(frame, quiet_elements(frame))
    assert quiet == bits(*head, *[(0, 8)] * count, *head, *[(0, 8)] * count, *channel)
    assert quiet_elements(quiet) == []
    assert quiet_elements(bits(*channel, *head, *held)) == []


def test_bands_that_are_made_up_and_limits_of_loudness_stay() -> None:
    for extension in (0xB, 0xD, 0xE):
        assert quiet_elements(bits((6, 3), (8, 4), (extension, 4), (5, 4), *spelled(b"seventh"), (0, 3))) == []


def test_padding_of_opus_is_zero() -> None:
    packet = bytes([3, 0x41, 255, 3]) + b"sound" + WORDS * 15 + b"xx"
    assert silenced(packet, quiet_padding(packet)) == packet[:9] + bytes(257)
    assert quiet_padding(b"\x03\x01sound" + WORDS) == []


def test_what_stands_behind_a_frame_of_mp3_is_zero() -> None:
    frame = b"\xff\xfb\x90\0" + bytes(range(1, 254)) + bytes(160)
    assert silenced(frame + WORDS, quiet_frame(frame + WORDS)) == frame + bytes(len(WORDS))
    assert quiet_frame(frame) == quiet_frame(frame + frame) == []


@pytest.mark.parametrize("place", ["comment", "application", "behind", "thumbnail"])
def test_frames_of_jpeg_keep_their_picture_alone(place: str) -> None:
    from PIL import Image

    out = io.BytesIO()
    Image.linear_gradient("L").resize((32, 32)).save(out, "JPEG", progressive=True)
    plain = out.getvalue()
    segment = struct.pack(">H", len(WORDS) + 2) + WORDS
    scan = plain.rindex(b"\xff\xda")
    frame = {
        "comment": plain[:scan] + b"\xff\xfe" + segment + plain[scan:],
        "application": plain[:2] + b"\xff\xe5" + segment + plain[2:],
        "behind": plain + WORDS,
        "thumbnail": plain[:4] + struct.pack(">H", 16 + len(WORDS)) + plain[6:20] + WORDS + plain[20:],
    }[place]
    quiet = silenced(frame, quiet_jpeg(frame))
    assert WORDS not in quiet
    assert quiet_jpeg(quiet) == quiet_jpeg(plain) == []
    before, after = (Image.open(io.BytesIO(raw)).tobytes() for raw in (plain, quiet))
    assert before == after
    with pytest.raises(Unsupported):
        quiet_jpeg(b"\x89PNG\r\n")


def test_the_encoder_of_prores_and_notes_in_units_fall_silent() -> None:
    frame = struct.pack(">I", 40) + b"icpf" + bytes(4) + b"Anna" + bytes(24)
    assert silenced(frame + WORDS, quiet_prores(frame + WORDS)) == frame.replace(b"Anna", bytes(4)) + bytes(len(WORDS))
    units = b"\0\0\1\xb2" + WORDS + b"\0\0\1\xb2XviD0068\0\0\1\xb6coded"
    assert silenced(units, quiet_units(units)) == units.replace(WORDS, b"\xff" * len(WORDS))


def film(tmp_path: Path, name: str, *how: str) -> bytes:
    path = tmp_path / name
    made = subprocess.run(["ffmpeg", "-v", "error", *how, str(path)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"this ffmpeg cannot make {name}")
    return path.read_bytes()


def shown(tmp_path: Path, raw: bytes, name: str) -> bytes:
    (tmp_path / name).write_bytes(raw)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / name), "-f", "framemd5", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


FILMS = {
    "vorbis.mp4": [*SOUND, "-c:a", "libvorbis", "-metadata:s:a", "title=somebody"],
    "aac.m4a": [*SOUND, "-c:a", "aac"],
    "alac.m4a": [*SOUND, "-c:a", "alac"],
    "opus.mp4": [*SOUND, "-c:a", "libopus", "-vbr", "off"],
    "mp3.mov": [*SOUND, "-c:a", "libmp3lame"],
    "xvid.mp4": [*PICTURE, "-c:v", "libxvid"],
    "mpeg4.mp4": [*PICTURE, "-c:v", "mpeg4"],
    "mpeg2.mp4": [*PICTURE, "-c:v", "mpeg2video"],
    "mjpeg.mov": [*PICTURE, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"],
    "mjpeg.mp4": [*PICTURE, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"],
    "fragments.mp4": [
        *PICTURE,
        *SOUND,
        "-c:v",
        "mjpeg",
        "-pix_fmt",
        "yuvj420p",
        "-movflags",
        "frag_keyframe+empty_moov",
    ],
    "prores.mov": [*PICTURE, "-c:v", "prores_ks"],
}


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("name", FILMS)
def test_ffmpeg_sees_and_hears_the_same_and_no_encoder_signs(name: str, tmp_path: Path) -> None:
    raw = film(tmp_path, name, *FILMS[name])
    out = io.BytesIO()
    rebuild(raw, out, Keep())
    new = out.getvalue()
    assert shown(tmp_path, new, f"after-{name}") == shown(tmp_path, raw, name)
    assert b"Lavc" not in new
    assert b"somebody" not in new
    again = io.BytesIO()
    rebuild(new, again, Keep())
    assert again.getvalue() == new


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_words_in_the_filling_of_sound_are_listed_and_go(tmp_path: Path) -> None:
    raw = film(tmp_path, "aac.m4a", *FILMS["aac.m4a"])
    at = raw.index(b"mdat")
    at = raw.index(b"Lavc", at)
    told = raw[:at] + b"Anna is here" + raw[at + 12 :]
    assert any(b"Anna" in tag.value for tag in inspect(told).tags if tag.path == "mp4/notes")
    out = io.BytesIO()
    rebuild(told, out, Keep())
    assert b"Anna" not in out.getvalue()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_pictures_of_a_kind_that_is_not_searched_are_refused(tmp_path: Path) -> None:
    raw = film(tmp_path, "png.mp4", *PICTURE, "-c:v", "png")
    with pytest.raises(DataError, match="object type"):
        inspect(raw)


def test_settings_of_vorbis_need_three_headers() -> None:
    for raw in (b"", b"\2\x1e\x1e" + bytes(80), b"\0\x1e" + bytes(90)):
        with pytest.raises(DataError):
            vorbis_settings(raw)


EDITED = {
    "cut.mp4": (["-ss", "0.3", "-i", "whole.mp4", "-c", "copy", "-t", "0.4"], True),
    # Frames that are coded in another order than they are shown begin late, and none of them is hidden.
    "slow.mp4": (["-i", "whole.mp4", "-vf", "fps=2", "-c:v", "libx264", "-bf", "3"], False),
    "whole.mp4": ([], False),
}


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("name", EDITED)
def test_only_frames_that_no_edit_shows_are_hidden(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = film(tmp_path, "whole.mp4", *PICTURE, *SOUND, "-c:v", "libx264", "-g", "10", "-bf", "2", "-c:a", "aac")
    how, hidden = EDITED[name]
    raw = film(tmp_path, name, *how) if how else raw
    out = io.BytesIO()
    residue = rebuild(raw, out, Keep()).residue
    assert ("frames that an edit list hides" in residue) is hidden
    assert any(tag.path.endswith("edit_list") for tag in inspect(raw).tags) is hidden
    assert shown(tmp_path, out.getvalue(), f"after-{name}") == shown(tmp_path, raw, name)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_unit_that_reaches_into_the_next_chunk_is_walked_the_same_twice(tmp_path: Path) -> None:
    """Once the other track is gone, two chunks are neighbours; what was not walked before is not walked then."""
    raw = film(tmp_path, "two.mp4", *PICTURE, *PICTURE, "-map", "0", "-map", "1", "-c:v", "libx264")
    at = raw.index(b"mdat") + 4
    long = raw[:at] + (int.from_bytes(raw[at : at + 4], "big") + 9000).to_bytes(4, "big") + raw[at + 4 :]
    once, twice = io.BytesIO(), io.BytesIO()
    rebuild(long, once, Keep())
    rebuild(once.getvalue(), twice, Keep())
    assert once.getvalue() == twice.getvalue()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_film_of_many_tiny_chunks_is_refused_soon(tmp_path: Path) -> None:
    raw = film(tmp_path, "one.mp4", *PICTURE, "-c:v", "libx264")
    at, count = raw.index(b"stco") - 4, 100_000
    table = struct.pack(">II", 0, count) + b"".join(struct.pack(">I", 48 + 20 * one) for one in range(count))
    grown = len(table) + 8 - int.from_bytes(raw[at : at + 4], "big")
    new = raw[:at] + struct.pack(">I", len(table) + 8) + b"stco" + table + raw[at + 8 + 12 :]
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = new.index(kind) - 4
        new = (
            new[:place] + (int.from_bytes(new[place : place + 4], "big") + grown).to_bytes(4, "big") + new[place + 4 :]
        )
    for kind, head, entry in (
        (b"stsz", 4, struct.pack(">II", 16, count)),
        (b"stsc", 4, struct.pack(">4I", 1, 1, 1, 1)),
    ):
        place = new.index(kind) + 4 + head
        new = new[:place] + entry + new[place + len(entry) :]
    begin = time.process_time()
    with pytest.raises(DataError, match="few bytes"):
        rebuild(bytes(new) + bytes(3 << 20), io.BytesIO(), Keep())
    assert time.process_time() - begin < 2
