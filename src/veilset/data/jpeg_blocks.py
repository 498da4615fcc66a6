"""Replace whole MCUs of a JPEG: treated pixels in, quantised coefficients out. Pure functions on arrays.

Everything here stands in the *stored* orientation. A coefficient array has the shape (block rows, block columns, 8, 8),
frequencies in natural order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BrokenContract
from veilset.core.sample import BoolArray, Pixels
from veilset.data.jpeg_header import Component, JpegHeader

Coefficients = NDArray[np.int16]
_CHUNK = 2048


def editable(header: JpegHeader) -> bool:
    """Whether single MCUs of this JPEG can be replaced: up to three planes, and each a whole fraction of the largest.

    >>> editable(JpegHeader(8, 8, (Component(1, 1, 1),), "grey", False, 1, False, False))
    True
    """
    across, down = (factor // 8 for factor in header.unit)
    return len(header.components) == 1 or (
        len(header.components) == 3
        and all(across % c.across == 0 and down % c.down == 0 for c in header.components)
        and sum(c.across * c.down for c in header.components) <= 10  # more blocks do not fit into one coded unit
    )


def blocks_of(header: JpegHeader, component: Component) -> tuple[int, int]:
    """(rows, columns) of 8 x 8 blocks that one plane has, without the filling of the last MCUs."""
    if len(header.components) == 1:
        return -(-header.height // 8), -(-header.width // 8)
    across, down = header.unit
    return (
        -(-header.height * component.down // down),
        -(-header.width * component.across // across),
    )


def treated_units(treated: BoolArray, unit: tuple[int, int]) -> BoolArray:
    """The MCUs (rows, columns) that a region covers.

    Raises:
        BrokenContract: It covers one only in part: ringing of the original would survive in the rest.
    """
    across, down = unit
    height, width = treated.shape
    units = treated[::down, ::across]
    if not np.array_equal(units.repeat(down, axis=0).repeat(across, axis=1)[:height, :width], treated):
        raise BrokenContract("a treated region is not snapped to the coding blocks of its JPEG; nothing was written")
    return units.copy()


def replace_units(
    planes: Sequence[Coefficients],
    tables: Sequence[NDArray[np.uint16]],
    header: JpegHeader,
    pixels: Pixels,
    units: BoolArray,
) -> None:
    """Write the MCUs marked in `units` anew from `pixels`, in place; every other coefficient stays as it is.

    *Shapes and units*: `planes` one array per component; `tables` their quantisation steps (8, 8); `pixels` the whole
    stored picture (height, width, 3) RGB, of which only the marked MCUs are looked at; `units` (MCU rows, MCU columns).
    Samples beyond the border of the picture repeat its last row and column. Planes are averaged down inside each MCU,
    so nothing outside one enters it.

    *Source*: ITU-T T.81 A.3.3 (forward DCT) and A.3.4 (quantisation, rounded half away from zero); JFIF 1.02 (colour).
    Float arithmetic instead of libjpeg's integers.
    """
    across, down = header.unit
    marked = np.argwhere(units)
    for start in range(0, len(marked), _CHUNK):
        part = marked[start : start + _CHUNK]
        # A covered face is many times the same unit: each is computed once.
        distinct, which = _distinct(_gather(pixels, part, across, down))
        colours = to_planes(distinct.astype(np.float64), header.colour)
        for index, component in enumerate(header.components):
            single = len(header.components) == 1
            h, v = (1, 1) if single else (component.across, component.down)
            plane = colours[..., index].reshape(len(distinct), 8 * v, down // (8 * v), 8 * h, across // (8 * h))
            samples = plane.mean(axis=(2, 4)).reshape(len(distinct), v, 8, h, 8).transpose(0, 1, 3, 2, 4)
            blocks = quantise(forward_dct(samples - 128.0), tables[index])
            _scatter(planes[index], part, blocks[which])


def forward_dct(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 8 x 8 DCT-II of the last two axes, scaled as JPEG has it.

    >>> round(float(forward_dct(np.full((8, 8), 10.0))[0, 0]), 9)
    80.0
    """
    basis = _basis()
    return np.asarray(basis @ samples @ basis.T)


def quantise(coefficients: NDArray[np.float64], table: NDArray[np.uint16]) -> Coefficients:
    """Whole multiples of the steps, rounded half away from zero, within what 8-bit JPEG can code."""
    # Rounding at the ninth decimal: 80.00000000000001 / 32 is 2.5, whatever the order of summation was.
    scaled = np.round(coefficients / table, 9)
    levels = np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)
    return np.asarray(np.clip(levels, -1023, 1023), dtype=np.int16)


def to_planes(rgb: NDArray[np.float64], colour: str) -> NDArray[np.float64]:
    """RGB (..., 3) as the planes that a JPEG of this colour codes (..., 1 or 3), 0 to 255."""
    if colour == "rgb":
        return rgb
    matrix = np.array([[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]])
    if colour == "grey":
        return np.asarray(rgb @ matrix[:1].T)
    return np.asarray(rgb @ matrix.T + np.array([0.0, 128.0, 128.0]))


@cache
def _basis() -> NDArray[np.float64]:
    k, n = np.mgrid[0:8, 0:8]
    basis = np.cos((2 * n + 1) * k * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    return np.asarray(basis)


def _gather(pixels: Pixels, units: NDArray[np.intp], across: int, down: int) -> Pixels:
    """MCUs (n, down, across, 3) of a picture; beyond its border its last row and column are repeated."""
    height, width = pixels.shape[:2]
    top, left = units.min(axis=0) * (down, across)
    bottom, right = (units.max(axis=0) + 1) * (down, across)
    part = pixels[top:bottom, left:right]
    beyond = ((0, max(0, bottom - height)), (0, max(0, right - width)), (0, 0))
    part = np.pad(part, beyond, "edge") if bottom > height or right > width else part
    grid = part.reshape((bottom - top) // down, down, (right - left) // across, across, 3)
    found: Pixels = grid[units[:, 0] - top // down, :, units[:, 1] - left // across]
    return found


def _distinct(units: Pixels) -> tuple[Pixels, NDArray[np.intp]]:
    """Every different MCU once, and for each of `units` (n, ...) which one it is."""
    numbers: dict[bytes, int] = {}
    which = np.array([numbers.setdefault(unit.tobytes(), len(numbers)) for unit in units], dtype=np.intp)
    return np.frombuffer(b"".join(numbers), dtype=np.uint8).reshape(-1, *units.shape[1:]), which


def _scatter(plane: Coefficients, units: NDArray[np.intp], blocks: Coefficients) -> None:
    """Put the (n, v, h, 8, 8) blocks of MCUs into their plane, leaving out those beyond its edge."""
    _, v, h = blocks.shape[:3]
    for i in range(v):
        for j in range(h):
            rows, columns = units[:, 0] * v + i, units[:, 1] * h + j
            inside = (rows < plane.shape[0]) & (columns < plane.shape[1])
            plane[rows[inside], columns[inside]] = blocks[inside, i, j]
