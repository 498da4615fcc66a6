"""Files of still and moving pictures with one unique string in every place that their format can hold one.

Boxes are put together here by hand, sharing nothing with the readers that are tested on them.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from dataclasses import dataclass, field


@dataclass
class Marks:
    """Hands out unique strings and remembers them.

    >>> marks = Marks("demo")
    >>> marks("box"), marks.all
    (b'Xdemo0001boxX', [b'Xdemo0001boxX'])
    """

    stem: str
    all: list[bytes] = field(default_factory=list)

    def __call__(self, place: str) -> bytes:
        """The next string; `place` says where it will stand."""
        mark = f"X{self.stem}{len(self.all) + 1:04d}{place}X".encode()
        self.all.append(mark)
        return mark

    def left_in(self, raw: bytes) -> list[bytes]:
        """Strings found in `raw`, as they are or in UTF-16."""
        forms = [(m, m, m.decode().encode("utf-16-le"), m.decode().encode("utf-16-be")) for m in self.all]
        return [mark for mark, *words in forms if any(word in raw for word in words)]


@dataclass(frozen=True)
class Planted:
    """A planted file and its strings."""

    data: bytes
    marks: Marks


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of ISO base media."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def tiff_with(words: list[bytes]) -> bytes:
    """A big-endian TIFF structure with an Artist, a Model and a description."""
    entries, values, at = b"", b"", 8 + 2 + 12 * len(words) + 4
    for tag, word in zip((0x010E, 0x0110, 0x013B), words, strict=True):
        entries += struct.pack(">HHII", tag, 2, len(word) + 1, at + len(values))
        values += word + b"\0"
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", len(words)) + entries + bytes(4) + values


def exif_with(marks: Marks) -> bytes:
    """An EXIF block with three strings."""
    return tiff_with([marks("exif_text"), marks("exif_model"), marks("exif_artist")])


def xmp_with(marks: Marks) -> bytes:
    """An XMP packet with two strings."""
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>' + marks("xmp_creator")
        + b"</dc:creator></rdf:Description></rdf:RDF></x:xmpmeta><!--" + marks("xmp_comment") + b"-->"
    )  # fmt: skip


def still(kind: bytes, config: bytes, coded: bytes, size: tuple[int, int], brand: bytes) -> Planted:
    """A HEIF or AVIF file around one coded picture.

    Args:
        kind: Item type, such as `hvc1`.
        config: The decoder configuration, a whole box.
        coded: The coded picture.
        size: Width and height.
        brand: Major brand.
    """
    marks = Marks("heif")
    infos = [
        (1, kind, marks("item_name"), b"", 0), (2, b"Exif", marks("exif_name"), b"", 1),
        (3, b"mime", b"", b"application/rdf+xml\0", 1), (4, kind, marks("thumb_name"), b"", 1),
        (5, kind, b"", b"", 1), (6, b"uri ", b"", marks("uri_type") + b"\0", 1),
        (7, b"mime", b"", b"text/plain\0", 1), (8, kind, b"", b"", 0), (9, b"zzzz", b"", b"", 0),
    ]  # fmt: skip
    bodies = {
        1: coded, 2: bytes(4) + exif_with(marks), 3: xmp_with(marks), 4: coded + marks("thumbnail"),
        5: coded + marks("depth"), 6: marks("uri"), 7: marks("plain_text"), 8: coded + marks("second_picture"),
        9: marks("unknown_item"),
    }  # fmt: skip
    inline = marks("idat_item")
    skipped = len(marks("idat_gap"))
    idat = box(b"idat", marks.all[-1], inline)
    properties = box(
        b"ipco", full(b"ispe", struct.pack(">II", *size)), config, box(b"irot", b"\1"),
        full(b"auxC", b"urn:mpeg:hevc:2015:auxid:2\0", marks("depth_subtype")),
        full(b"udes", b"en\0", marks("description"), b"\0\0\0"), box(b"uuid", bytes(range(16)), marks("property")),
        full(b"pixi", b"\3\x08\x08\x08", marks("pixi_surplus")),
    )  # fmt: skip
    wearing = {1: (1, 130, 131, 5, 6, 7), 4: (1, 130), 5: (1, 130, 4), 8: (1, 130)}
    worn = b"".join(struct.pack(">HB", i, len(n)) + bytes(n) for i, n in wearing.items())
    ipma = full(b"ipma", struct.pack(">I", len(wearing)), worn)
    links = full(b"iref", *(box(k, struct.pack(">HHH", i, 1, 1)) for k, i in _LINKS))

    def meta(places: dict[int, int]) -> bytes:
        located = b"".join(struct.pack(">HHHHII", i, 0, 0, 1, at, len(bodies[i])) for i, at in places.items())
        located += struct.pack(">HHHHII", 10, 1, 0, 1, skipped, len(inline))
        entries = b"".join(
            full(b"infe", struct.pack(">HH", i, 0), kind, name, b"\0", extra, version=2, flags=hidden)
            for i, kind, name, extra, hidden in (*infos, (10, b"yyyy", b"", b"", 0))
        )
        return full(
            b"meta", full(b"hdlr", bytes(4), b"pict", bytes(12), handler, b"\0"), full(b"pitm", b"\0\1"),
            full(b"iloc", b"\x44\x00", struct.pack(">H", len(places) + 1), located, version=1),
            full(b"iinf", struct.pack(">H", len(infos) + 1), entries), links, box(b"iprp", properties, ipma), idat,
            box(b"free", meta_free), full(b"zzzz", meta_unknown),
        )  # fmt: skip

    handler, meta_free, meta_unknown = marks("handler"), marks("meta_free"), marks("meta_unknown")
    first = box(b"ftyp", brand, b"XMNR", b"mif1", brand, b"miaf", b"XQJZ")
    marks.all += [b"XMNR", b"XQJZ"]
    first += box(b"free", marks("free")) + box(b"skip", marks("skip"))
    gap, at, body, places = marks("mdat_gap"), len(first) + len(meta(dict.fromkeys(bodies, 0))) + 8, b"", {}
    for number, content in bodies.items():
        body += gap
        places[number] = at + len(body)
        body += content
    film = box(b"ftyp", b"mp42", bytes(4), b"isom") + box(b"moov", box(b"udta", box(b"\xa9xyz", marks("film_place"))))
    tail = box(b"mpvd", film) + box(b"sefd", marks("sefd")) + box(b"uuid", bytes(16), marks("uuid")) + marks("tail")
    return Planted(first + meta(places) + box(b"mdat", body, marks("mdat_tail")) + tail, marks)


_LINKS = ((b"thmb", 4), (b"auxl", 5), (b"cdsc", 2), (b"cdsc", 3), (b"cdsc", 7))


def jpeg_2000(plain: bytes) -> Planted:
    """A JP2 file with comments in the main and tile headers, and boxes of every kind around.

    Args:
        plain: A JP2 file of one tile, as any encoder writes it.
    """
    marks = Marks("jp2")
    at = plain.index(b"jp2c") + 4
    head, stream = plain[: at - 8], plain[at:]

    def comment(place: str) -> bytes:
        word = marks(place)
        return b"\xff\x64" + struct.pack(">HH", len(word) + 4, 1) + word

    sot = stream.index(b"\xff\x90\0\x0a")
    data = stream.index(b"\xff\x93", sot)
    length = struct.unpack_from(">I", stream, sot + 6)[0]
    extra = comment("tile_comment")
    tile = stream[sot : sot + 6] + struct.pack(">I", length + len(extra) if length else 0) + stream[sot + 10 : data]
    coded = stream[:sot] + comment("comment") + tile + extra + stream[data:] + marks("codestream_tail")
    around = box(b"xml ", xmp_with(marks)) + box(b"uuid", bytes(16), exif_with(marks))
    around += box(b"asoc", box(b"lbl ", marks("label"))) + box(b"jp2i", marks("rights"))
    after = box(b"free", marks("free")) + box(b"zzzz", marks("unknown")) + marks("tail")
    return Planted(head + around + box(b"jp2c", coded) + after, marks)


def jpeg_xl(codestream: bytes) -> Planted:
    """A JPEG XL container around a codestream, in two parts."""
    marks = Marks("jxl")
    half = len(codestream) // 2
    return Planted(
        b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl ", bytes(4), b"jxl ") + box(b"jxll", b"\x0a")
        + box(b"Exif", bytes(4), exif_with(marks)) + box(b"jxlp", bytes(4), codestream[:half])
        + box(b"xml ", xmp_with(marks)) + box(b"jumb", box(b"jumd", bytes(16), b"\3", marks("c2pa"), b"\0"))
        + box(b"jxlp", b"\x80\0\0\1", codestream[half:]) + box(b"brob", b"Exif", marks("brotli"))
        + box(b"jbrd", marks("jpeg")) + box(b"jhgm", marks("gain_map")) + box(b"jxli", marks("index"))
        + box(b"zzzz", marks("unknown")) + marks("tail"),
        marks,
    )  # fmt: skip


def drawing(embedded: str) -> Planted:
    """An SVG drawing.

    Args:
        embedded: A `data:` address of a picture that may hold strings of its own.
    """
    marks = Marks("svg")

    def m(place: str) -> str:
        return marks(place).decode()

    text = f"""<?xml version="1.0"?><!--{m("before")}--><?editor {m("instruction")}?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ink="http://example.org/ink"
 width="40" height="30" id="{m("root_id")}" ink:docname="{m("foreign_attribute")}" data-x="{m("data_attribute")}"
 aria-label="{m("aria")}"><title>{m("title")}</title><desc>{m("desc")}</desc><!--{m("comment")}-->
