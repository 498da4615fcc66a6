"""What detectors share that look at one picture, one after the other: smaller copies of it, and what networks said."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Image

Pixels = NDArray[np.uint8]
T = TypeVar("T")

# The longer side, in pixels, of the copy that networks of small inputs are given: one copy for all, decoded once.
COARSE = 832
# Copies of more pixels are made anew for each who asks: what is kept stays small, whatever the picture's size.
MOST_KEPT = 4_000_000

_known: WeakKeyDictionary[Image, dict[Hashable, Any]] = WeakKeyDictionary()


def shared(image: Image, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, made once for a picture and forgotten with it.

    `key` names everything that the result depends on besides the picture, so no order of detectors changes a result.

    >>> picture = Image(np.zeros((2, 2, 3), np.uint8))
    >>> shared(picture, "sum", lambda: 1), shared(picture, "sum", lambda: 2)
    (1, 1)
    """
    known = _known.setdefault(image, {})
    if key not in known:
        known[key] = make()
    return cast("T", known[key])


def copy_of(image: Image, side: float) -> Pixels:
    """The picture, decoded 1, 2, 4 or 8 times smaller: as small as leaves the longer side at least `side` pixels.

    *Shapes*: (height, width, 3); divide by its width and the picture's to convert between the two.

    An untreated JPEG is decoded at that size, which costs a fraction of a full decode, whether or not its pixels are at
    hand by now: what a detector sees does not depend on which others ran before it.
    """
    for reduce in (8, 4, 2):
        if max(image.width, image.height) / reduce >= side:
            if image.width * image.height / reduce**2 > MOST_KEPT:
                return _reduced(image, reduce)
            return shared(image, ("copy", reduce), partial(_reduced, image, reduce))
    return image.pixels


def _reduced(image: Image, reduce: int) -> Pixels:
    if image.treated is None and image.coded is not None and image.coded.format == "jpeg":
        return image.coded.decode(reduce)
    size = -(-image.width // reduce), -(-image.height // reduce)
    return np.asarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
