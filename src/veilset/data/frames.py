"""The frames of a video, read one after another; nothing is written and no video is treated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from veilset.core.check import positive
from veilset.core.errors import DataError, MissingExtra, Unreadable
from veilset.core.roles import Ref
from veilset.core.sample import Image, Origin, Pixels, Sample
from veilset.data.folder import sample_id

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"})


@dataclass(frozen=True)
class Frames:
    """Frames of one video file as pictures of one scene: what an adversary may lay over one another.

    *Shapes and units*: frames are upright RGB uint8 (height, width, 3) as the decoder gives them; names are the
    file's stem, `#` and the frame's number from 0, in six digits; labels are `scene` (the stem) and `frame`.

    Attributes:
        path: The file.
        every: Take one frame in so many.
        most: Most frames that are taken, from the start. They are held in memory: 96 of 1920 x 1080 pixels take 600 MB.

    Raises:
        MissingExtra: The package `av` is not installed.
        Unreadable: The file is missing, or cannot be opened.
        DataError: It holds no video, or cannot be decoded.

    *Source*: FFmpeg's decoders, through PyAV.

    >>> Frames("clip.mp4").every
    1
    """

    path: str
    every: int = 1
    most: int = 96

    def __post_init__(self) -> None:
        positive(every=self.every, most=self.most)

    def refs(self) -> tuple[Ref, ...]:
        """One per frame taken, in order of time."""
        names = (f"{Path(self.path).stem}#{number * self.every:06}" for number in range(len(self._frames)))
        return tuple(Ref(sample_id(name), name) for name in names)

    def others(self) -> tuple[str, ...]:
        """Nothing lies beside a file's frames."""
        return ()

    def load(self, ref: Ref) -> Sample:
        """One frame."""
        scene, _, number = ref.name.rpartition("#")
        pixels = self._frames[int(number) // self.every]
        return Sample(ref.id, Image(pixels), labels={"scene": scene, "frame": int(number)}, origin=Origin(ref.name))

    @cached_property
    def _frames(self) -> tuple[Pixels, ...]:
        path = Path(self.path)
        if not path.is_file():
            raise Unreadable(f"{path} is no file; give a video, or a folder of pictures")
        found = tuple(frame for frame, _ in zip(_decoded(path, self.every), range(self.most), strict=False))
        if not found:
            raise DataError(f"{path.name} holds no frame of a video")
        return found


def _decoded(path: Path, every: int) -> Iterator[Pixels]:
    av = _av()
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return
            for number, frame in enumerate(container.decode(video=0)):
                if number % every == 0:
                    yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    except av.FFmpegError as error:
        raise DataError(f"{path.name} cannot be decoded as a video ({type(error).__name__}); leave it out") from error


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingExtra("reading the frames of a video needs av: pip install 'veilset[video]'") from error
    return av
