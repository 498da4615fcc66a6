"""Real files of phones and cameras: every one ends clean, clean with residue, or refused; judged by other programs."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from veilset.containers import identify, inspect, rebuild
from veilset.containers.contract import Keep
from veilset.core.errors import DataError
from veilset.testing.long_film import write_long_film

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("VEILSET_DATA", ROOT.parent / "shared" / "data"))
SUFFIXES = (".heic", ".heif", ".avif", ".mp4", ".3gp", ".jxl", ".svg")
FILES = sorted(
    p for folder in ("camera_files", "video_clips") for p in (DATA / folder).rglob("*") if p.suffix in SUFFIXES
)
NAMES = [path.name for path in FILES]
needs_data = pytest.mark.skipif(not FILES, reason="the measurement data (VEILSET_DATA) is not there")
# What describes the coded picture itself, or the file on the disk; everything else has to be gone.
ALLOWED_GROUPS = {
    "ExifTool",
    "System",
    "File",
    "Composite",
    "ICC_Profile",
    "ICC-header",
    "ICC-view",
    "ICC-meas",
    "SVG",
    "JXL",
}
ALLOWED = {
    "MajorBrand", "MinorVersion", "CompatibleBrands", "HandlerType", "PrimaryItemReference", "MetaImageSize", "Rotation",
    "ImageSpatialExtent", "ImagePixelDepth", "MediaDataSize", "MediaDataOffset", "MovieHeaderVersion", "TimeScale",
    "Duration", "PreferredRate", "PreferredVolume", "MatrixStructure", "NextTrackID", "TrackHeaderVersion", "TrackID",
    "TrackDuration", "TrackLayer", "TrackVolume", "ImageWidth", "ImageHeight", "MediaHeaderVersion", "MediaTimeScale",
    "MediaDuration", "GraphicsMode", "OpColor", "CompressorID", "SourceImageWidth", "SourceImageHeight", "XResolution",
    "YResolution", "BitDepth", "VideoFrameRate", "Balance", "AudioFormat", "AudioChannels", "AudioBitsPerSample",
    "AudioSampleRate", "PixelAspectRatio", "BufferSize", "MaxBitrate", "AverageBitrate", "ColorProfiles",
    "ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients", "VideoFullRangeFlag", "CleanAperture",
    "MovieDataSize", "MovieDataOffset", "CreateDate", "ModifyDate", "TrackCreateDate", "TrackModifyDate",
    "MediaCreateDate", "MediaModifyDate", "PreviewTime", "PreviewDuration", "PosterTime", "SelectionTime",
    "SelectionDuration", "CurrentTime", "MediaLanguageCode", "ChromaFormat", "ConstantFrameRate", "GeneralLevelIDC",
    "GeneralProfileCompatibilityFlags", "GeneralProfileIDC", "GeneralProfileSpace", "GeneralTierFlag",
    "HEVCConfigurationVersion",
    "MinSpatialSegmentationIdc", "NumTemporalLayers", "ParallelismType", "TemporalIDNested", "AverageFrameRate",
    "BitDepthChroma", "BitDepthLuma", "ConstraintIndicatorFlags", "AV1ConfigurationVersion", "SeqProfile", "SeqLevelIdx0",
    "SeqTier0", "HighBitDepth", "TwelveBit", "ChromaSamplePosition", "InitialDelaySamples", "AudioBitrate",
    "PurchaseFileFormat", "VendorID", "SourceFile",
    "GenProfileCompatibilityFlags", "MinSpatialSegmentationIDC", "MediaData", "ChunkOffset", "SampleSizes", "SampleToChunk",
    "SyncSampleTable", "AVCConfiguration", "CompositionTimeToSample", "IdependentAndDisposableSamples", "TimeToSampleTable",
    "EditListTable", "ESDescriptor", "EncoderVendor", "EncoderVersion",
}  # fmt: skip


def clean(data: bytes) -> bytes:
    out = io.BytesIO()
    rebuild(data, out, Keep())
    return out.getvalue()


@needs_data
@pytest.mark.data
@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_real_files_are_cleaned_twice_the_same(path: Path) -> None:
    once = clean(path.read_bytes())
    assert clean(once) == once
    assert inspect(once).facts == inspect(path).facts


@needs_data
@pytest.mark.data
@pytest.mark.parametrize("path", [p for p in FILES if p.suffix in (".heic", ".heif", ".avif")], ids=lambda p: p.name)
def test_an_independent_decoder_sees_the_same_picture(path: Path) -> None:
    pillow_heif.register_heif_opener()
    before, after = Image.open(path), Image.open(io.BytesIO(clean(path.read_bytes())))
    assert (before.size, before.mode) == (after.size, after.mode)
    assert np.array_equal(np.asarray(before), np.asarray(after))


@needs_data
@pytest.mark.data
@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("path", [p for p in FILES if p.suffix in (".mp4", ".3gp")], ids=lambda p: p.name)
def test_ffmpeg_sees_the_same_frames(path: Path, tmp_path: Path) -> None:
    after = tmp_path / path.name
    after.write_bytes(clean(path.read_bytes()))
    # Packets rather than decoded frames: the coded bytes, their order and their times, in a fraction of the time. Sound is
    # decoded: notes at the beginning of its frames fall silent at their own length.
    one, two = (
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(p), "-map", "0:v", "-map", "0:a?", "-c:v", "copy", *without_notes(path),
             "-f", "framemd5", "-"],
            capture_output=True,
            check=True,
        ).stdout
        for p in (path, after)
    )  # fmt: skip
    # The settings of a decoder come without what an encoder signs there.
    one, two = (re.sub(rb"#extradata[^\n]*\n", b"", said) for said in (one, two))
    assert one == two


def without_notes(path: Path) -> list[str]:
    """What makes ffmpeg leave out messages and filling between the slices of a film."""
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=codec_name", "-of", "csv=p=0"]
    codec = subprocess.run([*probe, str(path)], capture_output=True, check=True, text=True).stdout.strip()
    kinds = {"h264": "6|12", "hevc": "38-40"}.get(codec)
    return ["-bsf:v", f"filter_units=remove_types={kinds}"] if kinds else []


@needs_data
@pytest.mark.data
@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_exiftool_shows_nothing_outside_the_allowlist(path: Path, tmp_path: Path) -> None:
    after = tmp_path / f"after{path.suffix}"
    after.write_bytes(clean(path.read_bytes()))
    said = subprocess.run(
        ["exiftool", "-a", "-u", "-g1", "-j", "-ee", str(after)], capture_output=True, check=True
    ).stdout
    groups = json.loads(said)[0]
    left = {
        f"{group}:{name}": value
        for group, tags in groups.items()
        if isinstance(tags, dict) and group not in ALLOWED_GROUPS
        for name, value in tags.items()
        if name not in ALLOWED and not name.startswith(("HEVC", "AV1", "Unknown", "XMP Toolkit"))
    }
    assert left == {}
    for tags in groups.values():
        for name in ("CreateDate", "TrackCreateDate", "MediaCreateDate"):
            assert not isinstance(tags, dict) or tags.get(name, "0000:00:00 00:00:00") == "0000:00:00 00:00:00"


@needs_data
@pytest.mark.data
@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_mutated_real_files_raise_one_kind_of_error_soon(path: Path) -> None:
    data, rng = path.read_bytes(), np.random.default_rng(4)
    head = min(len(data), 65536)
    for trial in range(6):
        hurt = bytearray(data if trial % 2 else data[: int(rng.integers(16, len(data)))])
        for _ in range(int(rng.integers(1, 20))):
            hurt[int(rng.integers(0, min(head, len(hurt))))] = int(rng.integers(0, 256))
        start = time.monotonic()
        for work in (clean, inspect):
            try:
                work(bytes(hurt))
            except DataError:
                continue
        assert time.monotonic() - start < 4


FILM = r"""
import re, sys
from pathlib import Path
from veilset.containers.clean import clean_file
cleaned = clean_file(Path(sys.argv[1]), Path(sys.argv[2]))
assert cleaned.state == "clean", cleaned
# Not the peak that getrusage tells, which a process inherits from the one that started it.
print(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_a_film_of_a_gigabyte_takes_constant_memory(tmp_path: Path) -> None:
    source, target, chunk, count = tmp_path / "large.mp4", tmp_path / "clean.mp4", 1 << 20, 1024
    write_long_film(source, chunk, count)
    run = subprocess.run(
        [sys.executable, "-c", FILM, str(source), str(target)], capture_output=True, check=True, text=True
    )  # fmt: skip
    assert int(run.stdout) < 200 * 1024
    assert target.stat().st_size > chunk * count
    with target.open("rb") as cleaned:
        cleaned.seek(-4, os.SEEK_END)
        assert cleaned.read() == struct.pack(">I", count - 1)


def test_the_long_film_is_one_that_can_be_read(tmp_path: Path) -> None:
    write_long_film(tmp_path / "film.mp4", 16, 3)
    data = (tmp_path / "film.mp4").read_bytes()
    assert identify(data) == "mp4"
    samples = (struct.pack(">I4sII", 12, b"\x65", number, number) for number in range(3))
    assert clean(data).endswith(b"".join(samples))
