"""What cleaning would make of a file, told without writing one: whether it stays the same, what goes, and what is left."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veilset.containers.clean import INHERENT
from veilset.containers.contract import Fate, Keep, Rebuilt
from veilset.containers.door import open_source
from veilset.containers.pages import windows
from veilset.containers.pieces import Piece, RangeWriter
from veilset.containers.verify import CODED, READABLE, needles_of, says_words, text_in

# Written anew as a whole, so that no ledger tells what went: such a file is clean when nothing of it would change.
WHOLE = frozenset({"pdf", "tar", "zip"})
# Of these a clean file comes out byte by byte as it went in: whatever is written anew said something, but for filling.
_BYTE_BY_BYTE = frozenset({"bmp", "gif", "jpeg", "png", "webp"})
_FILLING = b"\0\xff"
_WORD = re.compile(r"[^\W_]{3,}")
# What every drawing is full of, and what writing it anew leaves out.
_XML = frozenset(
    """
    xml version encoding utf standalone yes xmlns xlink http www org 2000 1999 svg space namespace preserve default
    """.split()  # noqa: SIM905 - a list of words, not of quotes
)
# A box without content, its header alone; or filling between boxes.
_HEADER = 32
_MOST = 1 << 20
_OVERLAP = 4096


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What cleaning would do.

    Attributes:
        same: It would give the same bytes.
        residue: What would stay and be named, but for what every picture says by being one.
        goes: What would go although it says something, in public words; no value.
    """

    same: bool
    residue: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()


class Nowhere(RangeWriter):
    """Takes what is written, and only notes what is copied."""

    def __init__(self) -> None:
        super().__init__(os.devnull, "wb")
        self.pieces: list[Piece] = []

    def write(self, piece: Any) -> int:
        """Keep new bytes."""
        self.pieces.append(bytes(piece))
        return len(piece)

    def writelines(self, pieces: Any) -> None:
        """Keep new bytes."""
        for piece in pieces:
            self.write(piece)

    def copy(self, data: memoryview, start: int, stop: int) -> None:
        """Note the stretch."""
        del data
        self.pieces.append((start, stop))


def foresee(path: Path, keep: Keep) -> Foreseen:
    """What cleaning `path` under `keep` would do.

    **Guarantee**
    - Nothing is written; memory grows with what would be written anew, not with what would be copied.

    Raises:
        DataError: As cleaning.
    """
    with open_source(path) as door, Nowhere() as out:
        rebuilt = door.container.rebuild(door.data, out, keep)
        door.check(rebuilt.claims)
        same = rebuilt.size == len(door.data) and _is_same(door.data, out.pieces)
        residue = [one for one in rebuilt.residue if one not in INHERENT]
        if door.format in CODED and _says_words(door.data, rebuilt):
            residue.append(READABLE)
        goes = () if same else tuple(_going(door.data, door.format, rebuilt, out.pieces))
        return Foreseen(same, tuple(residue), goes)


def _is_same(data: memoryview, pieces: list[Piece]) -> bool:
    at = 0
    for piece in pieces:
        size = len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
        if isinstance(piece, bytes):
            if data[at : at + size] != piece:
                return False
        elif piece[0] != at:
            pairs = zip(windows(data, at, at + size), windows(data, *piece), strict=True)
            if any(data[a:b] != data[c:d] for (a, b), (c, d) in pairs):
                return False
        at += size
    return at == len(data)


def _says_words(data: memoryview, rebuilt: Rebuilt) -> bool:
    return any(
        says_words(bytes(data[low:high]))
        for start, _, size in rebuilt.copied
        for low, high in windows(data, start, start + size, overlap=_OVERLAP)
    )


def _going(data: memoryview, kind: str, rebuilt: Rebuilt, pieces: list[Piece]) -> list[str]:
    if kind in WHOLE:
        return ["parts that cleaning takes away"]
    new = b"\xff".join(piece for piece in pieces if isinstance(piece, bytes))
    if kind == "svg":
        return ["words that cleaning takes away"] if _words(bytes(data)) - _words(new) - _XML else []
    strict = kind in _BYTE_BY_BYTE
    least = 0 if strict or kind == "tiff" else _HEADER
    told = frozenset() if strict else text_in(new)
    found: list[str] = []
    for claim in rebuilt.claims:
        raw = bytes(data[claim.start : min(claim.stop, claim.start + _MOST)])
        if claim.fate is Fate.DROPPED and _says_something(raw, least):
            found.append(claim.what)
        elif claim.fate is Fate.REWRITTEN:
            if strict and raw.strip(_FILLING):
                found.append(claim.what)
            elif not strict and needles_of([raw]) - told:
                found.append(f"words in the {claim.what}")
    return list(dict.fromkeys(found))


def _says_something(raw: bytes, least: int) -> bool:
    """Whether more goes than a header of so many bytes, or filling."""
    if least:
        return len(raw) > least and len(set(raw[8:])) > 1
    return bool(raw.strip(_FILLING))


def _words(raw: bytes) -> frozenset[str]:
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    return frozenset(_WORD.findall(text.lower()))
