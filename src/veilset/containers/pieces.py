"""Write a file from pieces: new bytes, and stretches of the input that are copied untouched."""

from __future__ import annotations

import errno
import io
import mmap
import os
from collections.abc import Sequence
from typing import BinaryIO

from veilset.containers.contract import Claim, Fate, Rebuilt

Piece = bytes | tuple[int, int]
_KERNEL_FROM = 1 << 15
_MOST_AT_ONCE = 512


class RangeWriter(io.FileIO):
    """A file that takes many pieces in one call, and into which the kernel copies what is only mapped of its source."""

    source: int = -1

    def copy(self, data: memoryview, start: int, stop: int) -> None:
        """Append bytes [start, stop) of the source, whose content is `data`."""
        # What already lies in memory is written faster than the kernel copies it page by page.
        if self.source >= 0 and stop - start >= _KERNEL_FROM and isinstance(data.obj, mmap.mmap):
            target = self.fileno()
            try:
                while start < stop:
                    done = os.copy_file_range(self.source, target, stop - start, start)
                    if not done:
                        break
                    start += done
            except OSError as error:
                # Some file systems cannot; the bytes then take the way through memory.
                if error.errno not in {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}:
                    raise
        if start < stop:
            _write_all(self, data[start:stop])

    def gather(self, parts: Sequence[bytes | memoryview]) -> None:
        """Append all parts, in one call as far as the system takes them."""
        target = self.fileno()
        for first in range(0, len(parts), _MOST_AT_ONCE):
            some = parts[first : first + _MOST_AT_ONCE]
            written = os.writev(target, some)
            for part in some:
                if written < len(part):
                    _write_all(self, memoryview(part)[written:])
                written = max(0, written - len(part))


def emit(
    pieces: Sequence[Piece], data: memoryview, out: BinaryIO, claims: Sequence[Claim], residue: Sequence[str] = ()
) -> Rebuilt:
    """Write `pieces` in order and say which stretches were copied; neighbours of the input are written as one."""
    size = 0
    copied: list[tuple[int, int, int]] = []
    joined = _joined(pieces)
    if isinstance(out, RangeWriter) and not isinstance(data.obj, mmap.mmap):
        out.gather([piece if isinstance(piece, bytes) else data[piece[0] : piece[1]] for piece in joined])
    else:
        _write_each(joined, data, out)
    for piece in joined:
        if isinstance(piece, bytes):
            size += len(piece)
        else:
            copied.append((piece[0], size, piece[1] - piece[0]))
            size += piece[1] - piece[0]
    return Rebuilt(size, tuple(claims), tuple(copied), tuple(dict.fromkeys(residue)))


def _write_each(pieces: Sequence[Piece], data: memoryview, out: BinaryIO) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            out.write(piece)
        elif isinstance(out, RangeWriter):
            out.copy(data, *piece)
        else:
            _write_all(out, data[piece[0] : piece[1]])


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
