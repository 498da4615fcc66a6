"""Does a measure differ between groups of people? Any probe, run on each group alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Probe
from veilset.core.sample import Image, Media, Signal, Video
from veilset.probes.adversary.labels import as_classes


def difference(one: Measurement, two: Measurement) -> tuple[float, float, float]:
    """`one` less `two` with its interval, from the two intervals alone: value, low, high.

    *Source*: Newcombe's hybrid score interval (1998), which needs no variance and holds for any two intervals.

    >>> a = Measurement.proportion("p", "x", 30, 60, "lower")
    >>> value, low, high = difference(a, a)
    >>> value, low < 0 < high
    (0.0, True)
    """
    value = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return value, value - below, value + above


def over_chance(one: Measurement) -> Measurement:
    """A share as the advantage over a guess: 0 for a guess, 1 for everything; groups of other sizes become comparable.

    >>> half = Measurement.proportion("p", "x", 30, 40, "lower", chance=0.5)
    >>> over_chance(half).value
    0.5
    """
    guess = one.chance or 0.0
    value, low, high = ((v - guess) / (1 - guess) for v in (one.value, one.low, one.high))
    return replace(one, value=value, low=low, high=high, chance=0.0)


def widening(pairs: int, confidence: float = 0.95) -> float:
    """How much wider an interval has to be when it is of the widest of so many differences (Bonferroni, normal tails).

    >>> widening(1)
    1.0
    """
    normal, tail = NormalDist(), (1 - confidence) / 2
    return normal.inv_cdf(1 - tail / max(pairs, 1)) / normal.inv_cdf(1 - tail)


@dataclass(frozen=True)
class Gap:
    """A probe's measures, group by group, and the widest difference between groups.

    Attributes:
        probe: Name of the probe to run on each group.
        settings: Its settings.
        by: Label that names the group: gender, skin tone, age, ...
        least: Fewest samples for a group to be measured; smaller groups are named, not hidden.

    *Shapes and units*: every measure keeps the unit that its probe gives it; `gap` is a difference in that unit, and
    `smallest_group` a number of samples.

    *Measurements*: `gap`: widest difference of the probe's first measure between two groups, with the interval of
    Newcombe, widened for having chosen the widest; `smallest_group`: its number of samples; then every measure of the
    probe for each group. Where a guess reaches more in one group than in another (fewer people to choose from), what is
    compared is the advantage over a guess, and the notes say so.

    Raises:
        Unsupported: Fewer than two groups of `least` samples; or no way to the probe.

    *Source*: Bagdasaryan, Poursaeed and Shmatikov 2019 for why small groups are where to look.

    >>> Gap(probe="reidentify", by="gender").least
    20
    """

    probe: str = "reidentify"
    settings: Mapping[str, Any] = field(default_factory=dict)
    by: str = "gender"
    least: int = 20

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal)

    def __post_init__(self) -> None:
        check.positive(least=self.least)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Each group alone, then the widest difference."""
        if case.build is None:
            raise Unsupported("gap needs a probe to run, and was given no way to one")
        probe: Probe = case.build("probe", self.probe, dict(self.settings))
        groups: dict[str, list[int]] = {}
        for index, name in enumerate(
            as_classes([case.pairs[i].before.labels.get(self.by) for i in range(len(case.pairs))])
        ):
            if name:
                groups.setdefault(name, []).append(index)
        large = {name: at for name, at in sorted(groups.items()) if len(at) >= self.least}
        small = sorted(f"{name} ({len(at)})" for name, at in groups.items() if len(at) < self.least)
        if len(large) < 2:
            raise Unsupported(
                f"gap: the label {self.by!r} names {len(large)} groups of at least {self.least} samples, two are needed"
            )
        firsts: list[Measurement] = []
        every: list[Measurement] = []
        for name, at in large.items():
            found = probe.run(replace(case, pairs=[case.pairs[i] for i in at]), rng=rng)
            mine = [m for m in found if not m.group]
            firsts.append(mine[0].in_group(name))
            every += [replace(m, probe="gap", name=f"{m.probe}_{m.name}", group=name) for m in mine]
        return (*self._widest(firsts, {n: len(at) for n, at in groups.items()}, small), *every)

    def _widest(
        self, firsts: Sequence[Measurement], sizes: Mapping[str, int], small: Sequence[str]
    ) -> tuple[Measurement, ...]:
        chances = sorted({m.chance for m in firsts if m.chance is not None})
        fair = len(chances) > 1 and chances[-1] < 1
        compared = [over_chance(m) for m in firsts] if fair else list(firsts)
        high, low = max(compared, key=lambda m: m.value), min(compared, key=lambda m: m.value)
        value, lower, upper = difference(high, low)
        wider = widening(math.comb(len(compared), 2))
        lower, upper = value - wider * (value - lower), value + wider * (upper - value)
        notes = [f"{self.probe}/{high.name} by {self.by}: highest for {high.group}, lowest for {low.group}"]
        if fair:
            notes.append(f"of the advantage over a guess, which reaches {chances[0]:.3g} to {chances[-1]:.3g}")
        if small:
            notes.append(f"too small to measure: {', '.join(small)}")
        least = min(sizes, key=lambda name: sizes[name])
        if sizes[least] < 2 * self.least:
            notes.append(f"warning: the smallest group, {least}, has {sizes[least]} samples; its interval says little")
        total, count = sum(sizes.values()), sizes[least]
        return (
            Measurement("gap", "gap", value, max(lower, 0.0), upper, total, "lower", 0.0, notes=tuple(notes)),
            Measurement("gap", "smallest_group", count, count, count, total, "higher", notes=tuple(notes)),
        )
