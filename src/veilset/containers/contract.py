"""What every container format offers: list what a file says, and rebuild it with every byte accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Protocol, runtime_checkable

from veilset.core.check import in_range, one_of
from veilset.core.errors import BrokenContract, Malformed
from veilset.core.sample import TagValue

DICOM_OPTIONS = ("characteristics", "descriptors", "device", "institution", "private", "structured", "uids")


class Fate(StrEnum):
    """What a rebuild does with a stretch of input bytes."""

    KEPT = "kept"
    DROPPED = "dropped"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Claim:
    """Bytes [start, stop) of the input, what they are, and what becomes of them."""

    start: int
    stop: int
    fate: Fate
    what: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is needed to show the picture: sizes as stored, before the orientation is applied.

    Attributes:
        format: Lower-case name: `jpeg`, `png`, `webp`, `tiff`, `gif`, `bmp`, `heif`, `avif`, `jxl`, `jp2`, `mp4`, ...
        orientation: EXIF value 1 to 8.
        frames: Pages or frames; 1 for a still picture.
        bits: Per sample.
        channels: Samples per pixel as stored (4 may be CMYK or RGBA; `colour` tells).
        colour: `grey`, `rgb`, `rgba`, `ycc`, `cmyk`, `ycck`, `palette`, ... or empty when unknown.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    frames: int = 1
    bits: int = 8
    channels: int = 3
    colour: str = ""


@dataclass(frozen=True)
class Listing:
    """Everything that a file says besides its pixels, and the claims that cover all of its bytes."""

    facts: Facts
    tags: tuple[TagValue, ...]
    claims: tuple[Claim, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Keep:
    """The allowlist of a rebuild. Anything not named here goes.

    Attributes:
        orientation: Keep the EXIF orientation as the only tag.
        icc: Keep the colour profile, rewritten without its private text.
        rights: Keep copyright, licence, credit and data-mining fields.
        exposure: Keep exposure time, aperture, ISO and focal length.
        gps_grid: Keep coordinates rounded to a grid of this many degrees; None drops them.
        georeference: Keep the keys that place a raster on the earth (GeoTIFF).
        dates: `drop`, `month` (rounded down to the month) or `keep`.
        dicom: Options of DICOM's profile (PS3.15 Annex E), of `DICOM_OPTIONS`.
    """

    orientation: bool = True
    icc: bool = True
    rights: bool = False
    exposure: bool = False
    gps_grid: float | None = None
    georeference: bool = False
    dates: str = "drop"
    dicom: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of(("drop", "month", "keep"), dates=self.dates)
        for option in self.dicom:
            one_of(DICOM_OPTIONS, dicom=option)
        if self.gps_grid is not None:
            in_range(0.001, 90, gps_grid=self.gps_grid)


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did.

    Attributes:
        size: Bytes written.
        claims: One claim for every input byte, in order, without gap or overlap.
        copied: (input start, output start, length) of coded picture data that was copied untouched.
        residue: What stays although it may say something, in public words (such as "quantisation tables").
    """

    size: int
    claims: tuple[Claim, ...] = field(repr=False)
    copied: tuple[tuple[int, int, int], ...] = field(repr=False)
    residue: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be written, each empty when there is nothing.

    Attributes:
        exif: A TIFF structure, without the `Exif` prefix of JPEG.
        icc: A colour profile.
        xmp: An XMP packet.
        georeference: A TIFF structure with the tags that place a raster on the earth; only a TIFF has room for it.
        notes: What could not be kept, in public words.
    """

    exif: bytes = field(default=b"", repr=False)
    icc: bytes = field(default=b"", repr=False)
    xmp: bytes = field(default=b"", repr=False)
    georeference: bytes = field(default=b"", repr=False)
    notes: tuple[str, ...] = ()


class Container(Protocol):
    """One format: a module with these two functions. `data` spans the whole file; reading past its end is `Malformed`.

    Crashes that hostile bytes cause (`struct.error`, `IndexError`, `ValueError`, `KeyError`, `zlib.error` and the like)
    may leave a module: the door of this package turns them into `Malformed`, with the file's name.
    """

    formats: tuple[str, ...]

    def inspect(self, data: memoryview) -> Listing:
        """List the file."""

    def rebuild(self, data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
        """Write the file anew with nothing but coded picture data, what shows it rightly, and what `keep` allows."""


@runtime_checkable
class Writable(Container, Protocol):
    """A format that freshly encoded pictures can be given tags in: a container with one more function."""

    def write_with(self, data: memoryview, out: BinaryIO, what: Allowed) -> Rebuilt:
        """Write the coded picture with the given block of tags and no other."""


@runtime_checkable
class Showing(Container, Protocol):
    """A format whose picture is made of words and numbers that a file may say besides."""

    def words_of(self, data: memoryview) -> bytes:
        """Words and numbers that the picture itself is made of, in a file of our own making."""


@runtime_checkable
class Placed(Container, Protocol):
    """A format whose rasters may lie on the earth: a container with one more function."""

    def georeference_of(self, data: memoryview, keep: Keep) -> bytes:
        """What `keep` lets stay of what places the raster, as a TIFF structure; empty when nothing does."""


def check_claims(claims: tuple[Claim, ...], size: int, name: str) -> None:
    """Raise unless the claims cover [0, size) in order, without gap or overlap: a byte nobody claims fails the file."""
    at = 0
    for claim in claims:
        if claim.stop < claim.start:
            raise BrokenContract(f"{name}: a claim of {claim.what} runs backwards")
        if claim.start != at:
            raise Malformed(
                f"{name}: bytes {at} to {claim.start} belong to nothing this format knows; the file is refused. "
                "Open it in an editor and save it anew, or leave it out."
            )
        at = claim.stop
    if at != size:
        raise Malformed(f"{name}: bytes {at} to {size} belong to nothing this format knows; the file is refused.")
