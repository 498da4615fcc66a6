"""What a treatment promises: exactly one of five kinds, each with the assumptions it leans on.

A guarantee is a value computed from an operator's fields alone, so it cannot depend on the data. What was not found is
untreated: the table of a release always ends with a row that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from veilset.core.check import positive
from veilset.core.errors import BadSetting

FOUND = "the finding was found and its place is right"


@dataclass(frozen=True, slots=True)
class Event:
    """The parameters of one use of a noisy mechanism: enough for any accountant, and nothing else.

    Attributes:
        mechanism: `laplace`, `gaussian`, `randomised_response`, `exponential`, `zero_delta` or `metric_laplace`.
        parameters: For instance `{"epsilon": 0.1}` or `{"noise_multiplier": 1.1}`.
        count: How many times it is used on the same unit.
    """

    mechanism: str
    parameters: Mapping[str, float]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Guarantee:
    """Root of the five kinds. Never made itself."""

    given: tuple[str, ...] = field(default=(), kw_only=True)

    kind: ClassVar[str] = ""

    def in_words(self) -> str:
        """One sentence for a person who releases data."""
        return self.kind

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form for the manifest."""
        return {"guarantee": self.kind, **asdict(self), "in_words": self.in_words()}


@dataclass(frozen=True, slots=True)
class Exact(Guarantee):
    """The output does not depend on what was inside."""

    removed: str = "the content of the treated region"
    kind: ClassVar[str] = "exact"

    def in_words(self) -> str:
        """One sentence for a person who releases data."""
        return f"Exact: the output does not depend on {self.removed}."


@dataclass(frozen=True, slots=True)
class DP(Guarantee):
    """A theorem of differential privacy.

    Attributes:
        event: The mechanism's parameters.
        unit: What is protected: `16 pixels`, `face`, `image`, `window`, `person`, ...
        neighbours: When two inputs count as neighbours, in words.
        epsilon: Loss per application at that unit.
        delta: Probability that the bound does not hold.
        source: Paper and section of the theorem.
    """

    event: Event
    unit: str
    neighbours: str
    epsilon: float
    source: str
    delta: float = 0.0
    kind: ClassVar[str] = "dp"

    def __post_init__(self) -> None:
        if self.epsilon < 0 or not 0 <= self.delta < 1 or not self.unit:
            raise BadSetting(f"a DP guarantee needs epsilon >= 0, 0 <= delta < 1 and a unit, got {self!r}")

    def in_words(self) -> str:
        """One sentence for a person who releases data."""
        loss = f"epsilon {self.epsilon:g}" + (f", delta {self.delta:g}" if self.delta else "")
        return f"Differential privacy with {loss} per {self.unit} and application; neighbours: {self.neighbours}."


@dataclass(frozen=True, slots=True)
class Computational(Guarantee):
    """As hard to undo as a stated problem is to solve."""

    scheme: str
    security_bits: int
    kind: ClassVar[str] = "computational"

    def __post_init__(self) -> None:
        positive(security_bits=self.security_bits)

    def in_words(self) -> str:
        """One sentence for a person who releases data."""
        return f"Computational: {self.scheme} at {self.security_bits} bits of security."


@dataclass(frozen=True, slots=True)
class Empirical(Guarantee):
    """Only measured: the named probes must run in the release that leans on it."""

    probes: tuple[str, ...]
    kind: ClassVar[str] = "empirical"

    def __post_init__(self) -> None:
        if not self.probes:
            raise BadSetting("an empirical guarantee names at least one probe")

    def in_words(self) -> str:
        """One sentence for a person who releases data."""
        return f"Empirical: no theorem; as good as the measurements of {', '.join(self.probes)} in this release."


@dataclass(frozen=True, slots=True)
class Nothing(Guarantee):
    """No claim."""

    why: str
    kind: ClassVar[str] = "nothing"

    def in_words(self) -> str:
        """One sentence for a person who releases data."""
        return f"Nothing is promised: {self.why}."


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a release's guarantee table: a kind of finding, how it was treated, what that promises."""

    finding: str
    operator: str
    guarantee: Guarantee
    count: int = 0

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form for the manifest."""
        return {
            "finding": self.finding,
            "operator": self.operator,
            "count": self.count,
            **self.guarantee.to_plain(),
        }


def with_last_row(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The table closed by its last row: what was not found is not protected.

    >>> with_last_row(())[-1].guarantee.kind
    'nothing'
    """
    return (*rows, Row("everything not found", "none", Nothing("it was not found, so it was not treated")))
