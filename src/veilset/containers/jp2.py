"""JPEG 2000: the first codestream without its comments, under a header with size, palette and colour."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import BinaryIO

from veilset.containers.allowed import allowed, is_plain
from veilset.containers.assembly import Assembly
from veilset.containers.bmff import Box, Reader, boxes, build, children, only
from veilset.containers.codec_units import reads_like_text
from veilset.containers.contract import Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.exif import read_exif
from veilset.containers.heif_tags import tiff_of
from veilset.containers.icc import read_icc, sanitise
from veilset.containers.inner import clean_inner
from veilset.containers.jp2_markers import Shape, needed
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.containers.kept_fields import kept_packet
from veilset.containers.xmp import read_xmp
from veilset.core.errors import DataError, Malformed, Residue, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "JPEG 2000"
formats = ("jp2",)
SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
FILE_TYPE = build(b"ftyp", b"jp2 ", bytes(4), b"jp2 ")
SOC, SOT, SOD, EOC, SIZ, COM, TLM = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9, 0xFF51, 0xFF64, 0xFF55
# Marker segments that decoding needs: capabilities, coding styles, quantisation, regions, orders, packet headers.
NEEDED = frozenset((0xFF50, SIZ, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF60, 0xFF61))
# Comments, registrations and profiles; and lengths of tiles and packets, which only say where to look.
# Reserved, and without anything behind them: decoders pass them over.
ALONE = frozenset(range(0xFF30, 0xFF40))
DROPPED = frozenset((COM, TLM, 0xFF57, 0xFF58, 0xFF59, 0xFF63))
PALETTE = "palette entries that may not be used"
# What stands in a uuid box, by its number.
EXIF_UUID = b"JpgTiffExif->JP2"
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
GEO_UUID = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")


def inspect(data: memoryview) -> Listing:
    """List the file.

    Raises:
        Malformed: Markers or boxes contradict each other.
        Unsupported: Markers or pictures composed of several codestreams that are not known here.
    """
    plan, facts, tags = _read(data, Keep())
    return Listing(facts, tuple(tags), plan.ledger())


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the file anew.

    **Guarantee**
    - Tile data are copied untouched; comments in any header, bytes behind the end, and every box but size, depth,
      palette, channels, colour and codestream go.
    - What `keep` names goes into boxes of EXIF, XMP and GeoJP2; a bare codestream has no place for any of it.
    """
    return _read(data, keep)[0].finish(out)


def _read(data: memoryview, keep: Keep) -> tuple[Assembly, Facts, list[TagValue]]:
    plan, tags = Assembly(data, NAME), list[TagValue]()
    plan.residue.append(UNSEARCHED)
    if bytes(data[:4]) == b"\xff\x4f\xff\x51":
        return plan, _codestream(plan, 0, len(data), tags), tags
    top = list(boxes(data, 0, len(data), NAME, tail=True))
    coded = [box for box in top if box.kind == b"jp2c"]
    heads = [box for box in top if box.kind == b"jp2h"]
    if bytes(data[:12]) != SIGNATURE or not coded or len(heads) != 1:
        raise Malformed(f"{NAME}: needs its signature, one header and a codestream")
    plan.write(SIGNATURE + FILE_TYPE + _header(plan, heads[0], coded[0], keep, tags))
    if not is_plain(keep) or keep.georeference:
        plan.write(_allowed(data, top, keep, plan.residue))
    for box in top:
        if box is coded[0]:
            facts = _boxed(plan, box, tags)
        elif box.kind in (b"jP  ", b"ftyp", b"jp2h"):
            plan.claim(box.start, box.stop, Fate.REWRITTEN, f"{box.word} box")
        else:
            plan.drop(box.start, box.stop, f"{box.word} box")
            tags += _box_tags(data, box)
    return plan, facts, tags


def _allowed(data: memoryview, top: list[Box], keep: Keep, notes: list[str]) -> bytes:
    """Boxes with what may stay."""
    tags = [tag for box in top if box.kind not in (b"jp2c", b"jP  ", b"ftyp", b"jp2h") for tag in _box_tags(data, box)]
    what, made = allowed(tags, 1, keep), b""
    packet = kept_packet(tags, keep)
    if what.exif:
        made += build(b"uuid", EXIF_UUID, what.exif)
    if packet:
        made += build(b"uuid", XMP_UUID, packet)
    for box in top if keep.georeference else []:
        if _uuid(data, box) == GEO_UUID:
            try:
                placed = clean_inner(bytes(data[box.body : box.stop]), Keep(georeference=True, gps_grid=keep.gps_grid))[
                    0
                ]
            except (DataError, Residue):
                notes.append("a georeference that cannot be read was dropped")
            else:
                made += build(b"uuid", GEO_UUID, placed)
    return made


def _uuid(data: memoryview, box: Box) -> bytes:
    return bytes(data[box.body - 16 : box.body]) if box.kind == b"uuid" else b""


