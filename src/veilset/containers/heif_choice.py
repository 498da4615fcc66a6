"""What of a HEIF file goes out: the primary item, what it is made of, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from veilset.containers.assembly import Assembly, cut_out
from veilset.containers.bmff import Box, Reader, build, full
from veilset.containers.codec_boxes import ALPHA, known, rewrite
from veilset.containers.codec_units import drawn_parts
from veilset.containers.contract import Fate, Keep
from veilset.containers.heif_items import Item, Meta
from veilset.core.errors import Malformed, Unsupported

BRANDS = frozenset(
    b"heic heix hevc hevx heim heis hevm hevs mif1 mif2 msf1 miaf MiHB MiHE MiHM MiAB MiHA MiPr MA1A MA1B avif avis "
    b"avio jpeg avci 1pic".split()
)
CONFIGS = frozenset((b"hvcC", b"avcC", b"av1C"))
CODED = frozenset((b"hvc1", b"av01", b"avc1"))
DERIVED = frozenset((b"grid", b"iden", b"iovl"))
OTHERS = "other pictures of the file were dropped; its main one stays"


def find_property(meta: Meta, item: Item, kind: bytes) -> Box | None:
    """An item's property of a kind, or None."""
    return next((meta.properties[i - 1] for i, _ in item.properties if meta.properties[i - 1].kind == kind), None)


def is_alpha(data: memoryview, meta: Meta, number: int) -> bool:
    """Whether an item is the alpha plane of another, and no depth map or gain map."""
    item = meta.items.get(number)
    box = find_property(meta, item, b"auxC") if item else None
    return box is not None and full(data, box, "HEIF")[2].text() in ALPHA


def wanted_items(data: memoryview, meta: Meta) -> dict[int, Item]:
    """Closure of the primary item under "is made of" and "is the alpha of"."""
    wanted: dict[int, Item] = {}
    waiting = [meta.primary]
    while waiting:
        number = waiting.pop()
        if number in wanted:
            continue
        item = meta.items.get(number)
        if item is None or not item.extents:
            if item is not None and item.kind == b"iden":
                raise Unsupported("HEIF: derived items without data are not served")
            raise Malformed("HEIF: the picture needs an item that is not there")
        if item.kind not in CODED | DERIVED:
            raise Unsupported(f"HEIF: pictures coded as {item.kind.decode('latin-1')!r} are not served")
        wanted[number] = item
        waiting += meta.from_item(b"dimg", number)
        waiting += [aux for aux in meta.to_item(b"auxl", number) if is_alpha(data, meta, aux)]
    return {number: replace(item, extents=_needed(data, meta, item)) for number, item in wanted.items()}


def holds_others(meta: Meta, wanted: Mapping[int, Item]) -> bool:
    """Whether a picture that stands for itself is not among `wanted`: a burst, the other eye; no thumbnail, tile or map."""
    parts = {end for word, _, ends in meta.references if word == b"dimg" for end in ends}
    riding = {start for word, start, _ in meta.references if word in (b"thmb", b"auxl", b"cdsc")}
    return any(
        item.kind in CODED | DERIVED and not item.hidden and number not in parts | riding
        for number, item in meta.items.items()
        if number not in wanted
    )


def _needed(data: memoryview, meta: Meta, item: Item) -> list[tuple[int, int]]:
    """Where the bytes of an item stand that its picture is drawn from."""
    if item.kind in DERIVED:
        return _first(item.extents, _recipe(data, meta, item))
    config = next((box for i, _ in item.properties if (box := meta.properties[i - 1]).kind in CONFIGS), None)
    if config is None:
        raise Malformed("HEIF: a coded picture does not say how it is coded")
    return drawn_parts(data, item.extents, item.kind, bytes(data[config.body : config.stop]))


def _recipe(data: memoryview, meta: Meta, item: Item) -> int:
    """Bytes that say how a picture is put together from others."""
    raw = b"".join(bytes(data[start : min(stop, start + 2)]) for start, stop in item.extents)[:2]
    width = 4 if raw[1] & 1 else 2
    if item.kind == b"grid":
        return 4 + 2 * width
    return 2 + 8 + 2 * width * (1 + len(meta.from_item(b"dimg", item.id))) if item.kind == b"iovl" else 0


def _first(spans: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """The first `size` bytes of what stands in pieces."""
    found = []
    for start, stop in spans:
        if size > 0:
            found.append((start, min(stop, start + size)))
            size -= stop - start
    if size > 0:
        raise Malformed("HEIF: a picture put together from others does not say how")
    return found


def kept_references(meta: Meta, wanted: dict[int, Item]) -> list[tuple[bytes, int, tuple[int, ...]]]:
    """References among kept items alone."""
    return [
        (kind, start, ends)
        for kind, start, ends in meta.references
        if kind in (b"dimg", b"auxl", b"prem") and start in wanted and all(end in wanted for end in ends)
    ]


def brands(data: memoryview, box: Box) -> bytes:
    """The file type box with known brands alone."""
    reader = Reader(data, box.body, box.stop, "HEIF")
    major = reader.take(4)
    reader.take(4)
    others = [brand for brand in (reader.take(4) for _ in range(reader.left // 4)) if brand in BRANDS]
    if major not in BRANDS:
        raise Unsupported("HEIF: the file type is not one of HEIF, HEIC or AVIF")
    return build(b"ftyp", major, bytes(4), *dict.fromkeys(others or [major]))


def used_properties(
    data: memoryview, meta: Meta, wanted: dict[int, Item], keep: Keep
) -> tuple[list[bytes], list[Item]]:
    """The properties that the kept items use, written anew and numbered anew."""
    written: list[bytes] = []
    numbers: dict[int, int | None] = {}
    chosen = []
    for item in sorted(wanted.values(), key=lambda entry: entry.id):
        listed = []
        for index, essential in item.properties:
            if index not in numbers:
                new = rewrite(data, meta.properties[index - 1], keep)
                numbers[index] = len(written) + 1 if new else None
                written += [new] if new else []
            number = numbers[index]
            if number is not None:
                listed.append((number, essential))
            elif essential and not known(meta.properties[index - 1].kind):
                raise Unsupported("HEIF: a property that is needed to show the picture is not known here")
        chosen.append(Item(item.id, item.kind, b"", item.hidden, b"", item.extents, listed))
    return written, chosen


def fence(top: list[Box], meta: Meta, wanted: dict[int, Item], kept: list[tuple[int, int]]) -> None:
    """Picture data lies in data boxes, and shares no byte with an item that goes: else that item would go out in it."""
    homes = [(box.body, box.stop) for box in top if box.kind == b"mdat"]
    homes += [(meta.idat.body, meta.idat.stop)] if meta.idat else []
    others = [span for item in meta.items.values() if item.id not in wanted for span in item.extents]
    for start, stop in kept:
        if not any(low <= start and stop <= high for low, high in homes):
            raise Malformed("HEIF: a part of the picture lies outside the boxes for it")
    if any(cut_out(span, kept) != [span] for span in others):
        raise Malformed("HEIF: a part of the picture is at the same time something else")


def claim(plan: Assembly, top: list[Box], rewritten: tuple[bytes, ...], kept: list[tuple[int, int]]) -> None:
    """Claim picture data as kept, the boxes named as rewritten, and all else as dropped."""
    for start, stop in kept:
        plan.claim(start, stop, Fate.KEPT, "coded picture")
    for box in top:
        for start, stop in cut_out((box.start, box.stop), kept):
            plan.claim(start, stop, Fate.REWRITTEN if box.kind in rewritten else Fate.DROPPED, f"{box.word} box")
