"""How much of the pictures is still there: inside the treated regions, and outside, where nothing may have changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, positive
from veilset.core.errors import Unsupported
from veilset.core.finding import by_kind
from veilset.core.interval import bootstrap
from veilset.core.measurement import Better, Measurement
from veilset.core.region import BoolArray, regions_of, union
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Image, Media, Pixels
from veilset.core.where import Box, Mask, Polygon, Whole
from veilset.probes.utility.perceptual import NETWORK, distances
from veilset.probes.utility.perceptual import inside as perceived_inside
from veilset.probes.utility.structure import SMALLEST, WINDOW, ms_ssim, ssim_map
from veilset.weights.store import installed

Floats = NDArray[np.float64]

PERCEIVED = 64
PERCEPTUAL = ("perceptual_inside", "perceptual")


def treated_region(pair: Pair, knowledge: Knowledge) -> BoolArray:
    """Pixels (height, width) that the operators of the policy may have changed: grown, snapped, united."""
    image = pair.before.image
    region = np.zeros(image.shape, dtype=bool)
    for kind, findings in by_kind(pair.findings).items():
        operator = knowledge.treatments.get(kind, knowledge.treatments.get("*"))
        placed = [f for f in findings if isinstance(f.where, Box | Polygon | Mask | Whole)]
        if operator is None or operator.touches == "region":
            # A kind without a stated operator has been treated by somebody: its own place is taken as the region.
            region |= union(regions_of(image, placed, grow=float(getattr(operator, "grow", 0.0))), image.shape)
        elif operator.touches == "whole":
            region[:] = True
    return region


def squared_error(one: Pixels, two: Pixels, where: BoolArray) -> float:
    """Mean squared difference of two pictures (height, width, 3) over the pixels of `where`; nan for none."""
    counts = np.bincount(cv2.absdiff(one, two)[where].ravel(), minlength=256)
    return float(counts @ np.arange(256) ** 2 / counts.sum()) if counts.any() else math.nan


def psnr(error: float) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error at 8 bits; infinite when there is no error.

    >>> round(psnr(1.0), 2), psnr(0.0)
    (48.13, inf)
    """
    if math.isinf(error):
        return -math.inf
    return math.inf if error <= 0 else 10 * math.log10(255**2 / error)


