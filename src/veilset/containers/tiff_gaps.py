"""What lies between the pages of a TIFF: filling, what writers leave when they write a directory anew, or something else."""

from __future__ import annotations

import re
import struct

from veilset.containers.ifd import SIZES
from veilset.containers.recognise import identify
from veilset.containers.verify import text_in
from veilset.core.finding import Risk

# A header that a writer put before each page, and its offset.
_OLD_HEADER = re.compile(rb"II\*\0[\0-\xff]{4}|MM\0\*[\0-\xff]{4}")
# Counts that were reserved and moved elsewhere.
_ONE = b"\1\0\0\0"
_PICTURE = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n|GIF8[79]a|RIFF....WEBP|ftyp|%PDF-|PK\x03\x04", re.DOTALL)
_FEWEST = 3


def is_filling(piece: bytes, size: int) -> bool:
    """Whether a gap holds nothing: zeros, or the header that a writer put before a page; `size` is that of the file.

    >>> is_filling(b"\\0" * 5 + b"II*\\0\\x08\\0\\0\\0", 999), is_filling(b"at home", 999)
    (True, False)
    """
    rest = piece.strip(b"\0")
    if not rest:
        return True
    at = piece.index(rest[:1])
    if rest[:2] in {b"II", b"MM"} and _OLD_HEADER.fullmatch(piece[at : at + 8]) and not piece[at + 8 :].strip(b"\0"):
        return int.from_bytes(piece[at + 4 : at + 8], "little" if rest[:2] == b"II" else "big") < size
    return rest == (_ONE * (len(rest) // 4 + 1))[:-3]


def grade(pieces: list[bytes]) -> Risk:
    """How much the gaps of a file may tell: a picture, words and whatever else, or old directories alone."""
    if any(identify(piece.lstrip(b"\0")) or _PICTURE.search(piece) for piece in pieces):
        return Risk.HIDDEN
    old = all(_is_directory(piece.strip(b"\0")) and not text_in(piece) for piece in pieces)
    return Risk.HISTORY if old else Risk.CONTENT


def _is_directory(piece: bytes) -> bool:
    """Whether a directory of a classic TIFF begins here: entries with types that exist, their tags in order."""
    for order in "<>":
        count = struct.unpack_from(order + "H", piece)[0] if len(piece) >= 2 else 0
        whole = min(count, (len(piece) - 2) // 12)
        entries = [struct.unpack_from(order + "HHI", piece, 2 + 12 * index) for index in range(whole)]
        numbers = [tag for tag, _, _ in entries]
        if whole >= _FEWEST and numbers == sorted(numbers) and all(kind in SIZES for _, kind, _ in entries):
            return True
    return False
