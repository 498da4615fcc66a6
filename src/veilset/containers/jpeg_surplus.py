"""What stands behind the last coded block of a JPEG: by a quick proof, by walking its symbols, or by need."""

from __future__ import annotations

from veilset.containers.jpeg import facts_of
from veilset.containers.jpeg_segments import DRI, FRAMES, SCAN, Segment, segments

ARITHMETIC = frozenset({0xC9, 0xCA})
Span = tuple[int, int]


def behind_blocks(data: memoryview) -> list[Span]:
    """Stretches inside the scans that no coded block needs, as (start, stop).

    Raises:
        Malformed: The coded data breaks off or cannot be decoded.
        Unsupported: The coding is not walked, or is too large to be.
    """
    found = segments(data)
    facts = facts_of(data, found, 1)
    frame = next(part.marker for part in found if part.marker in FRAMES)
    if frame in ARITHMETIC:
        from veilset.containers.jpeg_need import unneeded

        return unneeded(data, found)
    if _last_byte_is_needed(data, found):
        return []
    from veilset.containers.jpeg_walk import surplus

    return surplus(data, found, facts.height)


def _last_byte_is_needed(data: memoryview, found: list[Segment]) -> bool:
    """Whether one stretch of coded data breaks off without its last byte: a quick proof that nothing stands behind it."""
    scans = [part for part in found if part.marker == SCAN]
    frame = next(part for part in found if part.marker in FRAMES)
    planes = data[frame.payload + 5]
    if len(scans) != 1 or frame.marker not in {0xC0, 0xC1} or planes == 4 or data[frame.payload] != 8:
        return False
    start, stop = scans[0].start, scans[0].stop
    raw = bytes(data[start:stop])
    # Where restarts are announced and do not come, a decoder passes over all that is left, and wants for bytes then.
    announced = any(part.marker == DRI and any(data[part.payload : part.stop]) for part in found)
    if announced or any(bytes([0xFF, 0xD0 + number]) in raw for number in range(8)):
        return False
    stop -= 2 if raw[-2:] == b"\xff\0" else 1
    import simplejpeg

    whole = bytes(data[:stop]) + b"\xff\xd9"
    try:
        simplejpeg.decode_jpeg(whole, "GRAY", min_height=1, min_width=1)
    except ValueError as error:
        return "premature end of data segment" in str(error)
    return False
