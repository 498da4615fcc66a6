"""A DICOM file in three parts: elements, pixel data that are never loaded, and the elements behind them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any

from veilset.containers.view import View
from veilset.core.errors import Malformed, Unsupported

NAME = "DICOM"
DEFLATED, BIG_ENDIAN, IMPLICIT = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
# Pixel data, and the same as numbers of 32 and of 64 bits.
PIXELS = {(0x7FE0, 0x0010): b"OW", (0x7FE0, 0x0008): b"OF", (0x7FE0, 0x0009): b"OD"}
UNDEFINED = 0xFFFFFFFF
ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
# Kinds whose length takes four bytes.
LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
DEEPEST = 16
# Items of files are some hundred bytes long, in the mean.
_MARK = re.compile(rb"\xfe\xff\x00\xe0|\xff\xfe\xe0\x00")
_LOOKED_AT, _FEWEST, _SMALL = 16 << 20, 4096, 64
# A single element beyond this is no header; private ones of that size are named and not loaded.
LARGE = 16 << 20


@dataclass(frozen=True)
class Parsed:
    """A file that was read.

    Attributes:
        header: Elements before the pixel data, with the file's meta information.
        behind: Elements after them.
        element: Where the pixel data element begins; the end of the file where there is none.
        start: Where its value begins.
        stop: Where its value ends: with the last fragment, where there are such.
        head: The element's tag, kind and length, written anew.
        tail: What closes it.
        unloaded: Bytes in private elements too large to load.
        pictured: Whether there are pixel data.
    """

    header: Any
    behind: Any
    element: int
    start: int
    stop: int
    head: bytes
    tail: bytes
    unloaded: tuple[tuple[str, int], ...]
    pictured: bool = True


def read_parts(data: memoryview) -> Parsed:
    """Read all of a file but its pixels; it may lack the head that files have, as what comes from a network does.

    Raises:
        Malformed: The pixel data reach beyond the end, or their fragments do not fit.
        Unsupported: It is coded in a way that the standard does not know, or holds items beyond measure.
    """
    from pydicom import dcmread
    from pydicom.dataset import Dataset
    from pydicom.filereader import read_dataset

    _not_too_many_items(data)
    view = View(data)
    header = dcmread(view, stop_before_pixels=True, defer_size=LARGE, force=True)
    implicit, little = header.original_encoding
    _coded(header, implicit=bool(implicit), little=bool(little))
    order, at = ("<" if little else ">"), view.tell()
    if at == len(data):
        if elements_end(data, syntax_of(data)[1], order, implicit=bool(implicit)) != len(data):
            raise Malformed(f"{NAME}: the elements do not fit; the file is truncated or damaged")
        large = tuple(_without_large(data, header, "dicom"))
        return Parsed(header, Dataset(), at, at, at, b"", b"", large, pictured=False)
    if at + 8 > len(data) or struct.unpack_from(f"{order}HH", data, at) not in PIXELS:
        raise Malformed(f"{NAME}: something else stands where the pixel data should")
    # Some files say explicit and are not.
    implicit = implicit or not bytes(data[at + 4 : at + 6]).isalpha()
    head, start, length = _head(data, at, header, order, implicit=bool(implicit))
    stop, end, tail = start + length, start + length, b""
    if length == UNDEFINED:
        if not header.file_meta.TransferSyntaxUID.is_encapsulated:
            raise Malformed(f"{NAME}: the pixel data stand in fragments, and the file says that they do not")
        stop, end = _fragments(data, start)
        tail = DELIMITER + bytes(4)
    elif header.file_meta.TransferSyntaxUID.is_encapsulated:
        raise Malformed(f"{NAME}: compressed pixel data stand in no fragments")
    if end > len(data):
        raise Malformed(f"{NAME}: the pixel data reach beyond the end; the file is truncated")
    view.seek(end)
    behind = read_dataset(view, implicit, little, defer_size=1 << 16)
    if any((tag.group, tag.element) in PIXELS for tag in list(behind.keys())):
        raise Malformed(f"{NAME}: holds two pictures, of which the standard allows one")
    unloaded = (*_without_large(data, header, "dicom"), *_without_large(data, behind, "dicom", load=False))
    return Parsed(header, behind, at, start, stop, head, tail, unloaded)


def elements_end(data: memoryview, at: int, order: str, *, implicit: bool, depth: int = 0) -> int:
    """Where the elements end that begin at `at`: with the data, or with the mark that closes an item.

    Raises:
        Malformed: One reaches beyond the data.
    """
    while at < len(data):
        group, number = struct.unpack_from(f"{order}HH", data, at)
        if (group, number) == (0xFFFE, 0xE00D):
            return at + 8
        kind = b"" if implicit else bytes(data[at + 4 : at + 6])
        if implicit or kind in LONG:
            at += 8 if implicit else 12
            (length,) = struct.unpack_from(f"{order}I", data, at - 4)
        else:
            at += 8
            (length,) = struct.unpack_from(f"{order}H", data, at - 2)
        # What is of an unknown kind and of no stated length is coded without kinds, whatever is around it.
        at = _items_end(data, at, order, implicit or kind == b"UN", depth) if length == UNDEFINED else at + length
        if at > len(data):
            raise Malformed(f"{NAME}: an element reaches beyond the end; the file is truncated")
    return at


def _items_end(data: memoryview, at: int, order: str, implicit: bool, depth: int) -> int:
    while depth < DEEPEST:
        group, number, length = struct.unpack_from(f"{order}HHI", data, at)
        at += 8
        if (group, number) == (0xFFFE, 0xE0DD):
            return at
        if (group, number) != (0xFFFE, 0xE000):
            raise Malformed(f"{NAME}: something else stands where an item of a sequence should")
        undefined = length == UNDEFINED
        at = elements_end(data, at, order, implicit=implicit, depth=depth + 1) if undefined else at + length
    raise Unsupported(f"{NAME}: sequences are nested deeper than {DEEPEST} levels")


def _not_too_many_items(data: memoryview) -> None:
    """Raise where items of a few bytes each fill a file, which would take minutes to be read one by one."""
    reach = min(len(data), _LOOKED_AT)
    count = sum(1 for _ in _MARK.finditer(data[:reach]))
    if count > _FEWEST + reach // _SMALL:
        raise Unsupported(f"{NAME}: a file of so many items, of so few bytes each, is not served")


def _coded(header: Any, *, implicit: bool, little: bool) -> None:
    """Check how a file says that it is coded; where it does not say so, how it is coded."""
    from pydicom.uid import UID, UID_dictionary

    said = header.file_meta.get("TransferSyntaxUID")
    syntax = str(said or "").strip(" \0") or (IMPLICIT if implicit else EXPLICIT if little else BIG_ENDIAN)
    if UID_dictionary.get(syntax, ("", ""))[1] != "Transfer Syntax":
        raise Unsupported(f"{NAME}: coded in a way that is not the standard's; save it uncompressed")
    if not said and not len(header):
        raise Malformed(f"{NAME}: holds nothing that can be read; it is damaged")
    header.file_meta.TransferSyntaxUID = UID(syntax)


def syntax_of(data: memoryview) -> tuple[str, int]:
    """The transfer syntax of the meta information, which is always explicit and little-endian, and where that ends."""
    at, syntax = 132 if bytes(data[128:132]) == b"DICM" else 0, ""
    while at + 8 <= len(data) and bytes(data[at : at + 2]) == b"\x02\0":
        element, kind, length = int.from_bytes(data[at + 2 : at + 4], "little"), bytes(data[at + 4 : at + 6]), 0
        if kind in LONG:
            length, at = int.from_bytes(data[at + 8 : at + 12], "little"), at + 12
        else:
            length, at = int.from_bytes(data[at + 6 : at + 8], "little"), at + 8
        if element == 0x0010:
            syntax = bytes(data[at : at + length]).strip(b" \0").decode("ascii", "replace")
        at += length
    return syntax, at


def _head(data: memoryview, at: int, header: Any, order: str, *, implicit: bool) -> tuple[bytes, int, int]:
    """The element's header as the file is meant to be coded, where its value begins, and its length."""
    group = struct.unpack_from(f"{order}HH", data, at)
    tag = struct.pack(f"{order}HH", *group)
    if implicit:
        kind, start = PIXELS[group], at + 8
        (length,) = struct.unpack_from(f"{order}I", data, at + 4)
    else:
        kind, start = bytes(data[at + 4 : at + 6]), at + 12
        if kind == b"UN":
            kind = PIXELS[group]
        if kind != PIXELS[group] and (kind != b"OB" or PIXELS[group] != b"OW"):
            raise Malformed(f"{NAME}: the pixel data are of a kind that pixels never have")
        (length,) = struct.unpack_from(f"{order}I", data, at + 8)
    if header.file_meta.TransferSyntaxUID == IMPLICIT:
        return tag + struct.pack(f"{order}I", length), start, length
    kind = b"OB" if length == UNDEFINED else kind
    return tag + kind + bytes(2) + struct.pack(f"{order}I", length), start, length


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
