"""Read Photoshop image resources and the IPTC records inside them."""

from __future__ import annotations

import struct

from veilset.containers.risks import risk_of
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_NAMES = {
    5: "ObjectName", 7: "EditStatus", 15: "Category", 20: "SupplementalCategories", 25: "Keywords",
    40: "SpecialInstructions", 55: "DateCreated", 60: "TimeCreated", 62: "DigitalCreationDate", 65: "Software",
    80: "By-line", 85: "By-lineTitle", 90: "City", 92: "Sub-location", 95: "Province-State", 100: "CountryCode",
    101: "Country", 103: "Document", 105: "Headline", 110: "Credit", 115: "Source", 116: "CopyrightNotice",
    118: "Contact", 120: "Caption", 122: "Writer",
}  # fmt: skip
_THUMBNAILS = {0x0409, 0x040C}


def read_iptc(block: bytes) -> tuple[TagValue, ...]:
    """Every data set of an IIM block, as `iptc/2:80`.

    >>> read_iptc(bytes([0x1c, 2, 80, 0, 1]) + b"x")[0].path
    'iptc/2:80'
    """
    tags = []
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if size & 0x8000:
            width = size & 0x7FFF
            size = int.from_bytes(block[at : at + width], "big")
            at += width
        raw = block[at : at + size]
        risk = risk_of(_NAMES.get(number, "")) if record == 2 else Risk.CONTENT
        tags.append(TagValue(f"iptc/{record}:{number}", raw.decode("utf-8", "replace"), risk, len(raw)))
        at += size
    rest = block[at:]
    if rest.strip(b"\0"):
        tags.append(TagValue("iptc/rest", rest, Risk.CONTENT, len(rest)))
    return tuple(tags)


def read_photoshop(block: bytes) -> tuple[TagValue, ...]:
    """Every image resource, as `photoshop/0x0425`; IPTC, thumbnails and XMP are looked into."""
    tags: list[TagValue] = []
    at = 0
    while at + 12 <= len(block) and block[at : at + 4] in {b"8BIM", b"PHUT", b"AgHg", b"DCSR", b"MeSa"}:
        number = int.from_bytes(block[at + 4 : at + 6], "big")
        length = block[at + 6]
        name = block[at + 7 : at + 7 + length]
        at += 6 + (length + 2) // 2 * 2
        size = int.from_bytes(block[at : at + 4], "big")
        raw = block[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
        if name:
            tags.append(TagValue(f"photoshop/{number:#06x}/name", name, Risk.CONTENT, length))
        tags += _resource(number, raw)
    rest = block[at:]
    if rest.strip(b"\0"):
        tags.append(TagValue("photoshop/rest", rest, Risk.CONTENT, len(rest)))
    return tuple(tags)


def _resource(number: int, raw: bytes) -> tuple[TagValue, ...]:
    if number == 0x0404:
        return read_iptc(raw)
    if number in _THUMBNAILS:
        return (TagValue(f"photoshop/{number:#06x}/thumbnail", raw[28:], Risk.HIDDEN, len(raw)),)
    if number == 0x0424:
        from veilset.containers.xmp import read_xmp

        return read_xmp(raw, "photoshop/xmp")
    if number in {0x0422, 0x0423}:
        from veilset.containers.exif import read_exif

        return read_exif(memoryview(raw), "photoshop/exif")
    return (TagValue(f"photoshop/{number:#06x}", raw, Risk.HISTORY, len(raw)),)
