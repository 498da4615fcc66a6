"""Pictures inside a file that show what its main picture does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.containers.surplus import SEARCHED, surplus_of
from veilset.core.check import in_range
from veilset.core.errors import DataError
from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Pixels, Sample, TagValue
from veilset.core.where import Tag

Grey = NDArray[np.float32]
_SIDE = 64
_BLOCK = 8
_SHORTEST = 64


def difference(main: Pixels, hidden: Pixels) -> float:
    """How differently two pictures look at their most different place, in [0, 1].

    Both are shrunk to 64 x 64 grey pixels and matched in mean and contrast; the score is the largest mean difference
    over an 8 x 8 block, since a face that one of them hides is a small part of it. The hidden picture is tried in
    all eight orientations and without its black bars; the best fit counts.

    *Shapes and units*: both (height, width, 3) uint8 RGB.

    >>> ramp = np.tile(np.arange(96, dtype=np.uint8)[None, :, None], (96, 1, 3))
    >>> difference(ramp, ramp[::2, ::2]) < 0.02
    True
    """
    wanted = _small(main)
    return min(_largest_block(wanted, _small(turned)) for turned in _views(_without_bars(hidden)))


def _small(pixels: Pixels) -> Grey:
    import cv2

    grey = pixels.astype(np.float32).mean(axis=2)
    small: Grey = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    blurred: Grey = cv2.GaussianBlur(small, (0, 0), 1.0)
    return blurred


def _views(pixels: Pixels) -> Iterable[Pixels]:
    for base in (pixels, pixels[:, ::-1]):
        for turns in range(4):
            yield np.rot90(base, turns)


def _without_bars(pixels: Pixels) -> Pixels:
    """A thumbnail of 4:3 pads other shapes with black above and below, or left and right."""
    bright = pixels.max(axis=2) > 24
    rows, columns = np.flatnonzero(bright.mean(axis=1) > 0.02), np.flatnonzero(bright.mean(axis=0) > 0.02)
    if not len(rows) or not len(columns):
        return pixels
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _largest_block(first: Grey, second: Grey) -> float:
    spread = float(second.std())
    matched = (second - second.mean()) * (float(first.std()) / spread if spread > 1 else 1.0) + first.mean()
    blocks = np.abs(first - matched).reshape(_SIDE // _BLOCK, _BLOCK, _SIDE // _BLOCK, _BLOCK).mean(axis=(1, 3))
    return float(min(1.0, blocks.max() / 255))


def hidden_difference(image: Image, tag: TagValue) -> float | None:
    """How differently the picture in a tag looks from the main one; None when it cannot be decoded."""
    hidden = hidden_pixels(image, tag)
    return None if hidden is None else round(difference(image.reduced(8), hidden), 4)


def hidden_pixels(image: Image, tag: TagValue) -> Pixels | None:
    """The picture in a tag of the file that `image` came from; None when it cannot be decoded."""
    return _decoded(_whole(image, tag))


def _whole(image: Image, tag: TagValue) -> Any:
    """A tag's bytes; of a long tail only the start is in the tag, the rest is read from the file."""
    if (
        "/tail" in tag.path
        and not tag.path.startswith("beside/")
        and isinstance(tag.value, bytes)
        and tag.size > len(tag.value)
        and image.coded is not None
    ):
        return image.coded.read()[-tag.size :]
    return tag.value


def _behind_coded_data(sample: Sample) -> tuple[TagValue, ...]:
    """What stands behind the last coded block, where listing the file does not look."""
    coded = sample.media.coded if isinstance(sample.media, Image) else None
    if coded is None or sample.format not in SEARCHED:
        return ()
    try:
        return surplus_of(coded.read()).said
    except DataError:
        # Damaged data proves nothing; decoding the picture says so by itself.
        return ()


def _is_a_setting(tag: TagValue) -> bool:
    """Whether a tag tells the place or the look of a hidden picture, and cannot be one: a number, or a word of XMP."""
    return isinstance(tag.value, int | float) or ("xmp" in tag.path and len(str(tag.value)) < _SHORTEST)


def _decoded(value: Any) -> Pixels | None:
    import cv2

    if not isinstance(value, bytes | bytearray) or len(value) < _SHORTEST:
        return None
    pixels = cv2.imdecode(np.frombuffer(value, dtype=np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or min(pixels.shape[:2]) < 8:
        return None
    return np.ascontiguousarray(pixels[:, :, ::-1])


@dataclass(frozen=True)
class Hidden:
    """Pictures inside a file (thumbnail, preview, depth map, second image) that show something else than its main picture.

    They may show what the main picture no longer shows: the face before it was covered, the scene before it was cut. One
    that cannot be compared is reported too, as is every one in a file that is not decoded here (a film, a document), and so
    are bytes behind the last coded block of a JPEG, TIFF or WebP.

    Attributes:
        max_difference: Largest mean difference over an eighth by an eighth of the picture, as a share of full scale, up to
            which a picture inside the file counts as the main one again; 0 reports every one that differs at all.
        behind_blocks: Also tell where the coded data of a JPEG, TIFF or WebP ends. Takes one small decode of an ordinary
            photograph, and a quarter of a second a megabyte where restart markers or several scans have to be walked.

    *Shapes and units*: findings stand at tags; `difference` in their detail is a share of full scale, in [0, 1].

    Raises:
        DataError: The file cannot be listed or decoded.

    *Source*: elementary; the main picture is decoded at an eighth of its size.

    >>> import cv2
    >>> main = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[:, None, None], (1, 64, 3))
    >>> other = main.copy()
    >>> other[32:56, 16:40] = 0
    >>> inside = TagValue("exif/ifd1/thumbnail", cv2.imencode(".png", other)[1].tobytes(), Risk.HIDDEN)
    >>> [finding.kind for finding in Hidden().find(Sample("1", Image(main), tags=(inside,)))]
    ['hidden_image']
    """

    max_difference: float = 0.12
    behind_blocks: bool = True

    takes: ClassVar[tuple[type[Media], ...]] = (Image, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("hidden_image",)

    def __post_init__(self) -> None:
        in_range(0, 1, max_difference=self.max_difference)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Findings in the order of the file."""
        found = []
        for tag in (*sample.tags, *(_behind_coded_data(sample) if self.behind_blocks else ())):
            if tag.risk is not Risk.HIDDEN or _is_a_setting(tag):
                continue
            measured = hidden_difference(sample.media, tag) if isinstance(sample.media, Image) else None
            if measured is None or measured > self.max_difference:
                detail = {"bytes": tag.size, "difference": measured}
                source = f"hidden/{sample.format}"
                found.append(Finding("hidden_image", Tag(tag.path), 1.0, source, Risk.HIDDEN, None, detail, tag.value))
        return tuple(found)
