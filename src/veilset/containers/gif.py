"""GIF: frames, their timing and the loop count stay; comments, text, vendor blocks and tails go."""

from __future__ import annotations

import struct
from functools import reduce
from typing import BinaryIO, NamedTuple

import numpy as np

from veilset.containers.allowed import Allowed, allowed
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.gif_codes import needed_bytes
from veilset.containers.gif_palette import Flags, bare_table, used_entries
from veilset.containers.pieces import Ledger, Piece, emit
from veilset.containers.recognise import identify
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

formats = ("gif",)

_CONTROL, _COMMENT, _TEXT, _APPLICATION = 0xF9, 0xFE, 0x01, 0xFF
_LOOPS = {b"NETSCAPE2.0", b"ANIMEXTS1.0"}
_ICC = b"ICCRGBG1012"
_XMP = b"XMP DataXMP"
_RESIDUE = ("palette and coding choices", "pixel size")
_PALETTE = "palette"
_BEYOND = "pixels of frames that lie outside of the screen"
_UNPROVEN = "palette entries that may not be used"
# Beyond this, frames are not decoded to tell which colours they use.
_MOST_PIXELS = 1 << 29


class Block(NamedTuple):
    """One block: extension label (0x2C for a picture), where it starts, its data blocks, and where it stops."""

    label: int
    start: int
    blocks: int
    stop: int


class Parsed(NamedTuple):
    """Where the screen header ends, the blocks, and where the trailer ends."""

    head: int
    found: list[Block]
    end: int


