"""A JPEG that is a frame of something else: cleaned, and cut where its coded blocks end, as far as that can be told."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from veilset.containers import jpeg
from veilset.containers.assembly import cut_out
from veilset.containers.contract import Claim, Fate, Keep, Rebuilt
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.containers.jpeg_surplus import behind_blocks
from veilset.core.errors import DataError

Span = tuple[int, int]


def without_surplus(data: memoryview, out: BinaryIO) -> Rebuilt:
    """Write the picture without tags, and without what stands behind its last coded block.

    Raises:
        Malformed: It is no JPEG, or is cut off.
    """
    buffer = BytesIO()
    rebuilt = jpeg.rebuild(data, buffer, Keep())
    new = buffer.getvalue()
    try:
        spans = behind_blocks(memoryview(new))
    except DataError:
        out.write(new)
        return rebuilt
    copied: list[tuple[int, int, int]] = []
    at = gone = 0
    for start, stop in (*spans, (len(new), len(new))):
        out.write(new[at:start])
        for first, place, length in rebuilt.copied:
            low, high = max(place, at), min(place + length, start)
            if low < high:
                copied.append((first + low - place, low - gone, high - low))
        gone += stop - start
        at = stop
    kept = sorted((first, first + length) for first, _, length in copied)
    claims = [part for claim in rebuilt.claims for part in _split(claim, kept)] if spans else rebuilt.claims
    residue = tuple(one for one in rebuilt.residue if one != UNSEARCHED)
    return Rebuilt(len(new) - gone, tuple(claims), tuple(sorted(copied)), residue)


def _split(claim: Claim, kept: list[Span]) -> list[Claim]:
    """What is kept of a claim, and what is dropped of it now."""
    if claim.fate is not Fate.KEPT or "coded" not in claim.what:
        return [claim]
    gone = cut_out((claim.start, claim.stop), kept)
    stays = cut_out((claim.start, claim.stop), gone)
    parts = [Claim(*span, Fate.KEPT, claim.what) for span in stays]
    parts += [Claim(*span, Fate.DROPPED, "bytes behind the last coded block") for span in gone]
    return sorted(parts, key=lambda part: part.start)
