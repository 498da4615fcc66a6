"""Re-encode a treated picture without loss: every sample outside the region stays as it was, at its own bit depth."""

from __future__ import annotations

import io
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from veilset.core.errors import Malformed
from veilset.core.sample import BoolArray, Pixels
from veilset.data.coded import CodedFile, decode_bytes, pillow, stored_pixels
from veilset.data.orientation import as_stored

Samples = NDArray[np.uint8] | NDArray[np.uint16]


def samples_of(data: bytes, coded: CodedFile) -> Samples:
    """Everything that the file stores: (height, width), or with 3 (RGB) or 4 (RGBA) samples; 8 or 16 bits; as stored.

    Raises:
        Malformed: It cannot be decoded whole.
    """
    if coded.jpeg is not None:
        return as_stored(decode_bytes(data, coded), coded.orientation)
    deep = _sixteen_bits(data, coded) if coded.format in {"png", "tiff"} else None
    if deep is not None:
        return deep
    with pillow(data, coded.format, coded.name) as image:
        return stored_pixels(image, _eight_bits, coded.orientation)


def _eight_bits(image: PillowImage.Image) -> Pixels:
    image.load()
    transparent = image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info
    if image.mode in {"RGBa", "La"}:
        image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
    if image.mode in {"1", "L"} and not transparent:
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGBA" if transparent else "RGB"))


def merge(samples: Samples, treated: BoolArray, pixels: Pixels) -> Samples:
    """`samples` with `pixels` inside the region, opaque there; grey becomes RGB only where the treatment has colour.

    *Shapes*: as `samples_of`; treated (height, width); pixels (height, width, 3) RGB uint8; all as stored.
    """
    inside = pixels[treated]
    deep = samples.dtype == np.uint16
    if samples.ndim == 2:
        if (inside == inside[:, :1]).all():
            grey = samples.copy()
            grey[treated] = inside[:, 0].astype(samples.dtype) * (257 if deep else 1)
            return grey
        merged = cast(Samples, np.repeat(samples[:, :, None], 3, axis=2))
    else:
        merged = samples.copy()
    merged[treated, :3] = inside.astype(samples.dtype) * (257 if deep else 1)
    if merged.shape[2] == 4:
        merged[treated, 3] = np.iinfo(samples.dtype).max
    return merged


def notes_on(samples: Samples, merged: Samples, data: bytes, coded: CodedFile) -> tuple[str, ...]:
    """What a picture loses by being written anew, in public words."""
    with pillow(data, coded.format, coded.name) as image:
        mode = image.mode
    notes = []
    if merged.dtype == np.uint16:
        notes.append("16 bits reduced to 8 in treated regions")
    if merged.ndim != samples.ndim:
        notes.append("grey became RGB, since the treatment has colour")
    if mode in {"P", "PA"}:
        notes.append("palette became RGB")
    elif mode in {"CMYK", "YCbCr", "HSV"}:
        notes.append(f"{mode} colours became RGB")
    if coded.format == "webp":
        notes.append("WebP was written anew without loss")
    return tuple(notes)


def encode(samples: Samples, kind: str, name: str) -> bytes:
    """A fresh file of `kind` (`png`, `webp`, `tiff` or `bmp`) that holds the samples and nothing else."""
    if kind == "webp":
        out = io.BytesIO()
        PillowImage.fromarray(samples).save(out, "WEBP", lossless=True, exact=True, method=4, quality=60)
        return out.getvalue()
    if kind == "tiff":
        return _tiff(samples)
    import cv2

    order: NDArray[Any] = samples if samples.ndim == 2 else samples[:, :, [2, 1, 0, 3][: samples.shape[2]]]
    done, coded = cv2.imencode(f".{kind}", np.ascontiguousarray(order))
    if not done:
        raise Malformed(f"{name}: the treated picture cannot be encoded as {kind}")
    return bytes(coded.tobytes())


def _tiff(samples: Samples) -> bytes:
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(
        out,
        samples,
        photometric="minisblack" if samples.ndim == 2 else "rgb",
        planarconfig=None if samples.ndim == 2 else "contig",
        extrasamples=["unassalpha"] if samples.ndim == 3 and samples.shape[2] == 4 else None,
        compression="zlib",
        metadata=None,
        software=False,
    )
    return out.getvalue()


def _sixteen_bits(data: bytes, coded: CodedFile) -> NDArray[np.uint16] | None:
    """The samples of a 16-bit PNG or TIFF (Pillow would halve them), or None for any other file."""
    if coded.format == "png" and data[24] != 16:
        return None
    import cv2

    if coded.format == "tiff":
        with pillow(data, "tiff", coded.name) as image:
            bits = image.tag_v2.get(258, (8,))  # type: ignore[attr-defined]
        if max(bits if isinstance(bits, tuple) else (bits,)) != 16:
            return None
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.shape[:2] != coded.stored[::-1]:
        raise Malformed(f"{coded.name}: the 16-bit samples cannot be decoded whole; save it anew or leave it out")
    return np.asarray(found if found.ndim == 2 else found[:, :, [2, 1, 0, 3][: found.shape[2]]], dtype=np.uint16)
