"""One coded picture file: format by content, upright size from the header, pixels decoded strictly and when asked."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from veilset.containers import identify
from veilset.containers.exif import orientation_of
from veilset.containers.png_chunks import chunks
from veilset.core.errors import DataError, Malformed, Unreadable, Unsupported, VeilsetError
from veilset.core.sample import Grid, Pixels
from veilset.data.jpeg_header import JpegHeader, read_header, without_stray_bytes
from veilset.data.orientation import as_stored, upright, upright_grid, upright_size

if TYPE_CHECKING:
    from PIL import Image as PillowImage

EXTENSIONS = {
    "jpeg": "jpg",
    "png": "png",
    "webp": "webp",
    "tiff": "tif",
    "bmp": "bmp",
    "gif": "gif",
    "heif": "heic",
    "avif": "avif",
}
# Nearly every header of a JPEG ends in this many bytes; the rest of the file is read by whoever looks at its picture.
_HEAD = 1 << 16
_LOSSY_BLOCK = {"webp": (16, 16)}
_EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"})


@dataclass(frozen=True)
class CodedFile:
    """A picture file, opened and checked up to its header. Plays the role `Coded`.

    Attributes:
        path: Where it stands.
        name: How messages call it.
        format: By content: `jpeg`, `png`, `webp`, `tiff`, `bmp`, `gif`, `heif` or `avif`.
        size: (width, height) upright.
        stored: (width, height) as stored.
        orientation: EXIF value 1 to 8 that makes the stored picture upright.
        grid: Coding blocks in upright pixels.
        stamp: Size and modification time when it was opened: it has to be the same file at every later look.
        jpeg: The header, for a JPEG.
    """

    path: str
    name: str
    format: str
    size: tuple[int, int]
    stored: tuple[int, int]
    orientation: int
    grid: Grid
    stamp: tuple[int, int]
    jpeg: JpegHeader | None = None

    def read(self) -> bytes:
        """The whole file.

        Raises:
            Unreadable: It cannot be read any more, or is another file than the one that was opened.
        """
        data, stamp = read_file(self.path, self.name)
        if stamp != self.stamp:
            raise Unreadable(f"{self.name} changed while Veilset was working on it; run again when nobody writes there")
        return data

    def decode(self, reduce: int = 1) -> Pixels:
        """Upright RGB pixels; alpha is left off, so that what it hides is seen.

        Raises:
            DataError: It cannot be decoded whole.
        """
        return decode_bytes(self.read(), self, reduce)


def open_coded(path: str, name: str, *, max_pixels: int) -> CodedFile:
    """Look at a file's header.

    Raises:
        DataError: Not a picture that can be served; nothing has been decoded.
    """
    data, stamp = read_file(path, name, _HEAD)
    if not data:
        raise Malformed(f"{name} is empty (0 bytes); fetch it anew or leave it out")
    kind = identify(data[:4096])
    if kind not in EXTENSIONS:
        raise Unsupported(f"{name} is no picture that Veilset reads ({', '.join(EXTENSIONS)}); leave it out")
    if kind == "jpeg":
        header = _jpeg_header(path, name, data, stamp)
        stored, orientation, block = (header.width, header.height), header.orientation, header.unit
        _check_pixels(stored, name, max_pixels)
        jpeg: JpegHeader | None = header
    else:
        data, stamp = (data, stamp) if len(data) == stamp[0] else read_file(path, name)
        with pillow(data, kind, name) as image:
            stored, block = _stored_size(image), _LOSSY_BLOCK.get(kind, (1, 1))
            _check_pixels(stored, name, max_pixels)
            _check_served(image, kind, name)
            orientation = _orientation(data, image, kind)
        jpeg = None
    return CodedFile(
        path,
        name,
        kind,
        upright_size(*stored, orientation),
        stored,
        orientation,
        upright_grid(*stored, block, orientation),
        stamp,
        jpeg,
    )


def _jpeg_header(path: str, name: str, head: bytes, stamp: tuple[int, int]) -> JpegHeader:
    """The header from the first bytes of a file, or from all of it when those are too few to hold one."""
    try:
        return read_header(head, name)
    except Malformed:
        if len(head) == stamp[0]:
            raise
    return read_header(read_file(path, name)[0], name)


def decode_bytes(data: bytes, like: CodedFile, reduce: int = 1) -> Pixels:
    """Upright RGB pixels of `data`, a file of the kind that `like` describes."""
    if like.jpeg is not None:
        pixels = _decode_jpeg(data, like.jpeg, like.name, reduce)
    else:
        with pillow(data, like.format, like.name) as image:
            pixels = stored_pixels(image, _rgb, like.orientation)
        if reduce > 1:
            pixels = _shrink(pixels, reduce)
    return np.ascontiguousarray(upright(pixels, like.orientation))


def read_file(path: str, name: str, most: int = -1) -> tuple[bytes, tuple[int, int]]:
    """A file's bytes (the first `most`), its size and modification time. Opened for reading only, never through a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
            status = os.fstat(descriptor)
            return file.read(most) or b"", (status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror}; check its permissions or leave it out") from error


