"""Pages of reduced size in a TIFF: whether each shows what the page shows that it was reduced from."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.containers.ifd import Header
from veilset.containers.tiff_pages import Page, decoded_size, every, number, numbers

Floats = NDArray[np.float64]
Standalone = Callable[[Page], bytes]

_REDUCED = 1
_CELLS = 32
_SMALLEST_CELL = 4
_MOST_PIXELS = 1 << 28
_MOST_STRIP = 1 << 26
_MOST_IN_ALL = 1 << 30
# Shares of the full range: of a cell's mean, of its spread, and of a cell between a raw picture and its rendering.
_MEAN, _SPREAD, _RENDERED = 0.02, 0.05, 0.2
_SIGMAS = 5
_GAMMA = 2.2
_BUFFER = 1 << 20
_MOSAIC = 32803


class Shows(StrEnum):
    """What a page of reduced size shows."""

    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cells:
    """A picture as a grid: mean and standard deviation of each cell, its fewest samples in one, and its range.

    `planes`: the mean of each sample, or of each place in a 2 x 2 mosaic, as the last axis.
    """

    mean: Floats
    planes: Floats
    spread: Floats
    fewest: int
    low: float
    high: float


def reduced_pages(data: memoryview, header: Header, pages: list[Page]) -> dict[int, tuple[Page, Page]]:
    """Where each page of reduced size stands, with it and with the page that it was reduced from.

    Reduced is what says so (NewSubfileType, SubfileType), and what lies below a larger page of the same kind.
    """
    flat = every(pages)
    kinds = {page.at: numbers(data, header, page, 0x00FE)[:1] or (0,) for page in flat}
    old = {page.at: number(data, header, page, 0x00FF) == 2 for page in flat}
    parents = {child.at: page for page in flat for child in page.children}
    sizes = {page.at: number(data, header, page, 0x0100) * number(data, header, page, 0x0101) for page in flat}
    flagged = {page.at for page in flat if kinds[page.at][0] & _REDUCED or old[page.at]}
    below = {at for at, parent in parents.items() if kinds[at] == kinds[parent.at] and sizes[at] < sizes[parent.at]}
    found: dict[int, tuple[Page, Page]] = {}
    for index, page in enumerate(flat):
        if page.thumbnail or page.at not in flagged | below:
            continue
        kind = kinds[page.at][0] & ~_REDUCED
        mains = [
            one
            for one in flat
            if not one.thumbnail and one.at not in flagged | below and kinds[one.at][0] & ~_REDUCED == kind
        ]
        before = [one for one in mains if one in flat[:index]]
        main = before[-1] if before else max(mains, key=lambda one: sizes[one.at], default=None)
        if main is not None:
            found[page.at] = (page, main)
    return found


def compared(data: memoryview, header: Header, pages: list[Page], standalone: Standalone) -> dict[int, Shows]:
    """What each page of reduced size shows, by its place.

    *Shapes and units*: both pages are cut into up to 32 x 32 cells; their means and spreads are compared in shares of the
    larger page's range. Between a raw picture and a rendering of it, tones are matched first.

    **Guarantee**
    - A cell whose mean differs by more than 2 % of the range and five standard errors makes it another picture; so does
      one that is busier by half a tenth of the range than the larger page is there. Of a rendering of a raw
      picture, a fifth of the range is allowed.
    - What cannot be decoded here is unknown, never the same.
    """
    done: dict[int, Shows] = {}
    seen: dict[tuple[int, tuple[int, int]], Cells | None] = {}
    left = _MOST_IN_ALL

    def cells(one: Page, grid: tuple[int, int]) -> Cells | None:
        nonlocal left
        if (one.at, grid) not in seen:
            left -= number(data, header, one, 0x0100) * number(data, header, one, 0x0101)
            seen[one.at, grid] = _cells(data, header, one, grid, standalone) if left > 0 else None
        return seen[one.at, grid]

    for at, (page, main) in reduced_pages(data, header, pages).items():
        width, height = number(data, header, page, 0x0100), number(data, header, page, 0x0101)
        grid = (max(1, min(_CELLS, height // _SMALLEST_CELL)), max(1, min(_CELLS, width // _SMALLEST_CELL)))
        small = cells(page, grid)
        large = cells(main, grid) if small else None
        if small is None or large is None:
            done[at] = Shows.UNKNOWN
            continue
        rendered = any(
            _kind(data, header, page, tag) != _kind(data, header, main, tag) for tag in (0x0106, 0x0115, 0x0102)
        )
        done[at] = Shows.SAME if (_alike(small, large) if not rendered else _rendered(small, large)) else Shows.OTHER
    return done


def _kind(data: memoryview, header: Header, page: Page, tag: int) -> tuple[int, ...]:
    return numbers(data, header, page, tag)[:1]


def _alike(small: Cells, large: Cells) -> bool:
    full = large.high - large.low
    error = large.spread / np.sqrt(small.fewest)
    same_mean = np.abs(small.mean - large.mean) <= _MEAN * full + _SIGMAS * error
    return bool(np.all(same_mean & (small.spread <= 2 * large.spread + _SPREAD * full)))


def _rendered(small: Cells, large: Cells) -> bool:
    """Whether the small page can be a rendering of the large one, sample by sample.

    The mixture of the large page's colours that comes nearest to the small one's light is found by least squares; then
    tones are matched by rank, which stands for whatever curve the camera used.
    """
    full = max(small.high - small.low, 1e-9)
    colours = large.planes.reshape(large.mean.size, -1)
    known = np.column_stack([colours / max(float(np.abs(colours).max()), 1e-9), np.ones(len(colours))])
    for plane in np.moveaxis(small.planes, -1, 0):
        shown = plane.ravel()
        light = np.maximum((shown - small.low) / full, 0) ** _GAMMA
        mixture = known @ np.linalg.lstsq(known, light, rcond=None)[0]
        matched = np.empty_like(shown)
        matched[np.argsort(mixture)] = np.sort(shown)
        if np.abs(shown - matched).max() > _RENDERED * full:
            return False
    return True


def _cells(data: memoryview, header: Header, page: Page, grid: tuple[int, int], standalone: Standalone) -> Cells | None:
    width, height = number(data, header, page, 0x0100), number(data, header, page, 0x0101)
    if width * height > _MOST_PIXELS or decoded_size(data, header, page) > _MOST_STRIP or not page.stretches:
        return None
    if width < grid[1] or height < grid[0]:
        return None
    ways: list[Callable[[], Cells | None]] = [lambda: _by_segments(data, page, (height, width), grid)]
    if width * height <= _MOST_STRIP:
        ways.append(lambda: _by_opencv(standalone(page), (height, width), grid))
    for way in ways:
        # Whatever a decoder dies of, the page was not compared.
        with suppress(Exception):
            return way()
    return None


def _by_segments(data: memoryview, page: Page, size: tuple[int, int], grid: tuple[int, int]) -> Cells:
    """Strip by strip, so that memory does not grow with the page."""
    import tifffile

    # Its warnings quote the values of tags that it cannot read.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)
    with tifffile.TiffFile(io.BufferedReader(_View(data))) as file:
        file.filehandle.seek(page.at)
        read: Any = tifffile.TiffPage(file, index=0)
        sums = _Sums(size, grid, mosaic=read.photometric == _MOSAIC)
        for segment, place, _ in read.segments(maxworkers=1, buffersize=_BUFFER):
            if segment is None:
                raise ValueError("an empty strip")
            sums.add(np.asarray(segment[0]), place[-3], place[-2])
    return sums.done()


def _by_opencv(encoded: bytes, size: tuple[int, int], grid: tuple[int, int]) -> Cells | None:
    import cv2

    found = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None or found.shape[:2] != size:
        return None
    sums = _Sums(size, grid)
    sums.add(found, 0, 0)
    return sums.done()


class _Sums:
    """Sums over the cells of a grid, of pieces that come in any order."""

    def __init__(self, size: tuple[int, int], grid: tuple[int, int], *, mosaic: bool = False) -> None:
        self.size, self.grid, self.mosaic = size, grid, mosaic
        self.squares, self.count = np.zeros(grid), np.zeros(grid)
        self.planes: list[tuple[Floats, Floats]] = []
        self.low, self.high = np.inf, -np.inf

    def add(self, piece: NDArray[Any], top: int, left: int) -> None:
        """Count a piece whose first pixel stands at (top, left)."""
        piece = piece[: self.size[0] - top, : self.size[1] - left]
        values = np.nan_to_num(piece.astype(np.float64)).reshape(*piece.shape[:2], -1)
        if not values.size:
            return
        light = values.mean(axis=2)
        self.low, self.high = min(self.low, float(light.min())), max(self.high, float(light.max()))
        rows = np.arange(top, top + light.shape[0])
        columns = np.arange(left, left + light.shape[1])
        spots = (rows * self.grid[0] // self.size[0], columns * self.grid[1] // self.size[1])
        ones = np.ones_like(light)
        _sum_into(self.squares, light**2, spots)
        _sum_into(self.count, ones, spots)
        if self.mosaic:
            place = rows[:, None] % 2 * 2 + columns % 2
            weights = [(place == one).astype(np.float64) for one in range(4)]
            layers = [(light * weight, weight) for weight in weights]
        else:
            layers = [(values[:, :, one], ones) for one in range(values.shape[2])]
        self.planes = self.planes or [(np.zeros(self.grid), np.zeros(self.grid)) for _ in layers]
        for (total, count), (layer, weight) in zip(self.planes, layers, strict=True):
            _sum_into(total, layer, spots)
            _sum_into(count, weight, spots)

    def done(self) -> Cells:
        """The grid.

        Raises:
            ValueError: Pixels are missing.
        """
        if not self.count.all() or self.count.sum() != self.size[0] * self.size[1]:
            raise ValueError("a page without all of its pixels")
        totals, counts = (np.sum([pair[part] for pair in self.planes], axis=0) for part in (0, 1))
        mean = totals / counts
        spread = np.sqrt(np.maximum(self.squares / self.count - mean**2, 0))
        planes = np.stack([one / np.maximum(count, 1) for one, count in self.planes], axis=-1)
        return Cells(mean, planes, spread, int(self.count.min()), self.low, self.high)


def _sum_into(into: Floats, what: Floats, spots: tuple[NDArray[Any], NDArray[Any]]) -> None:
    """Add what lies in each cell; `spots` are the cells of rows and of columns, ascending."""
    (rows, first_row), (columns, first_column) = (np.unique(one, return_index=True) for one in spots)
    into[np.ix_(rows, columns)] += np.add.reduceat(np.add.reduceat(what, first_row, 0), first_column, 1)


class _View(io.RawIOBase):
    """Bytes in memory or mapped, as a file; nothing is copied but what is read."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, len(self.data))[whence]
        return self.at

    def readinto(self, buffer: Any) -> int:
        part = self.data[self.at : self.at + len(buffer)]
        buffer[: len(part)] = part
        self.at += len(part)
        return len(part)
