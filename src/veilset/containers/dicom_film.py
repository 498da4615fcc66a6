"""Films inside DICOM: one coded stream for all frames, cleaned where it is an MP4 file or a bare stream of units."""

from __future__ import annotations

import re
from io import BytesIO
from typing import BinaryIO

from veilset.containers.contract import Claim, Fate, Keep, Rebuilt
from veilset.core.errors import Malformed, Unsupported

_SYNTAX = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.(10[0-8])(?:\.1)?")
_START = re.compile(rb"\x00\x00\x01")
RESIDUE = ("the film inside: what its units hold besides pictures was not looked at",)
# What carries words and draws nothing: user data of MPEG-2; messages and filling of AVC and of HEVC.
_USER_DATA = 0xB2
_AVC, _HEVC = frozenset((6, 12)), frozenset((38, 39, 40))
_STREAMS = {100: "mpeg2", 101: "mpeg2", 107: "hevc", 108: "hevc"}


def is_film(syntax: str) -> bool:
    """Whether a transfer syntax is of MPEG-2, of AVC or of HEVC.

    >>> is_film("1.2.840.10008.1.2.4.102.1"), is_film("1.2.840.10008.1.2.4.50")
    (True, False)
    """
    return _SYNTAX.fullmatch(syntax) is not None


def stream_of(syntax: str) -> str:
    """How a film is coded: `mpeg2`, `avc` or `hevc`."""
    found = _SYNTAX.fullmatch(syntax)
    return _STREAMS.get(int(found[1]), "avc") if found else ""


def rebuild_film(raw: memoryview, out: BinaryIO, stream: str) -> Rebuilt:
    """Write the film without what its encoder says.

    Raises:
        Malformed: It cannot be read as what it begins like.
        Unsupported: It is a stream of packets (a transport or program stream), which are not taken apart.
    """
    from veilset.containers.door import container_of
    from veilset.containers.recognise import identify

    if identify(bytes(raw[:4096])) == "mp4":
        whole = raw[:-1] if len(raw) % 2 == 0 and _ends_odd(raw) else raw
        buffer = BytesIO()
        rebuilt = container_of("mp4").rebuild(whole, buffer, Keep())
        out.write(buffer.getvalue())
        return rebuilt
    return _units(raw, out, stream)


def _ends_odd(raw: memoryview) -> bool:
    """Whether the boxes end one byte before the stream does, which a zero fills up."""
    at = 0
    while at + 8 <= len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        size = int.from_bytes(raw[at + 8 : at + 16], "big") if size == 1 else size
        if size < 8:
            return False
        at += size
    return at == len(raw) - 1 and raw[-1] == 0


def _units(raw: memoryview, out: BinaryIO, stream: str) -> Rebuilt:
    """A bare stream: units behind start codes, which stand nowhere else (MPEG-2 Video, 6.2; H.264 and H.265, B)."""
    marks = [hit.start() for hit in _START.finditer(raw)]
    if not marks or any(raw[: marks[0]]) or (marks[0] + 3 < len(raw) and raw[marks[0] + 3] in (0xBA, 0xBB)):
        raise Unsupported("a film in packets is not taken apart")
    claims, copied, size = [], [], 0
    # A zero makes an odd length even.
    end = len(raw) - (len(raw) % 2 == 0 and raw[-1] == 0)
    for start, stop in zip([0, *marks[1:]], [*marks[1:], end], strict=True):
        head = (marks[0] if start == 0 else start) + 3
        if head >= stop:
            raise Malformed("a unit of the film is empty")
        stays = _is_drawn(raw[head], stream)
        claims.append(
            Claim(start, stop, Fate.KEPT if stays else Fate.DROPPED, "coded film" if stays else "notes in the film")
        )
        if stays:
            copied.append((start, size, stop - start))
            out.write(raw[start:stop])
            size += stop - start
    return Rebuilt(size, tuple(claims), tuple(copied), RESIDUE)


def _is_drawn(head: int, stream: str) -> bool:
    match stream:
        case "mpeg2":
            return head != _USER_DATA
        case "avc":
            return head & 31 not in _AVC
    return head >> 1 & 63 not in _HEVC