@dataclass(frozen=True)
class Fidelity:
    """How much of the pictures is still there, inside the treated regions and outside.

    Outside nothing may have changed: `psnr_outside` has to be infinite, `ssim_outside` and `outside_unchanged` 1. The
    ring of `border` pixels around a region is left out, since upsampling of coded colour mixes the inside into it.

    Attributes:
        border: Pixels around the treated regions that belong to neither side.
        pictures: Most pictures that are compared, drawn at random.
        perceived: Most pictures whose perceptual distance is taken, of those; 0 to leave it out.

    *Shapes and units*: pictures (height, width, 3) uint8 of one size before and after; PSNR in dB of the squared error
    averaged over pictures; SSIM and MS-SSIM as means over pictures, the latter of those from 176 pixels a side.
    `perceptual` (of the whole) and `perceptual_inside` are distances in the layers of a network, 0 for the same; of
    pictures from 64 pixels a side, and where its weights are at hand: where not, the notes say so.

    Raises:
        Unsupported: A picture has another size after than before.
        BadSetting: A field holds a value that it cannot have.

    *Source*: Wang et al. (2004), equation 13, and Wang et al. (2003), equation 7; SSIM outside is the mean over
    the windows that lie wholly outside; Zhang et al. (2018) for the perceptual distance, without their calibration.
    Intervals by bootstrap over pictures.

    >>> import numpy as np
    >>> from veilset.core.sample import Sample
    >>> same = Sample("1", Image(np.zeros((8, 8, 3), np.uint8)))
    >>> [(m.name, m.value) for m in Fidelity().run(Case([Pair(same, same)]), rng=np.random.default_rng(0))]
    [('psnr_outside', inf), ('ssim_outside', 1.0), ('outside_unchanged', 1.0)]
    """

    border: int = 1
    pictures: int = 256
    perceived: int = 100

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        in_range(0, 64, border=self.border)
        positive(pictures=self.pictures)
        in_range(0, 100_000, perceived=self.perceived)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """PSNR and SSIM inside and outside, MS-SSIM of the whole, and the share of pictures unchanged outside."""
        order = rng.permutation(len(case.pairs))
        found: dict[str, list[float]] = {}
        can = installed(NETWORK)
        notes = () if can or not self.perceived else (f"no perceptual distance: the weights {NETWORK} are not at hand",)
        for number in order:
            pair = case.pairs[int(number)]
            if pair.after is None or not isinstance(pair.before.media, Image):
                continue
            perceive = can and len(found.get("perceptual", ())) < self.perceived
            for name, value in self._compare(pair, case.knowledge, perceive=perceive).items():
                if not math.isnan(value):
                    found.setdefault(name, []).append(value)
            if len(found.get("seen", ())) >= self.pictures:
                break
        names = ("psnr_inside", "psnr_outside", "ssim_inside", "ssim_outside", "ms_ssim", *PERCEPTUAL)
        measurements = [_averaged(name, found[name], rng, notes) for name in names if name in found]
        if "outside_unchanged" in found:
            flags = found["outside_unchanged"]
            measurements.append(
                Measurement.proportion("fidelity", "outside_unchanged", int(sum(flags)), len(flags), "higher")
            )
        return tuple(measurements)

    def _compare(self, pair: Pair, knowledge: Knowledge, *, perceive: bool) -> dict[str, float]:
        before, after = pair.before.image.pixels, pair.after.image.pixels if pair.after else None
        if after is None or before.shape != after.shape:
            raise Unsupported(
                f"sample {pair.before.id} has another size after its treatment; fidelity compares pictures of one size. "
                "Where a policy lets the orientation of photographs go, let it stay: strip: {keep: [orientation]}",
                pair.before.id,
            )
        inside = treated_region(pair, knowledge)
        outside = ~_widened(inside, self.border)
        result = {"seen": 1.0, "psnr_inside": squared_error(before, after, inside)}
        result["psnr_outside"] = squared_error(before, after, outside)
        if outside.any():
            result["outside_unchanged"] = float(result["psnr_outside"] == 0)
        similarity = ssim_map(before, after)
        for name, where in (("inside", inside), ("outside", ~_widened(inside, self.border + WINDOW // 2))):
            result[f"ssim_{name}"] = float(similarity[where].mean()) if where.any() else math.nan
        if min(inside.shape) >= SMALLEST:
            result["ms_ssim"] = ms_ssim(before, after)
        if perceive and min(inside.shape) >= PERCEIVED:
            result["perceptual"] = float(distances([before], [after])[0])
            result["perceptual_inside"] = perceived_inside(before, after, inside) if inside.any() else math.nan
        return result


def _widened(region: BoolArray, by: int) -> BoolArray:
    """Every pixel within `by` rows and columns of the region."""
    wide = region.copy()
    for axis in (0, 1):
        source = wide.copy()
        for step in range(1, by + 1):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            wide[tuple(ahead)] |= source[tuple(behind)]
            wide[tuple(behind)] |= source[tuple(ahead)]
    return wide


def _averaged(name: str, values: Sequence[float], rng: np.random.Generator, notes: tuple[str, ...] = ()) -> Measurement:
    """The mean over pictures with its bootstrap interval; PSNR is taken of the mean squared error."""
    array = np.asarray(values, dtype=np.float64)
    value, (low, high) = float(array.mean()), bootstrap(array, rng)
    if name.startswith("psnr"):
        value, low, high = psnr(value), psnr(high), psnr(low)
    ends = min(low, value), max(high, value)
    better: Better = "lower" if name.startswith("perceptual") else "higher"
    return Measurement("fidelity", name, value, *ends, len(array), better, notes=notes)
