"""PDF that holds photographs: pages with images, written anew; a document with anything else is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from veilset.containers.allowed import is_plain
from veilset.containers.assembly import cut_out
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.kept_fields import kept_fields
from veilset.containers.pdf_content import ADVICE, Content, Drawn
from veilset.containers.pdf_filters import PLAIN
from veilset.containers.pdf_images import Body, Images, numbers
from veilset.containers.pdf_objects import Document, Name, Ref, Stream, Word, inflate
from veilset.containers.pdf_text import plain
from veilset.containers.rights_fields import rights_packet
from veilset.containers.risks import risk_of
from veilset.containers.xmp import read_xmp
from veilset.core.errors import DataError, Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "PDF"
formats = ("pdf",)
INHERITED = (b"MediaBox", b"CropBox", b"Rotate", b"Resources")
MOST_PAGES = 5000
CREATED = re.compile(r"D:(\d{4})(\d\d)(?:\d\d){0,4}(?:Z|[+-]\d\d'?(?:\d\d'?)?)?")


@dataclass
class Page:
    """One page, written anew but for its numbers."""

    entries: dict[bytes, Any]
    content: bytes
    resources: dict[bytes, Any]
    words: bytes


def inspect(data: memoryview) -> Listing:
    """List the document: its information, packets, histories, attachments, and what its pictures say.

    Raises:
        Malformed: Its objects contradict each other.
        Unsupported: Encrypted, or something else than pictures on its pages.
    """
    document = Document(data)
    pages, images = _read(document, Keep())
    tags = list(_tags(document))
    # The layer of words that text recognition lays below a scan.
    tags += [
        TagValue(f"pdf/page/{number}/unseen_text", page.words, Risk.CONTENT, len(page.words))
        for number, page in enumerate(pages, 1)
        if page.words.strip()
    ]
    box = next((page.entries[b"MediaBox"] for page in pages), [0, 0, 1, 1])
    width, height = (max(1, round(abs(box[i + 2] - box[i]))) for i in (0, 1))
    turned = int(pages[0].entries.get(b"Rotate", 0)) // 90 % 4 if pages else 0
    facts = Facts("pdf", width, height, (1, 6, 3, 8)[turned], max(len(pages), 1))
    return Listing(facts, tuple(tags), _claims(len(data), images))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the document anew: pages, their images, and nothing else.

    **Guarantee**
    - Information, packets, identifiers, earlier revisions, attachments, forms, scripts, comments and thumbnails go.
    - Embedded JPEG and JPEG 2000 files go through the cleaner of their own format; other image data are copied and
      cut to the samples that are shown.
    - Of what `keep` names, the author and the date of creation go into new information, everything into a new packet.
    """
    document = Document(data)
    pages, images = _read(document, keep)
    writer = _Writer(out)
    _write(writer, pages, images, *((b"", {}) if is_plain(keep) else _allowed(document, keep)))
    claims = _claims(len(data), images)
    return Rebuilt(writer.size, claims, tuple(writer.copied), tuple(dict.fromkeys(images.residue)))


def _allowed(document: Document, keep: Keep) -> tuple[bytes, dict[bytes, Any]]:
    """The packet and the entries of the information with what may stay."""
    tags = list(_tags(document))
    fields = kept_fields(tags, keep)
    info: dict[bytes, Any] = {}
    if "dc:creator" in fields:
        info[b"Author"] = b"\xfe\xff" + "; ".join(fields["dc:creator"]).encode("utf-16-be", "replace")
    made = next((str(tag.value) for tag in tags if tag.path == "pdf/Info/CreationDate"), "")
    moment = CREATED.fullmatch(made)
    if keep.dates != "drop" and moment:
        info[b"CreationDate"] = (made if keep.dates == "keep" else f"D:{moment[1]}{moment[2]}01000000").encode()
    return rights_packet(fields), info


def _claims(size: int, images: Images) -> tuple[Claim, ...]:
    kept = sorted({body.span for body in images.bodies if body.span})
    claims = [Claim(start, stop, Fate.KEPT, "image samples") for start, stop in kept if stop > start]
    claims += [Claim(start, stop, Fate.REWRITTEN, "objects") for start, stop in cut_out((0, size), kept)]
    return tuple(sorted(claims, key=lambda claim: claim.start))


def _read(document: Document, keep: Keep) -> tuple[list[Page], Images]:
    get = document.get
    root = get(document.trailer.get(b"Root"))
    if not isinstance(root, dict):
        raise Malformed(f"{NAME}: has no catalog")
    if {b"OCProperties", b"Collection", b"XFA"} & root.keys():
        raise Unsupported(f"{NAME}: has layers or is a portfolio; {ADVICE}")
    nodes = list(_pages(document, root.get(b"Pages"), {}, 0, set()))
    if not nodes:
        raise Malformed(f"{NAME}: has no pages")
    images = Images(document, keep, 3 + 2 * len(nodes))
    return [_page(document, node, images) for node in nodes], images


