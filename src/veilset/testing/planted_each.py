"""One planted file of every format that is served, as bytes with their marks."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable

import numpy as np
import pillow_heif
from PIL import Image

from veilset.testing import planted_dicom
from veilset.testing.planted_files import every_planted
from veilset.testing.planted_films import film
from veilset.testing.planted_media import Planted, archives, drawing, jpeg_2000, jpeg_xl, still
from veilset.testing.planted_pdf import document

CODESTREAM = (
    b"\xff\x0a" + ((1 | 3 << 1 | 0 << 6 | 3 << 9 | 1 << 14) & 0xFFFFFFFF).to_bytes(4, "little") + bytes(range(200))
)


def scene() -> Image.Image:
    """A coloured ramp."""
    y, x = np.mgrid[0:48, 0:64]
    return Image.fromarray(np.stack([x * 4, y * 5, (x + y) * 2], axis=2).astype(np.uint8))


def between(raw: bytes, kind: bytes) -> bytes:
    """A whole box found by its kind."""
    at = raw.index(kind) - 4
    return raw[at : at + struct.unpack_from(">I", raw, at)[0]]


def hevc() -> Planted:
    """A HEIC still."""
    out = io.BytesIO()
    pillow_heif.from_pillow(scene()).save(out, quality=80)
    raw = out.getvalue()
    return still(b"hvc1", between(raw, b"hvcC"), between(raw, b"mdat")[8:], (64, 64), b"heic")


def av1() -> Planted:
    """An AVIF still."""
    out = io.BytesIO()
    scene().save(out, "AVIF", quality=80)
    raw = out.getvalue()
    return still(b"av01", between(raw, b"av1C"), between(raw, b"mdat")[8:], (64, 48), b"avif")


def jp2() -> Planted:
    """A JPEG 2000 still."""
    out = io.BytesIO()
    scene().save(out, "JPEG2000")
    return jpeg_2000(out.getvalue())


def png() -> bytes:
    """A plain PNG, without a mark."""
    out = io.BytesIO()
    scene().save(out, "PNG")
    return out.getvalue()


def svg() -> Planted:
    """A drawing with a picture inside."""
    return drawing("data:image/png;base64," + base64.b64encode(png()).decode())


MAKERS: dict[str, Callable[[], Planted]] = {
    "heic": hevc,
    "avif": av1,
    "jp2": jp2,
    "jxl": lambda: jpeg_xl(CODESTREAM),
    "svg": svg,
    "zip": lambda: archives(jp2().data, ".jp2")["zip"],
    "tar": lambda: archives(jp2().data, ".jp2")["tar"],
    "mp4": film,
    "mp4 with wide offsets": lambda: film(wide=True),
    "fragmented mp4": lambda: film(fragmented=True),
}


def one_of_each() -> dict[str, tuple[bytes, list[bytes]]]:
    """For each format of `containers.FORMATS`, a file and the marks in it."""
    drawn = {one.name: one for one in every_planted()}
    names = {
        "bmp": ".bmp",
        "gif": ".gif",
        "jpeg": "all-segments.jpg",
        "png": "chunks.png",
        "tiff": ".tiff",
        "webp": ".webp",
    }
    found = {}
    for kind, end in names.items():
        one = next(planted for name, planted in drawn.items() if name.endswith(end))
        found[kind] = (one.data, list(one.marks.values()))
    media = {"heif" if name == "heic" else name: make() for name, make in MAKERS.items() if " " not in name}
    jpeg = io.BytesIO()
    scene().save(jpeg, "JPEG")
    media["pdf"] = document(jpeg.getvalue(), (64, 48))
    media["dicom"] = planted_dicom.image()
    return found | {kind: (one.data, list(one.marks.all)) for kind, one in media.items()}
