"""Drawn files with one unique mark in every place where their format can hold words.

A mark is eight letters and digits that stand nowhere else. A cleaned file must hold none of them, in no encoding.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageCms

from veilset.core.sample import Pixels


@dataclass(frozen=True)
class Planted:
    """One file, and its marks by place."""

    name: str
    data: bytes = field(repr=False)
    marks: Mapping[str, bytes]


class Marks:
    """Hands out marks and remembers where they went."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.given: dict[str, bytes] = {}

    def text(self, place: str) -> str:
        """A fresh mark for a place."""
        mark = f"Zq{self.prefix}{len(self.given):04d}w"
        self.given[place] = mark.encode()
        return mark

    def raw(self, place: str) -> bytes:
        """A fresh mark, as bytes."""
        return self.text(place).encode()

    def wide(self, place: str) -> bytes:
        """A fresh mark in little-endian UTF-16, ended by a zero."""
        return self.text(place).encode("utf-16-le") + b"\0\0"


def drawn(width: int = 96, height: int = 64, shift: int = 0) -> Pixels:
    """A coloured ramp with a few drawn shapes."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = (columns * 2 + shift, rows * 3, (columns * rows) // 24 + shift)
    pixels: Pixels = (np.stack(planes, axis=2) % 256).astype(np.uint8)
    pixels[height // 4 : height // 2, width // 4 : width // 2] = (200, 40 + shift % 100, 60)
    return pixels


def _picture(form: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn()).save(out, form, **options)
    return out.getvalue()


def exif_block(marks: Marks, label: str = "exif", *, orientation: int = 6) -> bytes:
    """A TIFF structure with marks in IFD0, the EXIF, GPS and interoperability directories, IFD1 and the slack."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for tag in (0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x0132, 0x013B, 0x013C, 0x0151, 0x8298, 0xC614, 0xC68B):
        exif[tag] = marks.text(f"{label}/ifd0/{tag:#06x}")
    for tag in (0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F, 0xC4A5, 0xFDE8, 0xEA1C):
        exif[tag] = marks.wide(f"{label}/ifd0/{tag:#06x}")
    inner = exif.get_ifd(0x8769)
    for tag in (0x8824, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292, 0xA004, 0xA420, 0xA430, 0xA431,
                0xA433, 0xA434, 0xA435):  # fmt: skip
        inner[tag] = marks.text(f"{label}/exif/{tag:#06x}")
    for tag in (0x927C, 0x9286, 0xA40B, 0xA302, 0xFDE9):
        inner[tag] = b"ASCII\0\0\0" + marks.raw(f"{label}/exif/{tag:#06x}")
    place = exif.get_ifd(0x8825)
    for tag in (1, 3, 8, 9, 10, 12, 14, 16, 18, 19, 21, 23, 25, 29):
        place[tag] = marks.text(f"{label}/gps/{tag}")
    for tag in (27, 28):
        place[tag] = b"ASCII\0\0\0" + marks.raw(f"{label}/gps/{tag}")
    block = exif.tobytes()[6:] + b"\0" * 4 + marks.raw(f"{label}/slack")
    return _with_thumbnail(block, marks, label)


def _with_thumbnail(block: bytes, marks: Marks, label: str) -> bytes:
    """Append IFD1 with a thumbnail that carries a comment, and point IFD0 at it."""
    order = "<" if block[:2] == b"II" else ">"
    first = struct.unpack_from(order + "I", block, 4)[0]
    count = struct.unpack_from(order + "H", block, first)[0]
    whole = bytearray(block + b"\0" * (len(block) % 2))
    struct.pack_into(order + "I", whole, first + 2 + 12 * count, len(whole))
    thumbnail = thumbnail_with(marks, f"{label}/thumbnail")
    maker = marks.raw(f"{label}/ifd1/make") + b"\0"
    at = len(whole) + 2 + 12 * 4 + 4
    whole += struct.pack(order + "H", 4)
    for tag, kind, number, value in ((0x0103, 3, 1, 6), (0x010F, 2, len(maker), at), (0x0201, 4, 1, at + len(maker)),
                                     (0x0202, 4, 1, len(thumbnail))):  # fmt: skip
        packed = struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
        whole += struct.pack(order + "HHI", tag, kind, number) + packed
    return bytes(whole) + bytes(4) + maker + thumbnail


def thumbnail_with(marks: Marks, place: str) -> bytes:
    """A small JPEG with a mark in a comment."""
    out = io.BytesIO()
    Image.fromarray(drawn(32, 24, 90)).save(out, "JPEG", comment=marks.raw(f"{place}/comment"))
    return out.getvalue()


