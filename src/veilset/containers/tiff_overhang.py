"""Pixels of tiles that lie outside the page, and bits that fill the rows of strips: nobody shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilset.containers import tiff_fields as tags
from veilset.containers.ifd import Header
from veilset.containers.tiff_packed import PACKED, is_known
from veilset.containers.tiff_pages import Page, number, numbers
from veilset.containers.tiff_sizes import shapes_of

_YCC, _PREDICTOR, _NONE, _ACROSS, _FILL_ORDER = 6, 0x013D, 1, 2, 0x010A
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
    last: int = 0xFF

    def blanked(self, tile: bytes) -> bytes:
        """The decoded tile with nothing outside the page; stored as differences, the last pixel goes on.

        >>> Overhang(4, 1, 3, 1, False).blanked(b"abcdefgh")
        b'abc\\x00\\x00\\x00\\x00\\x00'
        """
        # A tile may claim any size; no more is touched than there is.
        shown = bytearray(len(tile))
        for at in range(0, min(self.shown_rows * self.row, len(tile)), self.row):
            shown[at : at + self.shown] = tile[at : at + self.shown]
            if self.last != 0xFF and at + self.shown <= len(tile):
                shown[at + self.shown - 1] &= self.last
        return bytes(shown)

    def said(self, tile: bytes) -> bytes:
        """What the outside holds; empty where it is one colour, or goes on as the shown part ends, as encoders fill it."""
        rows = len(tile) // self.row
        grid = np.frombuffer(tile[: rows * self.row], np.uint8).reshape(rows, self.row)
        right, below = grid[: self.shown_rows, self.shown :], grid[self.shown_rows :]
        found = b""
        if right.size and not _is_filling(right) and not self._goes_on(grid[: self.shown_rows]):
            found += right.tobytes()
        if not _is_filling(below) and not np.all(below == grid[self.shown_rows - 1]):
            found += below.tobytes()
        bits = grid[: self.shown_rows, self.shown - 1] & (0xFF ^ self.last)
        return found + (bits.tobytes() if bits.any() else b"")

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
        scheme == 1 or (_is_packed(data, header, page, scheme) and predictor in {_NONE, _ACROSS})
    )


def _is_packed(data: memoryview, header: Header, page: Page, scheme: int) -> bool:
    """Whether strips can be unpacked to bytes and packed again."""
    # In reversed order the bits of the packed data are meant, not those of the pixels.
    in_order = number(data, header, page, _FILL_ORDER, 1) == 1
    return scheme in tags.DEFLATE or (in_order and scheme in PACKED and is_known(scheme))


def fills(data: memoryview, header: Header, page: Page) -> bool:
    """Whether rows end within a byte, so that bits are left over."""
    bits = numbers(data, header, page, 0x0102) or (1,)
    samples = 1 if number(data, header, page, 0x011C, 1) == 2 else number(data, header, page, 0x0115, 1)
    tiled = tags.TILE_OFFSETS in page.entries
    columns = number(data, header, page, 0x0142 if tiled else 0x0100)
    scheme = number(data, header, page, 0x0103, 1)
    # Fax codings end each row at its last pixel, and codings for pictures have no rows of bits.
    packed = scheme in {1, *tags.DEFLATE, *PACKED}
    return packed and len(set(bits)) == 1 and columns * samples * bits[0] % 8 > 0


def filling_told_apart(data: memoryview, header: Header, page: Page) -> bool:
    """Whether those bits can be set to zero: rows as they are, or unpacked and packed again."""
    scheme, predictor = number(data, header, page, 0x0103, 1), number(data, header, page, _PREDICTOR, 1)
    plain = tags.TILE_OFFSETS not in page.entries and number(data, header, page, 0x0106) != _YCC
    usable = scheme == 1 or _is_packed(data, header, page, scheme)
    return plain and usable and predictor == _NONE and number(data, header, page, _FILL_ORDER, 1) == 1


def _fillings(data: memoryview, header: Header, page: Page) -> list[Overhang | None]:
    bits = (numbers(data, header, page, 0x0102) or (1,))[0]
    samples = 1 if number(data, header, page, 0x011C, 1) == 2 else number(data, header, page, 0x0115, 1)
    found: list[Overhang | None] = []
    for rows, columns, _ in shapes_of(data, header, page):
        used = columns * samples * bits
        row = -(-used // 8)
        found.append(Overhang(row, 1, row, rows, False, 0xFF & ~((1 << -used % 8) - 1)))
    return found


def overhangs_of(data: memoryview, header: Header, page: Page) -> list[Overhang | None]:
    """What is shown of each tile or strip; None where all of it is, or where that cannot be told from its bytes."""
    count = len(page.stretches)
    if fills(data, header, page) and filling_told_apart(data, header, page):
        return _fillings(data, header, page)
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
