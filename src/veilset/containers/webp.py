"""WebP: chunks by allowlist (inside frames too), flags put right, nothing after the end of the RIFF."""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from veilset.containers.allowed import Allowed, allowed
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.exif import orientation_of, read_exif
from veilset.containers.icc import read_icc
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.containers.pieces import Ledger, Piece, emit
from veilset.containers.recognise import identify
from veilset.containers.transparent import UNSEEN, hides_colours
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

formats = ("webp",)

_ICC, _ALPHA, _EXIF, _XMP, _ANIMATED = 0x20, 0x10, 0x08, 0x04, 0x02
_PIXELS = {b"VP8 ", b"VP8L"}
# Of a lossy picture, before its first part.
_HEAD = 10
_RESIDUE = ("entropy tables and coding choices", "pixel size", "sensor noise", UNSEARCHED)


class Chunk(NamedTuple):
    """One chunk: its name, where it starts, where its payload stops, and where the next one starts."""

    name: bytes
    start: int
    end: int
    stop: int


class Parsed(NamedTuple):
    """Chunks of the RIFF, where the RIFF ends, and the VP8X payload (empty in the simple form)."""

    found: list[Chunk]
    end: int
    extended: bytes

    @property
    def animated(self) -> bool:
        """Whether the picture is made of frames."""
        return bool(self.extended and self.extended[0] & _ANIMATED)


def inspect(data: memoryview) -> Listing:
    """Facts, every tag, and claims over every byte."""
    parsed = _parse(data)
    _, claims = _plan(data, parsed, Allowed())
    known = {f"chunk {name}" for name in ("VP8X", "ANIM", "ALPH", "ANMF")}
    twice = [claim for claim in claims if claim.what in known and claim.fate is Fate.DROPPED]
    unused = [
        TagValue(f"webp/{one.what[6:]}/unused", bytes(data[one.start : one.stop]), Risk.HIDDEN, one.stop - one.start)
        for one in twice
    ]
    return Listing(_facts(data, parsed), (*_tags(data, parsed), *unused), tuple(claims))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the coded picture with nothing but what `keep` allows."""
    parsed = _parse(data)
    return _write(data, out, parsed, allowed(_tags(data, parsed), _orientation(data, parsed), keep))


def write_with(data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
    """Write the coded picture with the given block of tags and no other."""
    return _write(data, out, _parse(data), what)


def _write(data: memoryview, out: BinaryIO, parsed: Parsed, what: Allowed) -> Rebuilt:
    pieces, claims = _plan(data, parsed, what)
    unseen = (UNSEEN,) if _hides_colours(data, parsed) else ()
    return emit(pieces, data, out, claims, (*_RESIDUE, *what.notes, *unseen))


def _hides_colours(data: memoryview, parsed: Parsed) -> bool:
    """Of lossless pictures: encoders with loss leave what is easy to code below transparent pixels."""
    exact = [chunk for chunk in parsed.found if chunk.name == b"VP8L"]
    if parsed.animated or not exact:
        return False
    width, height, has_alpha = _picture_size(data, exact[0])
    return has_alpha and hides_colours(data, "WEBP", width * height)


def cut_chunks(data: memoryview, at: int, end: int) -> list[Chunk]:
    """The chunks that follow one another from `at` to `end`.

    Raises:
        Malformed: One does not fit.
    """
    found = []
    while at < end:
        if at + 8 > end:
            raise Malformed("a WebP chunk does not fit into the file")
        name, size = struct.unpack_from("<4sI", data, at)
        stop = at + 8 + size + size % 2
        if at + 8 + size > end:
            raise Malformed("a WebP chunk does not fit into the file")
        found.append(Chunk(name, at, at + 8 + size, min(stop, end)))
        at = min(stop, end)
    return found


def _parse(data: memoryview) -> Parsed:
    if bytes(data[:4]) != b"RIFF" or bytes(data[8:12]) != b"WEBP":
        raise Malformed("a WebP starts with its RIFF header, this does not")
    size = struct.unpack_from("<I", data, 4)[0]
    end = 8 + size
    if end > len(data):
        raise Malformed("the WebP is cut off before its end")
    found = cut_chunks(data, 12, end)
    extended = b""
    if found and found[0].name == b"VP8X":
        extended = bytes(data[found[0].start + 8 : found[0].end])[:10]
        if len(extended) != 10:
            raise Malformed("the header chunk of a WebP is too short")
    names = {chunk.name for chunk in found}
    wanted = {b"ANMF"} if extended and extended[0] & _ANIMATED else _PIXELS
    if not names & wanted:
        raise Malformed("the WebP holds no picture")
    return Parsed(found, end, extended)


def _plan(data: memoryview, parsed: Parsed, what: Allowed) -> tuple[list[Piece], list[Claim]]:
    ledger = Ledger()
    ledger.add(0, 12, Fate.REWRITTEN, "RIFF header")
    body: list[Piece] = []
    shown = _without_alpha(parsed.found)
    if not parsed.animated:
        _check_pictures(data, parsed.found, parsed.extended[4:], bool(parsed.extended and parsed.extended[0] & _ALPHA))
    elif not any(chunk.name == b"ANIM" for chunk in parsed.found):
        raise Malformed("a WebP animation does not say how it is played; save it anew")
    for chunk in parsed.found:
        label = f"chunk {chunk.name.decode('latin-1').strip()}"
        if chunk.name == b"VP8X" and chunk.start == 12:
            ledger.add(chunk.start, chunk.stop, Fate.REWRITTEN, label)
        elif parsed.animated and chunk.name == b"ANMF":
            _check_place(data, chunk, parsed.extended)
            _frame(data, chunk, body, ledger, bool(parsed.extended[0] & _ALPHA))
        elif _stays(chunk, parsed, shown):
            limit = 6 if chunk.name == b"ANIM" else _plane_size(data, chunk, parsed.found)
            _copy(data, chunk, body, ledger, limit)
        else:
            ledger.add(chunk.start, chunk.stop, Fate.DROPPED, label)
    ledger.add(parsed.end, len(data), Fate.DROPPED, "bytes after the picture")
    pieces = [*_head(data, parsed, what), *body, *_after(what)]
    size = sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces)
    return [b"RIFF" + struct.pack("<I", size + 4) + b"WEBP", *pieces], ledger.claims


def _stays(chunk: Chunk, parsed: Parsed, shown: set[bytes]) -> bool:
    """The first picture and, in the extended form, its alpha plane or the animation's header."""
    name = chunk.name
    if parsed.animated:
        stays = name == b"ANIM" and name not in shown
    elif name in _PIXELS:
        stays = not shown & _PIXELS
    else:
        stays = name == b"ALPH" and bool(parsed.extended) and not shown & (_PIXELS | {b"ALPH"})
    if stays:
        shown.add(name)
    return stays


