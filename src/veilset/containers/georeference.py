"""A georeference on a coarse grid: the raster keeps its size and turn, and is moved with all of its points by one step."""

from __future__ import annotations

import math
import struct

from veilset.containers.tiff_fields import GEO
from veilset.containers.tiff_layout import Field
from veilset.containers.verify import says_words

POINTS, MATRIX, KEYS, SCALE = 0x8482, 0x85D8, 0x87AF, 0x830E
_OLD_MATRIX, _NUMBERS, _WORDS = 0x8480, 0x87B0, 0x87B1
# How many numbers each holds, one behind the other; of points any number of groups.
_GROUPS = {SCALE: 3, POINTS: 6, MATRIX: 16, _OLD_MATRIX: 17}
# The keys of GeoTIFF 1.1, but for citations, which are words.
_KNOWN = frozenset((1024, 1025, *range(2048, 2063), *range(3072, 3097), 4096, 4098, 4099)) - {2049, 3073}
_FARTHEST, _NEAREST = 1e12, 1e-30
_MODEL, _GEOGRAPHIC, _PROJECTED, _UNIT = 1024, 2048, 3072, 3076
_USER_DEFINED = 32767
# Metres of a degree along a meridian of the sphere, and the units of length that projections come in.
_METRES = 111_195.0
_FEET = {9002: 0.3048, 9003: 1200 / 3937}
_METHOD = 3075
UNNAMED = "a projection that only words describe was dropped"
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


def without_words(fields: dict[int, Field], order: str) -> None:
    """Take from the georeference among a page's `fields` whatever no key needs: citations, and numbers beyond those of keys.

    Codes of the EPSG name a projection by themselves, and parameters describe one; citations are free text.

    Args:
        fields: By tag, as they will be written; changed in place.
        order: `<` or `>`, as the file's numbers are written.
    """
    for tag, group in _GROUPS.items():
        field = fields.get(tag)
        if field is not None and (
            _reals(field, order) is None
            or len(field.raw) % (8 * group)
            or (tag != POINTS and len(field.raw) > 8 * group)
        ):
            del fields[tag]
    held = _reals(fields[_NUMBERS], order) if _NUMBERS in fields else ()
    for tag in (_NUMBERS, _WORDS):
        fields.pop(tag, None)
    if KEYS not in fields:
        return
    entries = _entries(fields[KEYS], order) if fields[KEYS].type == 3 else []
    numbers: list[float] = []
    made: list[tuple[int, int, int, int]] = []
    for key, place, count, value in entries:
        if key not in _KNOWN or key in [one[0] for one in made]:
            continue
        if place == 0:
            made.append((key, 0, 1, value))
        elif place == _NUMBERS and held and 0 < count <= 10 and value + count <= len(held):
            made.append((key, _NUMBERS, count, len(numbers)))
            numbers += held[value : value + count]
    made.sort()
    # GeoTIFF 1.1 reads heights otherwise than 1.0.
    minor = struct.unpack_from(f"{order}3H", fields[KEYS].raw)[2] == 1
    fields[KEYS] = Field(3, struct.pack(f"{order}4H", 1, 1, minor, len(made)) + _packed(made, order))
    if numbers:
        fields[_NUMBERS] = Field(12, struct.pack(f"{order}{len(numbers)}d", *numbers))


def is_only_named(field: Field, order: str) -> bool:
    """Whether keys call for a projection of the file's own and do not say by which method: words alone can."""
    told = dict(_inline(field, order))
    return told.get(_PROJECTED) == _USER_DEFINED and told.get(_METHOD, _USER_DEFINED) == _USER_DEFINED


def _packed(entries: list[tuple[int, int, int, int]], order: str) -> bytes:
    return b"".join(struct.pack(f"{order}4H", *entry) for entry in entries)


def _reals(field: Field, order: str) -> tuple[float, ...] | None:
    """Numbers of 64 bits; None where they are of another type, or no such as places and projections have."""
    if field.type != 12:
        return None
    numbers = struct.unpack(f"{order}{len(field.raw) // 8}d", field.raw)
    usual = all(not one or (math.isfinite(one) and _NEAREST <= abs(one) <= _FARTHEST) for one in numbers)
    return numbers if usual and not says_words(field.raw) else None


def is_lost(field: Field, order: str) -> bool:
    """Whether `coarsen` takes a georeference with these keys away."""
    told = dict(_inline(field, order))
    return told.get(_MODEL) not in (1, 2) or _USER_DEFINED in told.values()


def _inline(field: Field, order: str) -> list[tuple[int, int]]:
    """The keys whose value stands in the directory itself."""
    return [(key, value) for key, place, _, value in _entries(field, order) if place == 0]


def _entries(field: Field, order: str) -> list[tuple[int, int, int, int]]:
    """Each key, where its value stands (0: in the last number itself), how many there are, and the last number."""
    numbers = struct.unpack(f"{order}{len(field.raw) // 2}H", field.raw[: len(field.raw) // 2 * 2])
    return [numbers[at : at + 4] for at in range(4, len(numbers) - 3, 4)]


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
