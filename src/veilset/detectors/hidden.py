"""Pictures inside a file that show what its main picture does not."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from veilset.containers import identify
from veilset.containers.heif_primary import showing
from veilset.containers.surplus import SEARCHED, surplus_of
from veilset.core.check import in_range
from veilset.core.errors import DataError
from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Pixels, Sample, TagValue
from veilset.core.where import Tag
from veilset.detectors.likeness import LARGEST, compared, difference

__all__ = ["Hidden", "difference", "hidden_difference", "hidden_pixels"]

_SHORTEST = 64
_IN_HEIF = re.compile(r"heif/(?:thumbnail|picture|gain_map|auxiliary/.*)/(\d{1,9})")


def hidden_difference(image: Image, tag: TagValue) -> tuple[float, float] | None:
    """`difference` and `lost_detail` of the main picture and the one in a tag; None when that cannot be decoded."""
    hidden = hidden_pixels(image, tag)
    if hidden is None:
        return None
    enough = min(max(hidden.shape), LARGEST)
    reduce = max((step for step in (1, 2, 4, 8) if max(image.shape) // step >= enough), default=1)
    apart, lost = compared(image.reduced(reduce), hidden)
    return round(apart, 4), round(lost, 1)


def hidden_pixels(image: Image, tag: TagValue) -> Pixels | None:
    """The picture in a tag of the file that `image` came from; None when it cannot be decoded."""
    item = _IN_HEIF.fullmatch(tag.path)
    if item and image.coded is not None:
        return _of_heif(image.coded.read(), int(item[1]))
    return _decoded(_whole(image, tag))


def _of_heif(data: bytes, item: int) -> Pixels | None:
    """The picture of an item of a HEIF or AVIF file, shown by a file in which it is the primary one."""
    import io

    from PIL.AvifImagePlugin import AvifImageFile
    from pillow_heif import HeifImageFile

    try:
        plugin = HeifImageFile if identify(data) == "heif" else AvifImageFile
        with plugin(io.BytesIO(showing(data, item))) as picture:
            return np.array(picture.convert("RGB"))
    except (DataError, ValueError, OSError, EOFError, SyntaxError, RuntimeError):
        return None


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
    """Whether a tag tells the place or the look of a hidden picture, and cannot be one: a number, a list, a word of XMP."""
    if tag.path == "jpeg/mpf" and isinstance(tag.value, bytes):
        # The list of further pictures; each of them stands behind the first one, and is a tag of its own.
        return b"\xff\xd8\xff" not in tag.value
    return isinstance(tag.value, int | float) or ("xmp" in tag.path and len(str(tag.value)) < _SHORTEST)


def _decoded(value: Any) -> Pixels | None:
    import cv2

    if isinstance(value, str):
        value = _from_base64(value)
    if not isinstance(value, bytes | bytearray) or len(value) < _SHORTEST:
        return None
    pixels = cv2.imdecode(np.frombuffer(value, dtype=np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or min(pixels.shape[:2]) < 8:
        return None
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _from_base64(text: str) -> bytes | None:
    """The picture that XMP holds as text, or None."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


@dataclass(frozen=True)
class Hidden:
    """Pictures inside a file (thumbnail, preview, depth map, second image) that show something else than its main picture.

    They may show what the main picture no longer shows: the face before it was covered, the scene before it was cut. One
    that cannot be compared is reported too, as is every one in a file that is not decoded here (a film, a document), and so
    are bytes behind the last coded block of a JPEG, TIFF or WebP.

    Attributes:
        max_difference: Largest mean difference over an eighth by an eighth of the picture, as a share of full scale, up to
            which a picture inside the file counts as the main one again; 0 reports every one that differs at all.
        max_lost: Grey levels of detail that a picture inside the file may show beyond the main one, as blurring takes it
            away; see `likeness.lost_detail`. Of the thumbnails of 40 cameras 38 stay below 1.5; the other two were
            made by leaving out pixels, and show jagged edges as detail.
        behind_blocks: Also tell where the coded data of a JPEG, TIFF or WebP ends. Takes one small decode of an ordinary
            photograph, and a quarter of a second a megabyte where restart markers or several scans have to be walked.

    *Shapes and units*: findings stand at tags; in their detail, `difference` is a share of full scale, in [0, 1], and
    `lost_detail` counts grey levels of 255.

    Raises:
        DataError: The file cannot be listed or decoded.

    *Source*: elementary; the main picture is decoded no larger than needed.

    >>> import cv2
    >>> main = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[:, None, None], (1, 64, 3))
    >>> other = main.copy()
    >>> other[32:56, 16:40] = 0
    >>> inside = TagValue("exif/ifd1/thumbnail", cv2.imencode(".png", other)[1].tobytes(), Risk.HIDDEN)
    >>> [finding.kind for finding in Hidden().find(Sample("1", Image(main), tags=(inside,)))]
    ['hidden_image']
    """

    max_difference: float = 0.12
    max_lost: float = 3.0
    behind_blocks: bool = True

    takes: ClassVar[tuple[type[Media], ...]] = (Image, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("hidden_image",)

    def __post_init__(self) -> None:
        in_range(0, 1, max_difference=self.max_difference)
        in_range(0, 255, max_lost=self.max_lost)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Findings in the order of the file."""
        found = []
        for tag in (*sample.tags, *(_behind_coded_data(sample) if self.behind_blocks else ())):
            if tag.risk is not Risk.HIDDEN or _is_a_setting(tag):
                continue
            measured = hidden_difference(sample.media, tag) if isinstance(sample.media, Image) else None
            apart, lost = measured or (None, None)
            if apart is None or lost is None or apart > self.max_difference or lost > self.max_lost:
                detail = {"bytes": tag.size, "difference": apart, "lost_detail": lost}
                source = f"hidden/{sample.format}"
                found.append(Finding("hidden_image", Tag(tag.path), 1.0, source, Risk.HIDDEN, None, detail, tag.value))
        return tuple(found)
