"""Fill what was found with what stands around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, positive
from veilset.core.finding import Finding
from veilset.core.guarantee import FOUND, Exact, Guarantee
from veilset.core.noise import Noise
from veilset.core.region import BoolArray
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.operators.united import Blob, repaint

GREY = 128.0
FEWEST = 8


def pull_push(pixels: NDArray[np.float32], known: BoolArray) -> NDArray[np.float32]:
    """The picture with its unknown pixels filled smoothly from the known ones; grey when nothing is known.

    Means of what is known are pulled up a pyramid and pushed down into the holes. Unknown pixels are multiplied by
    zero before anything else, so nothing can depend on them.

    *Shapes*: pixels (height, width, 3) float32, known (height, width).
    """
    if known.all():
        return pixels
    if not known.any():
        return np.full_like(pixels, GREY)
    height, width = known.shape
    weight = np.pad(known.astype(np.float32), ((0, height % 2), (0, width % 2)))
    value = np.pad(pixels * known[:, :, None], ((0, height % 2), (0, width % 2), (0, 0)))
    weights = weight[0::2, 0::2] + weight[1::2, 0::2] + weight[0::2, 1::2] + weight[1::2, 1::2]
    values = value[0::2, 0::2] + value[1::2, 0::2] + value[0::2, 1::2] + value[1::2, 1::2]
    coarse = pull_push(values / np.maximum(weights, 1)[:, :, None], weights > 0)
    size = (coarse.shape[1] * 2, coarse.shape[0] * 2)
    fine = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return np.where(known[:, :, None], pixels, fine)


def fill_in(pixels: Pixels, blob: Blob, hidden: BoolArray, context: float, *, ring: bool) -> Pixels:
    """The blob's window, its pixels filled from those around it that are not `hidden`.

    With `ring`, what touches a hidden pixel counts as hidden too.

    *Shapes*: pixels (height, width, 3) uint8, hidden (height, width) to (rows, columns, 3) uint8.
    """
    rows, columns = blob.window
    by = max(FEWEST, math.ceil(context * blob.side))
    top, left = max(0, rows.start - by), max(0, columns.start - by)
    around = slice(top, rows.stop + by), slice(left, columns.stop + by)
    unknown = hidden[around]
    if ring:
        unknown = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        # What touches the frame's edge from outside is not seen here, so the edge counts as touched.
        unknown[[0, -1]] = unknown[:, [0, -1]] = True
    filled = pull_push(pixels[around].astype(np.float32), ~unknown)
    inner = filled[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return np.clip(np.rint(inner), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Inpaint:
    """Fill what was found with what stands around it.

    Attributes:
        context: Width of the frame that is read around a finding, as a fraction of its longer side.
        grow: Fraction of its own longer side by which each finding grows on every edge.

    *Shapes and units*: picture (height, width, 3) uint8; findings in pixels of the upright picture.

    **Guarantee**:
        - Exact: two pictures that differ only inside the treated region come out equal. Nothing inside any finding is
          read, nor, in a picture coded in blocks, the ring of one pixel around it, where decoding mixes colours.
        - Every pixel outside the region is untouched.
        - A region without surroundings (the whole picture) becomes grey.

    Raises:
        WrongMedia: The sample is no picture, or a finding has no place in one.
        BadSetting: A field holds a value that it cannot have.

    *Source*: pull-push interpolation, Gortler et al., The Lumigraph (SIGGRAPH 1996), section 3.4; here with binary
    weights and bilinear upsampling. It invents no texture, so the place of a treated region may stay visible.

    >>> import numpy as np
    >>> from veilset.core.noise import SystemNoise
    >>> from veilset.core.where import Box
    >>> pixels = np.full((9, 9, 3), 70, np.uint8)
    >>> pixels[4, 4] = 255
    >>> sample = Sample("1", Image(pixels))
    >>> out = Inpaint().apply(sample, [Finding("text", Box(4, 4, 1, 1), 1, "reviewer")], noise=SystemNoise())
    >>> np.unique(out.sample.image.pixels).tolist()
    [70]
    """

    context: float = 0.25
    grow: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        positive(context=self.context)
        in_range(0, 2, grow=self.grow)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:  # noqa: ARG002
        """Fill `findings` of `sample`."""
        ring = isinstance(sample.media, Image) and max(sample.media.grid.width, sample.media.grid.height) > 1

        def paint(pixels: Pixels, blob: Blob, covered: BoolArray) -> Pixels:
            return fill_in(pixels, blob, covered, self.context, ring=ring)

        return repaint("inpaint", sample, findings, self.grow, paint)

    def guarantee(self) -> Guarantee:
        """Exact for what it covers: it is a function of the outside alone."""
        return Exact(
            given=(
                FOUND,
                "what stands around the region is released as it is, so that the filling says nothing more about it",
            )
        )
