"""DP-Embed: a few noisy coefficients of each face in a public linear subspace, and nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.errors import BadSetting, MissingWeights, WrongMedia
from veilset.core.finding import Finding
from veilset.core.guarantee import DP, Event
from veilset.core.noise import Noise
from veilset.core.region import Region, regions_of
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.dp.bernoulli import exact
from veilset.dp.laplace import discrete_laplace
from veilset.dp.units import GIVEN, BoolArray, neighbours_in_words
from veilset.operators.dp_pix import luminance

SIDE = 32
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """A public subspace: mean (SIDE * SIDE,), orthonormal rows (rank, SIDE * SIDE), whole-numbered bounds (rank,)."""

    mean: Floats
    rows: Floats
    bounds: NDArray[np.int64]

    def encode(self, face: Floats) -> NDArray[np.int64]:
        """Whole coefficients of a face (SIDE, SIDE), clipped to the bounds."""
        codes = np.rint(np.clip(self.rows @ (face.ravel() - self.mean), -self.bounds, self.bounds))
        return codes.astype(np.int64)

    def decode(self, codes: NDArray[np.int64]) -> Floats:
        """The face (SIDE, SIDE) of coefficients, which are clipped first."""
        face = self.mean + np.clip(codes, -self.bounds, self.bounds) @ self.rows
        return np.clip(face, 0, 255).reshape(SIDE, SIDE)


def cosines(rank: int) -> Basis:
    """The slowest cosines about middle grey, with bounds that fall with frequency: made without any face."""
    places = sorted(((u, v) for u in range(SIDE) for v in range(SIDE)), key=lambda uv: (uv[0] + uv[1], uv))[:rank]
    rows = []
    for u, v in places:
        spectrum = np.zeros((SIDE, SIDE))
        spectrum[u, v] = 1
        rows.append(cv2.idct(spectrum).ravel())
    bounds = [64 * SIDE // (1 + u + v) for u, v in places]
    return Basis(np.full(SIDE * SIDE, 128.0), np.array(rows), np.array(bounds, dtype=np.int64))


def learned(faces: NDArray[np.uint8], rank: int) -> Basis:
    """Principal components of public grey faces (n, height, width), bounds at their 99th percentile."""
    flat = np.stack([_small(face) for face in faces]).reshape(len(faces), -1)
    mean = flat.mean(axis=0)
    rows = np.linalg.svd(flat - mean, full_matrices=False)[2][:rank]
    bounds = np.ceil(np.quantile(np.abs((flat - mean) @ rows.T), 0.99, axis=0)).astype(np.int64)
    return Basis(mean, rows, np.maximum(bounds, 1))


@dataclass(frozen=True)
class DpEmbed:
    """Replace each region by a face drawn from a few noisy coefficients in a public subspace.

    At the same epsilon per face it keeps more of how faces look in general than a mosaic does, and less of the picture.

    Attributes:
        rank: Number of coefficients; epsilon is split evenly over them.
        epsilon: Loss per face and application.
        basis: File (npz: mean, rows, bounds) of a subspace of *public* faces; empty for plain cosines.
        grow: Grow every finding by this share of its longer side.

    *Shapes and units*: picture (height, width, 3) uint8; findings in pixels of the upright picture; epsilon per face.

    **Guarantee**

    - epsilon-differential privacy per face and application, overlapping regions included.
    - Outside of the regions the output is the input: nothing is changed and nothing is protected there.

    *Raises*: WrongMedia for anything but a picture, BadSetting for settings out of range, MissingWeights for a basis
    that is not there.

    *Source*: ours: coefficients of a linear subspace, rounded to whole numbers and clipped to public bounds, so that a
    face moves coefficient i by at most 2 bounds[i]; discrete Laplace noise of scale 2 bounds[i] rank / epsilon.

    >>> DpEmbed(epsilon=2).guarantee().epsilon
    2
    """

    rank: int = 4
    epsilon: float = 10.0
    basis: str = ""
    grow: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "region"

    def __post_init__(self) -> None:
        in_range(1, 64, rank=self.rank)
        in_range(1e-6, 1e6, epsilon=self.epsilon)
        in_range(0, 10, grow=self.grow)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:
        """Treat the regions of `findings`; what is shown comes from noisy coefficients alone."""
        image, regions = self._look(sample, findings)
        basis = self._basis()
        treated = image
        for region, codes in zip(regions, self._codes(image, regions, basis, noise), strict=True):
            at = region.bounds()
            pixels = treated.pixels.copy()
            height, width = pixels[at].shape[:2]
            face = cv2.resize(basis.decode(codes), (width, height), interpolation=cv2.INTER_LINEAR)
            pixels[at] = np.rint(face).astype(np.uint8)[:, :, None]
            treated = treated.treat(region.mask, pixels)
        return Outcome(sample.with_media(treated)) if regions else Outcome(sample)

    def mechanism(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> NDArray[np.int64]:
        """The noisy coefficients (regions * rank, 1) that `apply` draws from: what an attempt to refute looks at."""
        image, regions = self._look(sample, findings)
        return np.concatenate(self._codes(image, regions, self._basis(), noise))[:, None]

    def guarantee(self) -> DP:
        """Epsilon per face and application."""
        return DP(
            Event("laplace", {"epsilon": self.epsilon}),
            unit="face",
            neighbours=neighbours_in_words("face"),
            epsilon=self.epsilon,
            source="docs/explanation/differential_privacy.md, section Subspace",
            given=(*GIVEN, "the basis was made without the pictures that are treated"),
        )

    def _look(self, sample: Sample, findings: Sequence[Finding]) -> tuple[Image, tuple[Region, ...]]:
        if not isinstance(sample.media, Image):
            raise WrongMedia(f"dp_embed takes pictures, not {type(sample.media).__name__}", sample.id)
        return sample.media, regions_of(sample.media, findings, grow=self.grow)

    def _basis(self) -> Basis:
        if not self.basis:
            return cosines(self.rank)
        path = Path(self.basis)
        if not path.is_file():
            raise MissingWeights(
                f"dp_embed: there is no basis at {path}; make one from public faces, or leave it empty"
            )
        with np.load(path, allow_pickle=False) as held:
            mean, rows, bounds = held["mean"], held["rows"], held["bounds"]
        if rows.shape[1:] != (SIDE * SIDE,) or len(rows) < self.rank or len(bounds) != len(rows) or bounds.min() < 1:
            raise BadSetting(f"dp_embed: {path.name} holds {len(rows)} rows; {self.rank} of {SIDE} x {SIDE} are needed")
        return Basis(mean, rows[: self.rank], bounds[: self.rank].astype(np.int64))

    def _codes(self, image: Image, regions: Sequence[Region], basis: Basis, noise: Noise) -> list[NDArray[np.int64]]:
        """Noisy coefficients of every region, from its untreated pixels."""
        grey = luminance(image.pixels)[:, :, 0]
        shares = overlap_shares([region.mask for region in regions])
        coded = []
        for region, share in zip(regions, shares, strict=True):
            at = region.bounds()
            # Pixels of the rectangle that are not the region's have no say, or a neighbouring face would.
            codes = basis.encode(_small(np.where(region.mask[at], grey[at], np.uint8(128))))
            epsilon = exact(self.epsilon) / (share * len(codes))
            drawn = [discrete_laplace(noise, Fraction(2 * int(bound)) / epsilon, 1)[0] for bound in basis.bounds]
            coded.append(codes + np.array(drawn))
        return coded


def overlap_shares(masks: Sequence[BoolArray]) -> list[int]:
    """By how much each region's epsilon is divided: the most regions that one face, overlapping it, may change.

    If face A changes the regions T(A), each of them divides by at least the size of T(A), so the sum is at most epsilon.
    """
    touched = [[bool((one & other).any()) for other in masks] for one in masks]
    sizes = [sum(row) for row in touched]
    return [max(size for size, meets in zip(sizes, row, strict=True) if meets) for row in touched]


def _small(face: Pixels) -> Floats:
    small: Floats = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    return small
