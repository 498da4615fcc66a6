"""HEIF, HEIC and AVIF stills: the primary picture, what it is made of and its alpha; everything else goes."""

from __future__ import annotations

from typing import BinaryIO

from veilset.containers.allowed import allowed, is_plain
from veilset.containers.assembly import Assembly, cut_out, union
from veilset.containers.bmff import Box, Reader, boxes, build, full, media_data, only
from veilset.containers.codec_boxes import ALPHA, known, rewrite
from veilset.containers.contract import Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.heif_items import Item, Meta, read_meta, write_meta
from veilset.containers.heif_tags import meta_tags
from veilset.core.errors import Malformed, Unsupported

BRANDS = frozenset(
    b"heic heix hevc hevx heim heis hevm hevs mif1 mif2 msf1 miaf MiHB MiHE MiHM MiAB MiHA MiPr MA1A MA1B avif avis "
    b"avio jpeg avci 1pic".split()
)
CODED = frozenset((b"hvc1", b"av01", b"avc1"))
DERIVED = frozenset((b"grid", b"iden", b"iovl"))
# Rotation in quarter turns anticlockwise and mirror axis to the EXIF value that shows the same.
TURNS = {
    (0, None): 1, (3, None): 6, (2, None): 3, (1, None): 8, (0, 1): 2, (0, 0): 4,
    (1, 0): 5, (3, 1): 5, (1, 1): 7, (3, 0): 7, (2, 1): 4, (2, 0): 2,
}  # fmt: skip


formats = ("heif", "avif")


def inspect(data: memoryview) -> Listing:
    """List the file: items, boxes, hidden pictures, and what rides along in them.

    Raises:
        Malformed: Boxes contradict each other.
        Unsupported: Image sequences, protected items, essential properties that are not known.
    """
    top, meta = _open(data)
    if any(box.kind == b"moov" for box in top):
        from veilset.containers.heif_sequence import Sequence

        moving = Sequence(data, top, meta)
        still = _facts(data, meta, _word(data))
        return Listing(moving.facts(still), tuple(moving.tags()), moving.assemble(Keep()).ledger())
    facts = _facts(data, meta, _word(data))
    plan = _assemble(data, top, meta, Keep(), [])
    return Listing(facts, tuple(meta_tags(data, top, meta, set(wanted_items(data, meta)))), plan.ledger())


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the file anew.

    **Guarantee**
    - The primary item, the items it is derived from and their alpha planes are copied untouched; no other item, box,
      item name or byte of the file goes out.
    - Rotation, mirroring, aperture and colour properties stay; a colour profile is rewritten without its text.
    """
    top, meta = _open(data)
    if any(box.kind == b"moov" for box in top):
        from veilset.containers.heif_sequence import Sequence

        return Sequence(data, top, meta).assemble(keep).finish(out)
    blocks: list[tuple[bytes, bytes, bytes]] = []
    if not is_plain(keep):
        what = allowed(meta_tags(data, top, meta, set(wanted_items(data, meta))), 1, keep)
        blocks += [(b"Exif", b"", bytes(4) + what.exif)] if what.exif else []
        blocks += [(b"mime", b"application/rdf+xml", what.xmp)] if what.xmp else []
    return _assemble(data, top, meta, keep, blocks).finish(out)


def _word(data: memoryview) -> str:
    return "avif" if bytes(data[8:12]) in (b"avif", b"avis") else "heif"


def _open(data: memoryview) -> tuple[list[Box], Meta]:
    name = "HEIF"
    top = list(boxes(data, 0, len(data), name, tail=True))
    if not top or top[0].kind != b"ftyp":
        raise Malformed(f"{name}: does not begin with a file type box")
    found: dict[bytes, list[Box]] = {}
    for box in top:
        found.setdefault(box.kind, []).append(box)
    return top, read_meta(data, only(found, b"meta", name), name)


def _property(meta: Meta, item: Item, kind: bytes) -> Box | None:
    return next((meta.properties[i - 1] for i, _ in item.properties if meta.properties[i - 1].kind == kind), None)


def _facts(data: memoryview, meta: Meta, word: str) -> Facts:
    item = meta.items[meta.primary]
    size = _property(meta, item, b"ispe")
    if size is None:
        raise Malformed("HEIF: the primary item has no size")
    reader = full(data, size, "HEIF")[2]
    width, height = reader.u(4), reader.u(4)
    turn = _property(meta, item, b"irot")
    mirror = _property(meta, item, b"imir")
    angle = Reader(data, turn.body, turn.stop, "HEIF").u(1) & 3 if turn else 0
    axis = Reader(data, mirror.body, mirror.stop, "HEIF").u(1) & 1 if mirror else None
    depth = _property(meta, item, b"pixi")
    channels, bits = 3, 8
    if depth:
        reader = full(data, depth, "HEIF")[2]
        channels, bits = reader.u(1), reader.u(1)
    alpha = any(_is_alpha(data, meta, aux) for aux in meta.to_item(b"auxl", meta.primary))
    return Facts(
        word, width, height, TURNS.get((angle, axis), 1), 1, bits, channels + alpha, "rgba" if alpha else "rgb"
    )


def _is_alpha(data: memoryview, meta: Meta, number: int) -> bool:
    item = meta.items.get(number)
    box = _property(meta, item, b"auxC") if item else None
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
        waiting += [aux for aux in meta.to_item(b"auxl", number) if _is_alpha(data, meta, aux)]
    return wanted


def _assemble(
    data: memoryview, top: list[Box], meta: Meta, keep: Keep, blocks: list[tuple[bytes, bytes, bytes]]
) -> Assembly:
    plan = Assembly(data, "HEIF")
    wanted = wanted_items(data, meta)
    kinds = brands(data, top[0])
    properties, chosen = used_properties(data, meta, wanted, keep)
    references = kept_references(meta, wanted)
    order = sorted(wanted.values(), key=lambda item: item.extents[0])
    lengths = {item.id: sum(stop - start for start, stop in item.extents) for item in order}
    for number, (kind, content_type, block) in enumerate(blocks, max(wanted) + 1):
        chosen.append(Item(number, kind, content_type=content_type))
        references.append((b"cdsc", number, (meta.primary,)))
        lengths[number] = len(block)
    mdat = media_data(sum(lengths.values()))
    head = write_meta(chosen, meta.primary, properties, references, {i: (0, n) for i, n in lengths.items()})
    at = len(kinds) + len(head) + len(mdat)
    places: dict[int, tuple[int, int]] = {}
    for number, length in lengths.items():
        places[number] = (at, length)
        at += length
    if at >= 1 << 32:
        raise Unsupported("HEIF: larger than 4 GB")
    plan.write(kinds + write_meta(chosen, meta.primary, properties, references, places) + mdat)
    for item in order:
        for start, stop in item.extents:
            plan.copy(start, stop)
    for _, _, block in blocks:
        plan.write(block)
    kept = union(span for item in order for span in item.extents)
    fence(top, meta, wanted, kept)
    claim(plan, top, (b"ftyp", b"meta"), kept)
    if any(meta.properties[i - 1].kind == b"clap" for item in order for i, _ in item.properties):
        plan.residue.append("pixels outside the clean aperture")
    if any(item.kind == b"iovl" for item in order):
        plan.residue.append("pixels hidden below an overlay")
    return plan


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


def used_properties(data: memoryview, meta: Meta, wanted: dict[int, Item], keep: Keep) -> tuple[list[bytes], list[Item]]:
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
