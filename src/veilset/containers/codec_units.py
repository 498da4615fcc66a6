"""Units of coded pictures (NAL units of AVC and HEVC, OBUs of AV1): those that are drawn from, and those with notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from veilset.core.errors import Malformed

Span = tuple[int, int]
NAL = frozenset((b"avc1", b"avc3", b"hvc1", b"hev1", b"dvh1", b"dvhe", b"dva1", b"dvav"))
AVC = frozenset((b"avc1", b"avc3", b"dva1", b"dvav"))
# Slices and parameter sets, of AVC and of HEVC. Messages, delimiters, filling and what is reserved draw nothing.
SLICES_AVC, SLICES_HEVC = frozenset((1, 2, 3, 4, 5, 19, 20)), frozenset((*range(10), *range(16, 22)))
SETS_AVC, SETS_HEVC = frozenset((7, 8, 13)), frozenset((32, 33, 34))
DRAWN_AV1 = frozenset((1, 3, 4, 6))
_TEXT = re.compile(rb"[\x20-\x7e]{12,}")
_WORDS = re.compile(rb"[A-Za-z0-9 _.,:/=-]")
_FEW = 6
_FEWEST, _SMALL = 4096, 256


def reads_like_text(raw: bytes | memoryview, shortest: int = 12) -> bool:
    """Whether so many readable letters in a row stand in `raw` as coded bytes do not come to by chance.

    >>> reads_like_text(b"\\x01Somebody was here\\x80"), reads_like_text(bytes(range(256)))
    (True, False)
    """
    return any(is_text(hit[0], shortest) for hit in _TEXT.finditer(raw))


def is_text(run: bytes, shortest: int) -> bool:
    """Whether a readable run is nine in ten letters, digits or marks of a sentence, of several kinds, and not counted up.

    >>> is_text(b"Somebody was here", 12), is_text(b"ABCDEFGHIJKLMNOP", 12)
    (True, False)
    """
    if len(run) < shortest or len(set(run)) < _FEW or 10 * len(_WORDS.findall(run)) < 9 * len(run):
        return False
    steps = [after - before for before, after in pairwise(run)]
    return max(map(steps.count, set(steps))) * 2 < len(steps)


def kind_of(codec: bytes, head: int) -> int:
    """The type that the first byte of a NAL unit says."""
    return head & 31 if codec in AVC else head >> 1 & 63


def nal_units(data: memoryview, start: int, stop: int, length: int) -> Iterator[Span]:
    """Each NAL unit with its length before it, as (start of its content, end); ends with the first that does not fit."""
    at = start
    # Units of a few bytes each are no film, and would take hours to be looked at one by one.
    left = _FEWEST + (stop - start) // _SMALL
    while at + length < stop:
        end = at + length + int.from_bytes(data[at : at + length], "big")
        left -= 1
        if end > stop or end == at + length or left < 0:
            return
        yield at + length, end
        at = end


def drawn_parts(data: memoryview, spans: list[Span], codec: bytes, config: bytes) -> list[Span]:
    """The stretches of a coded still picture that are drawn from; `config` is the content of its `hvcC`, `avcC` or `av1C`.

    Raises:
        Malformed: Nothing is left, or a parameter set reads like text.
    """
    kept: list[Span] = []
    for start, stop in spans:
        if codec == b"av01":
            kept += _drawn_obus(data, start, stop)
        elif codec in NAL:
            length = ((config[4] if codec in AVC else config[21]) & 3) + 1
            drawn = SLICES_AVC | SETS_AVC if codec in AVC else SLICES_HEVC | SETS_HEVC
            for at, end in nal_units(data, start, stop, length):
                kind = kind_of(codec, data[at]) if end > at else -1
                if kind in drawn:
                    check_set(data[at:end], codec, kind)
                    kept.append((at - length, end))
        else:
            kept.append((start, stop))
    if not kept:
        raise Malformed("the coded picture holds nothing that is drawn; the file is damaged")
    joined: list[Span] = []
    for start, stop in kept:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def check_set(unit: bytes | memoryview, codec: bytes, kind: int) -> None:
    """Raise when a parameter set, in which a decoder passes over much, reads like text."""
    if kind in (SETS_AVC if codec in AVC else SETS_HEVC) and reads_like_text(unit):
        raise Malformed("a parameter set of the coded picture holds readable text; code the picture anew")


def _drawn_obus(data: memoryview, start: int, stop: int) -> Iterator[Span]:
    at = start
    while at < stop:
        first, head = at, data[at]
        at += 2 if head & 4 else 1
        if head & 2:
            size, at = leb128(data, at, stop)
            end = at + size
        else:
            end = stop
        if end > stop:
            return
        kind = head >> 3 & 15
        if kind == 1 and reads_like_text(data[at:end]):
            raise Malformed("a sequence header of the coded picture holds readable text; code the picture anew")
        # A delimiter without content draws nothing, and nearly every file has one.
        if kind in DRAWN_AV1 or (kind == 2 and at == end):
            yield first, end
        at = end


def leb128(data: memoryview, at: int, stop: int) -> tuple[int, int]:
    """A length as AV1 writes it, and where it ends.

    Raises:
        Malformed: It does not end.
    """
    value = 0
    for shift in range(0, 56, 7):
        if at >= stop:
            break
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise Malformed("a length inside an AV1 picture does not end")
