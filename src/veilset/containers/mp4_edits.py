"""Edit lists: how much of a track they leave out, at its beginning, between its parts and at its end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilset.containers.bmff import Box, children, full
from veilset.containers.mp4_tracks import Track

NAME = "MP4"
# Sound begins before it is heard, and ends behind it, since coders need a start and fill their last frame.
_HEARD = 0.5
_MOST = 1 << 22


def hidden_by_edits(data: memoryview, track: Track, movie: list[Box]) -> tuple[int, float]:
    """Frames of a picture track, and seconds of sound, that no part of the edit list shows; `movie` are the mvhd boxes.

    Of sound, less than half a second counts as none. In fragments, whose frames are timed elsewhere, seconds are counted
    for pictures too.
    """
    parts = _parts(data, track, movie)
    scale = _scale(data, track.media[b"mdhd"][0])
    if not parts or not scale:
        return 0, 0.0
    if track.handler == b"vide" and 0 < track.samples < _MOST:
        lengths = _column(data, track, b"stts", track.samples)
        begins = np.cumsum(lengths) - lengths + _column(data, track, b"ctts", track.samples)
        shown = np.zeros(len(begins), dtype=np.bool_)
        for low, high in parts:
            # What is on the screen at any moment of a part.
            shown |= (begins + np.maximum(lengths, 1) > low) & (begins < high)
        return int(np.count_nonzero(~shown)), 0.0
    rows = _rows(data, track, b"stts")
    last = float((rows[:, 0] * rows[:, 1]).sum()) if track.samples else float("inf")
    left, at = 0.0, 0.0
    for low, high in sorted(parts):
        left += max(min(low, last) - at, 0.0)
        at = max(at, high)
    left = (left + (max(last - at, 0.0) if last < float("inf") else 0.0)) / scale
    return 0, left if left > _HEARD else 0.0


def _parts(data: memoryview, track: Track, movie: list[Box]) -> list[tuple[float, float]]:
    """Stretches that are shown, in steps of the track's clock; empty where there is no list."""
    found = children(data, track.box, NAME)
    listed = [box for edits in found.get(b"edts", []) for box in children(data, edits, NAME).get(b"elst", [])]
    if not listed or not movie:
        return []
    scale, pace = (_scale(data, box) for box in (track.media[b"mdhd"][0], movie[0]))
    version, _, reader = full(data, listed[0], NAME)
    width = 8 if version else 4
    parts: list[tuple[float, float]] = []
    for _ in range(min(reader.u(4), reader.left // (2 * width + 4))):
        length, begin = reader.u(width), int.from_bytes(reader.take(width), "big", signed=True)
        reader.take(4)
        if begin >= 0:
            endless = not length or length == (1 << 8 * width) - 1
            # One step of the film's clock may be many of the track's.
            parts.append((begin, float("inf") if endless or not pace else begin + (length + 1) * scale / pace))
    return parts


def _scale(data: memoryview, box: Box) -> int:
    version, _, reader = full(data, box, NAME)
    reader.take(16 if version else 8)
    return reader.u(4)


def _rows(data: memoryview, track: Track, kind: bytes) -> NDArray[np.int64]:
    for box in track.table.get(kind, [])[:1]:
        reader = full(data, box, NAME)[2]
        raw = reader.take(8 * min(reader.u(4), reader.left // 8))
        # Times of frames before others are negative in newer tables, and no older one has such large ones.
        return np.frombuffer(raw, dtype=">u4" if kind == b"stts" else ">i4").astype(np.int64).reshape(-1, 2)
    return np.zeros((0, 2), dtype=np.int64)


def _column(data: memoryview, track: Track, kind: bytes, samples: int) -> NDArray[np.int64]:
    """A time for each sample, out of a table of how many have which."""
    rows = _rows(data, track, kind)
    ends = np.minimum(np.cumsum(np.clip(rows[:, 0], 0, samples)), samples)
    values = np.repeat(rows[:, 1], np.diff(ends, prepend=0))
    return np.concatenate([values, np.zeros(samples - len(values), dtype=np.int64)])