def _pages(
    document: Document, pointer: Any, above: dict[bytes, Any], depth: int, seen: set[int]
) -> Iterator[dict[bytes, Any]]:
    node = document.get(pointer)
    number = pointer.number if isinstance(pointer, Ref) else -1
    if not isinstance(node, dict) or depth > 32 or number in seen or len(seen) > MOST_PAGES:
        raise Malformed(f"{NAME}: the tree of pages is broken")
    seen.add(number)
    node = {**above, **node}
    kids = document.get(node.get(b"Kids"))
    if kids is None or document.get(node.get(b"Type")) == b"Page":
        yield node
        return
    for kid in kids if isinstance(kids, list) else []:
        yield from _pages(document, kid, {key: node[key] for key in INHERITED if key in node}, depth + 1, seen)


def _page(document: Document, node: dict[bytes, Any], images: Images) -> Page:
    get = document.get
    if images.keep.georeference and node.keys() & {b"VP", b"LGIDict"}:
        raise Unsupported(f"{NAME}: a page is a map, whose georeference cannot be kept; clean it without that choice")
    notes = get(node.get(b"Annots"))
    for note in notes if isinstance(notes, list) else []:
        about = get(note)
        if isinstance(about, dict) and get(about.get(b"Subtype")) not in (b"Link", b"Popup"):
            raise Unsupported(f"{NAME}: a page has comments, stamps or form fields; {ADVICE}")
    entries: dict[bytes, Any] = {b"MediaBox": numbers(get, node.get(b"MediaBox"))}
    if len(entries[b"MediaBox"]) != 4:
        raise Malformed(f"{NAME}: a page has no size")
    if b"CropBox" in node:
        entries[b"CropBox"] = numbers(get, node[b"CropBox"])[:4]
        if len(entries[b"CropBox"]) != 4:
            raise Malformed(f"{NAME}: a page has no size")
    if isinstance(get(node.get(b"Rotate")), int) and get(node[b"Rotate"]) % 360:
        entries[b"Rotate"] = get(node[b"Rotate"]) % 360
    contents = get(node.get(b"Contents"))
    parts = [get(part) for part in (contents if isinstance(contents, list) else [contents]) if part is not None]
    if not all(isinstance(part, Stream) for part in parts):
        raise Malformed(f"{NAME}: a page's content is broken")
    resources = get(node.get(b"Resources"))
    left, low, right, high = entries.get(b"CropBox", entries[b"MediaBox"])
    drawn = Drawn((min(left, right), min(low, high), max(left, right), max(low, high)))
    content = b"\n".join(document.decoded(part) for part in parts)
    Content(drawn, images).read(content, resources if isinstance(resources, dict) else {})
    used = {b"XObject": drawn.images, b"ExtGState": drawn.states, b"ColorSpace": drawn.spaces}
    named = {key: held for key, held in used.items() if held or key == b"XObject"}
    return Page(entries, b"\n".join(drawn.lines), named, b" ".join(drawn.words))


class _Writer:
    """Writes numbered objects and remembers where they stand."""

    def __init__(self, out: BinaryIO) -> None:
        self.out, self.size = out, 0
        self.places: list[int] = []
        self.copied: list[tuple[int, int, int]] = []

    def put(self, raw: bytes) -> None:
        self.out.write(raw)
        self.size += len(raw)

    def object(self, value: Any) -> None:
        self.places.append(self.size)
        self.put(b"%d 0 obj\n" % len(self.places) + plain(value) + b"\nendobj\n")

    def stream(self, body: Body) -> None:
        self.places.append(self.size)
        entries = {**body.entries, b"Length": len(body.raw)}
        self.put(b"%d 0 obj\n" % len(self.places) + plain(entries) + b"\nstream\n")
        if body.span:
            self.copied.append((body.span[0], self.size, len(body.raw)))
        self.put(body.raw + b"\nendstream\nendobj\n")


