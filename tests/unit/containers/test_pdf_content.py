"""Pages as scanners, browsers and drawing programs write them: forms, words that nobody sees, settings, text filters."""

from __future__ import annotations

import base64
import io
import re
import time

import pytest

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.pdf_content import COVERED, OUTSIDE, SMALL
from veilset.core.errors import DataError, Unsupported

IMAGE = (
    b"<</Type/XObject/Subtype/Image/Width 2/Height 2/ColorSpace/DeviceGray/BitsPerComponent 8/Length 4>>stream\n"
    b"\1\2\3\4\nendstream"
)
OTHER = IMAGE.replace(b"\1\2\3\4", b"\5\6\7\x08")
FORM = (
    b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Matrix[2 0 0 2 5 5]/Resources<</XObject<</P 5 0 R>>>>%s/Length %d>>stream\n"
    b"%s\nendstream"
)


def form(content: bytes = b"/P Do", more: bytes = b"") -> bytes:
    return FORM % (more, len(content), content)


def pdf(
    content: bytes, *more: bytes, resources: bytes = b"/XObject<</A 5 0 R/B 6 0 R>>", filters: bytes = b""
) -> bytes:
    """A page of 100 by 100 points that draws `content`; objects from 5 on are `more`."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 4 0 R/Resources<<%s>>>>" % resources,
        b"<<%s/Length %d>>stream\n%s\nendstream" % (filters, len(content), content),
        *(more or (IMAGE, OTHER)),
    ]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, start)


def cleaned(raw: bytes) -> tuple[bytes, bytes, tuple[str, ...]]:
    """The new file, what its page draws, and what is left."""
    out = io.BytesIO()
    done = rebuild(raw, out, Keep())
    new = out.getvalue()
    again = io.BytesIO()
    rebuild(new, again, Keep())
    assert again.getvalue() == new
    drawn = re.search(rb"4 0 obj\n.*?stream\n(.*?)\nendstream", new, re.DOTALL)
    assert drawn
    return new, drawn[1], done.residue


WHOLE = b"q 100 0 0 100 0 0 cm /A Do Q"


def test_words_that_text_recognition_lays_below_a_scan_go_and_are_listed() -> None:
    raw = pdf(WHOLE + b" q 3 Tr BT /F1 9 Tf 1 0 0 1 9 9 Tm (Anna was here) Tj [(So) -20 (mebody)] TJ ET Q")
    new, drawn, residue = cleaned(raw)
    assert b"Anna" not in new
    assert drawn.split() == [*WHOLE.replace(b"/A", b"/I1").split(), b"q", b"Q"]
    said = [tag.value for tag in inspect(raw).tags if tag.path == "pdf/page/1/unseen_text"]
    assert said == [b"Anna was here So mebody"]
    assert residue == ()


@pytest.mark.parametrize("mode", [0, 1, 2, 4, 7])
def test_words_that_are_seen_or_cut_something_out_are_refused(mode: int) -> None:
    with pytest.raises(Unsupported, match="text"):
        cleaned(pdf(WHOLE + b" BT %d Tr (Anna) Tj ET" % mode))
    # What was set inside is taken back.
    with pytest.raises(Unsupported, match="text"):
        cleaned(pdf(WHOLE + b" q 3 Tr Q BT (Anna) Tj ET"))


def test_forms_are_laid_open_in_their_place() -> None:
    new, drawn, _ = cleaned(pdf(b"/F Do", IMAGE, form(), resources=b"/XObject<</F 6 0 R>>"))
    assert drawn.split(b"\n") == [b"q", b"2 0 0 2 5 5 cm", b"0 0 1 1 re", b"W", b"n", b"/I1 Do", b"Q"]
    assert b"/Form" not in new


def test_an_image_of_many_forms_is_written_once() -> None:
    new, drawn, _ = cleaned(
        pdf(b"/F Do 1 0 0 1 50 50 cm /F Do /A Do", IMAGE, form(), resources=b"/XObject<</F 6 0 R/A 5 0 R>>")
    )
    assert drawn.count(b"/I1 Do") == 3
    assert new.count(b"/Subtype /Image") == 1


@pytest.mark.parametrize(
    "bad",
    [
        pdf(b"/F Do", IMAGE, form(b"Q Q /P Do"), resources=b"/XObject<</F 6 0 R>>"),
        pdf(b"/F Do", IMAGE, form(b"/F Do").replace(b"/P 5", b"/F 6"), resources=b"/XObject<</F 6 0 R>>"),
        pdf(b"/F Do", IMAGE, form(more=b"/OC<<>>"), resources=b"/XObject<</F 6 0 R>>"),
        pdf(b"/F Do", IMAGE, form(more=b"/Group<</K true>>"), resources=b"/XObject<</F 6 0 R>>"),
        pdf(
            b"/G gs /F Do", IMAGE, form(more=b"/Group<</S/Transparency>>"),
            resources=b"/XObject<</F 6 0 R>>/ExtGState<</G<</ca .5>>>>",
        ),
        pdf(b"/G gs /A Do", resources=b"/XObject<</A 5 0 R>>/ExtGState<</G<</SMask<</S/Alpha>>>>>>"),
        pdf(b"/G gs /A Do", resources=b"/XObject<</A 5 0 R>>/ExtGState<</G<</BM[[/Normal]]>>>>"),
        pdf(b"/A Do", resources=b"/XObject[5 0 R]"),
        pdf(b"/Pattern cs /A Do"),
        pdf(b"/S sh /A Do"),
    ],
)  # fmt: skip
def test_what_cannot_be_laid_open_the_same_is_refused(bad: bytes) -> None:
    with pytest.raises(DataError):
        cleaned(bad)


def test_settings_and_colour_spaces_keep_their_numbers_and_nothing_else() -> None:
    new, drawn, _ = cleaned(
        pdf(
            b"/Anna gs /Ben cs 0.5 sc /Carla gs [3 1] 0 d 0 0 9 9 re f " + WHOLE,
            resources=b"/XObject<</A 5 0 R>>/ExtGState<</Anna<</ca .5/BM/Multiply/Somebody(was here)>>/Carla<</LW 1>>>>"
            b"/ColorSpace<</Ben[/CalGray<</WhitePoint[1 1 1]>>]>>",
        )
    )
    assert drawn.split(b"\n")[:5] == [b"/G1 gs", b"/C1 cs", b"0.5 sc", b"[3 1] 0 d", b"0 0 9 9 re"]
    assert b"/ExtGState <</G1 <</ca 0.5/BM /Multiply>>>>" in new
    for name in (b"Anna", b"Ben", b"Carla", b"Somebody", b"was here"):
        assert name not in new


@pytest.mark.parametrize(
    ("content", "residue"),
    [
        (WHOLE, ()),
        (b"0 0 100 100 re W n " + WHOLE, ()),
        (b"10 10 50 50 re W n " + WHOLE, (COVERED,)),
        (b"0 0 m 50 0 l 50 50 l h W n " + WHOLE, (COVERED,)),
        (WHOLE + b" 0 g 10 10 50 50 re f", (COVERED,)),
        (b"0 g 10 10 50 50 re f " + WHOLE, ()),
        (WHOLE + b" q 20 0 0 20 5 5 cm /B Do Q", (COVERED,)),
        (b"q 50 0 0 100 0 0 cm /A Do Q q 50 0 0 100 50 0 cm /B Do Q", ()),
        (b"q 100 0 0 100 50 0 cm /A Do Q", (OUTSIDE,)),
        (WHOLE.replace(b"100", b"0.01"), (SMALL,)),
    ],
)
def test_what_of_a_picture_is_not_seen_is_said(content: bytes, residue: tuple[str, ...]) -> None:
    assert cleaned(pdf(content))[2] == residue


@pytest.mark.parametrize(
    ("name", "coded"),
    [
        (b"ASCII85Decode", base64.a85encode(WHOLE) + b"~>"),
        (b"ASCIIHexDecode", WHOLE.hex().encode() + b">"),
        (b"RunLengthDecode", bytes([len(WHOLE) - 1]) + WHOLE + b"\x80"),
    ],
)
def test_pages_and_images_in_text_form_are_read(name: bytes, coded: bytes) -> None:
    samples = {
        b"ASCII85Decode": base64.a85encode(b"\1\2\3\4") + b"~>",
        b"ASCIIHexDecode": b"01020304>",
        b"RunLengthDecode": b"\3\1\2\3\4\x80",
    }[name]
    image = IMAGE.replace(b"/Length 4", b"/Filter/%s/Length %d" % (name, len(samples))).replace(b"\1\2\3\4", samples)
    new, drawn, _ = cleaned(pdf(coded, image, filters=b"/Filter/" + name))
    assert drawn.split() == WHOLE.replace(b"/A", b"/I1").split()
    assert b"\1\2\3\4\nendstream" in new
    with pytest.raises(DataError):
        cleaned(pdf(b"\x7fz" if name == b"RunLengthDecode" else b"\xff", image, filters=b"/Filter/" + name))


def test_forms_inside_forms_are_no_way_to_take_for_ever() -> None:
    nested = [form(b"/G Do " * 20).replace(b"/P 5", b"/G %d" % (7 + one)) for one in range(4)]
    raw = pdf(b"/F Do " * 20, IMAGE, *nested, form(), resources=b"/XObject<</F 6 0 R>>")
    begin = time.process_time()
    with pytest.raises(Unsupported, match="more forms"):
        cleaned(raw)
    assert time.process_time() - begin < 2


def test_of_very_many_pictures_it_is_said_that_some_may_be_covered() -> None:
    begin = time.process_time()
    assert COVERED in cleaned(pdf(b"".join(b"1 0 0 1 3 3 cm /A Do " for _ in range(3000))))[2]
    assert time.process_time() - begin < 2
