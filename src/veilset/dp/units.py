"""The units that a picture's guarantee can be about: some pixels, one treated region, or everything treated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import one_of, positive
from veilset.core.errors import BadSetting

BoolArray = NDArray[np.bool_]

UNITS = ("face", "image")

GIVEN = (
    "the place, shape and number of the treated regions are public and were fixed without looking at the noise",
    "the finding was found and its place is right",
    "noise comes from the operating system's entropy",
    "the same picture is not treated again without charging it again",
    "how long the treatment took is not observed",
)


def check_unit(pixels: int | str) -> None:
    """Raise `BadSetting` unless a unit is a number of pixels, `face` or `image`."""
    if isinstance(pixels, str):
        one_of(UNITS, pixels=pixels)
    elif isinstance(pixels, bool) or not isinstance(pixels, int):
        raise BadSetting(f"pixels must be a whole number, face or image; got {pixels!r}")
    else:
        positive(pixels=pixels)


def unit_in_words(pixels: int | str) -> str:
    """The unit as a guarantee and a budget name it.

    >>> unit_in_words(16), unit_in_words("face")
    ('16 pixels', 'face')
    """
    return pixels if isinstance(pixels, str) else f"{pixels} pixel{'s' if pixels > 1 else ''}"


def neighbours_in_words(pixels: int | str) -> str:
    """When two pictures are neighbours."""
    same = "two pictures with the same treated regions that differ, arbitrarily in every channel, in "
    if isinstance(pixels, int):
        return f"{same}at most {unit_in_words(pixels)} of them"
    return same + ("all pixels of one of them" if pixels == "face" else "all pixels of all of them")


def most_changed(masks: Sequence[BoolArray], pixels: int | str) -> NDArray[np.int64]:
    """How many treated pixels one unit that touches a pixel may change in the whole picture: (height, width).

    Regions may overlap: a pixel of two faces counts with the larger one. Pixels outside of every mask have 0.
    """
    covered = np.logical_or.reduce(masks)
    most = np.zeros(covered.shape, dtype=np.int64)
    if pixels == "face":
        for mask in masks:
            np.maximum(most, int(mask.sum()), out=most, where=mask)
        return most
    treated = int(covered.sum())
    most[covered] = treated if isinstance(pixels, str) else min(pixels, treated)
    return most
