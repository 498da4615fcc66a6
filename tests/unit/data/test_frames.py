"""Frames of a video are read in order, each with its scene; what is no video is said."""

from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import DataError, Unreadable
from veilset.data.frames import Frames

av = pytest.importorskip("av", reason="the extra `video` is not installed")


def write(path: Path, frames: int = 12) -> Path:
    """A grey clip whose light grows from frame to frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            pixels = np.full((48, 64, 3), 20 + 15 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_frames_come_in_order_and_name_their_scene(tmp_path: Path) -> None:
    source = Frames(str(write(tmp_path / "walk.mp4")), every=3)
    samples = [source.load(ref) for ref in source.refs()]
    assert [sample.labels["frame"] for sample in samples] == [0, 3, 6, 9]
    assert {sample.labels["scene"] for sample in samples} == {"walk"}
    light = [sample.image.pixels.mean() for sample in samples]
    assert np.allclose(light, [20, 65, 110, 155], atol=4)
    assert samples[0].image.shape == (48, 64)


def test_at_most_so_many(tmp_path: Path) -> None:
    assert len(Frames(str(write(tmp_path / "walk.mp4")), most=5).refs()) == 5


def test_what_is_no_video_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(DataError, match=r"text\.mp4"):
        Frames(str(tmp_path / "text.mp4")).refs()
    with pytest.raises(Unreadable):
        Frames(str(tmp_path / "none.mp4")).refs()