@contextmanager
def pillow(data: bytes, kind: str, name: str) -> Iterator[PillowImage.Image]:
    """`data` opened by the one Pillow plug-in for its format; every failure becomes a `DataError`."""
    try:
        # Warnings of the decoders (odd tags, large pictures) say nothing that a check of ours does not decide.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _plugin(kind)(io.BytesIO(data)) as image:
                yield image
    except (VeilsetError, MemoryError):
        raise
    except Exception as error:  # decoders die of damage in as many ways as there are
        from PIL import Image as PillowImage

        if isinstance(error, PillowImage.DecompressionBombError):
            # A frame may be larger than the picture that the header speaks of.
            said = f"{name}: a frame of this {kind} is too large to be decoded safely; leave it out"
            raise Unsupported(said) from error
        said = f"{name}: this {kind} cannot be decoded whole; it is damaged or truncated, leave it out"
        raise Malformed(said) from error


def _plugin(kind: str) -> Callable[[io.BytesIO], PillowImage.Image]:
    # The plug-ins themselves, not Image.open: no other format is tried, and the size check is ours alone.
    if kind == "heif":
        from pillow_heif import HeifImageFile

        return HeifImageFile  # type: ignore[no-any-return]
    from PIL import (
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    return {
        "avif": AvifImagePlugin.AvifImageFile,
        "bmp": BmpImagePlugin.BmpImageFile,
        "gif": GifImagePlugin.GifImageFile,
        "jpeg": JpegImagePlugin.JpegImageFile,
        "png": PngImagePlugin.PngImageFile,
        "tiff": TiffImagePlugin.TiffImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
    }[kind]


def _check_pixels(size: tuple[int, int], name: str, max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise Unsupported(
            f"{name} is {size[0]} x {size[1]} pixels, more than max_pixels ({max_pixels}) allows; it was not decoded. "
            "Raise max_pixels if it is meant, or leave it out"
        )
    if min(size) < 1:
        raise Malformed(f"{name} states a size of {size[0]} x {size[1]} pixels; it is damaged, leave it out")


def _check_served(image: PillowImage.Image, kind: str, name: str) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames != 1:
        raise Unsupported(
            f"{name} holds {frames} frames or pages, and only the first would be treated; split this {kind} into "
            "single pictures or leave it out"
        )
    if kind == "tiff" and 330 in image.tag_v2:  # type: ignore[attr-defined]
        raise Unsupported(
            f"{name} is a TIFF with further pictures inside (camera raw files are), which would not be treated; export "
            "it as a plain TIFF or leave it out"
        )
    if image.mode not in _EIGHT_BIT_MODES and not image.mode.startswith("I;16"):
        raise Unsupported(f"{name}: samples of Pillow mode {image.mode} are not served; save it with 8 or 16 bits")


def stored_pixels(image: PillowImage.Image, convert: Callable[[PillowImage.Image], Pixels], orientation: int) -> Pixels:
    """Pixels as stored: Pillow's TIFF plug-in, alone of all, turns a picture upright when it loads it."""
    pixels = convert(image)
    return as_stored(pixels, orientation) if image.format == "TIFF" else pixels


def _stored_size(image: PillowImage.Image) -> tuple[int, int]:
    if image.format == "TIFF":
        return int(image.tag_v2[256]), int(image.tag_v2[257])  # type: ignore[attr-defined]
    return image.size


def _orientation(data: bytes, image: PillowImage.Image, kind: str) -> int:
    """What EXIF says, as containers read it. Not what XMP or a text chunk says: Pillow takes that too, no browser does."""
    if kind == "tiff":
        value = cast(Any, image).tag_v2.get(0x0112, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1
    if kind != "png":
        return orientation_of(memoryview((image.info.get("exif") or b"").removeprefix(b"Exif\0\0")))
    view = memoryview(data)
    try:
        blocks = [view[one.body] for one in chunks(view)[0] if one.name == b"eXIf"]
    except DataError:  # decoders forgive more; a release that writes it anew does not
        return 1
    return orientation_of(blocks[0]) if blocks else 1


def _rgb(image: PillowImage.Image) -> Pixels:
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    image.load()
    if image.mode in {"RGBa", "La"}:
        image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _decode_jpeg(data: bytes, header: JpegHeader, name: str, reduce: int) -> Pixels:
    import simplejpeg

    planes = "CMYK" if len(header.components) == 4 else "RGB"
    least: dict[str, Any] = (
        {"min_height": -(-header.height // reduce), "min_width": -(-header.width // reduce), "min_factor": reduce}
        if reduce > 1
        else {}
    )
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, planes, strict=True, **least)
    except ValueError as error:
        tidy = without_stray_bytes(data, name) if "extraneous bytes" in str(error) else data
        if tidy != data:
            return _decode_jpeg(tidy, header, name, reduce)
        whole = _decode_jpeg_otherwise(data, str(error), name)
        return _shrink(whole, reduce) if reduce > 1 else whole
    if planes == "CMYK":
        from PIL import Image as PillowImage

        ink = pixels if not header.inverted else 255 - pixels
        return np.asarray(PillowImage.fromarray(ink, "CMYK").convert("RGB"))
    return pixels


def _decode_jpeg_otherwise(data: bytes, complaint: str, name: str) -> Pixels:
    """Files that the fast decoder refuses although every pixel is there: odd sampling, stray bytes before the end."""
    harmless = ("extraneous bytes before marker 0xd9", "subsampling", "Unsupported color conversion")
    if not any(words in complaint for words in harmless):
        raise Malformed(f"{name}: the JPEG is damaged or truncated ({complaint}); fetch it anew or leave it out")
    with pillow(data, "jpeg", name) as image:
        return _rgb(image)


def _shrink(pixels: Pixels, reduce: int) -> Pixels:
    import cv2

    size = (-(-pixels.shape[1] // reduce), -(-pixels.shape[0] // reduce))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
