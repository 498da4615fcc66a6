"""How many bytes each strip and tile of a TIFF page takes once decoded: what is more, no decoder shows."""

from __future__ import annotations

from veilset.containers import tiff_fields as tags
from veilset.containers.ifd import Header
from veilset.containers.tiff_pages import Page, number, numbers

_YCC = 6


def sizes_of(data: memoryview, header: Header, page: Page) -> tuple[int, ...]:
    """Decoded bytes of each stretch of a page, in its order; 0 where that cannot be told.

    The last strip of a plane holds only the rows that are left (TIFF 6.0, RowsPerStrip); tiles are always whole.
    """
    return tuple(_bytes_of(data, header, page, *shape) for shape in shapes_of(data, header, page))


def shapes_of(data: memoryview, header: Header, page: Page) -> tuple[tuple[int, int, int], ...]:
    """(rows, columns, plane) of each stretch."""
    width, height = number(data, header, page, 0x0100), number(data, header, page, 0x0101)
    count = len(page.stretches)
    samples = number(data, header, page, 0x0115, 1)
    planes = samples if number(data, header, page, 0x011C, 1) == 2 else 1
    if tags.TILE_OFFSETS in page.entries:
        columns, rows = number(data, header, page, 0x0142), number(data, header, page, 0x0143)
        each = max(1, -(-count // max(planes, 1)))
        return tuple((rows, columns, index // each) for index in range(count))
    rows = min(number(data, header, page, 0x0116, height), height)
    each = -(-height // rows) if rows else 1
    return tuple((min(rows, height - index % each * rows), width, index // each) for index in range(count))


def _bytes_of(data: memoryview, header: Header, page: Page, rows: int, columns: int, plane: int) -> int:
    bits = numbers(data, header, page, 0x0102) or (1,)
    samples = number(data, header, page, 0x0115, 1)
    apart = number(data, header, page, 0x011C, 1) == 2
    if number(data, header, page, 0x0106) == _YCC and not apart:
        across, down = (*numbers(data, header, page, 0x0212), 2, 2)[:2]
        if samples != 3 or set(bits) != {8} or not across or not down:
            return 0
        # Lights of a block of pixels, then its two colours (TIFF 6.0, section 21).
        return -(-columns // across) * -(-rows // down) * (across * down + 2)
    if apart:
        return rows * -(-columns * bits[min(plane, len(bits) - 1)] // 8)
    return 0 if len(set(bits)) > 1 else rows * -(-columns * bits[0] * samples // 8)
