"""DP-SVD: noise on a region's largest singular values; the singular vectors stay, and with them much of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.errors import WrongMedia
from veilset.core.finding import Finding
from veilset.core.guarantee import Empirical
from veilset.core.noise import Noise
from veilset.core.region import Region, regions_of
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.dp.bernoulli import exact
from veilset.dp.metric import MOST_DIMENSIONS, euclidean_laplace, to_lattice
from veilset.operators.dp_pix import luminance

# Singular values of pixels in 0..1 stand on this lattice; rounding to it adds at most sqrt(rank) steps of distance.
STEP = Fraction(1, 1 << 20)


def noisy_spectrum(values: NDArray[np.float64], epsilon: Fraction, noise: Noise) -> NDArray[np.int64]:
    """Singular values (rank,) of pixels in 0..1, on the lattice, with Euclidean Laplace noise of epsilon per unit."""
    noisy: NDArray[np.int64] = to_lattice(values, STEP) + euclidean_laplace(noise, epsilon * STEP, len(values), 1)[0]
    return noisy


@dataclass(frozen=True)
class DpSvd:
    """Keep the largest singular values of a region's luminance, with noise; rebuild it with its own singular vectors.

    Between two regions that have the same singular vectors, and whose kept singular values lie at Euclidean distance d
    (pixels in 0..1), the loss is at most epsilon * (d + sqrt(rank) / 2**20). Faces of two people do not have the same
    singular vectors, so this says nothing about who is seen: the operator claims no differential privacy for a face,
    and its effect has to be measured.

    Attributes:
        rank: How many singular values are kept; the others are dropped.
        epsilon: Loss per unit of distance between the kept singular values.
        grow: Grow every finding by this share of its longer side.

    *Shapes and units*: picture (height, width, 3) uint8; findings in pixels of the upright picture; epsilon per unit
    of distance.

    **Guarantee**

    - Empirical: as good as the re-identification measured in the release.
    - The noise has the stated density exactly, on a lattice of 2**-20.
    - Outside of the regions the output is the input: nothing is changed and nothing is protected there.

    *Raises*: WrongMedia for anything but a picture, BadSetting for settings out of range.

    *Source*: Fan (2019), "Practical image obfuscation with provable privacy". Ours differs: noise in its own order and
    not sorted, values clipped and not wrapped, an exact sampler, and no claim that the singular vectors are hidden.

    >>> DpSvd().guarantee().kind
    'empirical'
    """

    rank: int = 4
    epsilon: float = 0.5
    grow: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        in_range(1, MOST_DIMENSIONS, rank=self.rank)
        in_range(1e-6, 1e6, epsilon=self.epsilon)
        in_range(0, 10, grow=self.grow)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:
        """Treat the regions of `findings`, one after the other."""
        if not isinstance(sample.media, Image):
            raise WrongMedia(f"dp_svd takes pictures, not {type(sample.media).__name__}", sample.id)
        image = sample.media
        regions = regions_of(image, findings, grow=self.grow)
        for region in regions:
            image = image.treat(region.mask, self._rebuilt(image, region, noise))
        return Outcome(sample.with_media(image)) if regions else Outcome(sample)

    def guarantee(self) -> Empirical:
        """Measured; the theorem about singular values is among the assumptions."""
        return Empirical(
            ("reidentify",),
            given=(
                f"epsilon {self.epsilon:g} per unit distance of the {self.rank} largest singular values, no more",
                "the singular vectors are released as they are",
                "the finding was found and its place is right",
                "noise comes from the operating system's entropy",
            ),
        )

    def _rebuilt(self, image: Image, region: Region, noise: Noise) -> Pixels:
        at = region.bounds()
        left, values, right = np.linalg.svd(luminance(image.pixels[at])[:, :, 0] / 255.0, full_matrices=False)
        rank = min(self.rank, len(values))
        noisy = noisy_spectrum(values[:rank], exact(self.epsilon), noise) * float(STEP)
        patch = (left[:, :rank] * noisy) @ right[:rank]
        pixels = image.pixels.copy()
        pixels[at] = np.rint(np.clip(patch * 255, 0, 255)).astype(np.uint8)[:, :, None]
        return pixels
