"""PNG and APNG: chunks by allowlist, pictures cut to their declared size, nothing after the end."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, NamedTuple

from veilset.containers.allowed import Allowed, allowed
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.exif import orientation_of
from veilset.containers.pieces import Ledger, Piece, emit
from veilset.containers.png_chunks import SIGNATURE, Chunk, Head, chunks, make_chunk, measure, read_head, recompress
from veilset.containers.png_fields import (
    bare_transparency,
    check_frames,
    cut_palette,
    indices_used,
    misplaced,
    plausible,
    unshown_still,
)
from veilset.containers.png_rows import check_filters, rows_of, without_filling
from veilset.containers.transparent import UNSEEN, hides_colours
from veilset.core.errors import Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

formats = ("png",)

_LENGTHS = {
    b"gAMA": {4}, b"cHRM": {32}, b"sRGB": {1}, b"cICP": {4}, b"sBIT": {1, 2, 3, 4}, b"pHYs": {9},
    b"bKGD": {1, 2, 6}, b"mDCV": {24}, b"cLLI": {8}, b"acTL": {8}, b"fcTL": {26},
}  # fmt: skip
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
_COLOURS = {0: "grey", 2: "rgb", 3: "palette", 4: "greya", 6: "rgba"}
_RESIDUE = ("pixel size", "sensor noise")
_STILL = "a still picture that the animation does not show"


class Picture(NamedTuple):
    """The chunks of one compressed picture, where its bytes lie in them, and its decoded size."""

    members: tuple[int, ...]
    parts: tuple[memoryview, ...]
    expected: int
    size: tuple[int, int]


def inspect(data: memoryview) -> Listing:
    """Facts, every tag, and claims over every byte."""
    from veilset.containers.png_tags import tags_of

    found, end = chunks(data)
    head = read_head(data, found)
    listed = tags_of(data, found, end)
    surplus = [
        (found[picture.members[0]].name.decode(), measured.surplus, b"".join(picture.parts)[measured.used :])
        for picture in _pictures(data, found, head)
        for measured in [measure(picture.parts, picture.expected)]
    ]
    from veilset.containers.png_tags import surplus_tags

    plan = _plan(data, found, end, head, Allowed())
    said = (*listed, *surplus_tags(surplus), *_odd(data, found, plan[1], head))
    return Listing(_facts(data, found, head), said, tuple(plan[1]))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the coded picture with nothing but what `keep` allows."""
    from veilset.containers.png_tags import tags_of

    found, end = chunks(data)
    what = allowed(tags_of(data, found, end), _orientation(data, found), keep)
    return _write(data, out, what)


