"""Write a file from pieces: new bytes, and stretches of the input that are copied untouched."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Sequence
from typing import BinaryIO

from veilset.containers.contract import Claim, Fate, Rebuilt

Piece = bytes | tuple[int, int]
_KERNEL_FROM = 1 << 15


class RangeWriter(io.FileIO):
    """A file that the kernel can copy stretches of one source into, without a way through this process.

    Writing what lies in memory looks faster on an empty machine: large writes take large folios. Where memory is short of
    those, they cost several times what copying page by page does, and that is where people work.
    """

    source: int = -1

    def copy(self, data: memoryview, start: int, stop: int) -> None:
        """Append bytes [start, stop) of the source, whose content is `data`."""
        if self.source >= 0 and stop - start >= _KERNEL_FROM:
            # The first shares blocks where the file system can; the second also goes from one file system to another.
            for by in (_copy_range, _send):
                start = self._by_kernel(by, start, stop)
        if start < stop:
            _write_all(self, data[start:stop])

    def _by_kernel(self, by: Callable[[int, int, int, int], int], start: int, stop: int) -> int:
        """How far the kernel came."""
        target = self.fileno()
        try:
            while start < stop:
                done = by(self.source, target, start, stop - start)
                if not done:
                    break
                start += done
        except OSError as error:
            # Some file systems cannot; the bytes then take another way.
            if error.errno not in {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}:
                raise
        return start


def _copy_range(source: int, target: int, start: int, size: int) -> int:
    return os.copy_file_range(source, target, size, start)


def _send(source: int, target: int, start: int, size: int) -> int:
    return os.sendfile(target, source, start, size)


def emit(
    pieces: Sequence[Piece], data: memoryview, out: BinaryIO, claims: Sequence[Claim], residue: Sequence[str] = ()
) -> Rebuilt:
    """Write `pieces` in order and say which stretches were copied; neighbours of the input are written as one."""
    size = 0
    copied: list[tuple[int, int, int]] = []
    for piece in _joined(pieces):
        if isinstance(piece, bytes):
            out.write(piece)
            size += len(piece)
        else:
            start, stop = piece
            if isinstance(out, RangeWriter):
                out.copy(data, start, stop)
            else:
                _write_all(out, data[start:stop])
            copied.append((start, size, stop - start))
            size += stop - start
    return Rebuilt(size, tuple(claims), tuple(copied), tuple(dict.fromkeys(residue)))


def _write_all(out: BinaryIO | RangeWriter, view: memoryview) -> None:
    written = out.write(view)
    while written is not None and written < len(view):
        view = view[written:]
        written = out.write(view)


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, bytes) and isinstance(last, bytes):
            joined[-1] = last + piece
        elif isinstance(piece, tuple) and isinstance(last, tuple) and last[1] == piece[0]:
            joined[-1] = (last[0], piece[1])
        elif piece:
            joined.append(piece)
    return joined


class Ledger:
    """Claims made one after the other; what lies between two of them must be claimed too, or the file fails."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []

    def add(self, start: int, stop: int, fate: Fate, what: str) -> None:
        """Claim [start, stop); empty stretches need no claim, and equal neighbours become one."""
        if stop <= start:
            return
        last = self.claims[-1] if self.claims else None
        if last and last.stop == start and last.fate == fate and last.what == what:
            self.claims[-1] = Claim(last.start, stop, fate, what)
        else:
            self.claims.append(Claim(start, stop, fate, what))