def _boxed(plan: Assembly, box: Box, tags: list[TagValue]) -> Facts:
    """The codestream in its box, whose length is known only once its comments are out."""
    trial = Assembly(plan.data, NAME)
    _codestream(trial, box.body, box.stop, [])
    if trial.size + 8 >= 1 << 32:
        raise Unsupported(f"{NAME}: larger than 4 GB")
    plan.write(struct.pack(">I4s", trial.size + 8, b"jp2c"))
    plan.claim(box.start, box.body, Fate.REWRITTEN, "jp2c box")
    return _codestream(plan, box.body, box.stop, tags)


def _header(plan: Assembly, box: Box, coded: Box, keep: Keep, tags: list[TagValue]) -> bytes:
    data = plan.data
    found = children(data, box, NAME)
    size = Reader(data, (head := only(found, b"ihdr", NAME)).body, head.stop, NAME).take(14)
    channels = int.from_bytes(size[8:10], "big")
    if channels != int.from_bytes(data[coded.body + 40 : coded.body + 42], "big"):
        raise Malformed(f"{NAME}: header and codestream have different numbers of channels")
    shape = Shape()
    shape.read_size(bytes(data[coded.body + 6 : coded.body + 42]))
    if struct.unpack(">II", size[:8]) != shape.size:
        raise Malformed(f"{NAME}: header and codestream are of different sizes")
    # Whose rights it is under goes, and so does the note that somebody says so.
    parts = [build(b"ihdr", size[:13], b"\0")]
    shown = channels
    for kind in (b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"):
        for part in found.get(kind, [])[:1]:
            reader = Reader(data, part.body, part.stop, NAME)
            match kind:
                case b"bpcc":
                    parts.append(build(kind, reader.take(channels)) if size[10] == 255 else b"")
                case b"colr":
                    parts.append(_colour(reader, keep, tags))
                case b"pclr" if b"cmap" in found:
                    palette = _palette(reader)
                    shown = palette[2]
                    plan.residue += [PALETTE] * reads_like_text(palette)
                    parts.append(build(kind, palette))
                case b"cmap" if b"pclr" in found:
                    parts.append(build(kind, _mapped(reader, channels, shown)))
                case b"cdef":
                    parts.append(build(kind, _defined(reader, shown)))
            if parts[-1] and parts[-1] != data[part.start : part.stop] and kind != b"colr":
                tags.append(TagValue(f"jp2/{part.word}/surplus", bytes(data[part.body : part.stop]), Risk.CONTENT))
    for kind in found.keys() - {b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"}:
        tags += [tag for part in found[kind] for tag in _box_tags(data, part)]
    return build(b"jp2h", *parts)


def _mapped(reader: Reader, channels: int, columns: int) -> bytes:
    """For each column of a palette, the component that its entries are looked up by."""
    raw = reader.take(4 * columns)
    for at in range(0, len(raw), 4):
        if int.from_bytes(raw[at : at + 2], "big") >= channels or raw[at + 2] > 1 or raw[at + 3] >= columns:
            raise Malformed(f"{NAME}: a palette is mapped to what is not there")
    return raw


def _defined(reader: Reader, channels: int) -> bytes:
    """What each channel is: colour or opacity, and of what."""
    count = reader.u(2)
    raw = reader.take(6 * count)
    for at in range(0, len(raw), 6):
        number, kind, of = struct.unpack_from(">HHH", raw, at)
        if count > channels or number >= channels or kind not in (0, 1, 2, 0xFFFF) or channels < of < 0xFFFF:
            raise Malformed(f"{NAME}: a channel is defined that is not there")
    return count.to_bytes(2, "big") + raw


def _palette(reader: Reader) -> bytes:
    entries, columns = reader.take(2), reader.take(1)
    depths = reader.take(columns[0])
    row = sum(((depth & 127) + 8) // 8 for depth in depths)
    if not columns[0] or int.from_bytes(entries, "big") > 1024:
        raise Malformed(f"{NAME}: a palette larger than palettes are")
    return entries + columns + depths + reader.take(row * int.from_bytes(entries, "big"))


def _colour(reader: Reader, keep: Keep, tags: list[TagValue]) -> bytes:
    # How sure the encoder was of the colours says something of the encoder.
    method = reader.take(3)[:1] + bytes(2)
    if method[0] == 1:
        space = reader.take(4)
        # CIELab carries ranges, offsets and an illuminant behind its number.
        extra = reader.take(28) if space == b"\0\0\0\x0e" and reader.left >= 28 else b""
        if any(extra[::4]):
            raise Malformed(f"{NAME}: a colour space with ranges that no colours have")
        return build(b"colr", method, space, extra)
    if method[0] not in (2, 3):
        raise Unsupported(f"{NAME}: colour given in a vendor's own way is not served")
    profile = reader.rest()
    tags += read_icc(profile)
    if keep.icc:
        return build(b"colr", method, sanitise(profile))
    grey = profile[16:20] == b"GRAY"
    return build(b"colr", b"\1\0\0", (17 if grey else 16).to_bytes(4, "big"))


def _codestream(plan: Assembly, start: int, stop: int, tags: list[TagValue]) -> Facts:
    data, reader = plan.data, Reader(plan.data, start, stop, NAME)
    if reader.u(2) != SOC:
        raise Malformed(f"{NAME}: the codestream does not begin as one")
    plan.keep(start, reader.at, "codestream")
    facts: Facts | None = None
    shape = Shape()
    while True:
        at, marker = reader.at, reader.u(2)
        if marker == EOC:
            plan.keep(at, reader.at, "codestream")
            if reader.left:
                tags.append(TagValue("jp2/tail", bytes(data[reader.at : stop]), Risk.CONTENT, reader.left))
            plan.drop(reader.at, stop, "bytes behind the codestream")
            break
        if marker == SOT:
            _tile(plan, reader, at, shape, tags)
            continue
        if marker in ALONE:
            tags.append(TagValue(f"jp2/marker{marker:04x}", b"", Risk.CONTENT, 2))
            plan.drop(at, reader.at, "marker segment")
            continue
        facts = _size(data, reader) if marker == SIZ else facts
        _segment(plan, reader, at, marker, shape, tags)
    if facts is None:
        raise Malformed(f"{NAME}: the codestream does not say its size")
    return facts


def _segment(plan: Assembly, reader: Reader, at: int, marker: int, shape: Shape, tags: list[TagValue]) -> None:
    """One marker segment: kept, or dropped with its text listed."""
    body = reader.take(max(reader.u(2) - 2, 0))
    if marker in DROPPED:
        plan.drop(at, reader.at, "comment" if marker == COM else "marker segment")
        if marker not in {COM, TLM}:
            tags.append(TagValue(f"jp2/marker{marker:04x}", body, Risk.CONTENT, reader.at - at))
        if marker == COM:
            tags.append(TagValue("jp2/comment", body[2:].decode("utf-8", "replace"), Risk.CONTENT, reader.at - at))
    elif marker in NEEDED:
        kept = needed(marker, body, shape)
        if kept == body:
            plan.keep(at, reader.at, "codestream")
        else:
            plan.replace(at, reader.at, struct.pack(">HH", marker, len(kept) + 2) + kept, "codestream")
            tags.append(TagValue(f"jp2/marker{marker:04x}/surplus", body[len(kept) :], Risk.CONTENT))
    else:
        raise Unsupported(f"{NAME}: marker {marker:#06x} is not known here")


def _tile(plan: Assembly, reader: Reader, at: int, shape: Shape, tags: list[TagValue]) -> None:
    """A tile part; its length is written anew, since comments in its header go."""
    if reader.u(2) != 10:
        raise Malformed(f"{NAME}: a tile begins with a header of the wrong length")
    number, length, rest = reader.take(2), reader.u(4), reader.take(2)
    if int.from_bytes(number, "big") >= shape.tiles:
        raise Malformed(f"{NAME}: a tile that the picture does not have")
    # Zero means "up to the end", which stands before the two bytes of the end marker.
    end = at + length if length else reader.stop - 2
    if not reader.at <= end <= reader.stop:
        raise Malformed(f"{NAME}: a tile reaches beyond the end; the file is truncated")
    trial = Assembly(plan.data, NAME)
    _tile_body(trial, Reader(plan.data, reader.at, end, NAME), replace(shape), [])
    new = b"\xff\x90\0\x0a" + number + struct.pack(">I", 12 + trial.size) + rest
    plan.replace(at, reader.at, new, "tile header")
    _tile_body(plan, Reader(plan.data, reader.at, end, NAME), replace(shape), tags)
    reader.at = end


def _tile_body(plan: Assembly, reader: Reader, shape: Shape, tags: list[TagValue]) -> None:
    while True:
        at, marker = reader.at, reader.u(2)
        if marker == SOD:
            plan.keep(at, reader.stop, "tile data")
            return
        _segment(plan, reader, at, marker, shape, tags)


def _size(data: memoryview, reader: Reader) -> Facts:
    inside = Reader(data, reader.at, min(reader.at + 41, reader.stop), NAME)
    inside.take(4)
    right, bottom, left, top = (inside.u(4) for _ in range(4))
    inside.take(16)
    channels, depth = inside.u(2), (inside.u(1) & 127) + 1
    return Facts("jp2", right - left, bottom - top, 1, 1, depth, channels, "")


def _box_tags(data: memoryview, box: Box) -> list[TagValue]:
    raw = bytes(data[box.body : box.stop])
    if b"<x:xmpmeta" in raw[:512]:
        return list(read_xmp(raw))
    number = _uuid(data, box)
    try:
        if number == EXIF_UUID:
            return list(read_exif(memoryview(tiff_of(raw))))
        if number == GEO_UUID:
            return [tag._replace(path=f"jp2/geo/{tag.path}") for tag in _inspected(raw)]
    except (DataError, struct.error, LookupError, ValueError):
        # What cannot be read does not go out either; that it is there is what the list has to say.
        return [TagValue(f"jp2/{box.word}", raw, Risk.CONTENT, box.stop - box.start)]
    risk = Risk.HIDDEN if box.kind == b"jp2c" else Risk.CONTENT
    return [TagValue(f"jp2/{box.word}", raw, risk, box.stop - box.start)]


def _inspected(raw: bytes) -> tuple[TagValue, ...]:
    from veilset.containers import inspect as look

    return look(raw).tags
