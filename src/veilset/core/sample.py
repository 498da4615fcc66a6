"""Samples: one picture, video or recording, immutable, decoded when first looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting, BrokenContract
from veilset.core.finding import Risk

Pixels = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]


class Coded(Protocol):
    """The coded file that a picture came from, as its source gives it."""

    @property
    def format(self) -> str:
        """Lower-case format name by content, never by extension: `jpeg`, `png`, `tiff`, ..."""

    def read(self) -> bytes:
        """The whole file."""

    def decode(self, reduce: int = 1) -> Pixels:
        """Upright RGB pixels (height, width, 3); with `reduce` 2, 4 or 8 about that many times smaller a side.

        Raises:
            DataError: The file cannot be decoded whole.
        """


@dataclass(frozen=True, slots=True)
class Grid:
    """Blocks in which the coded picture stands, in upright pixels: treated regions snap outward to their borders.

    The first block border lies at (x, y); before it stands a narrower block when the picture was turned.
    """

    width: int = 1
    height: int = 1
    x: int = 0
    y: int = 0

    def snap(self, mask: BoolArray) -> BoolArray:
        """Every block that holds a pixel of `mask` (height, width), whole.

        >>> Grid(2, 2).snap(np.array([[0, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)).astype(int).tolist()
        [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
        >>> Grid(2, 2).snap(np.array([[0, 1, 0], [0, 0, 0]], dtype=bool)).astype(int).tolist()
        [[1, 1, 0], [1, 1, 0]]
        """
        if self.width == self.height == 1 or not mask.any():
            return mask
        rows = (np.arange(mask.shape[0]) - self.y) // self.height
        columns = (np.arange(mask.shape[1]) - self.x) // self.width
        rows, columns = rows - rows[0], columns - columns[0]
        hit = np.zeros((int(rows[-1]) + 1, int(columns[-1]) + 1), dtype=bool)
        ys, xs = np.nonzero(mask)
        hit[rows[ys], columns[xs]] = True
        snapped: BoolArray = hit[rows[:, None], columns[None, :]]
        return snapped


class Image:
    """A picture: RGB, uint8, (height, width, 3), upright. Decoded when its pixels are first asked for.

    Treat a picture with `treat`: the only way to new pixels. It changes nothing outside the region it is given, and
    it keeps the union of all regions treated so far in `treated`, which is what a sink re-encodes.
    """

    def __init__(
        self,
        pixels: Pixels | None = None,
        *,
        coded: Coded | None = None,
        size: tuple[int, int] | None = None,
        grid: Grid | None = None,
        treated: BoolArray | None = None,
    ) -> None:
        """Either `pixels`, or `coded` with its `size` (width, height) upright."""
        if pixels is not None:
            if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
                raise BadSetting(f"an image is (height, width, 3) uint8, got {pixels.dtype} {pixels.shape}")
            pixels = pixels.view()
            pixels.flags.writeable = False
            size = (pixels.shape[1], pixels.shape[0])
        if size is None or (pixels is None and coded is None):
            raise BadSetting("an image needs pixels, or a coded file and its size")
        if min(size) < 1:
            raise BadSetting(f"an image has at least one pixel, got {size[0]} x {size[1]}")
        self._pixels = pixels
        self.coded = coded
        self.width, self.height = size
        self.grid = grid or Grid()
        self.treated = treated

    def __repr__(self) -> str:
        return f"Image({self.width} x {self.height})"

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def pixels(self) -> Pixels:
        """RGB pixels (height, width, 3), uint8, read-only."""
        if self._pixels is None:
            if self.coded is None:
                raise BrokenContract("an image has neither pixels nor a coded file")
            pixels = self.coded.decode()
            if pixels.shape != (self.height, self.width, 3):
                raise BrokenContract(f"a decoder gave {pixels.shape} for {self!r}")
            pixels.flags.writeable = False
            self._pixels = pixels
        return self._pixels

    def reduced(self, reduce: int) -> Pixels:
        """About `reduce` (1, 2, 4, 8) times smaller pixels, for coarse looks at large pictures.

        From an untreated JPEG this costs a fraction of a full decode.
        """
        if self._pixels is None and self.coded is not None:
            return self.coded.decode(reduce)
        return self.pixels if reduce == 1 else _box_reduce(self.pixels, reduce)

    def treat(self, region: BoolArray, pixels: Pixels) -> Image:
        """This picture with `pixels` inside `region`, and its own outside.

        *Shapes*: region (height, width) bool; pixels (height, width, 3) uint8.
        """
        if region.shape != self.shape or region.dtype != np.bool_:
            raise BrokenContract(f"treat needs a boolean region of {self!r}, got {region.dtype} {region.shape}")
        if pixels.shape != (*self.shape, 3) or pixels.dtype != np.uint8:
            raise BrokenContract(f"treat needs uint8 pixels of {self!r}, got {pixels.dtype} {pixels.shape}")
        if not region.any():
            return self
        rows = np.flatnonzero(region.any(axis=1))
        band = slice(int(rows[0]), int(rows[-1]) + 1)
        merged = self.pixels.copy()
        # Colour after colour in one row each, so that what is copied are long runs.
        rows_of = (-1, 3 * self.width)
        inside = np.repeat(region[band], 3, axis=1)
        np.copyto(merged[band].reshape(rows_of), pixels[band].reshape(rows_of), where=inside)
        treated = region.copy() if self.treated is None else self.treated | region
        return Image(merged, coded=self.coded, grid=self.grid, treated=treated)


def _box_reduce(pixels: Pixels, reduce: int) -> Pixels:
    height, width = -(-pixels.shape[0] // reduce), -(-pixels.shape[1] // reduce)
    padded = np.pad(
        pixels, ((0, height * reduce - pixels.shape[0]), (0, width * reduce - pixels.shape[1]), (0, 0)), "edge"
    )
    blocks = padded.reshape(height, reduce, width, reduce, 3)
    means: Pixels = blocks.mean(axis=(1, 3), dtype=np.float32).round().astype(np.uint8)
    return means


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """Frames (n, height, width, 3) uint8 RGB, their times in seconds (n,), and coded audio, if any."""

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]
    audio: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or len(self.frames) != len(self.times):
            raise BadSetting(f"a video needs one time per frame, got {self.frames.shape} and {self.times.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A recording (T, channels) at `rate` samples per second."""

    values: NDArray[np.float64]
    rate: float
    channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not self.rate > 0:
            raise BadSetting(f"a signal is (T, channels) with a rate above 0, got {self.values.shape}, {self.rate}")


@dataclass(frozen=True, slots=True)
class FileOnly:
    """A file of which only what it says was looked at: nothing in it was decoded, so nothing in it was searched.

    Operators and sinks take none, so it can be looked at and never released.

    Attributes:
        format: By content: `mp4`, `dicom`, `pdf`, ...
        frames: Pictures in it (frames, pages, members) that were not searched; 1 when it holds one.
    """

    format: str
    frames: int = 1


Media = Image | Video | Signal | FileOnly


class TagValue(NamedTuple):
    """One thing that a file says besides its pixels. What it says is never printed or compared.

    Attributes:
        path: Where it stands: container, block and name, such as `exif/gps/GPSLatitude`.
        value: What it says. Private.
        risk: What it may give away.
        size: Bytes it takes.
        technical: Needed to show the picture rightly (orientation, colour); may stay under an allowlist.
    """

    path: str
    value: Any
    risk: Risk = Risk.TECHNICAL
    size: int = 0
    technical: bool = False

    def __repr__(self) -> str:
        return f"TagValue({self.path!r}, {self.risk}, {self.size} bytes)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TagValue) and self._public() == other._public()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._public())

    def _public(self) -> tuple[Any, ...]:
        return self.path, self.risk, self.size, self.technical


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sample was read: a name relative to its source's root, and its size in bytes. Private."""

    name: str
    size: int = 0
    modified_ns: int = 0


@dataclass(frozen=True)
class Sample:
    """One picture, video, recording or file with everything known about it. Immutable.

    Attributes:
        id: Names the sample inside this run; private, since it is derived from the original's name.
        media: The content.
        subjects: Pseudonyms of the people in it; empty means unknown, never nobody.
        labels: What the set says about it (class folder, boxes), JSON-ready.
        tags: Everything the file says besides its pixels; may be read lazily.
        origin: Where it was read.
    """

    id: str
    media: Media
    subjects: frozenset[str] = frozenset()
    labels: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[TagValue] = field(default=(), repr=False)
    origin: Origin = Origin("")

    def with_media(self, media: Media) -> Sample:
        """The same sample with other content."""
        return replace(self, media=media)

    @property
    def format(self) -> str:
        """Format of the file that it was read from, `unknown` when it was not read from one."""
        if isinstance(self.media, FileOnly):
            return self.media.format
        coded = self.media.coded if isinstance(self.media, Image) else None
        return coded.format if coded is not None else "unknown"

    @cached_property
    def image(self) -> Image:
        """The content, when it is a picture.

        Raises:
            BrokenContract: It is something else; check `takes` first.
        """
        if not isinstance(self.media, Image):
            raise BrokenContract(f"sample {self.id} holds {type(self.media).__name__}, not Image", self.id)
        return self.media
