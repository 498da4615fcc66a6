"""DICOM files that are deflated as a whole: treated as what they inflate to, and deflated again."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

from veilset.containers.contract import Claim, Fate, Listing, Rebuilt
from veilset.containers.dicom_read import DEFLATED, EXPLICIT, syntax_of
from veilset.core.errors import Malformed, Unsupported

_MOST = 1 << 28
_OLD = DEFLATED.encode()
_SAID = b"\x02\0\x10\0UI"


def is_deflated(data: memoryview) -> bool:
    """Whether the meta information says so."""
    return syntax_of(data)[0] == DEFLATED


def _inflated(data: memoryview) -> tuple[bytes, int]:
    """The same file as it would be if nothing were deflated, and where the deflated part ends."""
    _, begin = syntax_of(data)
    stream = zlib.decompressobj(-15)
    body = stream.decompress(data[begin:], _MOST)
    if stream.unconsumed_tail:
        raise Unsupported("DICOM: a deflated file of more than 256 MiB is not served; save it uncompressed")
    if not stream.eof:
        raise Malformed("DICOM: the deflated elements are cut off")
    head = bytes(data[:begin])
    at = head.find(_SAID)
    size = int.from_bytes(head[at + 6 : at + 8], "little")
    # Of the same length, so that the length of the group stays right.
    said = EXPLICIT.encode().ljust(size, b"\0")
    return head[: at + 8] + said + head[at + 8 + size :] + body, len(data) - len(stream.unused_data)


def inspect_inflated(data: memoryview, look: Callable[[memoryview], Listing]) -> Listing:
    """List what the file inflates to."""
    inner, stop = _inflated(data)
    listing = look(memoryview(inner))
    return Listing(listing.facts, listing.tags, _claims(stop, len(data)))


def rebuild_inflated(data: memoryview, out: BinaryIO, work: Callable[[memoryview, BinaryIO], Rebuilt]) -> Rebuilt:
    """Rebuild what the file inflates to by `work`, and deflate it.

    Raises:
        Malformed: It is cut off, or damaged.
        Unsupported: It inflates to more than 256 MiB.
    """
    inner, stop = _inflated(data)
    buffer = BytesIO()
    rebuilt = work(memoryview(inner), buffer)
    new = buffer.getvalue()
    _, begin = syntax_of(memoryview(new))
    head = new[:begin]
    at = head.find(_SAID)
    size = int.from_bytes(head[at + 6 : at + 8], "little")
    grown = head[: at + 6] + len(_OLD).to_bytes(2, "little") + _OLD + head[at + 8 + size :]
    # The length of the group, which is the first element of it.
    group = int.from_bytes(head[140:144], "little") + len(_OLD) - size
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = stream.compress(new[begin:]) + stream.flush()
    written = grown[:140] + group.to_bytes(4, "little") + grown[144:] + body + bytes(len(body) % 2)
    out.write(written)
    return Rebuilt(len(written), _claims(stop, len(data)), (), rebuilt.residue)


def _claims(stop: int, size: int) -> tuple[Claim, ...]:
    claims = [Claim(0, stop, Fate.REWRITTEN, "elements and pixel data, deflated")]
    if stop < size:
        claims.append(
            Claim(stop, size, Fate.DROPPED if size - stop > 1 else Fate.REWRITTEN, "bytes behind the elements")
        )
    return tuple(claims)