<metadata><rdf xmlns="urn:x">{m("metadata")}</rdf></metadata><ink:view ink:path="{m("foreign_element")}">x</ink:view>
<style>/*{m("css_comment")}*/ .{(used := m("used_class"))} {{ fill: red; -ink-x: {m("css_property")} }}</style>
<script/><defs>
<linearGradient id="{(name := m("referenced_id"))}"><stop offset="0" stop-color="blue"/></linearGradient></defs>
<g id="{m("unreferenced_id")}" class="{m("unused_class")} {used}" style="-ink-font:'{m("style_property")}';opacity:.5">
<rect width="10" height="10" fill="url(#{name})"/><a xlink:href="http://{m("link")}/"><circle r="3"/></a></g>
<g style="display:none"><text>{m("hidden_text")}</text></g>
<image width="8" height="8" xlink:href="{embedded}"/><text x="1" y="9">shown</text></svg><!--{m("after")}-->"""
    return Planted(text.encode(), marks)


def archives(picture: bytes, suffix: str) -> dict[str, Planted]:
    """A zip and a tar with one picture under a telling name."""
    marks = Marks("zip")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(marks("name").decode() + suffix, (2021, 5, 6, 7, 8, 10))
        info.comment = marks("member_comment")
        info.extra = struct.pack("<HH", 0x7855, len(extra := marks("extra"))) + extra
        archive.writestr(info, picture)
        archive.comment = marks("comment")
    packed = Planted(out.getvalue(), marks)
    marks, out = Marks("tar"), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo(marks("name").decode() + suffix)
        entry.size, entry.mtime, entry.uid, entry.uname = len(picture), 1_600_000_000, 1000, marks("owner").decode()
        entry.gname, entry.pax_headers = marks("group").decode(), {"comment": marks("pax").decode()}
        archive.addfile(entry, io.BytesIO(picture))
    return {"zip": packed, "tar": Planted(out.getvalue() + marks("tail"), marks)}
