"""Bytes in memory, or mapped, as a file that readers of other libraries can read piece by piece."""

from __future__ import annotations

import io
from typing import Any


class View(io.RawIOBase):
    """A read-only file over bytes that are not copied."""

    def __init__(self, data: memoryview) -> None:
        super().__init__()
        self.data, self.at = data, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from where the last read ended."""
        piece = self.data[self.at : self.at + len(buffer)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)

    def read(self, size: int | None = -1) -> bytes:
        """As many bytes as there are; room is made for no more, whatever a damaged file asks for."""
        stop = len(self.data) if size is None or size < 0 else min(self.at + size, len(self.data))
        piece = bytes(self.data[self.at : stop])
        self.at += len(piece)
        return piece

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, not before the beginning."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: len(self.data)}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self.at = base + offset
        return self.at

    def tell(self) -> int:
        """Where the next read begins."""
        return self.at
