"""Copyright, licence, credit and data-mining fields, read from anywhere and written anew."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from veilset.containers.ifd import Field, pack
from veilset.core.sample import TagValue

_SPACES = {
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "tdm": "http://www.w3.org/ns/tdmrep/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
_SIMPLE = (
    "cc:attributionName", "cc:attributionURL", "cc:license", "cc:morePermissions", "photoshop:Credit",
    "plus:DataMining", "plus:LicensorURL", "tdm:policy", "tdm:reservation", "xmpRights:Marked",
    "xmpRights:WebStatement",
)  # fmt: skip
_LISTS = {"dc:creator": "Seq", "dc:rights": "Alt", "xmpRights:UsageTerms": "Alt", "plus:OtherConstraints": "Alt"}
# Structure that packets put around these fields as well: lists of dates and ratings.
_WRAPPED = {"dc:date": "Seq", "exif:ISOSpeedRatings": "Seq"}
_ELSEWHERE = {
    "dc:creator": (
        *(
            "exif/ifd0/Artist",
            "iptc/2:80",
            "mp4/meta/com.apple.quicktime.author",
            "mp4/meta/com.apple.quicktime.artist",
        ),
        *("mp4/udta/©aut", "mp4/udta/auth", "mp4/udta/©ART", "mp4/udta/meta/ilst/©ART", "pdf/Info/Author"),
    ),
    "dc:rights": (
        *("exif/ifd0/Copyright", "iptc/2:116", "mp4/meta/com.apple.quicktime.copyright"),
        *("mp4/udta/cprt", "mp4/udta/©cpy", "mp4/udta/meta/ilst/cprt"),
    ),
    "photoshop:Credit": ("iptc/2:110",),
}


def rights_fields(tags: Iterable[TagValue]) -> dict[str, tuple[str, ...]]:
    """XMP name to its values, wherever in the file they were said, in order of first appearance.

    >>> rights_fields([TagValue("iptc/2:116", "(c) somebody")])
    {'dc:rights': ('(c) somebody',)}
    """
    said: dict[str, list[str]] = {}
    for tag in tags:
        text = _plain(tag.value) if isinstance(tag.value, str) else ""
        if text:
            said.setdefault(tag.path, []).append(text)
    found: dict[str, tuple[str, ...]] = {}
    for name in (*_SIMPLE, *_LISTS):
        for path in (f"xmp/{name}", f"xmp-extended/{name}", *_ELSEWHERE.get(name, ())):
            if path in said:
                found[name] = tuple(dict.fromkeys(said[path]))
                break
    return found


def _plain(text: str) -> str:
    """Printable text on one line, cut to a length that any container takes."""
    words = "".join(letter if letter.isprintable() else " " for letter in text if letter != "\ufffd").split()
    return " ".join(words)[:1000].strip()


def rights_exif(found: dict[str, tuple[str, ...]]) -> dict[int, Field]:
    """Artist and Copyright as EXIF fields, for readers that know no XMP."""
    fields = {}
    for tag, name in ((0x013B, "dc:creator"), (0x8298, "dc:rights")):
        if name in found:
            fields[tag] = pack("<", 2, "; ".join(found[name]) if tag == 0x013B else found[name][0])
    return fields


def rights_packet(found: dict[str, tuple[str, ...]]) -> bytes:
    """An XMP packet with these fields and nothing else; empty when there are none."""
    if not found:
        return b""
    prefixes = sorted({name.partition(":")[0] for name in found})
    spaces = "".join(f" xmlns:{prefix}={quoteattr(_SPACES[prefix])}" for prefix in prefixes)
    lines = []
    for name in sorted(found):
        kind = _LISTS.get(name) or _WRAPPED.get(name)
        if kind:
            lang = ' xml:lang="x-default"' if kind == "Alt" else ""
            values = found[name][:1] if kind == "Alt" else found[name]
            items = "".join(f"<rdf:li{lang}>{escape(value)}</rdf:li>" for value in values)
            lines.append(f"<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>")
        else:
            lines.append(f"<{name}>{escape(found[name][0])}</{name}>")
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about=""{spaces}>{"".join(lines)}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def rdf_of(packet: bytes) -> bytes:
    """The RDF inside a packet of `rights_packet`, as other XML holds it.

    >>> rdf_of(rights_packet({"dc:rights": ("(c) somebody",)}))[:9]
    b'<rdf:RDF '
    """
    return packet[packet.index(b"<rdf:RDF") : packet.index(b"</rdf:RDF>") + len(b"</rdf:RDF>")]
