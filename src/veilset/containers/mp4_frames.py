"""Frames that are pictures of their own: JPEG and ProRes frames, and units of MPEG-1, 2 and 4 with notes of encoders."""

from __future__ import annotations

import re

from veilset.core.errors import Malformed, Unsupported

NAME = "MP4"
Note = tuple[int, int, bytes]
# Frames of JPEG in films: segments that decoders use, so that nothing else has to be read.
_USED = frozenset((*range(0xC0, 0xD0), 0xDB, 0xDD, 0xDA))
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_USER = re.compile(rb"\x00\x00\x01\xb2((?:(?!\x00\x00\x01).)*)", re.DOTALL)
# Decoders look at these names for how the encoder rounds, or for how it packs its frames.
_ENCODER = re.compile(rb"(?:XviD\d{4}|DivX\d{3,4}(?:b|Build)\d{3,4}[pc]?)\0?")


def quiet_jpeg(frame: bytes) -> list[Note]:
    """Zeros for comments and application data of a frame, between its scans too, and for what stands behind its end.

    Raises:
        Unsupported: It is no JPEG.
    """
    start = frame.find(b"\xff\xd8\xff", 0, 64)
    if start:
        raise Unsupported(f"{NAME}: frames that are said to be JPEG pictures are none; convert the film to H.264")
    notes: list[Note] = []
    at, fields = 2, 0
    while hit := _MARKER.search(frame, at):
        kind, place = frame[hit.start() + 1], hit.end()
        if kind == 0xD9:
            at = place
            # Two fields of a frame may be two pictures, one behind the other.
            following = frame.find(b"\xff\xd8\xff", at, at + 4096)
            if following >= 0 and not fields and not frame[at:following].strip(b"\0"):
                at, fields = following + 2, 1
                continue
            break
        if kind in (0xD8, 0x01):
            at = place
            continue
        size = int.from_bytes(frame[place : place + 2], "big")
        if size < 2 or place + size > len(frame):
            raise Malformed(f"{NAME}: a frame's segment reaches beyond its end")
        if kind not in _USED:
            notes += _quiet_segment(frame, place + 2, place + size, kind)
        at = place + size
    else:
        return notes
    if frame[at:].strip(b"\0\xff"):
        notes.append((at, len(frame), bytes(len(frame) - at)))
    return notes


def _quiet_segment(frame: bytes, start: int, stop: int, kind: int) -> list[Note]:
    body = frame[start:stop]
    kept = 0
    # How the fields of a picture are laid out (AVI1, and QuickTime's table of them), and what its colours are.
    if kind == 0xE0 and body[:5] == b"JFIF\0":
        # Without the thumbnail.
        kept = 12
    elif kind == 0xE0 and body[:4] == b"AVI1":
        kept = 14
    elif kind == 0xEE and body[:5] == b"Adobe":
        kept = 12
    elif kind == 0xE1 and body[4:8] == b"mjpg":
        kept = 40
    low = min(start + kept, stop)
    return [(low, stop, bytes(stop - low))] if any(frame[low:stop]) else []


def quiet_prores(frame: bytes) -> list[Note]:
    """Zeros for the four letters of the encoder, and for what stands behind the frame.

    *Source*: SMPTE RDD 36, 5.1.1.
    """
    size = int.from_bytes(frame[:4], "big")
    if frame[4:8] != b"icpf" or not 28 <= size <= len(frame):
        raise Malformed(f"{NAME}: a frame that is said to be ProRes is none")
    notes = [(12, 16, bytes(4))] if any(frame[12:16]) else []
    return notes + ([(size, len(frame), bytes(len(frame) - size))] if any(frame[size:]) else [])


def quiet_units(frame: bytes) -> list[Note]:
    """Ones for user data of MPEG-1, 2 and 4 pictures, but for the names by which decoders know how to round."""
    return [
        (hit.start(1), hit.end(1), b"\xff" * len(hit[1]))
        for hit in _USER.finditer(frame)
        if hit[1] and not is_encoder(hit[1]) and hit[1].strip(b"\xff")
    ]


def is_encoder(said: bytes) -> bool:
    """Whether user data is one of the names that decoders look for, and nothing else.

    >>> is_encoder(b"XviD0068"), is_encoder(b"XviD0068 of Anna")
    (True, False)
    """
    return _ENCODER.fullmatch(said) is not None
