"""A DICOM file in three parts: elements, pixel data that are never loaded, and the elements behind them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from veilset.containers.view import View
from veilset.core.errors import Malformed, Unsupported

NAME = "DICOM"
DEFLATED, BIG_ENDIAN, IMPLICIT = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2"
PIXELS = (0x7FE0, 0x0010)
UNDEFINED = 0xFFFFFFFF
ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
# A single element beyond this is no header; private ones of that size are named and not loaded.
LARGE = 16 << 20


@dataclass(frozen=True)
class Parsed:
    """A file that was read.

    Attributes:
        header: Elements before the pixel data, with the file's meta information.
        behind: Elements after them.
        element: Where the pixel data element begins.
        start: Where its value begins.
        stop: Where its value ends: with the last fragment, where there are such.
        head: The element's tag, kind and length, written anew.
        tail: What closes it.
        unloaded: Bytes in private elements too large to load.
    """

    header: Any
    behind: Any
    element: int
    start: int
    stop: int
    head: bytes
    tail: bytes
    unloaded: tuple[tuple[str, int], ...]


def read_parts(data: memoryview) -> Parsed:
    """Read all of a file but its pixels.

    Raises:
        Malformed: The pixel data reach beyond the end, or their fragments do not fit.
        Unsupported: It holds no picture, or is deflated as a whole.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_dataset

    syntax = _syntax(data)
    if syntax == DEFLATED:
        raise Unsupported(f"{NAME}: deflated files are not served; save it uncompressed")
    view = View(data)
    header = dcmread(view, stop_before_pixels=True, defer_size=LARGE)
    order, implicit = (">" if syntax == BIG_ENDIAN else "<"), syntax == IMPLICIT
    at = view.tell()
    if at + 8 > len(data) or struct.unpack_from(f"{order}HH", data, at) != PIXELS:
        raise Unsupported(f"{NAME}: holds no picture (a report, a directory, a waveform); only images are served")
    head, start, length = _head(data, at, order, implicit)
    stop, end, tail = start + length, start + length, b""
    if length == UNDEFINED:
        stop, end = _fragments(data, start)
        tail = DELIMITER + bytes(4)
    if end > len(data):
        raise Malformed(f"{NAME}: the pixel data reach beyond the end; the file is truncated")
    view.seek(end)
    behind = read_dataset(view, implicit, order == "<", defer_size=1 << 16)
    unloaded = (*_without_large(data, header, "dicom"), *_without_large(data, behind, "dicom", load=False))
    return Parsed(header, behind, at, start, stop, head, tail, unloaded)


def _syntax(data: memoryview) -> str:
    """The transfer syntax of the meta information, which is always explicit and little-endian."""
    at = 132
    while at + 8 <= len(data) and bytes(data[at : at + 2]) == b"\x02\0":
        element, kind, length = int.from_bytes(data[at + 2 : at + 4], "little"), bytes(data[at + 4 : at + 6]), 0
        if kind in (b"OB", b"UN", b"OW", b"UT", b"SQ"):
            length, at = int.from_bytes(data[at + 8 : at + 12], "little"), at + 12
        else:
            length, at = int.from_bytes(data[at + 6 : at + 8], "little"), at + 8
        if element == 0x0010:
            return bytes(data[at : at + length]).strip(b" \0").decode("ascii", "replace")
        at += length
    raise Malformed(f"{NAME}: does not say how it is coded; it is damaged")


def _head(data: memoryview, at: int, order: str, implicit: bool) -> tuple[bytes, int, int]:
    """The element's header written anew, where its value begins, and its length."""
    tag = struct.pack(f"{order}HH", *PIXELS)
    if implicit:
        (length,) = struct.unpack_from(f"{order}I", data, at + 4)
        return tag + struct.pack(f"{order}I", length), at + 8, length
    kind = bytes(data[at + 4 : at + 6])
    if kind not in (b"OB", b"OW"):
        raise Malformed(f"{NAME}: the pixel data are of a kind that pixels never have")
    (length,) = struct.unpack_from(f"{order}I", data, at + 8)
    return tag + kind + bytes(2) + struct.pack(f"{order}I", length), at + 12, length


def _fragments(data: memoryview, at: int) -> tuple[int, int]:
    """Where the last fragment of compressed pixel data ends, and where what closes them does."""
    while at + 8 <= len(data):
        mark, length = bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8], "little")
        if mark == DELIMITER:
            return at, at + 8
        if mark != ITEM or length == UNDEFINED:
            break
        at += 8 + length
    raise Malformed(f"{NAME}: the fragments of the pixel data do not fit; the file is truncated or damaged")


def _without_large(data: memoryview, dataset: Any, path: str, *, load: bool = True) -> list[tuple[str, int]]:
    """Load what was put off, but for private elements (and with `load` off, for any), which go and are named."""
    named = []
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag)
        if getattr(raw, "value", b"") is not None or not getattr(raw, "length", 0):
            continue
        if raw.value_tell + raw.length > len(data):
            raise Malformed(f"{NAME}: an element reaches beyond the end; the file is truncated")
        if load and not tag.is_private:
            dataset[tag] = raw._replace(value=bytes(data[raw.value_tell : raw.value_tell + raw.length]))
        else:
            named.append((f"{path}/{tag.group:04x},{tag.element:04x}", raw.length))
            del dataset[tag]
    return named
