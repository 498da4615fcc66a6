"""Every readable file of real cameras and phones goes through the folder and comes out with the same pixels."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import DataError
from veilset.core.roles import Ref
from veilset.data.folder import Folder
from veilset.data.folder_sink import FolderSink

HERE = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("VEILSET_DATA", HERE.parent / "shared" / "data"))
# Groups that describe the file or the coding itself, and what the allowlist keeps.
ALLOWED_GROUPS = {
    "System",
    "PNG-pHYs",
    "QuickTime",
    "Meta",
    "File",
    "ExifTool",
    "JFIF",
    "Composite",
    "ICC_Profile",
    "ICC-header",
    "PNG",
    "RIFF",
    "SourceFile",
    "GIF",
}
ALLOWED_TAGS = {
    *("Orientation", "ImageWidth", "ImageHeight", "BitsPerSample", "Compression", "PhotometricInterpretation"),
    *("StripOffsets", "SamplesPerPixel", "RowsPerStrip", "StripByteCounts", "PlanarConfiguration", "Predictor"),
    *("ColorSpace", "ColorTransform", "DCTEncodeVersion", "APP14Flags0", "APP14Flags1", "ExtraSamples", "ColorMap"),
    *("XResolution", "YResolution", "ResolutionUnit", "YCbCrPositioning", "ExifByteOrder", "SampleFormat", "FillOrder"),
    *("SubfileType", "TileWidth", "TileLength", "TileOffsets", "TileByteCounts", "T4Options", "T6Options"),
}

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (DATA / "camera_files").is_dir(), reason="VEILSET_DATA holds no camera_files"),
]


def through(folder, out, treat):
    """(original, released pixels, original's image, region, released path) of every file that could be released."""
    source, sink = Folder(str(folder)), FolderSink(str(out))
    back, refused = [], []
    for at, ref in enumerate(source.refs()):
        try:
            sample = source.load(ref)
            pixels, region = sample.image.pixels, np.zeros(sample.image.shape, dtype=bool)
            treated = sample
            if treat:
                height, width = region.shape
                region[height // 3 : height // 2 + 1, width // 3 : width // 2 + 1] = True
                region = sample.image.grid.snap(region)
                treated = sample.with_media(sample.image.treat(region, np.full_like(pixels, 90)))
            written = sink.write(treated, f"{at:04d}")
        except DataError as error:
            refused.append((ref.name, error))
            continue
        shown = Folder(str(out)).load(Ref("again", written.name)).image.pixels
        back.append((ref.name, pixels, shown, region))
    return back, refused


@pytest.mark.parametrize("treat", [False, True])
@pytest.mark.parametrize("name", ["camera_files", "people_photos"])
def test_pixels_stay_and_exiftool_finds_nothing_else(tmp_path, name, treat):
    if not (DATA / name).is_dir():
        pytest.skip(f"VEILSET_DATA holds no {name}")
    back, refused = through(DATA / name, tmp_path / "out", treat)
    assert len(back) >= 30
    assert len(refused) <= len(back) // 8
    assert all(original in str(error) for original, error in refused)
    import cv2

    for original, before, after, region in back:
        outside = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
        assert np.array_equal(before[outside], after[outside]), original
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("exiftool is not installed; pixels were checked, tags were not")
    listed = subprocess.run(
        [exiftool, "-json", "-G1", "-a", "-u", "-r", str(tmp_path / "out")], check=True, capture_output=True
    ).stdout
    for entry in json.loads(listed):
        extra = {
            tag
            for tag in entry
            if tag.split(":")[0] not in ALLOWED_GROUPS
            and not tag.split(":")[0].startswith("ICC")
            and tag.split(":")[-1] not in ALLOWED_TAGS
        }
        assert not extra, entry["SourceFile"]
        assert "Warning" not in {tag.split(":")[-1] for tag in entry}, entry["SourceFile"]
