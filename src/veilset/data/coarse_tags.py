"""What Pillow reports of a file whose container nobody lists byte by byte yet (HEIC, AVIF): never complete.

Enough for an audit to say that something is there. A release does not lean on it: the sink writes such files as PNG,
and takes nothing along but pixels, orientation and colour profile.
"""

from __future__ import annotations

from veilset.containers.exif import read_exif
from veilset.containers.icc import read_icc
from veilset.containers.xmp import read_xmp
from veilset.core.finding import Risk
from veilset.core.sample import TagValue
from veilset.data.coded import pillow, read_file

# Facts of the coding that say nothing about anybody.
_CODING = frozenset({"primary", "bit_depth", "chroma", "color_space", "mode", "premultiplied", "alpha", "timestamp"})


def coarse_tags(path: str, kind: str) -> tuple[TagValue, ...]:
    """Everything that Pillow's plug-in for the format gives besides pixels: EXIF and XMP tag by tag, the rest whole.

    Raises:
        DataError: The file cannot be read.
    """
    data, _ = read_file(path, path)
    tags: list[TagValue] = []
    with pillow(data, kind, path) as image:
        info = dict(image.info)
    for key, value in sorted(info.items(), key=lambda item: str(item[0])):
        if not value or key in _CODING:
            continue
        if key == "exif":
            tags += read_exif(memoryview(bytes(value).removeprefix(b"Exif\0\0")))
        elif key == "xmp":
            tags += read_xmp(bytes(value))
        elif key == "icc_profile":
            tags += read_icc(bytes(value))
        else:
            tags.append(TagValue(f"{kind}/{key}", value, Risk.HIDDEN, len(value) if hasattr(value, "__len__") else 0))
    return tuple(tags)
