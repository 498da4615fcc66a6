"""XMP packets: the quick parser and the guarded one agree, and what declares entities is never expanded."""

from __future__ import annotations

import pytest

from veilset.containers import xmp
from veilset.containers.xmp import read_xmp
from veilset.testing.planted import Marks, xmp_packet

BODY = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- a note --><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg">'
    "<dc:creator><rdf:Seq><rdf:li>Zoë</rdf:li><rdf:li>&#198;sop &amp; sons</rdf:li></rdf:Seq></dc:creator>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
PLANTED = xmp_packet(Marks("xmp"))
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


def told(packet: bytes) -> list[tuple[str, object, object, int]]:
    return [(tag.path, tag.value, tag.risk, tag.size) for tag in read_xmp(packet)]


@pytest.mark.parametrize(
    "packet",
    [BODY.encode(), f'<?xpacket begin=""?>{BODY}<?xpacket end="w"?>'.encode(), PLANTED, b"<broken", b"", b"\0"],
)
def test_both_parsers_say_the_same(packet: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = told(packet)
    monkeypatch.setattr(xmp, "_DECLARES", xmp.re.compile(b""))
    assert told(packet) == quick


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp037", "iso-8859-1"])
def test_entities_are_refused_in_every_coding(coding: str) -> None:
    """A declared coding can hide `<!DOCTYPE` from a search for its letters: such a packet goes to the guarded parser."""
    declared = f'<?xml version="1.0" encoding="{coding}"?>'.encode() if "16" not in coding else b""
    assert [tag.path for tag in read_xmp(declared + BOMB.encode(coding))] == ["xmp/unreadable"]


def test_a_packet_in_utf_16_is_read() -> None:
    said = read_xmp(BODY.encode("utf-16"))
    assert [tag.value for tag in said if tag.path == "xmp/dc:creator"] == ["Zoë", "Æsop & sons"]