_XMP_NAMES = (
    "dc:creator", "dc:title", "dc:description", "dc:rights", "xmp:CreatorTool", "xmp:CreateDate", "xmp:Label",
    "xmpRights:WebStatement", "xmpRights:UsageTerms", "xmpMM:DocumentID", "xmpMM:History", "photoshop:City",
    "photoshop:Credit", "photoshop:Instructions", "aux:SerialNumber", "aux:OwnerName", "exif:GPSLatitude",
    "tiff:Model", "plus:DataMining", "cc:license", "other:Unknown",
)  # fmt: skip
_XMP_SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/", "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/", "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/", "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "exif": "http://ns.adobe.com/exif/1.0/", "tiff": "http://ns.adobe.com/tiff/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/", "cc": "http://creativecommons.org/ns#",
    "other": "http://example.org/other/",
}  # fmt: skip


def xmp_packet(marks: Marks, label: str = "xmp") -> bytes:
    """An XMP packet with a mark in each of many properties, in attributes, comments and padding."""
    spaces = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in _XMP_SPACES.items())
    inside = "".join(f"<{name}>{marks.text(f'{label}/{name}')}</{name}>" for name in _XMP_NAMES)
    return (
        f'<?xpacket begin="" id="{marks.text(f"{label}/packet")}"?><x:xmpmeta xmlns:x="adobe:ns:meta/" '
        f'x:xmptk="{marks.text(f"{label}/toolkit")}"><!-- {marks.text(f"{label}/comment")} --><rdf:RDF '
        f'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'{spaces} xmp:Rating="{marks.text(f"{label}/attribute")}">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
        f'<?xpacket end="w"?>    {marks.text(f"{label}/padding")}'
    ).encode()


def iptc_block(marks: Marks, label: str = "iptc") -> bytes:
    """An IIM block with a mark in each of many data sets."""
    made = b""
    for number in (5, 7, 15, 20, 25, 40, 55, 60, 65, 80, 85, 90, 92, 95, 101, 103, 105, 110, 115, 116, 118, 120, 122):
        raw = marks.raw(f"{label}/2:{number}")
        made += struct.pack(">BBBH", 0x1C, 2, number, len(raw)) + raw
    return made


def photoshop_block(marks: Marks, label: str = "photoshop") -> bytes:
    """Image resources with marks: IPTC, a path, a thumbnail, a caption, XMP, an unknown one, and a resource's name."""
    made = b""
    resources = {
        0x0404: iptc_block(marks, f"{label}/iptc"),
        0x040C: bytes(28) + thumbnail_with(marks, f"{label}/thumbnail"),
        0x07D0: marks.raw(f"{label}/path"),
        0x03F0: marks.raw(f"{label}/caption"),
        0x0424: xmp_packet(marks, f"{label}/xmp"),
        0x0FA0: marks.raw(f"{label}/unknown"),
    }
    for number, body in resources.items():
        name = marks.raw(f"{label}/{number:#06x}/name")
        head = bytes([len(name)]) + name
        made += b"8BIM" + struct.pack(">H", number) + head + b"\0" * (len(head) % 2)
        made += struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)
    return made


def icc_profile(marks: Marks, label: str = "icc") -> bytes:
    """An sRGB profile with marks in its texts, a private element, and a gap behind its elements."""
    whole = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", whole, 128)[0]
    table = [struct.unpack_from(">4sII", whole, 132 + 12 * index) for index in range(count)]
    colours = [entry for entry in table if entry[0] not in {b"desc", b"cprt"}]
    bodies = [(name, bytes(whole[start : start + size])) for name, start, size in colours]
    for name in (b"desc", b"cprt", b"dmnd", b"dmdd", b"prvt", b"targ"):
        bodies += [(name, b"text\0\0\0\0" + marks.raw(f"{label}/{name.decode()}") + b"\0")]
    made = bytearray(whole[:128]) + struct.pack(">I", len(bodies))
    at, blocks = 132 + 12 * len(bodies), bytearray()
    for name, body in bodies:
        made += struct.pack(">4sII", name, at + len(blocks), len(body))
        blocks += body + b"\0" * (-len(body) % 4)
    made += blocks + marks.raw(f"{label}/gap").ljust(16, b"\0")
    struct.pack_into(">I", made, 0, len(made))
    return bytes(made)


def manifest(marks: Marks, label: str = "c2pa") -> bytes:
    """A JUMBF box with a mark in its label and in its content."""
    name = b"c2pa." + marks.raw(f"{label}/label") + b"\0"
    description = struct.pack(">I4s", 8 + 17 + len(name), b"jumd") + b"json" + bytes(12) + b"\x03" + name
    content = marks.raw(f"{label}/content")
    inside = description + struct.pack(">I4s", 8 + len(content), b"json") + content
    return struct.pack(">I4s", 8 + len(inside), b"jumb") + inside


def film(marks: Marks, place: str) -> bytes:
    """A short MP4-like tail with a mark."""
    body = marks.raw(place)
    return (
        struct.pack(">I4s", 24, b"ftyp") + b"mp42\0\0\0\0isommp42" + struct.pack(">I4s", 8 + len(body), b"udta") + body
    )
