"""Where a finding is: in pixels of the upright picture, in seconds, in a tag, or everywhere.

Coordinates are those of the picture as a viewer sees it, after the EXIF orientation has been applied: x to the right, y
down, in pixels, the top-left corner of the top-left pixel at (0, 0). A box covers [x, x + width) x [y, y + height).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel rectangle.

    >>> Box(10, 20, 30, 40).area
    1200
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        if not all(map(math.isfinite, values)) or self.width < 0 or self.height < 0:
            raise BadSetting(f"a box needs finite corners and sizes of at least 0, got {values}")

    @property
    def area(self) -> float:
        """Area in pixels."""
        return self.width * self.height

    @property
    def side(self) -> float:
        """The geometric mean of width and height: the size classes of the tables use it."""
        return math.sqrt(self.area)

    def grow(self, fraction: float) -> Box:
        """Move every edge outward by `fraction` of the box's own longer side.

        >>> Box(10, 10, 20, 10).grow(0.1)
        Box(x=8.0, y=8.0, width=24.0, height=14.0)
        """
        by = fraction * max(self.width, self.height)
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def iou(self, other: Box) -> float:
        """Intersection over union, in [0, 1]."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)

    def bounds(self) -> Box:
        """The box itself."""
        return self

    def rasterise(self, shape: tuple[int, int]) -> BoolArray:
        """Pixels (height, width) that the box touches, even in part: outward, never inward."""
        covered = np.zeros(shape, dtype=bool)
        covered[
            max(0, math.floor(self.y)) : max(0, math.ceil(self.y + self.height)),
            max(0, math.floor(self.x)) : max(0, math.ceil(self.x + self.width)),
        ] = True
        return covered


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed outline through at least three (x, y) points."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(self.points) < 3 or not all(math.isfinite(v) for point in self.points for v in point):
            raise BadSetting(f"a polygon needs at least three finite points, got {len(self.points)}")

    def bounds(self) -> Box:
        """The smallest box that holds the outline."""
        xs, ys = zip(*self.points, strict=True)
        return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))

    def rasterise(self, shape: tuple[int, int]) -> BoolArray:
        """Pixels whose square the polygon touches: centres inside (even-odd rule), and every pixel on an edge."""
        height, width = shape
        inside = np.zeros(shape, dtype=bool)
        # Along each row, how many stretches of edges begin and end at a pixel.
        steps = np.zeros((height, width + 1), dtype=np.int32)
        xs = np.arange(width) + 0.5
        ys = np.arange(height) + 0.5
        points = np.asarray(self.points, dtype=float)
        for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
            if y1 != y2:
                rows = (np.minimum(y1, y2) <= ys) & (ys < np.maximum(y1, y2))
                crossing = x1 + (ys[rows] - y1) * (x2 - x1) / (y2 - y1)
                inside[rows] ^= xs[None, :] >= crossing[:, None]
            first, last = max(0, math.floor(min(y1, y2))), min(height - 1, math.floor(max(y1, y2)))
            band = np.arange(first, last + 1)
            if y1 == y2:
                left, right = np.full(len(band), min(x1, x2)), np.full(len(band), max(x1, x2))
            else:
                ends = np.clip(np.stack([band, band + 1]), min(y1, y2), max(y1, y2))
                reach = np.clip(x1 + (ends - y1) * (x2 - x1) / (y2 - y1), min(x1, x2), max(x1, x2))
                left, right = reach.min(axis=0), reach.max(axis=0)
            seen = (right >= 0) & (left < width)
            np.add.at(steps, (band[seen], np.clip(np.floor(left[seen]), 0, None).astype(int)), 1)
            np.add.at(steps, (band[seen], np.clip(np.floor(right[seen]) + 1, None, width).astype(int)), -1)
        return inside | (steps[:, :width].cumsum(axis=1) > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Any set of pixels: a boolean array (rows, columns) whose top-left pixel lies at (x, y)."""

    x: int
    y: int
    pixels: BoolArray

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.bool_:
            raise BadSetting(f"a mask is a 2-D boolean array, got {self.pixels.dtype} {self.pixels.shape}")

    def bounds(self) -> Box:
        """The smallest box that holds every pixel of the mask."""
        rows, columns = np.flatnonzero(self.pixels.any(axis=1)), np.flatnonzero(self.pixels.any(axis=0))
        if not len(rows):
            return Box(self.x, self.y, 0, 0)
        return Box(
            self.x + int(columns[0]),
            self.y + int(rows[0]),
            int(columns[-1] - columns[0]) + 1,
            int(rows[-1] - rows[0]) + 1,
        )

    def rasterise(self, shape: tuple[int, int]) -> BoolArray:
        """The mask's pixels that lie inside a picture of `shape` (height, width)."""
        covered = np.zeros(shape, dtype=bool)
        y0, x0 = max(0, self.y), max(0, self.x)
        y1 = min(shape[0], self.y + self.pixels.shape[0])
        x1 = min(shape[1], self.x + self.pixels.shape[1])
        if y1 > y0 and x1 > x0:
            covered[y0:y1, x0:x1] = self.pixels[y0 - self.y : y1 - self.y, x0 - self.x : x1 - self.x]
        return covered


@dataclass(frozen=True, slots=True)
class Track:
    """One thing through a video: frame number (from 0) to its box, in order of frames."""

    boxes: tuple[tuple[int, Box], ...]

    def __post_init__(self) -> None:
        frames = [frame for frame, _ in self.boxes]
        if not frames or frames != sorted(set(frames)) or frames[0] < 0:
            raise BadSetting("a track needs at least one frame, each at most once and in order")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in seconds, [start, end)."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end < math.inf:
            raise BadSetting(f"a span needs 0 <= start <= end, got {self.start}..{self.end}")


@dataclass(frozen=True, slots=True)
class Tag:
    """A place in the file besides the pixels, by its path, such as `exif/gps/GPSLatitude` or `png/tEXt/Comment`."""

    path: str


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole sample."""


Area = Box | Polygon | Mask
Where = Box | Polygon | Mask | Track | Span | Tag | Whole


def to_plain(where: Where) -> dict[str, Any]:
    """A JSON-ready form of a place; `from_plain` is its inverse (a Mask is kept as runs).

    >>> to_plain(Box(1, 2, 3, 4))
    {'box': [1, 2, 3, 4]}
    """
    match where:
        case Box():
            return {"box": [where.x, where.y, where.width, where.height]}
        case Polygon():
            return {"polygon": [list(point) for point in where.points]}
        case Mask():
            flat = where.pixels.ravel()
            edges = np.flatnonzero(np.diff(np.concatenate(([False], flat, [False])).astype(np.int8)))
            return {"mask": {"x": where.x, "y": where.y, "shape": list(where.pixels.shape), "runs": edges.tolist()}}
        case Track():
            return {"track": [[frame, box.x, box.y, box.width, box.height] for frame, box in where.boxes]}
        case Span():
            return {"span": [where.start, where.end]}
        case Tag():
            return {"tag": where.path}
        case Whole():
            return {"whole": True}


def from_plain(plain: Mapping[str, Any]) -> Where:
    """The place that `to_plain` wrote.

    >>> from_plain({'box': [1, 2, 3, 4]})
    Box(x=1, y=2, width=3, height=4)
    """
    ((kind, value),) = plain.items()
    match kind:
        case "box":
            return Box(*value)
        case "polygon":
            return Polygon(tuple((float(x), float(y)) for x, y in value))
        case "mask":
            flat = np.zeros(value["shape"][0] * value["shape"][1], dtype=bool)
            for start, stop in zip(value["runs"][::2], value["runs"][1::2], strict=True):
                flat[start:stop] = True
            return Mask(value["x"], value["y"], flat.reshape(value["shape"]))
        case "track":
            return Track(tuple((int(frame), Box(*box)) for frame, *box in value))
        case "span":
            return Span(*value)
        case "tag":
            return Tag(value)
        case "whole":
            return Whole()
    raise BadSetting(f"no kind of place is called {kind!r}")
