"""A finding: something that is there, found by a detector, a reviewer, a licence check or a consent register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from veilset.core.check import in_range
from veilset.core.where import Where, from_plain, to_plain


class Risk(StrEnum):
    """What a finding may give away. `HIDDEN` is the highest: something the visible picture no longer shows."""

    HIDDEN = "hidden"
    PERSON = "person"
    PLACE = "place"
    TIME = "time"
    DEVICE = "device"
    CONTENT = "content"
    HISTORY = "history"
    RIGHTS = "rights"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is there.

    `kind` is the key that a policy's `treat` section rules on. `value` is what was read (a coordinate, a word): it
    stays in `private/`, and is never printed, logged or compared.

    Attributes:
        kind: What it is: `face`, `metadata`, `plate`, `rights`, ...
        where: Where it is.
        score: Confidence of the source, in [0, 1]; 1 for what is simply read.
        source: Who says so: a detector and its model, such as `face/centerface`, or `reviewer:<id>`.
        risk: What it may give away.
        subject: Pseudonym of the person concerned, when known.
        detail: Facts that may stand in a report (counts, sizes, scores per network), JSON-ready.
        value: What was read. Private.

    >>> from veilset.core.where import Box
    >>> Finding("face", Box(1, 2, 3, 4), 0.9, "face/centerface").kind
    'face'
    """

    kind: str
    where: Where
    score: float
    source: str
    risk: Risk = Risk.CONTENT
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    value: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            in_range(0, 1, score=self.score)

    def __reduce__(self) -> tuple[Any, ...]:
        # Findings travel between processes by the million: what a frozen class does by default takes five times as long.
        told = (self.kind, self.where, self.score, self.source, self.risk, self.subject, self.detail, self.value)
        return type(self), told

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form, with `value`: for `private/` alone."""
        return {
            "kind": self.kind,
            "where": to_plain(self.where),
            "score": round(float(self.score), 6),
            "source": self.source,
            "risk": str(self.risk),
            "subject": self.subject,
            "detail": dict(self.detail),
            "value": self.value,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Finding:
        """The finding that `to_plain` wrote."""
        return cls(
            plain["kind"],
            from_plain(plain["where"]),
            plain["score"],
            plain["source"],
            Risk(plain["risk"]),
            plain["subject"],
            plain["detail"],
            plain["value"],
        )


def by_kind(findings: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    """Findings grouped by kind, kinds in order of first appearance."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.kind, []).append(finding)
    return {kind: tuple(group) for kind, group in groups.items()}
