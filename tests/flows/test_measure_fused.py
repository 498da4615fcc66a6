"""Repeated releases, frames in a folder and the frames of videos reach the adversary who fuses them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.flows.test_measure import crowd, mosaic

from veilset.core.errors import UsageError
from veilset.flows.measure import measure
from veilset.flows.measure_pairs import frame_of

RNG = np.random.default_rng(0)


def grain(face: np.ndarray) -> np.ndarray:
    """Noise drawn anew at every call."""
    return np.clip(face + RNG.normal(0, 250, face.shape), 0, 255).astype(np.uint8)


def again(root: Path, treat, times: int) -> tuple[Path, list[Path]]:
    """The same originals, treated so many times over."""
    made = [crowd(root / str(number), treat, people=25, each=2) for number in range(times)]
    return made[0][0], [after for _, after in made]


def test_releases_laid_over_one_another_show_more_than_one(tmp_path: Path) -> None:
    before, releases = again(tmp_path, grain, 8)
    done = measure(
        before, releases[0], again=releases[1:], probes=["fuse"], subjects="folder", report=tmp_path / "r.html"
    )
    by = {m.name: m for m in done.measurements}
    assert by["views"].value == 8
    assert by["psnr_gain"].low > 1.0
    assert by["identity_fused"].value > by["identity_single"].value
    page = (tmp_path / "r.html").read_text()
    assert "lays several releases" in page[page.index('id="ladder"') : page.index('id="chart"')]


def test_one_release_is_said_not_to_be_tested(tmp_path: Path) -> None:
    before, after = crowd(tmp_path, mosaic, people=3)
    done = measure(before, after, probes=["fuse"])
    assert "name further releases" in done.not_tested["fuse"]


def test_a_further_release_of_other_pictures_is_refused(tmp_path: Path) -> None:
    before, after = crowd(tmp_path / "a", mosaic, people=2)
    cv2.imwrite(str(tmp_path / "strange.png"), np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "others").mkdir()
    (tmp_path / "strange.png").rename(tmp_path / "others" / "strange.png")
    with pytest.raises(UsageError, match="others belongs to an original"):
        measure(before, after, again=[tmp_path / "others"], probes=["fuse"])


def clips(root: Path, frames: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Frames (n, h, w, 3) before and after: two grainy discs that walk past one another on two lines."""
    rng = np.random.default_rng(1)
    before = np.full((frames, 160, 256, 3), 90, np.uint8)
    faces = [cv2.GaussianBlur(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8), (0, 0), 5) for _ in range(2)]
    after = before.copy()
    for frame in range(frames):
        for number, face in enumerate(faces):
            y, x = 16 + 80 * number, 16 + 4 * frame
            bold = np.clip((face.astype(float) - 128) * 4 + 128, 0, 255).astype(np.uint8)
            before[frame, y : y + 48, x : x + 48] = bold
            after[frame, y : y + 48, x : x + 48] = np.clip(bold + rng.normal(0, 200, bold.shape), 0, 255)
    for side, stack in (("before", before), ("after", after)):
        (root / side).mkdir(parents=True)
        for frame, pixels in enumerate(stack):
            cv2.imwrite(str(root / side / f"cam-{frame:03}.png"), pixels)
    return before, after


def test_frames_in_a_folder_are_one_scene_when_that_is_said(tmp_path: Path) -> None:
    clips(tmp_path)
    sides = tmp_path / "before", tmp_path / "after"
    assert set(measure(*sides, probes=["fuse"]).not_tested) == {"fuse"}
    by = {m.name: m for m in measure(*sides, probes=["fuse"], frames=True).measurements}
    assert by["views"].value == 10
    assert by["identity_fused"].n == 2
    assert by["psnr_fused"].low > by["psnr_single"].high + 2


def test_names_of_frames() -> None:
    assert frame_of("a/b12.png") == {"scene": "a/b", "frame": 12}
    assert frame_of("portrait.png") == {}


def test_two_videos(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the extra `video` is not installed")
    paths = []
    for side, stack in zip(("original", "hidden"), clips(tmp_path), strict=True):
        paths.append(tmp_path / f"{side}.mp4")
        with av.open(str(paths[-1]), "w") as container:
            stream = container.add_stream("mpeg4", rate=10, options={"qscale": "1"})
            stream.width, stream.height, stream.pix_fmt = 256, 160, "yuv420p"
            stream.codec_context.flags |= av.codec.context.Flags.qscale
            stream.codec_context.global_quality = 118
            for pixels in stack:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
    done = measure(*paths, probes=["fuse"])
    by = {m.name: m for m in done.measurements}
    assert done.pairs == (10, 10)
    assert by["views"].value >= 8
    assert by["psnr_fused"].value > by["psnr_single"].value + 2
    with pytest.raises(UsageError, match="two videos"):
        measure(paths[0], tmp_path / "after")
    with pytest.raises(UsageError, match="folders"):
        measure(*paths, again=[tmp_path / "after"])