def _without_alpha(chunks: list[Chunk]) -> set[bytes]:
    """What counts as shown already: a lossless picture has its own transparency, and no program looks at another plane."""
    first = next((chunk.name for chunk in chunks if chunk.name in _PIXELS), b"")
    return {b"ALPH"} if first == b"VP8L" else set()


def _check_pictures(data: memoryview, chunks: list[Chunk], size: bytes, has_alpha: bool) -> None:
    """Raise unless the first picture is as large as `size` says (width and height less one, three bytes each).

    Raises:
        Malformed: It is of another size, or is none that stands alone; or it has an alpha plane that is not announced.
    """
    first = next((chunk for chunk in chunks if chunk.name in _PIXELS), None)
    if first is None:
        return
    width, height, _ = _picture_size(data, first)
    if size and (width - 1, height - 1) != (int.from_bytes(size[:3], "little"), int.from_bytes(size[3:6], "little")):
        raise Malformed("a picture of the WebP is of another size than is said; save it anew")
    plane = next((chunk for chunk in chunks if chunk.name == b"ALPH"), None)
    if plane is None or first.name == b"VP8L":
        return
    if not has_alpha:
        raise Malformed("a WebP holds an alpha plane that it does not announce, so that programs differ; save it anew")
    head = data[plane.start + 8]
    if head & 3 > 1 or head >> 4 > 1 or (not head & 3 and plane.end - plane.start - 9 < width * height):
        raise Malformed("the alpha plane of a WebP is damaged; save it anew")


