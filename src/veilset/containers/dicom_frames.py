"""Compressed frames of DICOM pixel data: each is a JPEG, JPEG-LS, JPEG 2000 or RLE stream, and cleaned as one."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from io import BytesIO

from veilset.containers.assembly import Assembly
from veilset.containers.contract import Claim, Fate, Keep, Rebuilt
from veilset.containers.dicom_film import is_film, rebuild_film, stream_of
from veilset.containers.dicom_read import ITEM, Parsed
from veilset.containers.dicom_rle import planes_of, rebuild_rle
from veilset.containers.jpeg_frame import without_surplus
from veilset.containers.jpeg_ls import rebuild as rebuild_jpeg_ls
from veilset.core.errors import DataError, Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

Span = tuple[int, int]
_UIDS = "1.2.840.10008.1.2.4."
_KINDS = {
    "1.2.840.10008.1.2.5": "rle",
    **{f"{_UIDS}{number}": "jpeg" for number in (50, 51, 57, 70)},
    **{f"{_UIDS}{number}": "jpeg_ls" for number in (80, 81)},
    **{f"{_UIDS}{number}": "jp2" for number in (90, 91, 92, 93, 201, 202, 203)},
    **{f"{_UIDS}{number}": "jxl" for number in (110, 111, 112)},
}
UNREAD = "comments of the encoder inside compressed frames"
FILM = "the film inside stays as it is: what its encoder wrote into it was not looked at"
_SHOWN = 1 << 16
# Coded bytes of all frames beyond which nobody looks for what stands behind the last block: that takes seconds.
_MOST_SEARCHED = 6 << 20
_BEGINS = (b"\xff\xd8", b"\xff\x4f")


def plan_frames(data: memoryview, parts: Parsed) -> Assembly:
    """How the value of the pixel data goes out: offsets anew, every frame clean and in one fragment, coded data untouched.

    What belongs to no frame goes.

    Raises:
        DataError: The frames cannot be told apart, or one is not what the transfer syntax says.
    """
    plan = Assembly(data, "DICOM")
    table, frames, beyond = _frames(data, parts)
    plan.claim(parts.start, table[1], Fate.REWRITTEN, "offsets of frames")
    at, offsets, bodies = 0, [], []
    for frame in frames:
        pieces, rebuilt = _pieces(data, parts, frame)
        offsets.append(at)
        bodies.append((rebuilt.size, pieces))
        at += 8 + rebuilt.size + rebuilt.size % 2
        _claim(plan, frame, rebuilt.claims)
        plan.residue += [one for one in rebuilt.residue if one not in plan.residue]
    known = struct.pack(f"<{len(offsets)}I", *offsets) if table[1] - table[0] > 8 and at < 1 << 32 else b""
    plan.write(ITEM + len(known).to_bytes(4, "little") + known)
    for size, pieces in bodies:
        plan.write(ITEM + (size + size % 2).to_bytes(4, "little"))
        for piece in pieces:
            if isinstance(piece, bytes):
                plan.write(piece)
            else:
                plan.copy(*piece)
        plan.write(bytes(size % 2))
    for start, stop in beyond:
        plan.claim(start - 8, stop, Fate.DROPPED, "fragments of no frame")
    return plan


def tags_of(data: memoryview, parts: Parsed) -> Iterator[TagValue]:
    """What the frames say besides their samples; nothing where they cannot be read."""
    from veilset.containers.door import container_of

    try:
        _, frames, beyond = _frames(data, parts)
    except DataError:
        return
    kind = _kind(parts)
    for number, frame in enumerate(frames, 1):
        try:
            listed = tuple(_dropped(data, parts, frame))
            if kind in ("jpeg", "jp2", "jxl"):
                listed = (*container_of(kind).inspect(_joined(data, frame)).tags, *listed)
        except DataError:
            continue
        for tag in listed:
            yield tag._replace(path=f"dicom/frame/{number}/{tag.path}")
    for start, stop in beyond:
        yield TagValue("dicom/frame/beyond", bytes(data[start : min(stop, start + _SHOWN)]), Risk.HIDDEN, stop - start)


def _dropped(data: memoryview, parts: Parsed, frame: Sequence[Span]) -> Iterator[TagValue]:
    """What goes from a frame whose coding has no lister of its own."""
    raw = _joined(data, frame)
    for claim in _pieces(data, parts, frame)[1].claims:
        if claim.fate is Fate.DROPPED:
            said = bytes(raw[claim.start : min(claim.stop, claim.start + _SHOWN)])
            yield TagValue(claim.what.replace(" ", "_"), said, Risk.HIDDEN, claim.stop - claim.start)


def may_be_unread(parts: Parsed) -> str:
    """What to say where frames stay as they are; empty where that may not be, since their coding is known."""
    syntax = str(parts.header.file_meta.TransferSyntaxUID)
    if is_film(syntax):
        return FILM
    return UNREAD if _KINDS.get(syntax, "") in ("", "jxl") or syntax.startswith(f"{_UIDS}20") else ""


def _kind(parts: Parsed) -> str:
    syntax = str(parts.header.file_meta.TransferSyntaxUID)
    kind = _KINDS.get(syntax, "film" if is_film(syntax) else "")
    if not kind:
        raise Unsupported(f"DICOM: frames in {syntax} are not read")
    return kind


def _frames(data: memoryview, parts: Parsed) -> tuple[Span, list[list[Span]], list[Span]]:
    """Where the offsets stand, the fragments of each frame, and those beyond the last frame."""
    _kind(parts)
    items, at = [], parts.start
    while at < parts.stop:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        items.append((at + 8, at + 8 + length))
        at += 8 + length
    if not items:
        raise Malformed("DICOM: the pixel data hold no fragment")
    (first, table_end), fragments = items[0], items[1:]
    # A film is one stream, however many pictures it shows.
    count = 1 if _kind(parts) == "film" else int(parts.header.get("NumberOfFrames", 1) or 1)
    starts = {start - 8 - table_end: number for number, (start, _) in enumerate(fragments)}
    offsets = struct.unpack(f"<{(table_end - first) // 4}I", data[first : first + (table_end - first) // 4 * 4])
    if count == 1:
        begins = [0]
    elif len(fragments) == count:
        begins = list(range(count))
    elif len(offsets) >= count and all(offset in starts for offset in offsets):
        begins = [starts[offset] for offset in offsets]
    else:
        begins = [n for n, (start, _) in enumerate(fragments) if bytes(data[start : start + 2]) in _BEGINS]
    if len(begins) < count or begins != sorted(set(begins)) or begins[:1] != [0]:
        raise Malformed("DICOM: the frames of the pixel data cannot be told apart")
    groups = [fragments[begin:end] for begin, end in zip(begins, [*begins[1:], len(fragments)], strict=True)]
    return (first - 8, table_end), groups[:count], [span for group in groups[count:] for span in group]


def _pieces(data: memoryview, parts: Parsed, frame: Sequence[Span]) -> tuple[list[bytes | Span], Rebuilt]:
    """A clean frame as bytes of our own and stretches of the file, so that no coded data are held."""
    from veilset.containers.door import container_of

    kind, raw, out = _kind(parts), _joined(data, frame), BytesIO()
    search = parts.stop - parts.start <= _MOST_SEARCHED
    match kind:
        case "rle":
            rebuilt = rebuild_rle(raw, out, planes_of(parts.header), search=search)
        case "jpeg_ls":
            rebuilt = rebuild_jpeg_ls(raw, out)
        case "film":
            rebuilt = rebuild_film(raw, out, stream_of(str(parts.header.file_meta.TransferSyntaxUID)))
        case "jpeg" if search:
            rebuilt = without_surplus(raw, out)
        case _:
            rebuilt = container_of(kind).rebuild(raw, out, Keep())
    pieces: list[bytes | Span] = []
    new, written = out.getvalue(), 0
    for start, place, length in sorted(rebuilt.copied, key=lambda one: one[1]):
        pieces += [new[written:place], *_spans(frame, start, start + length)]
        written = place + length
    return [*pieces, new[written:]], rebuilt


def _joined(data: memoryview, frame: Sequence[Span]) -> memoryview:
    """The stream of a frame, without the zero that makes its length even."""
    parts = [data[start:stop] for start, stop in frame]
    joined = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
    return joined[:-1] if bytes(joined[-3:]) == b"\xff\xd9\0" else joined


def _spans(frame: Sequence[Span], first: int, last: int) -> Iterator[Span]:
    """Where bytes [first, last) of a frame stand in the file."""
    at = 0
    for start, stop in frame:
        begin, end = max(first, at), min(last, at + stop - start)
        if begin < end:
            yield start + begin - at, start + end - at
        at += stop - start


def _claim(plan: Assembly, frame: Sequence[Span], claims: Sequence[Claim]) -> None:
    """Every byte of the frame's fragments: their headers, what the stream's reader says, and filling at the end."""
    for start, _ in frame:
        plan.claim(start - 8, start, Fate.REWRITTEN, "header of a fragment")
    for claim in claims:
        for start, stop in _spans(frame, claim.start, claim.stop):
            plan.claim(start, stop, claim.fate, claim.what)
    length, claimed = sum(stop - start for start, stop in frame), claims[-1].stop if claims else 0
    for start, stop in _spans(frame, claimed, length):
        plan.claim(start, stop, Fate.REWRITTEN, "filling")