def inspect(data: memoryview) -> Listing:
    """Facts, every tag, and claims over every byte."""
    parsed = _parse(data)
    claims = tuple(_plan(data, parsed, Allowed(), _used(data, parsed))[1])
    cut = sum(claim.stop - claim.start for claim in claims if claim.what == _PALETTE and claim.fate is Fate.REWRITTEN)
    # What is cut from a palette may stand in it a second time, so it is only named.
    tags = [*_tags(data, parsed), *([TagValue("gif/unused_palette", None, Risk.CONTENT, cut)] if cut else [])]
    tags += [TagValue("gif/control", None, Risk.CONTENT, 8)] * any(
        claim.what == f"extension {_CONTROL:#04x}" and claim.fate is Fate.DROPPED for claim in claims
    )
    tags += [TagValue("gif/outside_screen", None, Risk.HIDDEN)] if _beyond(data, parsed) else []
    return Listing(_facts(data, parsed), tuple(tags), claims)


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the coded frames with nothing but what `keep` allows."""
    parsed = _parse(data)
    what = allowed(_tags(data, parsed), 1, keep)
    return _write(data, out, parsed, what)


def write_with(data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
    """Write the coded frames with the given block of tags; GIF has room for a profile and XMP, not for EXIF."""
    return _write(data, out, _parse(data), what)


def _write(data: memoryview, out: BinaryIO, parsed: Parsed, what: Allowed) -> Rebuilt:
    used = _used(data, parsed)
    pieces, claims = _plan(data, parsed, what, used)
    notes = (*what.notes, "GIF has no room for EXIF") if what.exif else what.notes
    notes += (_BEYOND,) if _beyond(data, parsed) else ()
    notes += (_UNPROVEN,) if any(flags is None for flags in used.values()) else ()
    return emit(pieces, data, out, claims, (*_RESIDUE, *notes))


def _size(data: memoryview, block: Block) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, block.start + 5)
    return width, height


def _beyond(data: memoryview, parsed: Parsed) -> bool:
    """Whether a frame reaches outside of the screen, where most programs cut it off."""
    screen = struct.unpack_from("<HH", data, 6)
    return any(
        low + size > limit
        for block in parsed.found
        if block.label == 0x2C
        for low, size, limit in zip(
            struct.unpack_from("<HH", data, block.start + 1), _size(data, block), screen, strict=True
        )
    )


def _used(data: memoryview, parsed: Parsed) -> dict[int, Flags | None]:
    """Which entries the screen's palette (at -1) and each picture's own (by its place) need; None where that is unknown."""
    found: dict[int, Flags | None] = {}
    shared: list[Flags | None] = []
    left = _MOST_PIXELS
    for block in parsed.found:
        if block.label != 0x2C:
            continue
        width, height = _size(data, block)
        left -= width * height
        smallest = data[block.blocks - 1]
        used = used_entries(_joined(data, block.blocks), smallest, width, height) if left > 0 else None
        if data[block.start + 9] & 0x80:
            found[block.start] = used
        else:
            shared.append(used)
    if data[10] & 0x80:
        known = [flags for flags in shared if flags is not None]
        background = np.arange(256) == data[11]
        found[-1] = reduce(np.logical_or, known, background) if len(known) == len(shared) else None
    return found


def _blocks_end(data: memoryview, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _joined(data: memoryview, at: int) -> bytes:
    parts = []
    while data[at]:
        parts.append(bytes(data[at + 1 : at + 1 + data[at]]))
        at += data[at] + 1
    return b"".join(parts)


def _table_size(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _parse(data: memoryview) -> Parsed:
    if bytes(data[:6]) not in {b"GIF87a", b"GIF89a"}:
        raise Malformed("a GIF starts with its signature, this does not")
    try:
        at = head = 13 + _table_size(data[10])
        found: list[Block] = []
        while data[at] != 0x3B:
            found.append(_block(data, at))
            at = found[-1].stop
    except IndexError:
        raise Malformed("the GIF is cut off before its trailer") from None
    if not any(block.label == 0x2C for block in found):
        raise Malformed("the GIF holds no picture")
    return Parsed(head, found, at + 1)


def _block(data: memoryview, at: int) -> Block:
    if data[at] == 0x2C:
        blocks = at + 11 + _table_size(data[at + 9])
        return Block(0x2C, at, blocks, _blocks_end(data, blocks))
    if data[at] != 0x21:
        raise Malformed("a GIF block has to start here and none does")
    return Block(data[at + 1], at, at + 2, _blocks_end(data, at + 2))


def _plan(
    data: memoryview, parsed: Parsed, what: Allowed, used: dict[int, Flags | None]
) -> tuple[list[Piece], list[Claim]]:
    ledger = Ledger()
    pieces: list[Piece] = []
    version = b"GIF89a" if what.icc or what.xmp else bytes(data[:6])
    head = version + bytes(data[6:13]) + _table(data, 13, parsed.head, used.get(-1))
    same = head == data[: parsed.head]
    pieces.append((0, parsed.head) if same else head)
    ledger.add(0, 13, Fate.KEPT if same else Fate.REWRITTEN, "screen header")
    ledger.add(13, parsed.head, Fate.KEPT if head[13:] == data[13 : parsed.head] else Fate.REWRITTEN, _PALETTE)
    pieces += [_application(_ICC, what.icc), _xmp(what.xmp)]
    looped = False
    for index, block in enumerate(parsed.found):
        if block.label == 0x2C:
            _picture(data, block, used.get(block.start), pieces, ledger)
        elif block.label == _CONTROL and _belongs_to_picture(parsed.found, index) and data[block.start + 2] == 4:
            bare = _bare_control(bytes(data[block.start : block.start + 7]))
            _keep_start(data, block, bare, pieces, ledger, "frame timing")
        elif not looped and _is_loop(data, block):
            looped = True
            _keep_start(data, block, bytes(data[block.start : block.start + 18]), pieces, ledger, "loop count")
        else:
            ledger.add(block.start, block.stop, Fate.DROPPED, f"extension {block.label:#04x}")
    ledger.add(parsed.end - 1, parsed.end, Fate.KEPT, "trailer")
    ledger.add(parsed.end, len(data), Fate.DROPPED, "bytes after the picture")
    return [piece for piece in pieces if piece] + [b"\x3b"], ledger.claims


def _belongs_to_picture(found: list[Block], index: int) -> bool:
    """Whether the next block that is rendered is a picture, and no other control block stands before it."""
    for block in found[index + 1 :]:
        if block.label in {0x2C, _TEXT, _CONTROL}:
            return block.label == 0x2C
    return False


def _is_loop(data: memoryview, block: Block) -> bool:
    start = block.start
    return (
        block.label == _APPLICATION
        and bytes(data[start + 3 : start + 14]) in _LOOPS
        and bytes(data[start + 14 : start + 16]) == b"\x03\x01"
    )


def _bare_control(head: bytes) -> bytes:
    """Disposal, timing and transparency; nothing in reserved bits, nor in the number of a colour that is not transparent."""
    disposal, clear = head[3] & 0x1C, head[3] & 1
    return head[:3] + bytes([disposal | clear]) + head[4:6] + (head[6:7] if clear else b"\0")


def _keep_start(data: memoryview, block: Block, head: bytes, pieces: list[Piece], ledger: Ledger, what: str) -> None:
    """Keep the start of a block, as `head`; its end mark follows at once."""
    stop = block.start + len(head)
    same = head == data[block.start : stop]
    pieces += [(block.start, stop) if same else head, b"\0"]
    ledger.add(block.start, stop, Fate.KEPT if same else Fate.REWRITTEN, what)
    ledger.add(stop, block.stop, Fate.REWRITTEN, what)


def _table(data: memoryview, start: int, stop: int, used: Flags | None) -> bytes:
    table = bytes(data[start:stop])
    return table if used is None or not table else bare_table(table, used)


def _picture(data: memoryview, block: Block, used: Flags | None, pieces: list[Piece], ledger: Ledger) -> None:
    coded = _joined(data, block.blocks)
    width, height = _size(data, block)
    needed = needed_bytes(coded, data[block.blocks - 1], width * height)
    table = _table(data, block.start + 10, block.blocks - 1, used)
    flags = data[block.start + 9]
    # A frame without colours of its own says nothing of them; two bits are reserved.
    bare = flags & (0xE7 if flags & 0x80 else 0x40)
    if table == data[block.start + 10 : block.blocks - 1] and bare == flags:
        pieces.append((block.start, block.blocks))
        ledger.add(block.start, block.blocks, Fate.KEPT, "picture")
    else:
        head = bytes(data[block.start : block.start + 9]) + bytes([bare])
        pieces.append(head + table + bytes(data[block.blocks - 1 : block.blocks]))
        ledger.add(block.start, block.start + 10, Fate.REWRITTEN, "picture")
        cut = table != data[block.start + 10 : block.blocks - 1]
        ledger.add(block.start + 10, block.blocks, Fate.REWRITTEN, _PALETTE if cut else "picture")
    pieces.append((block.blocks, block.stop) if needed == coded else _sub_blocks(needed))
    ledger.add(block.blocks, block.stop, Fate.KEPT if needed == coded else Fate.REWRITTEN, "picture")


def _sub_blocks(body: bytes) -> bytes:
    parts = [body[at : at + 255] for at in range(0, len(body), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _application(name: bytes, body: bytes) -> bytes:
    return b"\x21\xff\x0b" + name + _sub_blocks(body) if body else b""


def _xmp(packet: bytes) -> bytes:
    if not packet:
        return b""
    # The packet stands unblocked; this trailer brings any reader of data blocks back into step.
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return b"\x21\xff\x0b" + _XMP + packet + trailer


def _facts(data: memoryview, parsed: Parsed) -> Facts:
    width, height = struct.unpack_from("<HH", data, 6)
    frames = sum(block.label == 0x2C for block in parsed.found)
    return Facts("gif", width, height, 1, frames, 8, 1, "palette")


def _tags(data: memoryview, parsed: Parsed) -> list[TagValue]:
    tags: list[TagValue] = []
    for block in parsed.found:
        tags += _block_tags(data, block)
    if parsed.end < len(data):
        tail = bytes(data[parsed.end : parsed.end + 65536])
        kind = identify(tail)
        path = f"gif/tail/{kind}" if kind else "gif/tail"
        tags.append(TagValue(path, tail, Risk.HIDDEN if kind else Risk.CONTENT, len(data) - parsed.end))
    return tags


def _block_tags(data: memoryview, block: Block) -> tuple[TagValue, ...]:
    size = block.stop - block.start
    if block.label == 0x2C:
        coded = _joined(data, block.blocks)
        width, height = _size(data, block)
        kept = needed_bytes(coded, data[block.blocks - 1], width * height)
        behind = coded[len(kept) :]
        # Some encoders leave a byte of nothing behind the end.
        risk = Risk.HIDDEN if behind.strip(b"\0") else Risk.HISTORY
        return (TagValue("gif/picture/behind", behind, risk, len(behind)),) if kept != coded else ()
    if block.label == _CONTROL or _is_loop(data, block):
        usual = 8 if block.label == _CONTROL else 19
        return () if size <= usual else (_bytes_tag("gif/surplus", data, block),)
    if block.label == _COMMENT:
        return (TagValue("gif/comment", _joined(data, block.blocks).decode("latin-1"), Risk.CONTENT, size),)
    if block.label == _APPLICATION:
        return _application_tags(data, block)
    return (_bytes_tag(f"gif/extension{block.label:02x}", data, block),)


def _application_tags(data: memoryview, block: Block) -> tuple[TagValue, ...]:
    name = bytes(data[block.start + 3 : block.start + 14])
    if name == _XMP:
        from veilset.containers.xmp import read_xmp

        raw = bytes(data[block.start + 14 : block.stop])
        end = raw.rfind(b">")
        return read_xmp(raw[: end + 1])
    if name == _ICC:
        from veilset.containers.icc import read_icc

        return read_icc(_joined(data, block.start + 14))
    label = "".join(letter for letter in name.decode("latin-1") if letter.isalnum()) or "unknown"
    return (_bytes_tag(f"gif/application/{label}", data, block),)


def _bytes_tag(path: str, data: memoryview, block: Block) -> TagValue:
    return TagValue(path, _joined(data, block.blocks), Risk.CONTENT, block.stop - block.start)
