"""A measurement: a number with its interval, its chance level and its direction. Gates read the unfavourable end."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from veilset.core.check import in_range
from veilset.core.errors import BadSetting
from veilset.core.interval import clopper_pearson

Better = Literal["lower", "higher"]


def titled(probe: str, settings: str) -> str:
    """A probe's name, with the settings that tell this run of it from others where there are any."""
    return f"{probe} ({settings})" if settings else probe


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number that a probe found.

    Attributes:
        probe: Name of the probe.
        name: What was measured, such as `rank1` or `psnr_outside`.
        value: The number.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: How many independent units it rests on.
        better: Which direction is good for whoever releases.
        chance: What guessing would reach, when that is defined.
        confidence: Of the interval.
        group: Which part of the data, empty for all of it.
        notes: What a reader has to know, such as "not independent of the detector".
        independent: False when the judge shares a network with what it judges.
        settings: What tells this run of the probe from others of the same probe ("limit 200"); empty when there was one.

    >>> Measurement("residual", "faces_left", 0.0, 0.0, 0.03, 100, "lower").unfavourable
    0.03
    """

    probe: str
    name: str
    value: float
    low: float
    high: float
    n: int
    better: Better
    chance: float | None = None
    confidence: float = 0.95
    group: str = ""
    notes: tuple[str, ...] = ()
    independent: bool = True
    settings: str = ""

    def __post_init__(self) -> None:
        in_range(0, 1, confidence=self.confidence)
        if self.n < 0 or not (self.low <= self.value <= self.high or math.isnan(self.value)):
            raise BadSetting(f"{self.probe}/{self.name}: needs low <= value <= high and n >= 0, got {self!r}")

    @classmethod
    def proportion(cls, probe: str, name: str, successes: int, trials: int, better: Better, **more: Any) -> Measurement:
        """A share of `trials` with its Clopper-Pearson interval."""
        low, high = clopper_pearson(successes, trials, more.get("confidence", 0.95))
        value = successes / trials if trials else (high if better == "lower" else low)
        return cls(probe, name, value, min(low, value), max(high, value), trials, better, **more)

    @property
    def unfavourable(self) -> float:
        """The end of the interval that a gate reads: high when lower is better, low when higher is."""
        return self.high if self.better == "lower" else self.low

    @property
    def title(self) -> str:
        """Probe, the settings that tell its runs apart, and what was measured.

        >>> Measurement("residual", "faces_left", 0.0, 0.0, 0.03, 100, "lower", settings="limit 200").title
        'residual (limit 200)/faces_left'
        """
        return f"{titled(self.probe, self.settings)}/{self.name}"

    def in_group(self, group: str) -> Measurement:
        """The same measurement, said of one group."""
        return replace(self, group=group)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form; infinities and nan become words, since JSON has none."""
        plain = asdict(self)
        for key, value in plain.items():
            if isinstance(value, float) and not math.isfinite(value):
                plain[key] = str(value)
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Measurement:
        """The measurement that `to_plain` wrote."""
        numbers = {key: float(plain[key]) for key in ("value", "low", "high")}
        return cls(**{**plain, **numbers, "notes": tuple(plain["notes"])})
