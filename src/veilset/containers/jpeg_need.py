"""What an arithmetic-coded JPEG holds behind the coded data that libjpeg-turbo needs for the same coefficients.

The search runs in a process of its own: the library ends the process that gives it what it cannot read, and tells on the
error stream of what it passed over.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np

from veilset.containers.jpeg_library import library, scratch
from veilset.containers.jpeg_segments import FRAMES, SCAN, Segment
from veilset.core.errors import Malformed, Unsupported

_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
_MOST_BLOCKS, _MOST_WORK = 1 << 21, 1 << 25
# Seconds.
_LONGEST = 60
_DAMAGED = "the arithmetic-coded JPEG cannot be decoded, so that where its data end cannot be told; save it anew"
Span = tuple[int, int]


def unneeded(data: memoryview, found: Sequence[Segment]) -> list[Span]:
    """Stretches at the end of scans and restart intervals without which every coefficient is the same.

    Behind the data an arithmetic decoder reads zeros (ITU-T T.81, D.2.6), and encoders drop them: what an ordinary file
    holds is needed to the last byte.

    Raises:
        Malformed: It cannot be decoded.
        Unsupported: It is too large to be decoded once for every stretch.
    """
    stretches, sizes = _stretches(data, found), _planes(data, found)
    if len(stretches) * sum(rows * columns for rows, columns in sizes) > _MOST_WORK:
        raise Unsupported("an arithmetic-coded JPEG of so many stretches is not searched")
    asked = json.dumps([stretches, sizes]).encode() + b"\n"
    command = [sys.executable, "-m", "veilset.containers.jpeg_need"]
    try:
        done = subprocess.run(command, input=asked + bytes(data), capture_output=True, timeout=_LONGEST, check=True)  # noqa: S603 - ourselves
    except subprocess.TimeoutExpired:
        raise Unsupported("an arithmetic-coded JPEG took too long to be searched") from None
    except (subprocess.CalledProcessError, OSError):
        raise Malformed(_DAMAGED) from None
    return [(start, stop) for start, stop in json.loads(done.stdout)]


def _searched(raw: bytes, stretches: list[Span], sizes: list[Span]) -> list[Span]:
    shown = _digest(raw, sizes)
    spans: list[Span] = []
    for start, stop in reversed(stretches):
        end = _shortest(raw, start, stop, lambda cut: _digest(cut, sizes) == shown)
        if end < stop:
            spans.append((end, stop))
            raw = raw[:end] + raw[stop:]
    return spans[::-1]


def _shortest(raw: bytes, start: int, stop: int, enough: Callable[[bytes], bool]) -> int:
    """The place up to which a stretch is needed."""

    def tried(end: int) -> bool:
        # A cut may not part an 0xff from the zero that follows it.
        whole = end - 1 if raw[end - 1 : end + 1] == b"\xff\0" else end
        return enough(raw[:whole] + raw[stop:])

    low, high = start, stop
    if start == stop or not tried(stop - 1):
        return stop
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if tried(middle) else (middle + 1, high)
    return high


def _stretches(data: memoryview, found: Sequence[Segment]) -> list[Span]:
    """Where coded data stand between markers, restart markers among them."""
    stretches: list[Span] = []
    for part in found:
        if part.marker != SCAN:
            continue
        at = part.start
        for hit in _RESTART.finditer(data[part.start : part.stop]):
            stretches.append((at, part.start + hit.start()))
            at = part.start + hit.end()
        stretches.append((at, part.stop))
    return stretches


def _planes(data: memoryview, found: Sequence[Segment]) -> list[tuple[int, int]]:
    """Rows and columns of blocks of each plane."""
    frame = next(part for part in found if part.marker in FRAMES)
    body = data[frame.payload : frame.stop]
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    sampling = [(body[at + 1] & 15, body[at + 1] >> 4) for at in range(6, 6 + 3 * body[5], 3)]
    if not height or len(sampling) > 4 or not all(1 <= down <= 4 and 1 <= across <= 4 for down, across in sampling):
        raise Unsupported("an arithmetic-coded JPEG of this sampling, or without a height, is not searched")
    if body[0] != 8:
        raise Unsupported("an arithmetic-coded JPEG of more than 8 bits is not searched")
    most_down, most_across = (max(one[axis] for one in sampling) for axis in (0, 1))
    sizes = [
        (-(-height * down // (8 * most_down)), -(-width * across // (8 * most_across))) for down, across in sampling
    ]
    if sum(rows * columns for rows, columns in sizes) > _MOST_BLOCKS:
        raise Unsupported("an arithmetic-coded JPEG of more than 2^21 blocks is not searched")
    return sizes


def _digest(raw: bytes, sizes: list[tuple[int, int]]) -> bytes:
    planes = [np.zeros((*size, 8, 8), dtype=np.int16) for size in sizes]
    steps, numbers = np.zeros((4, 8, 8), dtype=np.uint16), np.zeros(4, dtype=np.int16)
    pointers = [ctypes.c_void_p(plane.ctypes.data) for plane in planes] + [None] * (4 - len(planes))
    with scratch(raw) as path:
        status = library().read_jpeg_dct(
            path, *pointers, ctypes.c_void_p(steps.ctypes.data), ctypes.c_void_p(numbers.ctypes.data)
        )
    if status == 0:
        raise Malformed(_DAMAGED)
    whole = hashlib.sha256()
    for plane in planes:
        whole.update(plane.data)
    return whole.digest()


if __name__ == "__main__":
    _asked = json.loads(sys.stdin.buffer.readline())
    print(json.dumps(_searched(sys.stdin.buffer.read(), *_asked)))
