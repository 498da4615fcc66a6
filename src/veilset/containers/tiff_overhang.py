"""Pixels of tiles that lie outside the page: nobody shows them, and a whole picture fits into them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilset.containers import tiff_fields as tags
from veilset.containers.ifd import Header
from veilset.containers.tiff_pages import Page, number, numbers

_YCC, _PREDICTOR, _NONE, _ACROSS = 6, 0x013D, 1, 2
_LARGEST = 1 << 27


@dataclass(frozen=True)
class Overhang:
    """How much of a decoded tile is shown, in whole bytes; each row of it has `row` bytes, each pixel `pixel`.

    `across`: pixels are stored as differences to the one on their left.
    """

    row: int
    pixel: int
    shown: int
    shown_rows: int
    across: bool

    def blanked(self, tile: bytes) -> bytes:
        """The decoded tile with nothing outside the page; stored as differences, the last pixel goes on.

        >>> Overhang(4, 1, 3, 1, False).blanked(b"abcdefgh")
        b'abc\\x00\\x00\\x00\\x00\\x00'
        """
        # A tile may claim any size; no more is touched than there is.
        shown = bytearray(len(tile))
        for at in range(0, min(self.shown_rows * self.row, len(tile)), self.row):
            shown[at : at + self.shown] = tile[at : at + self.shown]
        return bytes(shown)

    def said(self, tile: bytes) -> bytes:
        """What the outside holds; empty where it is one colour, or goes on as the shown part ends, as encoders fill it."""
        rows = len(tile) // self.row
        grid = np.frombuffer(tile[: rows * self.row], np.uint8).reshape(rows, self.row)
        right, below = grid[: self.shown_rows, self.shown :], grid[self.shown_rows :]
        found = b""
        if not _is_filling(right) and not self._goes_on(grid[: self.shown_rows]):
            found += right.tobytes()
        if not _is_filling(below) and not np.all(below == grid[self.shown_rows - 1]):
            found += below.tobytes()
        return found

    def _goes_on(self, grid: np.ndarray) -> bool:
        count = (self.row - self.shown) // self.pixel
        if self.across:
            # Filling of another colour shows as one difference.
            return not grid[:, self.shown + self.pixel :].any()
        last = grid[:, self.shown - self.pixel : self.shown]
        return bool(np.array_equal(grid[:, self.shown :], np.tile(last, (1, count))))


def _is_filling(part: np.ndarray) -> bool:
    return not part.any() or bool((part == 255).all())


def overhangs(data: memoryview, header: Header, page: Page) -> bool:
    """Whether tiles at the edge hold pixels that lie outside the page."""
    if tags.TILE_OFFSETS not in page.entries:
        return False
    sides = ((0x0100, 0x0142), (0x0101, 0x0143))
    return any(number(data, header, page, whole) % number(data, header, page, part, 1) for whole, part in sides)


def told_apart(data: memoryview, header: Header, page: Page) -> bool:
    """Whether the bytes of what lies outside can be told from the others without a decoder of pixels."""
    scheme, predictor = number(data, header, page, 0x0103, 1), number(data, header, page, _PREDICTOR, 1)
    bits = numbers(data, header, page, 0x0102) or (1,)
    whole = len(set(bits)) == 1 and bits[0] and bits[0] % 8 == 0 and number(data, header, page, 0x0106) != _YCC
    samples, columns, rows = (number(data, header, page, tag, 1) for tag in (0x0115, 0x0142, 0x0143))
    size = bits[0] // 8 * samples * columns * rows
    return bool(whole and 0 < size <= _LARGEST) and (
        scheme == 1 or (scheme in tags.DEFLATE and predictor in {_NONE, _ACROSS})
    )


def overhangs_of(data: memoryview, header: Header, page: Page) -> list[Overhang | None]:
    """What is shown of each tile or strip; None where all of it is, or where that cannot be told from its bytes."""
    count = len(page.stretches)
    if not overhangs(data, header, page) or not told_apart(data, header, page):
        return [None] * count
    width, height = number(data, header, page, 0x0100), number(data, header, page, 0x0101)
    columns, rows = number(data, header, page, 0x0142), number(data, header, page, 0x0143)
    across, down = -(-width // columns), -(-height // rows)
    apart = number(data, header, page, 0x011C, 1) == 2
    samples = 1 if apart else number(data, header, page, 0x0115, 1)
    pixel = (numbers(data, header, page, 0x0102) or (1,))[0] // 8 * samples
    predicted = number(data, header, page, 0x0103, 1) != 1 and number(data, header, page, _PREDICTOR, 1) == _ACROSS
    found: list[Overhang | None] = []
    for index in range(count):
        place = index % (across * down)
        shown, shown_rows = min(columns, width - place % across * columns), min(rows, height - place // across * rows)
        whole = (shown, shown_rows) == (columns, rows)
        found.append(None if whole else Overhang(columns * pixel, pixel, shown * pixel, shown_rows, predicted))
    return found
