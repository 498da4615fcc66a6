"""A georeference on a coarse grid: the raster keeps its size and turn, and is moved with all of its points by one step."""

from __future__ import annotations

import struct

from veilset.containers.tiff_fields import GEO
from veilset.containers.tiff_layout import Field

POINTS, MATRIX, KEYS, SCALE = 0x8482, 0x85D8, 0x87AF, 0x830E
_MODEL, _GEOGRAPHIC, _PROJECTED, _UNIT = 1024, 2048, 3072, 3076
_USER_DEFINED = 32767
# Metres of a degree along a meridian of the sphere, and the units of length that projections come in.
_METRES = 111_195.0
_FEET = {9002: 0.3048, 9003: 1200 / 3937}
LOST = "a georeference of a projection of its own was dropped, since it cannot be put on a grid"


def coarsen(fields: dict[int, Field], order: str, grid: float) -> None:
    """Move the georeference among a page's `fields` onto a grid of so many degrees, or take it away.

    Degrees are rounded to the grid, lengths to a grid of as many metres. Heights, texts and numbers of projections go: each
    may name the place by itself. What uses a projection of its own cannot stand without them, and goes as a whole.

    Args:
        fields: By tag, as they will be written; changed in place.
        order: `<` or `>`, as the file's numbers are written.
        grid: Degrees.
    """
    keys = _inline(fields[KEYS], order) if KEYS in fields else []
    told = dict(keys)
    usable = KEYS in fields and told.get(_MODEL) in (1, 2) and _USER_DEFINED not in told.values()
    kept = {SCALE: fields.get(SCALE)} if usable else {}
    if usable:
        step = grid if told[_MODEL] == 2 else grid * _METRES / _FEET.get(told.get(_UNIT, 0), 1.0)
        kept[POINTS] = _moved(fields.get(POINTS), order, step, 6, (3, 4), 5)
        kept[MATRIX] = _moved(fields.get(MATRIX), order, step, 16, (3, 7), 11)
        head = struct.pack(f"{order}4H", 1, 1, 0, len(keys))
        kept[KEYS] = Field(3, head + b"".join(struct.pack(f"{order}4H", key, 0, 1, value) for key, value in keys))
    for tag in GEO:
        fields.pop(tag, None)
    fields.update({tag: field for tag, field in kept.items() if field is not None})


def is_lost(field: Field, order: str) -> bool:
    """Whether `coarsen` takes a georeference with these keys away."""
    told = dict(_inline(field, order))
    return told.get(_MODEL) not in (1, 2) or _USER_DEFINED in told.values()


def _inline(field: Field, order: str) -> list[tuple[int, int]]:
    """The keys whose value stands in the directory itself."""
    numbers = struct.unpack(f"{order}{len(field.raw) // 2}H", field.raw[: len(field.raw) // 2 * 2])
    entries = (numbers[at : at + 4] for at in range(4, len(numbers) - 3, 4))
    return [(key, value) for key, place, _, value in entries if place == 0]


def _moved(field: Field | None, order: str, step: float, size: int, axes: tuple[int, int], height: int) -> Field | None:
    """Numbers in groups of `size`, all moved by what moves the first group onto the grid; heights become zero."""
    if field is None or field.type != 12 or not field.raw or len(field.raw) % (8 * size):
        return None
    numbers = list(struct.unpack(f"{order}{len(field.raw) // 8}d", field.raw))
    for axis in axes:
        onto = round(numbers[axis] / step) * step
        # What stands on the grid stays to the last bit, so that a second pass changes nothing.
        by = 0.0 if abs(onto - numbers[axis]) < 1e-9 * step else onto - numbers[axis]
        numbers[axis::size] = [round(number + by, 9) for number in numbers[axis::size]] if by else numbers[axis::size]
    numbers[height::size] = [0.0] * len(numbers[height::size])
    return Field(12, struct.pack(f"{order}{len(numbers)}d", *numbers))
