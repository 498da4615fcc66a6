"""HEIF, HEIC and AVIF stills: the primary picture, what it is made of and its alpha; everything else goes."""

from __future__ import annotations

from typing import BinaryIO

from veilset.containers.allowed import allowed, is_plain
from veilset.containers.assembly import Assembly, union
from veilset.containers.bmff import Box, Reader, boxes, full, media_data, only
from veilset.containers.contract import Facts, Keep, Listing, Rebuilt
from veilset.containers.heif_choice import (
    CODED,
    OTHERS,
    brands,
    claim,
    fence,
    find_property,
    holds_others,
    is_alpha,
    kept_references,
    used_properties,
    wanted_items,
)
from veilset.containers.heif_items import Item, Meta, read_meta, write_meta
from veilset.containers.heif_sequence import Sequence
from veilset.containers.heif_tags import meta_tags
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.core.errors import Malformed, Unsupported

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
        moving = Sequence(data, top, meta)
        still = _facts(data, meta, _word(data))
        return Listing(moving.facts(still), tuple(moving.tags()), moving.assemble(Keep()).ledger())
    facts = _facts(data, meta, _word(data))
    plan = _assemble(data, top, meta, Keep(), [])
    return Listing(facts, tuple(meta_tags(data, top, meta, wanted_items(data, meta))), plan.ledger())


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the file anew.

    **Guarantee**
    - The primary item, the items it is derived from and their alpha planes are copied untouched; no other item, box,
      item name or byte of the file goes out.
    - Rotation, mirroring, aperture and colour properties stay; a colour profile is rewritten without its text.
    """
    top, meta = _open(data)
    if any(box.kind == b"moov" for box in top):
        return Sequence(data, top, meta).assemble(keep).finish(out)
    blocks: list[tuple[bytes, bytes, bytes]] = []
    if not is_plain(keep):
        what = allowed(meta_tags(data, top, meta, wanted_items(data, meta)), 1, keep)
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


def _facts(data: memoryview, meta: Meta, word: str) -> Facts:
    item = meta.items[meta.primary]
    size = find_property(meta, item, b"ispe")
    if size is None:
        raise Malformed("HEIF: the primary item has no size")
    reader = full(data, size, "HEIF")[2]
    width, height = reader.u(4), reader.u(4)
    turn = find_property(meta, item, b"irot")
    mirror = find_property(meta, item, b"imir")
    angle = Reader(data, turn.body, turn.stop, "HEIF").u(1) & 3 if turn else 0
    axis = Reader(data, mirror.body, mirror.stop, "HEIF").u(1) & 1 if mirror else None
    depth = find_property(meta, item, b"pixi")
    channels, bits = 3, 8
    if depth:
        reader = full(data, depth, "HEIF")[2]
        channels, bits = reader.u(1), reader.u(1)
    alpha = any(is_alpha(data, meta, aux) for aux in meta.to_item(b"auxl", meta.primary))
    return Facts(
        word, width, height, TURNS.get((angle, axis), 1), 1, bits, channels + alpha, "rgba" if alpha else "rgb"
    )


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
    if any(item.kind in CODED for item in order):
        plan.residue.append(UNSEARCHED)
    if holds_others(meta, wanted):
        plan.residue.append(OTHERS)
    if any(item.kind == b"iovl" for item in order):
        plan.residue.append("pixels hidden below an overlay")
    return plan
