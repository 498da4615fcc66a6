"""Operators that are wrong in the ways that public implementations are. Each claims what DpPix claims."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from veilset.core.noise import SeededNoise, generator
from veilset.dp.bernoulli import exact
from veilset.dp.cells import cells_of
from veilset.dp.laplace import discrete_laplace
from veilset.operators.dp_pix import DpPix


@dataclass(frozen=True)
class Wrong(DpPix):
    """The right mechanism in pieces that a variant can spoil."""

    def sums(self, image, masks):
        return cells_of(image.pixels, masks, self.block)

    def scale(self):
        return Fraction(255 * 3 * self.pixels) / exact(self.epsilon)

    def drawn(self, noise, shape):
        return discrete_laplace(noise, self.scale(), int(np.prod(shape))).reshape(shape)

    def mechanism(self, sample, findings, *, noise):
        image, regions = self._look(sample, findings)
        cells = self.sums(image, [region.mask for region in regions])
        return (cells.sums + self.drawn(noise, cells.sums.shape))[cells.counts > 0]


class SampledPixel(Wrong):
    """One pixel stands for the mean of its cell, with noise made for a mean."""

    def sums(self, image, masks):
        cells = super().sums(image, masks)
        one = image.pixels[:: self.block, :: self.block].astype(np.int64)
        return type(cells)(one * self.block**2, cells.counts)


class MissingChannels(Wrong):
    """Every channel gets the noise of one."""

    def scale(self):
        return Fraction(255 * self.pixels) / exact(self.epsilon)


class WrongEdges(Wrong):
    """Partial cells are taken for whole ones."""

    def sums(self, image, masks):
        cells = super().sums(image, masks)
        whole = cells.sums * self.block**2 // np.maximum(cells.counts, 1)[:, :, None]
        return type(cells)(whole, cells.counts)


class SortedNoise(Wrong):
    """The noise is sorted by size before it is added."""

    def drawn(self, noise, shape):
        return np.sort(super().drawn(noise, shape).reshape(-1, shape[-1]), axis=0).reshape(shape)


@dataclass(frozen=True)
class ReusedNoise(Wrong):
    """Each second frame gets the noise of the one before it."""

    kept: list = field(default_factory=list)

    def drawn(self, noise, shape):
        if self.kept and self.kept[-1].shape == shape:
            return self.kept.pop()
        self.kept.append(super().drawn(noise, shape))
        return self.kept[-1]


class FloatLaplace(Wrong):
    """Textbook Laplace noise in floating point."""

    def drawn(self, noise, shape):
        return generator(noise).laplace(0, float(self.scale()), shape)


class FixedSeed(Wrong):
    """The noise is the same for everybody, every time."""

    def drawn(self, noise, shape):
        return super().drawn(SeededNoise(69), shape)


class HalfTheNoise(Wrong):
    """The scale is half of what it should be."""

    def scale(self):
        return super().scale() / 2


class Unseen:
    """Any operator, without a look at what it released before post-processing."""

    def __init__(self, operator):
        self.operator, self.block = operator, 8
        self.guarantee = operator.guarantee

    def apply(self, sample, findings, *, noise):
        return self.operator.apply(sample, findings, noise=noise)


WRONG = [SampledPixel, MissingChannels, WrongEdges, SortedNoise, ReusedNoise, FloatLaplace, FixedSeed, HalfTheNoise]
