"""EXIF orientation on arrays and block grids: between the stored picture and the upright one."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Grid

S = TypeVar("S", bound=np.generic)

_SWAPPED = frozenset({5, 6, 7, 8})
_FLIPPED_X = frozenset({2, 3, 6, 7})
_FLIPPED_Y = frozenset({3, 4, 7, 8})


def upright(stored: NDArray[S], orientation: int) -> NDArray[S]:
    """The picture as a viewer shows it. *Shapes*: (height, width, ...) in and out; a view, never a copy.

    >>> upright(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    return _flip(stored.swapaxes(0, 1) if orientation in _SWAPPED else stored, orientation)


def as_stored(shown: NDArray[S], orientation: int) -> NDArray[S]:
    """The inverse of `upright`.

    >>> as_stored(upright(np.arange(6).reshape(2, 3), 8), 8).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    flipped = _flip(shown, orientation)
    return flipped.swapaxes(0, 1) if orientation in _SWAPPED else flipped


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """(width, height) of the upright picture from those of the stored one."""
    return (height, width) if orientation in _SWAPPED else (width, height)


def upright_grid(width: int, height: int, block: tuple[int, int], orientation: int) -> Grid:
    """Blocks of (width, height) samples of a stored picture, as the upright picture shows them.

    Blocks count from the stored top-left corner, so a turned or mirrored picture begins with the narrow last one.

    >>> upright_grid(20, 16, (16, 8), 2)
    Grid(width=16, height=8, x=4, y=0)
    """
    shown = upright_size(width, height, orientation)
    across, down = upright_size(*block, orientation)
    return Grid(
        across,
        down,
        shown[0] % across if orientation in _FLIPPED_X else 0,
        shown[1] % down if orientation in _FLIPPED_Y else 0,
    )


def _flip(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    if orientation in _FLIPPED_X:
        array = array[:, ::-1]
    return array[::-1] if orientation in _FLIPPED_Y else array
