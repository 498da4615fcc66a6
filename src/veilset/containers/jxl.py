"""JPEG XL: the codestream; every other box goes. A bare codestream passes as it is."""

from __future__ import annotations

from typing import BinaryIO

from veilset.containers.allowed import allowed, is_plain
from veilset.containers.assembly import Assembly
from veilset.containers.bmff import Box, Reader, boxes, build
from veilset.containers.contract import Facts, Keep, Listing, Rebuilt
from veilset.containers.exif import read_exif
from veilset.containers.heif_tags import tiff_of
from veilset.containers.jumbf import read_jumbf
from veilset.containers.xmp import read_xmp
from veilset.core.errors import Malformed
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "JPEG XL"
formats = ("jxl",)
SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
FILE_TYPE = build(b"ftyp", b"jxl ", bytes(4), b"jxl ")
RESIDUE = (
    "colour profile, channel names and surplus bytes inside the codestream, which only a full decoder can tell apart"
)
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


class Bits:
    """Numbers of a JPEG XL header, lowest bit first."""

    def __init__(self, raw: bytes) -> None:
        self.value, self.left = int.from_bytes(raw, "little"), 8 * len(raw)

    def u(self, count: int) -> int:
        """The next `count` bits."""
        if count > self.left:
            raise Malformed(f"{NAME}: the codestream ends inside its header")
        value = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        return value

    def size(self) -> tuple[int, int]:
        """Width and height (ISO/IEC 18181-1, SizeHeader)."""
        small = self.u(1)
        height = self._side(small)
        ratio = self.u(3)
        if not ratio:
            return self._side(small), height
        wide, high = RATIOS[ratio]
        return height * wide // high, height

    def _side(self, small: int) -> int:
        return (self.u(5) + 1) * 8 if small else self.u((9, 13, 18, 30)[self.u(2)]) + 1


def _facts(codestream: bytes) -> tuple[Facts, bool]:
    """The facts, and whether the codestream holds a preview of its own."""
    if codestream[:2] != b"\xff\x0a":
        raise Malformed(f"{NAME}: no codestream where one has to be")
    bits = Bits(codestream[2:])
    width, height = bits.size()
    orientation, depth, preview = 1, 8, False
    if not bits.u(1):
        extra = bits.u(1)
        if extra:
            orientation = bits.u(3) + 1
            if bits.u(1):
                bits.size()
            preview = bool(bits.u(1))
        if not preview and not (extra and bits.u(1)) and not bits.u(1):
            depth = (8, 10, 12)[choice] if (choice := bits.u(2)) < 3 else bits.u(6) + 1
    return Facts("jxl", width, height, orientation, 1, depth, 3, ""), preview


def _codestream(data: memoryview) -> tuple[list[Box], list[tuple[int, int]]]:
    """All boxes (none for a bare codestream), and where the codestream stands."""
    if bytes(data[:2]) == b"\xff\x0a":
        return [], [(0, len(data))]
    top = list(boxes(data, 0, len(data), NAME, tail=True))
    whole = [box for box in top if box.kind == b"jxlc"]
    parts = [box for box in top if box.kind == b"jxlp"]
    if bytes(data[:12]) != SIGNATURE or len(whole) + bool(parts) != 1:
        raise Malformed(f"{NAME}: needs its signature and exactly one codestream")
    if whole:
        return top, [(whole[0].body, whole[0].stop)]
    numbers = [Reader(data, box.body, box.stop, NAME).u(4) for box in parts]
    expected = [*range(len(parts) - 1), len(parts) - 1 | 1 << 31]
    if numbers != expected:
        raise Malformed(f"{NAME}: parts of the codestream are missing or out of order; the file is truncated")
    return top, [(box.body + 4, box.stop) for box in parts]


def inspect(data: memoryview) -> Listing:
    """List the file.

    Raises:
        Malformed: No codestream, or boxes that do not fit.
    """
    top, spans = _codestream(data)
    start = b"".join(bytes(data[low : min(high, low + 4096)]) for low, high in spans)[:4096]
    facts, preview = _facts(start)
    tags = [tag for box in top for tag in _box_tags(data, box)]
    if preview:
        tags.append(TagValue("jxl/preview", "a preview frame inside the codestream", Risk.HIDDEN))
    return Listing(facts, tuple(tags), _assemble(data, top, spans, preview, b"").ledger())


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the codestream in a container of its own, or bare where it came bare.

    **Guarantee**
    - The codestream, which holds orientation and colour, is copied untouched; no other box goes out, the one for
      rebuilding the original JPEG (with its markers) included.
    """
    top, spans = _codestream(data)
    extra = b""
    if not is_plain(keep) and top:
        what = allowed([tag for box in top for tag in _box_tags(data, box)], 1, keep)
        extra += build(b"Exif", bytes(4), what.exif) if what.exif else b""
        extra += build(b"xml ", what.xmp) if what.xmp else b""
    preview = _facts(b"".join(bytes(data[low : min(high, low + 4096)]) for low, high in spans)[:4096])[1]
    return _assemble(data, top, spans, preview, extra).finish(out)


def _assemble(data: memoryview, top: list[Box], spans: list[tuple[int, int]], preview: bool, extra: bytes) -> Assembly:
    plan = Assembly(data, NAME)
    plan.residue.append(RESIDUE)
    if preview:
        plan.residue.append("a preview frame inside the codestream")
    if not top:
        plan.keep(0, len(data), "codestream")
        return plan
    plan.write(SIGNATURE + FILE_TYPE)
    level = next((box for box in top if box.kind == b"jxll" and box.stop > box.body), None)
    if level:
        plan.write(build(b"jxll", bytes(data[level.body : level.body + 1])))
    plan.write(extra)
    # One box for the whole codestream, whatever parts it came in.
    length = sum(high - low for low, high in spans) + 8
    plan.write(length.to_bytes(4, "big") + b"jxlc" if length < 1 << 32 else _long(length))
    kept = {high: low for low, high in spans}
    for box in top:
        low = kept.get(box.stop) if box.kind in (b"jxlc", b"jxlp") else None
        if low is not None:
            plan.drop(box.start, low, "box header")
            plan.keep(low, box.stop, "codestream")
        elif box.kind in (b"JXL ", b"ftyp") or box is level:
            plan.replace(box.start, box.stop, b"", f"{box.word} box")
        else:
            plan.drop(box.start, box.stop, f"{box.word} box")
    return plan


def _long(length: int) -> bytes:
    return b"\0\0\0\1jxlc" + (length + 8).to_bytes(8, "big")


def _box_tags(data: memoryview, box: Box) -> tuple[TagValue, ...]:
    raw = bytes(data[box.body : box.stop])
    if box.kind in (b"JXL ", b"ftyp", b"jxlc", b"jxlp", b"jxll"):
        return ()
    if box.kind == b"Exif":
        return read_exif(memoryview(tiff_of(raw)))
    if box.kind == b"xml ":
        return read_xmp(raw)
    if box.kind == b"jumb":
        return read_jumbf(bytes(data[box.start : box.stop]))
    risk = Risk.HIDDEN if box.kind in (b"jhgm", b"jbrd") else Risk.CONTENT
    return (TagValue(f"jxl/{box.word}", raw, risk, box.stop - box.start),)
