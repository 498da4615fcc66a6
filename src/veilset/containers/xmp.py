"""Read XMP packets, flattened to `xmp/prefix:Name`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from veilset.containers.risks import risk_of
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/xap/1.0/sType/ResourceRef#": "stRef",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/hdr-gain-map/1.0/": "hdrgm",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
    "http://ns.google.com/photos/1.0/container/": "GContainer",
    "http://ns.google.com/photos/1.0/depthmap/": "GDepth",
    "http://ns.google.com/photos/1.0/image/": "GImage",
    "http://ns.apple.com/faceinfo/1.0/": "apple-fi",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://creativecommons.org/ns#": "cc",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
    "http://ns.microsoft.com/photo/1.2/": "MP",
    "http://ns.microsoft.com/photo/1.0/": "MicrosoftPhoto",
    "http://www.w3.org/ns/tdmrep/": "tdm",
    "http://www.w3.org/ns/tdmrep#": "tdm",
    "http://www.digikam.org/ns/1.0/": "digiKam",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
}
_MOST_DEPTH = 12
# What UTF-16 starts with: its zero bytes are no padding.
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
# A type with its entities, an encoding, or an encoding that shows in zero bytes; a comment declares nothing.
_DECLARES = re.compile(rb"<!(?!--)|<\?xml|\0")


def read_xmp(packet: bytes, root: str = "xmp") -> tuple[TagValue, ...]:
    """Every property of a packet; one tag `xmp/unreadable` when it is no well-formed XML.

    >>> read_xmp(b'<x xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>t</dc:title></x>')[0].path
    'xmp/dc:title'
    """
    tree = _tree(packet if packet.startswith(_WIDE) else packet.strip(b"\0 \t\r\n"))
    if tree is None:
        return (TagValue(f"{root}/unreadable", packet, Risk.CONTENT, len(packet)),)
    tags = []
    for path, value in _walk(tree, "", 0):
        tags.append(TagValue(f"{root}/{path}", value, risk_of(path), len(value)))
    tags.append(TagValue(f"{root}/packet", packet, Risk.HISTORY, len(packet)))
    return tuple(tags)


def _tree(text: bytes) -> Any:
    """The root element; None when it is no well-formed XML, or declares entities.

    Without a declaration of type, entities or encoding there is nothing to defend against, and the parser in C reads
    several times as fast as the guarded one.
    """
    from xml.etree.ElementTree import ParseError, fromstring

    try:
        if not _DECLARES.search(text):
            return fromstring(text)  # noqa: S314
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import fromstring as guarded

        try:
            return guarded(text)
        except DefusedXmlException:
            return None
    except (ParseError, ValueError, LookupError):
        return None


def _name(tag: str) -> str:
    if not tag.startswith("{"):
        return tag
    space, _, local = tag[1:].partition("}")
    prefix = _PREFIXES.get(space)
    if prefix is None:
        prefix = space.rstrip("/#").rpartition("/")[2] or "unknown"
    return f"{prefix}:{local}"


def _walk(node: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MOST_DEPTH:
        yield path or "deep", "".join(node.itertext())
        return
    for key, value in node.attrib.items():
        if not key.startswith(_RDF) or key == _RDF + "resource":
            yield (path if key.startswith(_RDF) else _below(path, _name(key))), value
    text = (node.text or "").strip()
    if text:
        yield path or _name(node.tag), text
    for child in node:
        if not isinstance(child.tag, str):
            continue
        skip = child.tag.startswith(_RDF) or child.tag == "{adobe:ns:meta/}xmpmeta"
        yield from _walk(child, path if skip else _below(path, _name(child.tag)), depth + 1)
        tail = (child.tail or "").strip()
        if tail:
            yield path or "text", tail


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
