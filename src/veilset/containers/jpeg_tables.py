"""Which tables of a JPEG its scans use, and whether any scan codes again what another one has coded."""

from __future__ import annotations

from collections.abc import Iterator

from veilset.containers.jpeg_segments import DAC, DHT, DNL, DQT, DRI, FRAMES, SCAN, SOS, Segment, tables_in
from veilset.core.errors import Malformed

TABLES = frozenset({DQT, DHT, DAC, DRI, DNL})
_PROGRESSIVE, _ARITHMETIC, _LOSSLESS = frozenset({0xC2, 0xCA}), frozenset({0xC9, 0xCA, 0xCB}), frozenset({0xC3, 0xCB})
_TWICE = (
    "a scan of the JPEG codes again what another one has coded, so that programs differ in what they show; save it anew"
)
Spans = list[tuple[int, int]]


def used_tables(data: memoryview, found: list[Segment]) -> dict[int, Spans]:
    """For each segment of tables, by its index: the stretches of it that a scan after it uses, before they are redefined.

    Raises:
        Malformed: A table is shorter than it says, or a component is coded twice.
    """
    now: dict[tuple[int, int], tuple[int, tuple[int, int]]] = {}
    used: dict[int, Spans] = {}
    frame = next((part for part in found if part.marker in FRAMES), None)
    if frame is None:
        return used
    # What stands behind the components that the frame counts is surplus, and goes.
    last = min(frame.payload + 6 + 3 * data[frame.payload + 5], frame.stop - 2)
    planes = {data[at]: data[at + 2] for at in range(frame.payload + 6, last, 3)}
    coded: dict[int, list[int]] = {}
    for index, part in enumerate(found):
        marker = part.marker
        if marker in TABLES and marker != DNL:
            used[index] = []
            for key, span in _cut(data, part):
                now[key] = index, span
        elif marker == DNL:
            # It says the height where the frame does not; said again, or said for nothing, it is room for something else.
            wanted = not any(data[frame.payload + 1 : frame.payload + 3]) and SCAN in {
                one.marker for one in found[:index]
            }
            used[index] = [(part.payload, part.payload + 2)] if wanted and not any(_heights(used, found)) else []
        elif marker == SOS:
            for key in _wanted(data, part, frame.marker, planes, coded):
                if key in now:
                    owner, span = now.pop(key)
                    used[owner].append(span)
                    now[key] = owner, (0, 0)
    return {index: sorted(span for span in spans if span[1]) for index, spans in used.items()}


def _heights(used: dict[int, Spans], found: list[Segment]) -> Iterator[Spans]:
    return (spans for index, spans in used.items() if found[index].marker == DNL)


def _cut(data: memoryview, part: Segment) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Each table of a segment: its kind and slot, and where it stands in the file."""
    marker, _, at, stop = part
    if marker == DRI:
        yield (DRI, 0), (at, at + 2)
        return
    for name, (low, high) in tables_in(marker, data[at:stop]):
        yield (marker, name & 15 if marker == DQT else name), (at + low, at + high)


def _wanted(
    data: memoryview, part: Segment, frame: int, planes: dict[int, int], coded: dict[int, list[int]]
) -> Iterator[tuple[int, int]]:
    """The tables that a scan needs; `coded` notes what it codes."""
    at = part.payload
    count = data[at]
    first, last, steps = data[at + 1 + 2 * count], data[at + 2 + 2 * count], data[at + 3 + 2 * count]
    entropy = DAC if frame in _ARITHMETIC else DHT
    yield DRI, 0
    for place in range(at + 1, at + 1 + 2 * count, 2):
        number, dc, ac = data[place], data[place + 1] >> 4, data[place + 1] & 15
        if number in planes and number not in coded:
            yield DQT, planes[number]
        if frame not in _PROGRESSIVE:
            _note(coded.setdefault(number, []), 0, 0, 0, 0)
            yield entropy, dc
            if frame not in _LOSSLESS:
                yield entropy, 16 | ac
            continue
        _note(coded.setdefault(number, [-1] * 64), first, last, steps >> 4, steps & 15)
        if first:
            yield entropy, 16 | ac
        elif not steps >> 4 or entropy == DAC:
            yield entropy, dc


def _note(done: list[int], first: int, last: int, before: int, after: int) -> None:
    """Note that a band was coded down to bit `after`; a component that is not progressive has no list yet, and one mark."""
    if not done:
        done.append(0)
        return
    if len(done) == 1 or last > 63 or first > last:
        raise Malformed(_TWICE)
    for at in range(first, last + 1):
        if (done[at] < 0) if before else (done[at] >= 0):
            raise Malformed(_TWICE)
        done[at] = after
