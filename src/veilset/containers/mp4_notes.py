"""Notes between the coded units of a film (SEI messages, metadata units): found, and put to silence at their own length.

The length of no sample changes, so that every table of the film still holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from veilset.containers.bmff import Box, Reader, boxes
from veilset.containers.codec_units import (
    AVC,
    NAL,
    SETS_AVC,
    SETS_HEVC,
    SLICES_AVC,
    SLICES_HEVC,
    Span,
    kind_of,
    leb128,
    nal_units,
    reads_like_text,
)
from veilset.containers.mp4_tracks import Track
from veilset.containers.pages import windows
from veilset.core.errors import Malformed

NAME = "MP4"
CONFIGS = frozenset((b"avcC", b"hvcC", b"av1C"))
# Messages that decoders and players need: buffering, timing, recovery, arrangement, rotation, light and transfer.
_NEEDED = frozenset((0, 1, 6, 45, 47, 137, 144, 147))
_FILLING = 3
# Units of a few bytes each are no film, and would take hours to be looked at one by one.
_FEWEST, _SMALL = 4096, 64
_LARGEST = 64
# Units that hold next to nothing when they are what they say: delimiters, ends, prefixes.
_SHORT_AVC, _SHORT_HEVC = {9: 2, 10: 1, 11: 1, 14: 8}, {35: 3, 36: 2, 37: 2}
# Dolby's second layer and its instructions.
_DOLBY = frozenset((62, 63))
Note = tuple[int, int, bytes]


def notes_of(data: memoryview, track: Track, spans: list[Span]) -> tuple[list[Note], bool]:
    """Stretches of samples to be overwritten, each with what is to stand there; and whether every unit was walked."""
    codec = track.codecs[0] if track.codecs else b""
    if codec == b"av01":
        walked = [_obus(data, start, stop) for start, stop in spans]
    elif codec in NAL:
        length = _length(data, track, codec)
        walked = [_nals(data, start, stop, codec, length) for start, stop in spans]
    else:
        return [], True
    return [note for notes, _ in walked for note in notes], all(whole for _, whole in walked)


def _length(data: memoryview, track: Track, codec: bytes) -> int:
    """Bytes of the length before each unit, as the codec's configuration says."""
    for box in track.table[b"stsd"]:
        for entry in boxes(data, box.body + 8, box.stop, NAME):
            reader = Reader(data, entry.body, entry.stop, NAME)
            reader.take(78)
            for part in boxes(data, reader.at, entry.stop, NAME):
                if part.kind in CONFIGS and part.stop - part.body > 21 - 17 * (codec in AVC):
                    return _config_length(data, part)
    return 4


def _config_length(data: memoryview, part: Box) -> int:
    return int(data[part.body + (4 if part.kind == b"avcC" else 21)] & 3) + 1


def _nals(data: memoryview, start: int, stop: int, codec: bytes, length: int) -> tuple[list[Note], bool]:
    notes: list[Note] = []
    at = start
    for _, high in windows(data, start, stop):
        if at >= high:
            continue
        for first, end in nal_units(data, at, stop, length):
            at = end
            notes += _note(data, first, end, codec)
            if end >= high:
                break
        else:
            return notes, at == stop
    return notes, at == stop


def _note(data: memoryview, first: int, end: int, codec: bytes) -> Iterator[Note]:
    avc = codec in AVC
    kind, size = kind_of(codec, data[first]), end - first
    if kind in (SLICES_AVC if avc else SLICES_HEVC):
        return
    if kind in (SETS_AVC if avc else SETS_HEVC) or (not avc and kind in _DOLBY):
        if reads_like_text(data[first:end]):
            yield first, end, _filler(size, avc)
    elif kind in ((6,) if avc else (39, 40)):
        yield from _messages(data, first, end, avc)
    elif size > (_SHORT_AVC if avc else _SHORT_HEVC).get(kind, 0):
        new = _filler(size, avc)
        if data[first:end] != new:
            yield first, end, new


def _filler(size: int, avc: bool) -> bytes:
    """A unit of filling, of this size."""
    head = b"\x0c" if avc else b"\x4c\x01"
    return (head + b"\xff" * max(size - len(head) - 1, 0) + b"\x80")[:size]


def _messages(data: memoryview, first: int, end: int, avc: bool) -> Iterator[Note]:
    """Messages that nobody needs become messages of filling; where that cannot be told, the whole unit does."""
    raw = bytes(data[first:end])
    at, notes = 1 if avc else 2, list[Note]()
    while at + 2 < len(raw):
        kind, place = raw[at], at
        size, at = _size(raw, at + 1)
        if kind == 255 or at + size >= len(raw):
            at = -1
            break
        body = raw[at : at + size]
        if (
            kind not in _NEEDED | {_FILLING}
            or size > _LARGEST
            or (kind == _FILLING and body.strip(b"\xff"))
            or (reads_like_text(body))
        ):
            head = bytes([_FILLING]) + raw[place + 1 : at]
            notes.append((first + place, first + at + size, head + b"\xff" * size))
        at += size
    if not notes and at >= 0:
        return
    # Bytes that keep start codes apart make a message longer than it says.
    if at < 0 or at != len(raw) - 1 or b"\0\0\3" in raw:
        if raw != _filler(len(raw), avc):
            yield first, end, _filler(len(raw), avc)
    else:
        yield from notes


def _size(raw: bytes, at: int) -> tuple[int, int]:
    size = 0
    while at < len(raw) and raw[at] == 255:
        size, at = size + 255, at + 1
    return (size + raw[at], at + 1) if at < len(raw) else (1 << 30, at)


def _obus(data: memoryview, start: int, stop: int) -> tuple[list[Note], bool]:
    notes: list[Note] = []
    at, left = start, _FEWEST + (stop - start) // _SMALL
    for _, high in windows(data, start, stop):
        while at < high:
            first, head = at, data[at]
            left -= 1
            if not head & 2 or head & 0x81 or left < 0:
                return notes, False
            at += 2 if head & 4 else 1
            try:
                size, at = leb128(data, at, stop)
            except Malformed:
                return notes, False
            if at + size > stop:
                return notes, False
            kind = head >> 3 & 15
            if kind not in {1, 2, 3, 4, 6, 7} and size:
                quiet = bytes([head & 0x87 | 15 << 3]) + bytes(data[first + 1 : at]) + bytes(size - 1) + b"\x80"
                if data[first : at + size] != quiet:
                    notes.append((first, at + size, quiet))
            at += size
    return notes, at == stop
