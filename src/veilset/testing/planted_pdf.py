"""A PDF of photographs with one unique string in every place that it can hold one."""

from __future__ import annotations

import zlib

from veilset.testing.planted_media import Marks, Planted, xmp_with


def document(jpeg: bytes, size: tuple[int, int]) -> Planted:
    """Two pages: a JPEG, and a picture of plain samples whose stream holds more than it shows.

    The document was changed once after it was made, so an earlier revision of its information stands in it.

    Args:
        jpeg: A JPEG file that may hold strings of its own.
        size: Its width and height.
    """
    marks = Marks("pdf")
    samples = zlib.compress(bytes(range(256)) * 3 + marks("hidden_rows"))
    box = b"/MediaBox [0 0 %d %d]" % size
    draw = b"q %d 0 0 %d 0 0 cm /%s Do Q"
    parts: dict[int, bytes] = {
        1: b"<</Type/Catalog/Pages 2 0 R/Metadata 8 0 R/Names<</EmbeddedFiles<</Names[(" + marks("file_name")
        + b") 9 0 R]>>>>/Lang(" + marks("language") + b")/PieceInfo<</A<</B(" + marks("piece") + b")>>>>>>",
        2: b"<</Type/Pages/Kids[3 0 R 6 0 R]/Count 2" + box + b">>",
        3: b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</" + (name := marks("image_name"))
        + b" 5 0 R>>>>/LastModified(" + marks("modified") + b")/Thumb 10 0 R/Annots[<</Subtype/Link/A<</URI("
        + marks("link") + b")>>>>]>>",
        4: _stream(b"", b"%" + marks("content_comment") + b"\n/Artifact <</By (" + marks("artifact") + b")>> BDC\n"
                   + draw % (*size, name) + b" EMC"),
        5: _stream(b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8"
                   b"/Filter/DCTDecode/Name(" % size + marks("image_key") + b")", jpeg),
        6: b"<</Type/Page/Parent 2 0 R/Contents[11 0 R]/Resources<</XObject<</J 7 0 R>>>>/Rotate 90>>",
        7: _stream(b"/Subtype/Image/Width 16/Height 16/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode",
                   samples + marks("zlib_surplus")),
        8: _stream(b"/Type/Metadata/Subtype/XML", xmp_with(marks)),
        9: b"<</Type/Filespec/F(" + marks("attached") + b")/EF<</F 12 0 R>>>>",
        10: _stream(b"/Width 1/Height 1", marks("page_thumbnail")),
        11: _stream(b"/Filter/FlateDecode", zlib.compress(draw % (*size, b"J"))),
        12: _stream(b"/Type/EmbeddedFile", marks("attachment")),
        13: b"<</Title(" + marks("old_title") + b")/Author(" + marks("old_author") + b")>>",
    }  # fmt: skip
    out, places = b"%PDF-1.6\n%" + marks("header") + b"\n", {}
    for number, body in parts.items():
        places[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    first = len(out)
    out += b"xref\n0 14\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places.values())
    identity = b"/ID[(" + marks("id") + b")(x)]"
    out += b"trailer\n<</Size 14/Root 1 0 R/Info 13 0 R" + identity + b">>\nstartxref\n%d\n%%%%EOF\n" % first
    place = len(out)
    out += b"13 0 obj\n<</Title(" + marks("title") + b")>>\nendobj\n"
    second = len(out)
    out += b"xref\n13 1\n%010d 00000 n \n" % place
    out += b"trailer\n<</Size 14/Root 1 0 R/Info 13 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (first, second)
    return Planted(out + marks("tail"), marks)


def _stream(entries: bytes, raw: bytes) -> bytes:
    return b"<<" + entries + b"/Length %d>>\nstream\n" % len(raw) + raw + b"\nendstream"