def _plane_size(data: memoryview, chunk: Chunk, chunks: list[Chunk]) -> int | None:
    """Bytes of an alpha plane that is not compressed; None of one that is."""
    if chunk.name != b"ALPH" or data[chunk.start + 8] & 3:
        return None
    width, height, _ = _picture_size(data, next(one for one in chunks if one.name in _PIXELS))
    return 1 + width * height


def _check_place(data: memoryview, chunk: Chunk, canvas: bytes) -> None:
    """Raise when a frame reaches beyond the canvas."""
    at = chunk.start + 8
    for place, size, whole in ((0, 6, 4), (3, 9, 7)):
        low, length = (int.from_bytes(data[at + one : at + one + 3], "little") for one in (place, size))
        if 2 * low + length + 1 > int.from_bytes(canvas[whole : whole + 3], "little") + 1:
            raise Malformed("a frame of a WebP animation reaches beyond its canvas; save it anew")


def _copy(data: memoryview, chunk: Chunk, body: list[Piece], ledger: Ledger, limit: int | None = None) -> None:
    size = chunk.end - chunk.start - 8
    label = f"chunk {chunk.name.decode('latin-1').strip()}"
    if limit is not None and size > limit:
        held = bytes(data[chunk.start + 8 : chunk.start + 8 + limit])
        body.append(chunk.name + struct.pack("<I", limit) + held + bytes(limit % 2))
        ledger.add(chunk.start, chunk.stop, Fate.REWRITTEN, label)
        return
    body.append((chunk.start, chunk.end))
    ledger.add(chunk.start, chunk.end, Fate.KEPT, label)
    if size % 2:
        body.append(b"\0")
        ledger.add(chunk.end, chunk.stop, Fate.REWRITTEN, "padding")


def _frame(data: memoryview, chunk: Chunk, body: list[Piece], ledger: Ledger, has_alpha: bool) -> None:
    inside: list[Piece] = []
    inner = Ledger()
    still = Parsed([], 0, b"\0" * 10)
    parts = cut_chunks(data, chunk.start + 24, chunk.end)
    shown = _without_alpha(parts)
    _check_pictures(data, parts, bytes(data[chunk.start + 14 : chunk.start + 20]), has_alpha)
    for part in parts:
        if _stays(part, still, shown):
            _copy(data, part, inside, inner, _plane_size(data, part, parts))
        else:
            inner.add(part.start, part.stop, Fate.DROPPED, "unknown chunk inside a frame")
    if not shown & _PIXELS:
        raise Malformed("a frame of a WebP animation holds no picture")
    size = 16 + sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in inside)
    fields = bytes(data[chunk.start + 8 : chunk.start + 23]) + bytes([data[chunk.start + 23] & 3])
    body.append(b"ANMF" + struct.pack("<I", size) + fields)
    ledger.add(chunk.start, chunk.start + 24, Fate.REWRITTEN, "frame header")
    body.extend(inside)
    for claim in inner.claims:
        ledger.add(claim.start, claim.stop, claim.fate, claim.what)
    ledger.add(chunk.end, chunk.stop, Fate.DROPPED, "padding")


def _head(data: memoryview, parsed: Parsed, what: Allowed) -> list[Piece]:
    if not parsed.extended and not (what.exif or what.icc or what.xmp):
        return []
    facts = _facts(data, parsed)
    flags = parsed.extended[0] & (_ALPHA | _ANIMATED) if parsed.extended else _ALPHA * (facts.channels == 4)
    flags |= _ICC * bool(what.icc) | _EXIF * bool(what.exif) | _XMP * bool(what.xmp)
    size = (facts.width - 1).to_bytes(3, "little") + (facts.height - 1).to_bytes(3, "little")
    made = b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + size
    return [made + _made(b"ICCP", what.icc)]


def _after(what: Allowed) -> list[Piece]:
    return [block for block in (_made(b"EXIF", what.exif), _made(b"XMP ", what.xmp)) if block]


def _made(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) if body else b""


