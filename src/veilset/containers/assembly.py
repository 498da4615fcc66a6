"""A rebuilt file as a plan: pieces that go out, beside a claim for every input byte; nothing large is held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from veilset.containers.contract import Claim, Fate, Rebuilt, check_claims
from veilset.containers.pages import windows
from veilset.containers.pieces import RangeWriter


@dataclass
class Assembly:
    """Pieces of the output in order, and what becomes of each stretch of input.

    Attributes:
        data: The input.
        name: Format name for messages.
        size: Bytes of output planned so far.
        residue: What stays although it may say something.
    """

    data: memoryview
    name: str
    size: int = 0
    residue: list[str] = field(default_factory=list)
    pieces: list[bytes | tuple[int, int]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    copied: list[tuple[int, int, int]] = field(default_factory=list)

    def write(self, new: bytes) -> None:
        """Bytes of our own making."""
        if new:
            self.pieces.append(new)
            self.size += len(new)

    def copy(self, start: int, stop: int) -> None:
        """Input bytes [start, stop) go out untouched as coded picture data; claim them apart."""
        if stop > start:
            self.copied.append((start, self.size, stop - start))
            self.pieces.append((start, stop))
            self.size += stop - start

    def claim(self, start: int, stop: int, fate: Fate, what: str) -> None:
        """What becomes of input bytes [start, stop)."""
        if stop > start:
            self.claims.append(Claim(start, stop, fate, what))

    def keep(self, start: int, stop: int, what: str) -> None:
        """Copy and claim in one."""
        self.copy(start, stop)
        self.claim(start, stop, Fate.KEPT, what)

    def replace(self, start: int, stop: int, new: bytes, what: str) -> None:
        """Write `new` for input bytes [start, stop)."""
        self.write(new)
        same = len(new) == stop - start and new == self.data[start:stop]
        self.claim(start, stop, Fate.KEPT if same else Fate.REWRITTEN, what)

    def drop(self, start: int, stop: int, what: str) -> None:
        """Input bytes [start, stop) go."""
        self.claim(start, stop, Fate.DROPPED, what)

    def join(self, other: Assembly) -> None:
        """What another plan of the same input wants follows."""
        self.copied += [(start, place + self.size, length) for start, place, length in other.copied]
        self.pieces += other.pieces
        self.claims += other.claims
        self.residue += other.residue
        self.size += other.size

    def ledger(self) -> tuple[Claim, ...]:
        """The claims in order, checked: every input byte is claimed once."""
        claims = tuple(sorted(self.claims, key=lambda claim: claim.start))
        check_claims(claims, len(self.data), self.name)
        return claims

    def finish(self, out: BinaryIO) -> Rebuilt:
        """Check the ledger, then write everything."""
        claims = self.ledger()
        for piece in self.pieces:
            if isinstance(piece, bytes):
                out.write(piece)
            else:
                copy_range(self.data, *piece, out)
        return Rebuilt(self.size, claims, tuple(self.copied), tuple(dict.fromkeys(self.residue)))


def copy_range(data: memoryview, start: int, stop: int, out: BinaryIO) -> None:
    """Write data[start:stop] in steps; pages of a mapped file are given back, so that memory stays constant."""
    if isinstance(out, RangeWriter):
        out.copy(data, start, stop)
        return
    out.writelines(data[at:end] for at, end in windows(data, start, stop))


def cut_out(span: tuple[int, int], kept: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a span when the sorted, disjoint stretches `kept` are taken out.

    >>> cut_out((0, 10), [(2, 4), (8, 12)])
    [(0, 2), (4, 8)]
    """
    at, stop = span
    left = []
    for low, high in kept:
        if high <= at or low >= stop:
            continue
        if low > at:
            left.append((at, low))
        at = max(at, high)
    if at < stop:
        left.append((at, stop))
    return left


def union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans merged where they touch or overlap, sorted.

    >>> union([(4, 6), (0, 2), (2, 3), (5, 9)])
    [(0, 3), (4, 9)]
    """
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(span for span in spans if span[1] > span[0]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