def _write(writer: _Writer, pages: list[Page], images: Images, packet: bytes, info: dict[bytes, Any]) -> None:
    """Catalog, tree, a page and its content by turns, images, packet, information; numbers follow from the order."""
    writer.put(b"%PDF-1.7\n")
    last = 2 + 2 * len(pages) + len(images.bodies)
    described = {b"Metadata": Ref(last + 1)} if packet else {}
    writer.object({b"Type": Name(b"Catalog"), b"Pages": Ref(2), **described})
    kids = [Ref(3 + 2 * number) for number in range(len(pages))]
    writer.object({b"Type": Name(b"Pages"), b"Count": len(pages), b"Kids": kids})
    for number, page in enumerate(pages):
        about = {b"Type": Name(b"Page"), b"Parent": Ref(2), **page.entries, b"Contents": Ref(4 + 2 * number)}
        writer.object({**about, b"Resources": page.resources})
        writer.stream(Body({}, page.content))
    for body in images.bodies:
        writer.stream(body)
    if packet:
        writer.stream(Body({b"Type": Name(b"Metadata"), b"Subtype": Name(b"XML")}, packet))
    trailer = {b"Root": Ref(1)}
    if info:
        writer.object(info)
        trailer[b"Info"] = Ref(len(writer.places))
    start, count = writer.size, len(writer.places) + 1
    writer.put(b"xref\n0 %d\n0000000000 65535 f \n" % count)
    writer.put(b"".join(b"%010d 00000 n \n" % place for place in writer.places))
    writer.put(b"trailer\n" + plain({b"Size": count, **trailer}) + b"\nstartxref\n%d\n%%%%EOF\n" % start)


def _tags(document: Document) -> Iterator[TagValue]:
    if document.revisions > 1 or document.raw.count(b"%%EOF") > 1:
        yield TagValue("pdf/revisions", document.raw.count(b"%%EOF"), Risk.HIDDEN)
    for key in (b"Info", b"ID"):
        yield from _strings(document.get(document.trailer.get(key)), f"pdf/{key.decode()}", 0)
    for number in sorted(document.places):
        value = document.object(number)
        if isinstance(value, Stream):
            yield from _strings(value.entries, f"pdf/{number}", 0)
            yield from _stream_tags(document, number, value)
        else:
            yield from _strings(value, f"pdf/{number}", 0)


def _strings(value: Any, path: str, depth: int) -> Iterator[TagValue]:
    """Every string inside an object, under its keys."""
    if isinstance(value, dict) and depth < 16:
        for key, item in value.items():
            yield from _strings(item, f"{path}/{key.decode('latin-1')}", depth + 1)
    elif isinstance(value, list) and depth < 16:
        for item in value:
            yield from _strings(item, path, depth + 1)
    elif isinstance(value, bytes) and not isinstance(value, Name | Word) and value:
        text = value.decode("utf-16" if value[:2] in (b"\xfe\xff", b"\xff\xfe") else "latin-1", "replace")
        yield TagValue(path, text, risk_of(path), len(value))


def pictures(data: memoryview) -> Iterator[tuple[str, bytes]]:
    """The JPEG and JPEG 2000 files inside the document, by the number of their object.

    Raises:
        Malformed: Its objects contradict each other.
        Unsupported: It is encrypted.
    """
    document = Document(data)
    for number in sorted(document.places):
        stream = document.object(number)
        # What cannot be read is listed as such, and does not go out.
        with suppress(DataError):
            if isinstance(stream, Stream) and (raw := _file_in(document, stream)):
                yield f"pdf/{number}", raw


def _file_in(document: Document, stream: Stream) -> bytes:
    """The picture file that an image is coded as; empty when it is none."""
    kinds = document.filters(stream)[0]
    is_image = document.get(stream.entries.get(b"Subtype")) == b"Image"
    if not is_image or kinds[-1:] not in ([b"DCTDecode"], [b"JPXDecode"]):
        return b""
    raw = bytes(document.raw[stream.start : stream.stop])
    while len(kinds) > 1 and (kinds[0] == b"FlateDecode" or kinds[0] in PLAIN):
        raw, kinds = PLAIN[bytes(kinds[0])](raw) if kinds[0] in PLAIN else inflate(raw)[0], kinds[1:]
    return raw


def _stream_tags(document: Document, number: int, stream: Stream) -> Iterator[TagValue]:
    kind, inner = document.get(stream.entries.get(b"Type")), document.get(stream.entries.get(b"Subtype"))
    try:
        if kind == b"Metadata" or inner == b"XML":
            yield from read_xmp(document.decoded(stream))
        elif kind == b"EmbeddedFile":
            raw = document.decoded(stream)
            yield TagValue(f"pdf/{number}/attachment", raw, Risk.HIDDEN, len(raw))
        elif raw := _file_in(document, stream):
            from veilset.containers import inspect as look

            for tag in look(raw).tags:
                yield TagValue(f"pdf/{number}/{tag.path}", tag.value, tag.risk, tag.size, tag.technical)
    except DataError:
        # What cannot be read does not go out either; that it is there is what the list has to say.
        yield TagValue(f"pdf/{number}/unreadable", document.raw[stream.start : stream.stop], Risk.CONTENT)
