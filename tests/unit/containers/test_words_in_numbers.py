"""Eight letters written over any eight bytes of a film's or picture's tables do not come out, or the file is refused."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from veilset.containers import Keep, rebuild
from veilset.containers.bmff import boxes
from veilset.core.errors import DataError
from veilset.testing.planted_each import one_of_each

WORDS = b"Somebody"
# Parameter sets of a codec, which are coded bits to the last one; a decoder would fail on them.
CODED = (b"avcC", b"hvcC", b"av1C")
SOUNDS = {"aac": "aac", "alac": "alac", "flac": "flac", "libopus": "libopus", "eac3": "eac3"}
HOW = {
    **{f"{name}.mp4": ["-c:v", "libx264", "-c:a", coder, "-strict", "-2"] for name, coder in SOUNDS.items()},
    "hevc.mp4": ["-c:v", "libx265", "-tag:v", "hvc1", "-an"],
    "av1.mp4": ["-c:v", "libaom-av1", "-cpu-used", "8", "-an"],
    "vp9.mp4": ["-c:v", "libvpx-vp9", "-an"],
    "colour.mov": ["-c:v", "libx264", "-c:a", "pcm_s16le", "-movflags", "write_colr+write_gama"],
    "fragments.mp4": ["-c:v", "libx264", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"],
}


def survivors(raw: bytes) -> list[int]:
    view = memoryview(raw)
    found = []
    for box in boxes(view, 0, len(raw), "film", tail=True):
        for at in range(box.start, min(box.stop, box.start + 3072) - 8, 2) if box.kind != b"mdat" else ():
            out = io.BytesIO()
            try:
                rebuild(raw[:at] + WORDS + raw[at + 8 :], out, Keep())
            except DataError:
                continue
            if WORDS in out.getvalue():
                found.append(at)
    coded = [(at, at + int.from_bytes(raw[at - 4 : at], "big")) for kind in CODED for at in [raw.find(kind)] if at >= 0]
    return [at for at in found if not any(low < at + 8 and at < high for low, high in coded)]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("name", HOW)
def test_no_table_of_a_film_holds_words(name: str, tmp_path: Path) -> None:
    sources = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=1", "-f", "lavfi", "-i", "sine=duration=0.2"]
    made = subprocess.run(["ffmpeg", "-v", "error", *sources, *HOW[name], str(tmp_path / name)], check=False)
    if made.returncode:
        pytest.skip(f"this ffmpeg cannot make {name}")
    assert survivors((tmp_path / name).read_bytes()) == []


@pytest.mark.parametrize("kind", ["heif", "avif"])
def test_no_table_of_a_picture_holds_words(kind: str) -> None:
    assert survivors(one_of_each()[kind][0]) == []
