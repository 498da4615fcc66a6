"""How many faces were missed in the user's own set, from what the two networks of the face detector saw."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from veilset.core.finding import Finding
from veilset.detectors.missed import ASSUMPTIONS, Recapture, Stratum, chapman, pictures_with_a_miss, to_check

# A network's own score from which it counts as having found a face by itself: few such boxes are false.
ALONE: Mapping[str, float] = {"centerface": 0.35, "yunet": 0.5}


@dataclass(frozen=True, slots=True)
class Missed:
    """An estimate, and the pictures that a person is asked to check.

    Attributes:
        recapture: Faces that both networks missed, under independence: in truth a lower bound.
        first: Faces that CenterFace found by itself.
        second: Faces that YuNet found by itself.
        both: Faces that both found.
        strata: Pictures by risk: `disagree` (one network saw a face that the other did not), `empty` (no face),
            `agree`.
        to_check: Ids to check, by stratum; drawn at random.
        assumptions: What the estimate leans on, in words.
    """

    recapture: Recapture
    first: int
    second: int
    both: int
    strata: Mapping[str, int]
    to_check: Mapping[str, tuple[str, ...]]
    assumptions: tuple[str, ...] = ASSUMPTIONS

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form. The ids are private."""
        return asdict(self)


def estimate_missed(pictures: Mapping[str, Iterable[Finding]], *, budget: int = 100) -> Missed:
    """From the face findings of a whole set, by sample id; `budget` pictures are drawn for a person to check.

    Findings of other kinds, and those that keep no score per network, are passed over.
    """
    first = second = both = 0
    strata: dict[str, list[str]] = {"agree": [], "disagree": [], "empty": []}
    for sample, findings in pictures.items():
        seen = [_networks(finding) for finding in findings if finding.kind == "face"]
        first += sum("centerface" in networks for networks in seen)
        second += sum("yunet" in networks for networks in seen)
        both += sum(len(networks) == len(ALONE) for networks in seen)
        if not any(seen):
            strata["empty"].append(sample)
        else:
            strata["disagree" if any(len(networks) < len(ALONE) for networks in seen) else "agree"].append(sample)
    # Ids are derived from names: a keyed draw by the set itself gives the same pictures on every run.
    salt = hashlib.sha256("\0".join(sorted(pictures)).encode()).hexdigest()
    drawn = to_check(strata, budget, salt)
    sizes = {name: len(ids) for name, ids in strata.items()}
    return Missed(chapman(first, second, both), first, second, both, sizes, drawn)


def upper_bound(missed: Missed, with_miss: Mapping[str, Sequence[str]]) -> int:
    """At most so many pictures hold a missed face, with 95 % confidence, once all of `to_check` were checked.

    Args:
        missed: The estimate whose pictures were checked.
        with_miss: Ids, by stratum, in which the person saw a face that was not found.
    """
    return pictures_with_a_miss(
        [
            Stratum(size, len(missed.to_check.get(name, ())), len(set(with_miss.get(name, ()))))
            for name, size in missed.strata.items()
        ]
    )


def _networks(finding: Finding) -> frozenset[str]:
    scores: Mapping[str, float] = finding.detail.get("scores", {})
    return frozenset(network for network, bar in ALONE.items() if scores.get(network, 0.0) >= bar)
