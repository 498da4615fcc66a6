"""Single samples of tracks: where each stands, and what in them nobody needs, put to silence at its own length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from veilset.containers.bmff import Reader, boxes
from veilset.containers.codec_units import Span
from veilset.containers.mp4_fragments import Run
from veilset.containers.mp4_frames import quiet_jpeg, quiet_prores, quiet_units
from veilset.containers.mp4_sound import quiet_elements, quiet_frame, quiet_padding
from veilset.containers.mp4_tracks import Track
from veilset.containers.pages import windows
from veilset.core.errors import Malformed, Unsupported

NAME = "MP4"
Note = tuple[int, int, bytes]
Quiet = Callable[[bytes], Sequence[Note]]
PRORES = frozenset(b"apch apcn apcs apco ap4h ap4x".split())
# Object types of MPEG-4 descriptors: MPEG-4, 2 and 1 pictures, JPEG; AAC; MP3.
_UNITS, _JPEG, _AAC, _MP3 = (
    frozenset((0x20, *range(0x60, 0x66), 0x6A)),
    0x6C,
    frozenset((0x40, 0x66, 0x67, 0x68)),
    {0x69, 0x6B},
)
# Frames of a few bytes each are no film, and would take hours to be looked at one by one.
_FEWEST, _SMALL = 1 << 14, 64
# Kinds of AAC whose frames begin with their elements.
_PLAIN_AAC = frozenset((1, 2, 3, 4, 5, 29))
# First bytes of an AAC or ALAC frame that begins with an element of notes or of filling.
_LEADING = frozenset(byte for byte in range(256) if byte >> 5 in {4, 6})


def quiet_samples(data: memoryview, track: Track, runs: Sequence[Run]) -> list[Note]:
    """What is to be overwritten in the samples of a track whose codec is searched sample by sample."""
    look = _look(data, track)
    if look is None:
        return []
    quiet, leading = look
    spans = np.concatenate([_spans(track), *(_run_spans(run) for run in runs)])
    # Two samples may be the same bytes.
    spans = np.unique(spans[spans[:, 1] > spans[:, 0]], axis=0)
    return [
        note for start, stop in _chosen(data, spans, leading) for note in _moved(quiet(bytes(data[start:stop])), start)
    ]


def _moved(notes: Sequence[Note], start: int) -> Iterator[Note]:
    return ((start + low, start + high, new) for low, high, new in notes)


def _chosen(data: memoryview, spans: NDArray[np.int64], leading: frozenset[int] | None) -> Iterator[Span]:
    """The samples whose first byte is one of `leading`; the file is looked at in pieces, so that memory stays small."""
    wanted = np.zeros(256, dtype=np.bool_)
    wanted[list(leading or range(256))] = True
    at = 0
    for low, high in windows(data, int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else ():
        until = int(np.searchsorted(spans[:, 0], high))
        part = spans[at:until]
        heads = np.frombuffer(data[low:high], dtype=np.uint8)[part[:, 0] - low]
        yield from part[wanted[heads]].tolist()
        at = until


def _spans(track: Track) -> NDArray[np.int64]:
    if not track.samples:
        return np.zeros((0, 2), dtype=np.int64)
    if track.each is None:
        raise Malformed(f"{NAME}: samples smaller than a frame of their codec can be")
    held = np.diff(track.ends, prepend=0)
    first = np.repeat(track.chunks[:, 0], held)
    sizes = track.each[: len(first)]
    before = np.cumsum(sizes) - sizes
    base = np.repeat(before[np.minimum(track.ends - held, len(before) - 1)], held)
    starts = first + before - base
    return np.stack([starts, starts + sizes], axis=1)


def _run_spans(run: Run) -> NDArray[np.int64]:
    stops = run.start + np.cumsum(run.sizes)
    return np.stack([stops - run.sizes, stops], axis=1)


def _look(data: memoryview, track: Track) -> tuple[Quiet, frozenset[int] | None] | None:
    """How samples of the track's codec are searched, and with which first bytes; None where they are not."""
    codec = track.codecs[0] if track.codecs else b""
    if codec in PRORES:
        return quiet_prores, None
    if codec in (b"jpeg", b"mjpa"):
        return quiet_jpeg, None
    if codec == b"alac":
        return partial(quiet_elements, extended=False), _LEADING
    if codec == b"Opus":
        # Several streams in one packet are parted in a way of their own.
        return (quiet_padding, frozenset(range(3, 256, 4))) if _single(data, track) else None
    if codec == b".mp3":
        return quiet_frame, None
    if codec in (b"mp4v", b"mp4a"):
        kind, settings = decoder_of(data, track)
        if kind in _UNITS:
            return quiet_units, None
        if kind == _JPEG:
            return quiet_jpeg, None
        if kind in _MP3:
            return quiet_frame, None
        if codec == b"mp4v" and kind:
            raise Unsupported(f"{NAME}: pictures of object type {kind:#x} are not served; convert the film to H.264")
        if kind in _AAC and settings and settings[0] >> 3 in _PLAIN_AAC:
            return quiet_elements, _LEADING
    return None


def _inner(data: memoryview, track: Track, kind: bytes) -> Iterator[bytes]:
    """What boxes of a kind hold inside the descriptions of codecs, however QuickTime nests them."""
    for table in track.table.get(b"stsd", []):
        for entry in boxes(data, table.body + 8, table.stop, NAME):
            raw = bytes(data[entry.body : entry.stop])
            at = raw.find(kind)
            size = int.from_bytes(raw[at - 4 : at], "big") if at >= 4 else 0
            if 8 <= size <= len(raw) - at + 4:
                yield raw[at + 4 : at - 4 + size]


def _single(data: memoryview, track: Track) -> bool:
    return all(settings[10:11] == b"\0" for settings in _inner(data, track, b"dOps"))


def decoder_of(data: memoryview, track: Track) -> tuple[int, bytes]:
    """Object type and settings that an elementary stream descriptor names; (0, b"") where there is none."""
    for raw in _inner(data, track, b"esds"):
        at = _behind(raw, 4)
        if raw[4:5] != b"\3" or raw[at + 3 : at + 4] != b"\4":
            continue
        at = _behind(raw, at + 3)
        kind = raw[at] if at < len(raw) else 0
        return kind, raw[_behind(raw, at + 13) :] if raw[at + 13 : at + 14] == b"\5" else b""
    return 0, b""


def _behind(raw: bytes, at: int) -> int:
    """Where the content of a descriptor begins."""
    reader = Reader(memoryview(raw), min(at + 1, len(raw)), len(raw), NAME)
    for _ in range(4):
        if not reader.left or reader.u(1) < 128:
            break
    return reader.at
