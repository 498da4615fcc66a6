"""Colours of pixels that are wholly transparent: nobody sees them, and a picture fits into them."""

from __future__ import annotations

import io

import numpy as np

UNSEEN = "colours of pixels that are wholly transparent"
# Beyond this, pictures are not decoded to look.
_MOST_PIXELS = 1 << 26
# Fewer pixels than this in another colour than the others are what drawing programs leave.
_FEWEST = 64


def hides_colours(data: memoryview, kind: str, pixels: int) -> bool:
    """Whether wholly transparent pixels of a still picture have more than one colour.

    *Shapes and units*: `data` is the whole file, of the format that Pillow calls `kind`; `pixels` is how many it has.
    """
    from PIL import Image as PillowImage

    if pixels > _MOST_PIXELS:
        return False
    try:
        with PillowImage.open(io.BytesIO(bytes(data)), formats=[kind]) as image:
            if image.mode not in {"RGBA", "LA"}:
                return False
            samples = np.asarray(image)
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError):
        # What cannot be decoded shows nothing to anybody.
        return False
    unseen = samples[samples[:, :, -1] == 0][:, :-1]
    return bool(len(unseen)) and int((unseen != _usual(unseen)).any(axis=1).sum()) >= _FEWEST


def _usual(colours: np.ndarray) -> np.ndarray:
    """The most frequent value of each sample."""
    return np.array([np.bincount(plane, minlength=256).argmax() for plane in colours.T], dtype=colours.dtype)
