"""Privacy against utility over settings: the points of a sweep, their axes, and which one to propose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veilset.core.measurement import Measurement
from veilset.policy.gate import GateResult


@dataclass(frozen=True, slots=True)
class Point:
    """One setting: what it promises, what was measured, and how the gates fared."""

    settings: Mapping[str, Any]
    promise: str
    measurements: tuple[Measurement, ...]
    gates: tuple[GateResult, ...]

    @property
    def meets(self) -> bool:
        """Whether every gate holds."""
        return all(gate.held for gate in self.gates)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "settings": dict(self.settings),
            "promise": self.promise,
            "meets": self.meets,
            "gates": [gate.words for gate in self.gates],
            "measurements": [one.to_plain() for one in self.measurements],
        }


@dataclass(frozen=True, slots=True)
class Tuned:
    """The whole sweep.

    Attributes:
        points: In order of the grid.
        attack: (probe, measure) of the vertical axis; empty when nothing that should be low was measured.
        utility: (probe, measure) of the horizontal axis, the same for high.
        proposed: Place of the proposed point, or None when no setting meets the gates.
        data: What the numbers rest on, in words.
        by_vote: Parts of private pictures voted; nothing that was measured is here.
    """

    points: tuple[Point, ...]
    attack: tuple[str, str] | None
    utility: tuple[str, str] | None
    proposed: int | None
    data: str
    by_vote: bool = False

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "data": self.data,
            "by_vote": self.by_vote,
            "attack": self.attack,
            "utility": self.utility,
            "proposed": self.proposed,
            "points": [point.to_plain() for point in self.points],
        }


def axis_of(points: Sequence[Point], better: str, apart_from: str = "") -> tuple[str, str] | None:
    """The first measure of that direction that is finite at every point and not everywhere the same.

    Another probe than `apart_from` comes first: how badly an attack fares is no utility.
    """
    measured = points[0].measurements if points else ()
    for one in sorted(measured, key=lambda m: m.probe == apart_from):
        values = [value_of(point, (one.probe, one.name)) for point in points]
        told = [value.value for value in values if value is not None and math.isfinite(value.value)]
        differs = len(set(told)) > 1 or len(points) == 1
        if one.better == better and not one.group and len(told) == len(points) and differs:
            return one.probe, one.name
    return None


def value_of(point: Point, axis: tuple[str, str]) -> Measurement | None:
    """A point's measurement on an axis."""
    return next((m for m in point.measurements if (m.probe, m.name) == axis and not m.group), None)


def propose(points: Sequence[Point], utility: tuple[str, str] | None) -> int | None:
    """Of the points that meet every gate, the one whose utility is largest at the unfavourable end; else None."""
    fit = [at for at, point in enumerate(points) if point.meets]
    if not fit or utility is None:
        return fit[0] if fit else None

    def worth(at: int) -> float:
        measured = value_of(points[at], utility)
        return measured.unfavourable if measured else -math.inf

    return max(fit, key=worth)
