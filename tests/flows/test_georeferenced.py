"""Pictures whose raster lies on the earth: a release keeps, moves or drops the georeference, as its policy says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from veilset.core.errors import BadSetting, UsageError
from veilset.flows.clean import clean
from veilset.flows.release import release
from veilset.flows.verify import verify
from veilset.operators.strip import Strip

KEYS = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)
SCALE, POINT = (0.0001, 0.0001, 0.0), (0.0, 0.0, 0.0, 11.575531, 48.137012, 0.0)


def _scenes(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(1)
    for name, order, bigtiff in (("little", "<", False), ("big", ">", False), ("large", "<", True)):
        pixels = rng.integers(0, 255, (96, 128, 3)).astype(np.uint8)
        tags = [
            (33550, "d", 3, SCALE, True),
            (33922, "d", 6, POINT, True),
            (34735, "H", len(KEYS), KEYS, True),
            (315, "s", 0, "the CANARY pilot", True),
        ]
        with tifffile.TiffWriter(folder / f"{name}.tif", byteorder=order, bigtiff=bigtiff) as out:
            out.write(pixels, photometric="rgb", extratags=tags, compression="deflate")
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [20, 24, 30, 40]} for n in (1, 2)]
    images = [
        {"id": n, "file_name": f"{name}.tif", "width": 128, "height": 96} for n, name in ((1, "little"), (2, "big"))
    ]
    found = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "face"}]}
    (folder.parent / "reviewed.json").write_text(json.dumps(found))
    return folder


def _policy(folder: Path, strip: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(
        f"version: 1\nfind: [metadata, {{reviewer: {{path: {folder / 'reviewed.json'}}}}}]\n"
        f'treat: {{metadata: {{strip: {strip}}}, face: mask, "*": refuse}}\nrelease: {{names: keep}}\n'
    )
    return path


def _tags(path: Path) -> dict[int, object]:
    with tifffile.TiffFile(path) as opened:
        return {tag.code: tag.value for tag in opened.pages[0].tags}


def test_treated_and_untreated_scenes_keep_their_place(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes")
    written = _policy(tmp_path, "{keep: [icc, orientation, georeference]}")
    done = release(scenes, tmp_path / "out", written, workers=1)
    public = tmp_path / "out/public"
    assert done.manifest.counts.released == 3
    # The choice stands in what is published.
    assert "georeference" in done.manifest.policy["treat"]["metadata"][0]["strip"]["keep"]
    for name in ("little", "big", "large"):
        path = next(public.rglob(f"{name}.tif*"))
        tags = _tags(path)
        assert (tags[33550], tags[33922], tags[34735]) == (SCALE, POINT, KEYS), name
        assert 315 not in tags
        assert b"CANARY" not in path.read_bytes()
        before, after = tifffile.imread(scenes / f"{name}.tif"), tifffile.imread(path)
        assert (before[24:64, 20:50] == after[24:64, 20:50]).all() == (name == "large")
        assert (before[:6] == after[:6]).all()
    assert verify(tmp_path / "out").manifest == done.manifest


def test_a_grid_moves_them_and_the_default_drops_them(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes")
    written = _policy(tmp_path, "{keep: [georeference], gps_grid: 0.1}")
    release(scenes, tmp_path / "moved", written, workers=1)
    verify(tmp_path / "moved")
    for path in (tmp_path / "moved/public").rglob("*.tif*"):
        assert _tags(path)[33922][3:5] == pytest.approx((11.6, 48.1), abs=1e-9), path
    release(scenes, tmp_path / "bare", _policy(tmp_path, "{keep: [icc]}"), workers=1)
    assert not [
        path for path in (tmp_path / "bare/public").rglob("*.tif*") if _tags(path).keys() & {33550, 33922, 34735}
    ]


def test_a_raster_that_is_turned_loses_its_place_so_both_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="georeference"):
        Strip(keep=("orientation", "georeference"), rotate=True)
    from veilset.containers import Keep

    with pytest.raises(UsageError, match="georeference"):
        clean([_scenes(tmp_path / "scenes")], out=tmp_path / "out", keep=Keep(georeference=True), rotate=True)
