"""Drawn pictures for the data wing: nothing here shows anybody."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image as PillowImage


def draw(height=93, width=121, seed=0):
    """Smooth colours with hard edges: (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.circle(picture, (width // 3, height // 2), min(height, width) // 5, (250, 10, 30), -1)
    cv2.line(picture, (0, height - 1), (width - 1, 0), (0, 255, 255), 2)
    return picture


def exif_of(orientation):
    """An EXIF block that holds the orientation and something private."""
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Secret Camera Maker"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return exif


def jpeg(pixels, subsampling="420", orientation=1, quality=88, progressive=False):
    """A JPEG of `pixels` (as stored) with an EXIF block."""
    out = io.BytesIO()
    mode = "L" if pixels.ndim == 2 else "RGB"
    if subsampling in {"440", "411"}:
        coded = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGB", subsampling)
        block = b"Exif\0\0" + exif_of(orientation).tobytes().removeprefix(b"Exif\0\0")
        return coded[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + coded[2:]
    PillowImage.fromarray(pixels, mode).save(
        out,
        "JPEG",
        quality=quality,
        progressive=progressive,
        exif=exif_of(orientation),
        **({} if mode == "L" else {"subsampling": {"444": 0, "422": 1, "420": 2}[subsampling]}),
    )
    return out.getvalue()


@pytest.fixture(name="draw", scope="session")
def _draw():
    """The function that draws."""
    return draw


@pytest.fixture(name="jpeg", scope="session")
def _jpeg():
    """The function that codes a JPEG."""
    return jpeg