def _orientation(data: memoryview, parsed: Parsed) -> int:
    for chunk in parsed.found:
        if chunk.name == b"EXIF":
            return orientation_of(_exif_body(data, chunk))
    return 1


def _exif_body(data: memoryview, chunk: Chunk) -> memoryview:
    start = chunk.start + 8
    # Some writers put JPEG's prefix before the block.
    return data[start + 6 * (bytes(data[start : start + 6]) == b"Exif\0\0") : chunk.end]


def _facts(data: memoryview, parsed: Parsed) -> Facts:
    frames = sum(chunk.name == b"ANMF" for chunk in parsed.found) if parsed.animated else 1
    if parsed.extended:
        width = 1 + int.from_bytes(parsed.extended[4:7], "little")
        height = 1 + int.from_bytes(parsed.extended[7:10], "little")
        has_alpha = bool(parsed.extended[0] & _ALPHA)
    else:
        picture = next(chunk for chunk in parsed.found if chunk.name in _PIXELS)
        width, height, has_alpha = _picture_size(data, picture)
    channels, colour = (4, "rgba") if has_alpha else (3, "rgb")
    return Facts("webp", width, height, _orientation(data, parsed), frames, 8, channels, colour)


def _picture_size(data: memoryview, chunk: Chunk) -> tuple[int, int, bool]:
    at = chunk.start + 8
    if chunk.name == b"VP8L":
        packed = struct.unpack_from("<I", data, at + 1)[0]
        if data[at] != 0x2F or packed >> 29:
            raise Malformed("a lossless WebP picture starts with its signature, this does not")
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF), bool(packed >> 28 & 1)
    # A key frame of a known version, which is shown, and whose first part fits.
    tag = int.from_bytes(data[at : at + 3], "little")
    fits = at + _HEAD + (tag >> 5) <= chunk.end
    if bytes(data[at + 3 : at + 6]) != b"\x9d\x01\x2a" or tag & 1 or tag >> 1 & 7 > 3 or not tag & 16 or not fits:
        raise Malformed("a WebP picture starts with its signature, this does not")
    width, height = struct.unpack_from("<HH", data, at + 6)
    return width & 0x3FFF, height & 0x3FFF, False


def _tags(data: memoryview, parsed: Parsed) -> list[TagValue]:
    tags: list[TagValue] = []
    for chunk in parsed.found:
        tags += _chunk_tags(data, chunk, parsed)
    pictures = sum(chunk.name in _PIXELS for chunk in parsed.found)
    if pictures > (0 if parsed.animated else 1):
        tags.append(TagValue("webp/second_picture", None, Risk.HIDDEN, 0))
    if parsed.end < len(data):
        tail = bytes(data[parsed.end : parsed.end + 65536])
        kind = identify(tail)
        path = f"webp/tail/{kind}" if kind else "webp/tail"
        tags.append(TagValue(path, tail, Risk.HIDDEN if kind else Risk.CONTENT, len(data) - parsed.end))
    return tags


def _chunk_tags(data: memoryview, chunk: Chunk, parsed: Parsed) -> tuple[TagValue, ...]:
    body = data[chunk.start + 8 : chunk.end]
    if chunk.name == b"EXIF":
        return read_exif(_exif_body(data, chunk))
    if chunk.name == b"ICCP":
        return read_icc(bytes(body))
    if chunk.name == b"XMP ":
        from veilset.containers.xmp import read_xmp

        return read_xmp(bytes(body))
    if chunk.name == b"C2PA":
        from veilset.containers.jumbf import read_jumbf

        return read_jumbf(bytes(body))
    if chunk.name == b"ANMF" and parsed.animated:
        return tuple(
            TagValue(f"webp/frame/{_label(part)}", bytes(data[part.start + 8 : part.end]), Risk.CONTENT)
            for part in cut_chunks(data, chunk.start + 24, chunk.end)
            if part.name not in _PIXELS | {b"ALPH"}
        )
    if chunk.name in _PIXELS | {b"VP8X", b"ALPH", b"ANIM"}:
        return ()
    return (TagValue(f"webp/{_label(chunk)}", bytes(body), Risk.CONTENT, len(body)),)


def _label(chunk: Chunk) -> str:
    return chunk.name.decode("latin-1").strip()