def write_with(data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
    """Write the coded picture with the given block of tags and no other."""
    return _write(data, out, what)


def _write(data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
    found, end = chunks(data)
    head = read_head(data, found)
    _facts(data, found, head)
    pieces, claims = _plan(data, found, end, head, what)
    still: tuple[str, ...] = (_STILL,) if _animated(found) and unshown_still(found) else ()
    still += (UNSEEN,) if _hides_colours(data, head) else ()
    return emit(pieces, data, out, claims, (*_RESIDUE, *what.notes, *still))


def _odd(data: memoryview, found: list[Chunk], claims: list[Claim], head: Head) -> list[TagValue]:
    """A tag for chunks that show a picture and go all the same, for palette entries that no pixel has, and for a still
    picture that an animation does not show."""
    silent = {f"chunk {name}" for name in ("PLTE", "tRNS", "acTL", "fcTL", *map(bytes.decode, _LENGTHS))}
    tags = [
        TagValue(f"png/{claim.what[6:]}/unused", bytes(data[claim.start : claim.stop]), Risk.CONTENT)
        for claim in claims
        if claim.what in silent and claim.fate is Fate.DROPPED
    ]
    # What is cut from a palette may stand in it a second time, so it is only named.
    tags += [
        TagValue(f"png/{claim.what[6:]}/unused", None, Risk.CONTENT, claim.stop - claim.start)
        for claim in claims
        if claim.what in {"chunk PLTE", "chunk tRNS"} and claim.fate is Fate.REWRITTEN
    ]
    if head.depth < 8 and any(claim.what == "chunk IDAT" and claim.fate is Fate.REWRITTEN for claim in claims):
        tags.append(TagValue("png/row_padding", None, Risk.CONTENT))
    if _animated(found) and unshown_still(found):
        tags.append(TagValue("png/still", None, Risk.HIDDEN))
    return tags


def _hides_colours(data: memoryview, head: Head) -> bool:
    return head.kind in {4, 6} and hides_colours(data, "PNG", head.width * head.height)


def _animated(found: list[Chunk]) -> bool:
    """Whether animation is announced, which has to be done before the picture."""
    names = [chunk.name for chunk in found]
    return b"acTL" in names and (b"IDAT" not in names or names.index(b"acTL") < names.index(b"IDAT"))


def _plan(data: memoryview, found: list[Chunk], end: int, head: Head, what: Allowed) -> tuple[list[Piece], list[Claim]]:
    animated, wrong = _animated(found), misplaced(found)
    if animated:
        check_frames(data, found, head)
    pictures = list(_pictures(data, found, head))
    fixed = _cut_pictures(found, pictures, head) | _palette(data, found, head, pictures, wrong)
    ledger = Ledger()
    ledger.add(0, 8, Fate.KEPT, "signature")
    pieces: list[Piece] = [SIGNATURE]
    number = 0
    for index, chunk in enumerate(found):
        name, start, stop = chunk
        stays = index not in wrong and _stays(data, chunk, head, animated)
        if animated and name in _ANIMATION and not stays and index not in wrong:
            # Without it, the other chunks of the animation would mean something else.
            raise Malformed("a chunk of the PNG's animation is damaged; save it anew")
        if not stays:
            ledger.add(start, stop, Fate.DROPPED, f"chunk {name.decode('ascii')}")
            continue
        new = fixed.get(index)
        if new is None and name == b"tRNS":
            new = bare_transparency(bytes(data[chunk.body]), head)
        if new is None and name in {b"fcTL", b"fdAT"}:
            new = _renumbered(data, chunk, number)
        elif new and name == b"fdAT":
            new = make_chunk(name, struct.pack(">I", number) + new[12:-4])
        number += name in {b"fcTL", b"fdAT"} and new != b""
        fate = Fate.KEPT if new is None else Fate.DROPPED if new == b"" and name == b"tRNS" else Fate.REWRITTEN
        ledger.add(start, stop, fate, f"chunk {name.decode('ascii')}")
        pieces.append((start, stop) if new is None else new)
        if name == b"IHDR":
            pieces.append(_blocks(what))
    ledger.add(end, len(data), Fate.DROPPED, "bytes after the picture")
    return [piece for piece in pieces if piece], ledger.claims


def _stays(data: memoryview, chunk: Chunk, head: Head, animated: bool) -> bool:
    name, size = chunk.name, chunk.stop - chunk.start - 12
    if name in _CRITICAL:
        # Of true colours a palette only says how to reduce them, to programs of another age.
        return name != b"PLTE" or head.kind == 3
    if not name[0] & 32:
        raise Unsupported(f"the PNG needs a chunk {name.decode('ascii')} that is not known; save it anew")
    if name in _ANIMATION and not animated:
        return False
    wanted = _LENGTHS.get(name)
    if name == b"tRNS":
        wanted = {0: {2}, 2: {6}}.get(head.kind, set(range(1, 257)) if head.kind == 3 else set())
    if name != b"fdAT" and (wanted is None or size not in wanted):
        return False
    if name in _LENGTHS and not plausible(name, bytes(data[chunk.body]), head):
        return False
    return bool(zlib.crc32(data[chunk.start + 4 : chunk.stop - 4]) == struct.unpack_from(">I", data, chunk.stop - 4)[0])


def _renumbered(data: memoryview, chunk: Chunk, number: int) -> bytes | None:
    if struct.unpack_from(">I", data, chunk.start + 8)[0] == number:
        return None
    return make_chunk(chunk.name, struct.pack(">I", number) + bytes(data[chunk.body][4:]))


def _pictures(data: memoryview, found: list[Chunk], head: Head) -> Iterator[Picture]:
    still = [index for index, chunk in enumerate(found) if chunk.name == b"IDAT"]
    if not still or still[-1] - still[0] != len(still) - 1:
        raise Malformed("a PNG holds its picture in chunks that follow one another")
    whole = (head.width, head.height)
    yield Picture(tuple(still), tuple(data[found[i].body] for i in still), head.decoded_size(*whole), whole)
    if not _animated(found):
        return
    members: list[int] = []
    size = (0, 0)
    for index, chunk in enumerate([*found, Chunk(b"fcTL", 0, 0)]):
        if chunk.name == b"fcTL":
            if members:
                parts = tuple(data[found[i].body][4:] for i in members)
                yield Picture(tuple(members), parts, head.decoded_size(*size), size)
            members = []
            if chunk.stop:
                size = struct.unpack_from(">II", data, chunk.start + 12)
        elif chunk.name == b"fdAT":
            members.append(index)


def _palette(
    data: memoryview, found: list[Chunk], head: Head, pictures: list[Picture], wrong: set[int]
) -> dict[int, bytes]:
    """New chunks for a palette, and its transparency, that hold more than the pixels use."""
    if head.kind != 3:
        return {}
    places = {found[i].name: i for i in range(len(found)) if i not in wrong and found[i].name in {b"PLTE", b"tRNS"}}
    if b"PLTE" not in places:
        return {}
    bodies = [bytes(data[found[places[name]].body]) if name in places else b"" for name in (b"PLTE", b"tRNS")]
    used = indices_used(head, ((*picture.size, b"".join(picture.parts)) for picture in pictures))
    new = cut_palette(bodies[0], bodies[1], used, head.depth)
    return {
        places[name]: make_chunk(name, after) if after else b""
        for name, before, after in zip((b"PLTE", b"tRNS"), bodies, new, strict=True)
        if name in places and before != after
    }


def _cut_pictures(found: list[Chunk], pictures: list[Picture], head: Head) -> dict[int, bytes]:
    """New chunks for pictures that hold more than they show: chunk index to its bytes (empty: left out)."""
    fixed: dict[int, bytes] = {}
    for picture in pictures:
        total = sum(map(len, picture.parts))
        measured = measure(picture.parts, picture.expected, partial(check_filters, rows_of(head, *picture.size)))
        if measured.overlong:
            stream = recompress(picture.parts, picture.expected)
        else:
            stream = b"".join(picture.parts)[: measured.used] if measured.used != total or head.depth < 8 else b""
        if head.depth < 8:
            bare = without_filling(head, picture.size, stream)
            stream = bare or (stream if measured.overlong or measured.used != total else b"")
        if not stream:
            continue
        name = found[picture.members[0]].name
        body = stream if name == b"IDAT" else bytes(4) + stream
        fixed |= dict.fromkeys(picture.members, b"")
        fixed[picture.members[0]] = make_chunk(name, body)
    return fixed


def _blocks(what: Allowed) -> bytes:
    made = b""
    if what.icc:
        made += make_chunk(b"iCCP", b"profile\0\0" + zlib.compress(what.icc, 9))
    if what.exif:
        made += make_chunk(b"eXIf", what.exif)
    if what.xmp:
        made += make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + what.xmp)
    return made


def _orientation(data: memoryview, found: list[Chunk]) -> int:
    for chunk in found:
        if chunk.name == b"eXIf":
            return orientation_of(data[chunk.body])
    return 1


def _facts(data: memoryview, found: list[Chunk], head: Head) -> Facts:
    frames = 1
    controls = [data[chunk.body] for chunk in found if chunk.name == b"acTL"]
    if len(controls) > 1:
        raise Malformed("a PNG says twice that it is an animation, which programs take in different ways; save it anew")
    if controls:
        frames = struct.unpack_from(">I", controls[0])[0]
        if frames != sum(chunk.name == b"fcTL" for chunk in found) or not frames:
            raise Malformed("the PNG animation holds another number of frames than it declares")
    if head.kind == 3 and not any(chunk.name == b"PLTE" for chunk in found):
        raise Malformed("a PNG with a palette has none")
    for chunk in found:
        size = chunk.stop - chunk.start - 12
        if chunk.name == b"PLTE" and (size % 3 or not 0 < size <= 768):
            raise Malformed("a PNG palette has an impossible size")
        if chunk.name == b"IEND" and size:
            raise Malformed("the end chunk of a PNG holds bytes")
    return Facts(
        "png", head.width, head.height, _orientation(data, found), frames, head.depth, head.channels,
        _COLOURS[head.kind],
    )  # fmt: skip
