"""Colour profiles: what their text says, and the same colours without it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache

from veilset.containers.icc_elements import TYPES, bare_header, exact, odd_header
from veilset.containers.icc_known import elements_of, header_of, known_space
from veilset.containers.risks import risk_of
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_NAME = b"profile"
_REMEMBERED = 1 << 16
_DATE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)


def _elements(profile: bytes) -> dict[bytes, tuple[int, int]]:
    if len(profile) < 132 or profile[36:40] != b"acsp":
        raise Malformed("a colour profile has no profile header")
    count = struct.unpack_from(">I", profile, 128)[0]
    if count > 256 or 132 + 12 * count > len(profile):
        raise Malformed("a colour profile has a broken table")
    found: dict[bytes, tuple[int, int]] = {}
    for index in range(count):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if start + size > len(profile) or size < 8:
            raise Malformed("a colour profile has an element outside itself")
        found.setdefault(name, (start, size))
    return found


def read_icc(profile: bytes) -> tuple[TagValue, ...]:
    """The profile as one technical tag `icc`, and every text in it as `icc/<signature>`."""
    tags = [TagValue("icc", profile, Risk.TECHNICAL, len(profile), technical=True)]
    try:
        elements = _elements(profile)
    except Malformed:
        return (TagValue("icc/unreadable", profile, Risk.CONTENT, len(profile)),)
    for name, (start, size) in elements.items():
        ours = profile[start : start + size] in (_text(profile[8]), _notice(profile[8]))
        if not ours and not _shows(name, profile[start : start + size]):
            label = name.decode("ascii", "replace")
            risk = Risk.RIGHTS if name == b"cprt" else Risk.DEVICE
            tags.append(TagValue(f"icc/{label}", profile[start : start + size], risk, size))
    if profile[48:56].strip(b"\0 "):
        tags.append(TagValue("icc/device", profile[48:56], Risk.DEVICE, 8))
    header = odd_header(profile)
    if header:
        tags.append(TagValue("icc/header", header, Risk.CONTENT, len(header)))
    if profile[24:36] != _DATE:
        tags.append(TagValue("icc/date", profile[24:36], risk_of("date"), 12))
    return tuple(tags)


def _shows(name: bytes, element: bytes) -> bool:
    """Whether an element turns numbers into colours, and does nothing else."""
    try:
        return name in TYPES and exact(name, element) is not None
    except (Malformed, struct.error, IndexError):
        return False


def sanitise(profile: bytes) -> bytes:
    """The same colours without text, dates, device names, gaps and tails.

    A profile that does what a known colour space does becomes our own profile of that space, so that it no longer tells
    whose it was; of any other, what turns numbers into colours is copied bit for bit.

    **Guarantee**
    - A second pass changes nothing.
    - Through a known space, 8-bit colours move by one level at most.

    Raises:
        Malformed: It cannot be read as a profile.
    """
    return _kept(profile) if len(profile) <= _REMEMBERED else _sanitised(profile)


@lru_cache(maxsize=64)
def _kept(profile: bytes) -> bytes:
    # Files of one camera carry the same profile, file after file.
    return _sanitised(profile)


def _sanitised(profile: bytes) -> bytes:
    elements = _elements(profile)
    found = {name: exact(name, profile[at : at + size]) for name, (at, size) in elements.items() if name in TYPES}
    known = known_space(profile, found)
    if known:
        return _assembled(bytearray(header_of(known)), elements_of(known))
    return _assembled(bare_header(profile), found)


def _assembled(header: bytearray, elements: Mapping[bytes, bytes]) -> bytes:
    header[24:36] = _DATE
    bodies = {b"desc": _text(header[8]), b"cprt": _notice(header[8]), **elements}
    table, blocks = bytearray(struct.pack(">I", len(bodies))), bytearray()
    at = 132 + 12 * len(bodies)
    placed: dict[bytes, int] = {}
    for name, body in bodies.items():
        if body not in placed:
            placed[body] = at + len(blocks)
            blocks += body + bytes(-len(body) % 4)
        table += struct.pack(">4sII", name, placed[body], len(body))
    whole = header + table + blocks
    struct.pack_into(">I", whole, 0, len(whole))
    return bytes(whole)


def _text(major: int) -> bytes:
    if major >= 4:
        return _unicode()
    return b"desc\0\0\0\0" + struct.pack(">I", len(_NAME) + 1) + _NAME + b"\0" + bytes(4 + 4 + 2 + 1 + 67)


def _notice(major: int) -> bytes:
    return _unicode() if major >= 4 else b"text\0\0\0\0none\0"


def _unicode() -> bytes:
    words = _NAME.decode().encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(words), 28) + words
