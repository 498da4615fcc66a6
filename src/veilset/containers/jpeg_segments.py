"""Cut a JPEG into its segments; coded scans are one stretch each, found by searching for markers, never by looping."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from veilset.containers.jpeg_scan import scan_end
from veilset.core.errors import Malformed, Unsupported

SOI, EOI, SOS, DQT, DHT, DAC, DRI, DNL = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xCC, 0xDD, 0xDC
FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB})
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE, 0xDF, 0xC8})
SCAN, FILL, TAIL = -1, -2, -3
# Telling where coded data ends takes decoding it, which copying does not; `surplus` does.
UNSEARCHED = "bytes behind the last coded block, not looked for"

_ANY_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_length = struct.Struct(">H").unpack_from


class Segment(NamedTuple):
    """One stretch: marker (or SCAN, FILL, TAIL), where it starts, where its payload starts, where it stops."""

    marker: int
    start: int
    payload: int
    stop: int


def segments(data: memoryview) -> list[Segment]:
    """Every stretch of the file, in order, without gap or overlap.

    Raises:
        Malformed: It ends before its end marker.
        Unsupported: Hierarchical JPEG.
    """
    size = len(data)
    if size < 4 or data[0] != 0xFF or data[1] != SOI:
        raise Malformed("a JPEG starts with its start marker, this does not")
    found = [Segment(SOI, 0, 2, 2)]
    at = 2
    try:
        while True:
            start = at
            if data[at] != 0xFF or data[at + 1] in {0x00, 0xFF}:
                # As decoders do: whatever is no marker is passed over, and so are fill bytes before one.
                at = _next_marker(data, at)
            if at > start:
                found.append(Segment(FILL, start, start, at))
            marker = data[at + 1]
            if marker == EOI:
                found.append(Segment(EOI, at, at + 2, at + 2))
                break
            at = _append(data, marker, at, found)
    except (IndexError, struct.error):
        raise Malformed("the JPEG is cut off before its end marker") from None
    if at + 2 < size:
        found.append(Segment(TAIL, at + 2, at + 2, size))
    return found


def _next_marker(data: memoryview, at: int) -> int:
    hit = _ANY_MARKER.search(data, at)
    if hit is None:
        raise Malformed("the JPEG is cut off before its end marker")
    return hit.start()


def _append(data: memoryview, marker: int, at: int, found: list[Segment]) -> int:
    if marker in _HIERARCHICAL:
        raise Unsupported("hierarchical JPEG is not served; convert it")
    if marker == 0x01 or 0xD0 <= marker <= 0xD7:
        found.append(Segment(FILL, at, at, at + 2))
        return at + 2
    if marker in {0x00, SOI}:
        raise Malformed(f"byte {at} holds a marker that may not stand there")
    stop: int = at + 2 + _length(data, at + 2)[0]
    if stop < at + 4 or stop > len(data):
        raise Malformed("a JPEG segment does not fit into the file")
    found.append(Segment(marker, at, at + 4, stop))
    if marker != SOS:
        return stop
    end = scan_end(data, stop)
    if end < 0:
        raise Malformed("the JPEG is cut off inside a scan")
    while data[end - 1] == 0xFF and end > stop:
        end -= 1
    found.append(Segment(SCAN, stop, stop, end))
    return end


def exact_length(marker: int, payload: memoryview) -> int:
    """How many payload bytes a table, frame or scan header needs by its own counts; what is more is surplus.

    Raises:
        Malformed: It needs more than there are.
    """
    need = len(payload)
    if marker in {DRI, DNL}:
        need = 2
    elif marker in FRAMES:
        need = 6 + 3 * payload[5]
    elif marker == SOS:
        need = 4 + 2 * payload[0]
    elif marker in {DQT, DHT, DAC}:
        need = max((stop for _, (_, stop) in tables_in(marker, payload)), default=0)
    if need > len(payload):
        raise Malformed("a JPEG table is shorter than it says")
    return need


def tables_in(marker: int, payload: memoryview) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each table of a DQT, DHT or DAC segment: its first byte (kind and slot), and where it stands in the payload.

    A second table may follow the first; anything that is no table header is surplus, and ends them.

    Raises:
        Malformed: The first is shorter than it says.
    """
    at = 0
    while at < len(payload):
        kind, slot = payload[at] >> 4, payload[at] & 15
        if kind > 1 or slot > (15 if marker == DAC else 3) or (marker == DHT and at + 17 > len(payload)):
            return
        size = 65 + 64 * kind if marker == DQT else 17 + sum(payload[at + 1 : at + 17]) if marker == DHT else 2
        if at + size > len(payload):
            if at == 0:
                raise Malformed("a JPEG table is shorter than it says")
            return
        yield payload[at], (at, at + size)
        at += size


def starts(data: memoryview, at: int, with_what: bytes) -> bool:
    """Whether these bytes stand at `at`."""
    return bytes(data[at : at + len(with_what)]) == with_what


def profile_of(data: memoryview, found: list[Segment]) -> bytes:
    """The colour profile put together from its parts; empty when there is none or a part is missing."""
    parts: dict[int, bytes] = {}
    total = 0
    for marker, _, payload, stop in found:
        if marker == 0xE2 and starts(data, payload, b"ICC_PROFILE\0") and stop - payload > 14:
            parts.setdefault(data[payload + 12], bytes(data[payload + 14 : stop]))
            total = data[payload + 13]
    if not parts or sorted(parts) != list(range(1, total + 1)):
        return b""
    return b"".join(parts[number] for number in sorted(parts))
