"""What the segments of a JPEG say."""

from __future__ import annotations

from functools import lru_cache

from veilset.containers.exif import read_exif
from veilset.containers.icc import read_icc
from veilset.containers.jpeg_segments import FILL, SCAN, TAIL, Segment, profile_of
from veilset.containers.recognise import identify
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_MOST_TAIL = 1 << 16
# Files of one camera carry the same profile, file after file.
_profile_tags = lru_cache(maxsize=16)(read_icc)


def tags_of(data: memoryview, found: list[Segment]) -> tuple[TagValue, ...]:
    """Every tag of every application segment and comment, of the tail, and of what lies between scans."""
    tags: list[TagValue] = []
    jumbf: list[tuple[int, int, bytes]] = []
    extended: list[tuple[bytes, int, bytes]] = []
    seen: dict[str, int] = {}
    profile = profile_of(data, found)
    if profile:
        tags += _profile_tags(profile)
    for marker, start, payload, stop in found:
        if marker == SCAN or (FILL != marker < 0xE0 and marker != TAIL):
            continue
        if marker == FILL:
            if stop - start > 2 and bytes(data[start:stop]).strip(b"\xff"):
                tags.append(TagValue("jpeg/between", bytes(data[start:stop]), Risk.CONTENT, stop - start))
        elif marker == TAIL:
            tags.append(_tail(data[start:stop]))
        elif marker == 0xFE:
            tags.append(TagValue("jpeg/comment", _words(data[payload:stop]), Risk.CONTENT, stop - payload))
        else:
            tags += _application(marker, data[payload:stop], jumbf, extended, seen)
    return (*tags, *_collected(jumbf, extended))


def _application(
    marker: int,
    body: memoryview,
    jumbf: list[tuple[int, int, bytes]],
    extended: list[tuple[bytes, int, bytes]],
    seen: dict[str, int],
) -> tuple[TagValue, ...]:
    start = bytes(body[:40])
    if marker == 0xE1 and start.startswith(b"Exif\0"):
        return read_exif(body[6:], _numbered("exif", seen))
    if marker == 0xE1 and start.startswith(_XMP):
        from veilset.containers.xmp import read_xmp

        return read_xmp(bytes(body[len(_XMP) :]), _numbered("xmp", seen))
    if marker == 0xE1 and start.startswith(_EXTENDED) and len(body) >= 75:
        extended.append((bytes(body[35:67]), int.from_bytes(body[71:75], "big"), bytes(body[75:])))
        return ()
    if marker == 0xED and start.startswith(b"Photoshop 3.0\0"):
        from veilset.containers.iptc import read_photoshop

        return read_photoshop(bytes(body[14:]))
    if marker == 0xEB and start.startswith(b"JP") and len(body) >= 16:
        jumbf.append((int.from_bytes(body[2:4], "big"), int.from_bytes(body[4:8], "big"), bytes(body[8:])))
        return ()
    return _other(marker, body, start)


def _other(marker: int, body: memoryview, start: bytes) -> tuple[TagValue, ...]:
    if marker == 0xE0 and start.startswith(b"JFIF\0"):
        surplus = bytes(body[14:])
        technical = (TagValue("jpeg/jfif", bytes(body[5:12]), Risk.TECHNICAL, 14, technical=True),)
        return (
            (*technical, TagValue("jpeg/jfif/thumbnail", surplus, Risk.HIDDEN, len(surplus))) if surplus else technical
        )
    if marker == 0xE0 and start.startswith(b"JFXX\0"):
        return (TagValue("jpeg/jfxx/thumbnail", bytes(body[6:]), Risk.HIDDEN, len(body)),)
    if marker == 0xE2 and start.startswith(b"ICC_PROFILE\0"):
        return ()
    if marker == 0xE2 and start.startswith(b"MPF\0"):
        return (TagValue("jpeg/mpf", bytes(body), Risk.HIDDEN, len(body)),)
    if marker == 0xEE and start.startswith(b"Adobe"):
        tags = [TagValue("jpeg/adobe", bytes(body[:12]), Risk.TECHNICAL, 12, technical=True)]
        if len(body) > 12:
            tags.append(TagValue("jpeg/adobe/surplus", bytes(body[12:]), Risk.CONTENT, len(body) - 12))
        return tuple(tags)
    name = start.split(b"\0")[0].decode("ascii", "replace")
    label = "".join(letter for letter in name if letter.isalnum())[:16] or "unknown"
    if marker < 0xE0 or marker > 0xEF:
        return (TagValue(f"jpeg/segment{marker:02x}", bytes(body), Risk.CONTENT, len(body)),)
    return (TagValue(f"jpeg/app{marker - 0xE0}/{label}", bytes(body), Risk.CONTENT, len(body)),)


def _collected(jumbf: list[tuple[int, int, bytes]], extended: list[tuple[bytes, int, bytes]]) -> tuple[TagValue, ...]:
    tags: tuple[TagValue, ...] = ()
    if extended:
        from veilset.containers.xmp import read_xmp

        for guid in dict.fromkeys(part[0] for part in extended):
            parts = sorted((at, body) for name, at, body in extended if name == guid)
            tags += read_xmp(b"".join(body for _, body in parts), "xmp-extended")
    if jumbf:
        from veilset.containers.jumbf import join_parts, read_jumbf

        for box in join_parts(jumbf):
            tags += read_jumbf(box)
    return tags


def _tail(view: memoryview) -> TagValue:
    head = bytes(view[:_MOST_TAIL])
    kind = identify(head)
    stripped = head.lstrip(b"\0")
    if kind is None and stripped:
        kind = identify(stripped)
    path = f"jpeg/tail/{kind}" if kind else "jpeg/tail"
    risk = Risk.HIDDEN if kind else Risk.CONTENT
    return TagValue(path, head, risk if stripped else Risk.HISTORY, len(view))


def _words(body: memoryview) -> str | bytes:
    try:
        return bytes(body).rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return bytes(body)


def _numbered(name: str, seen: dict[str, int]) -> str:
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name}{seen[name]}"
