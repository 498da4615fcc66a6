"""Planted marks: every one is listed, none survives; the picture, its colours and its frames do."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import warnings
import zlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.clean import clean_file
from veilset.containers.verify import verify
from veilset.testing.planted import Planted
from veilset.testing.planted_files import every_planted

ALL = every_planted()
NAMES = [planted.name for planted in ALL]
EXIFTOOL = shutil.which("exiftool")
# Groups and tags that exiftool reports of any clean file.
ALLOWED_GROUPS = {"ExifTool", "System", "File", "Composite", "JFIF", "ICC-header", "PNG-pHYs"}
ALLOWED_TAGS = re.compile(
    r"(?:IFD0|SubIFD\d*|IFD\d):(?:Image(?:Width|Height)|BitsPerSample|Compression|Photometric\w+|Strip\w+|Tile\w+|Orientation|"
    r"SamplesPerPixel|RowsPerStrip|PlanarConfiguration|SubfileType|ExtraSamples|SampleFormat|Predictor|[XY]Resolution|"
    r"ResolutionUnit|ThumbnailTIFF|PreviewImage\w*|YCbCr\w+|ReferenceBlackWhite|YResolution|YCbCrPositioning)"
    r"|ICC_Profile:\w+|Adobe:\w+|PNG:(?:ImageWidth|ImageHeight|BitDepth|ColorType|Compression|Filter|Interlace|Gamma|"
    r"Palette|BackgroundColor|Transparency|ProfileName|SRGBRendering|Animation\w+)"
    r"|RIFF:(?:WebP_Flags|ImageWidth|ImageHeight|VP8Version|HorizontalScale|VerticalScale|AlphaIsUsed|Background\w+|"
    r"Animation\w+|FrameCount|Duration|LoopCount)"
    r"|GIF:(?:GIFVersion|ImageWidth|ImageHeight|HasColorMap|ColorResolutionDepth|BitsPerPixel|BackgroundColor|"
    r"TransparentColor|AnimationIterations|FrameCount|Duration|PixelAspectRatio)"
)


def _by_name(name: str) -> Planted:
    return ALL[NAMES.index(name)]


@cache
def _cleaned(name: str) -> bytes:
    out = io.BytesIO()
    rebuild(_by_name(name).data, out, Keep())
    return out.getvalue()


def _inflated(data: bytes) -> bytes:
    found = [data]
    for hit in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        stream = zlib.decompressobj()
        try:
            found.append(stream.decompress(data[hit.start() :]))
        except zlib.error:
            continue
    return b"\n".join(found)


def _holds(data: bytes, mark: bytes) -> bool:
    wide = mark.decode()
    forms = (mark, wide.encode("utf-16-le"), wide.encode("utf-16-be"))
    return any(form in data or form.hex().encode() in data for form in forms)


def test_there_are_hundreds_of_marks() -> None:
    marks = [mark for planted in ALL for mark in planted.marks.values()]
    assert len(set(marks)) == len(marks) > 1500
    assert len({place for planted in ALL for place in planted.marks}) > 300


@pytest.mark.parametrize("name", NAMES)
def test_every_mark_is_there_before(name: str) -> None:
    planted = _by_name(name)
    whole = _inflated(planted.data)
    # Row padding takes three bytes of a mark at a time, and the last pixels of a stream stand in its second chunk.
    split = {"row padding", "pixels beyond the size"}
    assert {place for place, mark in planted.marks.items() if not _holds(whole, mark)} <= split


@pytest.mark.parametrize("name", NAMES)
def test_no_mark_survives(name: str) -> None:
    whole = _inflated(_cleaned(name))
    assert [place for place, mark in _by_name(name).marks.items() if _holds(whole, mark)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_listing_shows_every_mark(name: str) -> None:
    planted = _by_name(name)
    parts = [
        tag.value if isinstance(tag.value, bytes) else str(tag.value).encode() for tag in inspect(planted.data).tags
    ]
    parts += [tag.path.encode() for tag in inspect(planted.data).tags]
    said = b"\0".join(parts)
    unlisted = {place for place, mark in planted.marks.items() if not _holds(said, mark)}
    # These are only counted, or belong to chunks that say nothing when they are whole.
    assert unlisted <= {
        "row padding", "tRNS of a wrong size", "fdAT unused", "VP8X surplus", "a second picture", "unused table",
        "comment inside a strip",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_listed_after(name: str) -> None:
    assert [tag.path for tag in inspect(_cleaned(name)).tags if not tag.technical] == []


@pytest.mark.parametrize("name", NAMES)
def test_cleaning_twice_gives_the_same_bytes(name: str) -> None:
    out = io.BytesIO()
    rebuild(_cleaned(name), out, Keep())
    assert out.getvalue() == _cleaned(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_ledger_adds_up(name: str) -> None:
    data = _by_name(name).data
    rebuilt = rebuild(data, io.BytesIO(), Keep())
    assert sum(claim.stop - claim.start for claim in rebuilt.claims) == len(data)
    for start, at, size in rebuilt.copied:
        assert data[start : start + size] == _cleaned(name)[at : at + size]


@pytest.mark.parametrize("name", NAMES)
def test_what_shows_the_picture_stays(name: str) -> None:
    before, after = inspect(_by_name(name).data).facts, inspect(_cleaned(name)).facts
    assert before == after


def _frames(data: bytes) -> list[np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(data))
        frames = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            frames.append(np.asarray(image))
    return frames


# Pillow cannot open these as they are planted; OpenCV can.
_ODD = {"all-segments.jpg", "chunks.png", "chunks.webp"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in _ODD])
def test_pillow_decodes_the_same_frames(name: str) -> None:
    before, after = _frames(_by_name(name).data), _frames(_cleaned(name))
    assert len(before) == len(after)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.endswith((".gif", ".tiff")) and "animated" not in name]
)
def test_opencv_decodes_the_same_picture(name: str) -> None:
    flags = cv2.IMREAD_UNCHANGED
    before = cv2.imdecode(np.frombuffer(_by_name(name).data, np.uint8), flags)
    after = cv2.imdecode(np.frombuffer(_cleaned(name), np.uint8), flags)
    assert after is not None
    if before is not None:
        assert np.array_equal(before, after)
    assert _frames(_cleaned(name))[0].shape[:2] == after.shape[:2]


@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
def test_exiftool_finds_nothing_outside_the_allowlist(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(_cleaned(name))
    command = [str(EXIFTOOL), "-a", "-u", "-g1", "-j", "-ee", str(tmp_path)]
    report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert len(report) == len(NAMES)
    outside = [
        f"{Path(one['SourceFile']).name} {group}:{tag}"
        for one in report
        for group, tags in one.items()
        if isinstance(tags, dict) and group not in ALLOWED_GROUPS
        for tag in tags
        if not ALLOWED_TAGS.fullmatch(f"{group}:{tag}")
    ]
    assert outside == []


@pytest.mark.parametrize("name", NAMES)
def test_clean_file_ends_clean_under_thorough_judgement(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(_by_name(name).data)
    cleaned = clean_file(tmp_path / name, tmp_path / f"clean-{name}", thorough=True)
    overview = "a page of reduced size, not compared" in cleaned.residue
    assert (cleaned.state, cleaned.reason) == ("residue" if overview else "clean", "")
    assert not overview or name.endswith(".tiff")
    assert (tmp_path / f"clean-{name}").read_bytes() == _cleaned(name)


@pytest.mark.parametrize("name", ["all-segments.jpg", "pages.tiff", "chunks.webp"])
def test_the_verifier_finds_each_mark_put_back(name: str) -> None:
    """The judge is tried: each mark alone, put into a clean file, is found in ASCII and in UTF-16."""
    planted = _by_name(name)
    values = [tag.value for tag in inspect(planted.data).tags if not tag.technical]
    said = b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in values)
    marks = [mark for mark in planted.marks.values() if mark in said]
    assert len(marks) > 50
    clean = _cleaned(name)
    for mark in marks[::7]:
        holder = next(value for value in values if mark in (value if isinstance(value, bytes) else str(value).encode()))
        text = holder if isinstance(holder, bytes) else str(holder).encode()
        run = next(run for run in re.findall(rb"[\x20-\x7e]{8,}", text) if mark in run).strip()
        for form in (
            run,
            run.decode("latin-1").encode("utf-16-le"),
            run.decode("latin-1").encode("utf-16-be"),
            zlib.compress(run),
        ):
            assert verify(memoryview(clean + b"\0" + form), (), lambda: values, thorough=True).found, (mark, form[:40])


def test_the_verifier_passes_clean_files() -> None:
    for name in NAMES:
        values = [tag.value for tag in inspect(_by_name(name).data).tags if not tag.technical]
        copied = rebuild(_by_name(name).data, io.BytesIO(), Keep()).copied
        assert verify(memoryview(_cleaned(name)), copied, lambda values=values: values, thorough=True).found == (), name
