"""What a HEIF file says besides its picture: items, names, boxes, hidden pictures and whole films behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from veilset.containers.assembly import cut_out, union
from veilset.containers.bmff import Box, children, full
from veilset.containers.codec_boxes import rewrite
from veilset.containers.contract import Keep
from veilset.containers.exif import read_exif
from veilset.containers.heif_items import Item, Meta
from veilset.containers.icc import read_icc
from veilset.containers.xmp import read_xmp
from veilset.core.errors import DataError
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

PICTURES = frozenset(
    (b"hvc1", b"av01", b"avc1", b"jpeg", b"grid", b"iden", b"iovl", b"tmap", b"hev1", b"j2k1", b"unci")
)
STRUCTURE = frozenset((b"ftyp", b"meta", b"mdat"))


def meta_tags(data: memoryview, top: list[Box], meta: Meta, wanted: Mapping[int, Item]) -> Iterator[TagValue]:
    """Tags of every item that is not in `wanted`, of every item name, and of every box that has no place here."""
    yield from _handler_name(data, meta)
    for item in meta.items.values():
        if item.name.strip(b"\0"):
            yield TagValue(f"heif/item/{item.id}/name", _text(item.name), Risk.HISTORY, len(item.name))
        if item.id not in wanted:
            yield from _item_tags(data, meta, item)
            continue
        kept = union(wanted[item.id].extents)
        left = b"".join(bytes(data[low:high]) for span in item.extents for low, high in cut_out(span, kept))
        if left:
            yield TagValue(f"heif/item/{item.id}/messages", left, Risk.CONTENT, len(left))
    for box in meta.properties:
        if box.kind == b"colr" and bytes(data[box.body : box.body + 4]) in (b"prof", b"rICC"):
            yield from read_icc(bytes(data[box.body + 4 : box.stop]))
        elif box.kind in (b"irot", b"imir"):
            yield TagValue(f"heif/{box.word}", data[box.body] if box.stop > box.body else 0, technical=True, size=1)
        elif box.kind != b"udes" and _goes(data, box):
            raw = bytes(data[box.body : box.stop])
            yield TagValue(f"heif/property/{box.word}", raw, Risk.CONTENT, box.stop - box.start)
        elif box.kind == b"udes":
            yield TagValue("heif/udes", _text(bytes(data[box.body : box.stop])), Risk.CONTENT, box.stop - box.start)
    for box in meta.unread:
        yield TagValue(f"heif/meta/{box.word}", bytes(data[box.body : box.stop]), Risk.CONTENT, box.stop - box.start)
    for box in top:
        if box.kind not in STRUCTURE:
            yield from _top_tags(data, box)


def _goes(data: memoryview, box: Box) -> bool:
    """Whether a property would go, be cut, or be refused where a picture that is shown needs it."""
    try:
        return rewrite(data, box, Keep()) != bytes(data[box.start : box.stop])
    except DataError:
        return True


def _handler_name(data: memoryview, meta: Meta) -> Iterator[TagValue]:
    for box in children(data, meta.box, "HEIF", skip=4).get(b"hdlr", []):
        name = bytes(data[box.body + 24 : box.stop]).strip(b"\0")
        if name:
            yield TagValue("heif/handler_name", _text(name), Risk.HISTORY, len(name))


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def _item_tags(data: memoryview, meta: Meta, item: Item) -> Iterator[TagValue]:
    size = sum(stop - start for start, stop in item.extents)
    raw = b"".join(bytes(data[start:stop]) for start, stop in item.extents)
    if item.kind == b"Exif":
        yield from read_exif(memoryview(tiff_of(raw)))
    elif item.kind == b"mime" and item.content_type == b"application/rdf+xml":
        yield from read_xmp(raw)
    elif item.kind in PICTURES:
        yield TagValue(f"heif/{_role(data, meta, item)}/{item.id}", raw, Risk.HIDDEN, size)
    else:
        if item.kind == b"uri ":
            yield TagValue(f"heif/item/{item.id}/uri", _text(item.content_type), Risk.HISTORY, len(item.content_type))
        word = item.content_type.decode("latin-1") if item.kind == b"mime" else item.kind.decode("latin-1")
        yield TagValue(f"heif/item/{item.id}/{word}", raw, Risk.CONTENT, size)


def tiff_of(raw: bytes) -> bytes:
    """The TIFF structure inside an Exif item, whose first four bytes say where it begins."""
    start = 4 + int.from_bytes(raw[:4], "big")
    if raw[start : start + 2] not in (b"II", b"MM"):
        start = max(raw.find(b"MM\0*"), raw.find(b"II*\0"), 0)
    return raw[start:]


def _role(data: memoryview, meta: Meta, item: Item) -> str:
    if any(kind == b"thmb" and start == item.id for kind, start, _ in meta.references):
        return "thumbnail"
    for index, _ in item.properties:
        box = meta.properties[index - 1]
        if box.kind == b"auxC":
            return "auxiliary/" + _text(full(data, box, "HEIF")[2].text())
    return "gain_map" if item.kind == b"tmap" else "picture"


def _top_tags(data: memoryview, box: Box) -> Iterable[TagValue]:
    """A box with no place in a still picture; a film in it is listed as well."""
    raw = bytes(data[box.body : box.stop])
    film = raw.find(b"ftyp", 4)
    risk = Risk.HIDDEN if film >= 4 or box.kind in (b"mpvd", b"moov") else Risk.CONTENT
    tags = [TagValue(f"heif/{box.word}", raw, risk, box.stop - box.start)]
    if film >= 4:
        from veilset.containers import mp4

        try:
            inner = mp4.inspect(memoryview(raw)[film - 4 :]).tags
        except DataError:
            # The film is damaged, which changes nothing: the box goes as a whole.
            return tags
        tags += [tag._replace(path=f"heif/{box.word}/{tag.path}") for tag in inner]
    return tags
