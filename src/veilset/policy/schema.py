"""What a policy says, once read: plain frozen values that travel to worker processes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from veilset.core.check import one_of, positive
from veilset.core.errors import BadSetting
from veilset.core.manifest import fingerprint
from veilset.core.roles import Detector, Operator, Probe, SetDetector
from veilset.dp.accountants import ACCOUNTANTS

Verdict = Literal["refuse", "quarantine", "keep"]
VERDICTS: tuple[Verdict, ...] = ("refuse", "quarantine", "keep")
# From the root, from home, from a drive or share, or out of the folder: what stands before the last name may name people.
_OUTSIDE = re.compile(r"(?:[A-Za-z]:)?[/\\~]|(?:.*[/\\])?\.\.[/\\]")


def _published(value: Any) -> Any:
    """A setting as it may be published: an absolute path may name a person, a customer or a machine.

    >>> _published("/home/alice/licences.csv"), _published("../alice/licences.csv"), _published("private/origins.csv")
    ('licences.csv', 'licences.csv', 'private/origins.csv')
    """
    if not isinstance(value, str) or not _OUTSIDE.match(value):
        return value
    return re.split(r"[/\\]", value.rstrip("/\\"))[-1] or value


@dataclass(frozen=True, slots=True)
class Named:
    """An instance with the name it goes by in the policy."""

    name: str
    instance: Any

    def to_plain(self) -> dict[str, Any]:
        """`{name: settings}` with every default spelled out. Public: of a path that leads elsewhere the last name alone."""
        return {self.name: {name: _published(value) for name, value in asdict(self.instance).items()}}


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one kind of finding: operators in turn, or a verdict without treatment."""

    operators: tuple[Named, ...] = ()
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        if bool(self.operators) == bool(self.verdict):
            raise BadSetting("a rule is either operators or one of refuse, quarantine, keep")

    def to_plain(self) -> Any:
        """As it would stand in a policy, defaults spelled out."""
        return self.verdict or [named.to_plain() for named in self.operators]


@dataclass(frozen=True, slots=True)
class Budget:
    """Who is charged, what is protected, how much may be spent, and who adds up. Units never convert.

    Attributes:
        charge: Who is charged: `person`.
        protects: The unit of every treatment that spends: `face`, `image`, `16 pixels`.
        epsilon: Most that a person may lose over all releases.
        delta: The same of delta; above 0 for every accountant but `basic`.
        max_images_per_person: Most pictures of a person over all releases.
        accountant: `basic`, `advanced`, `rdp` or `pld`.
    """

    charge: str
    protects: str
    epsilon: float
    delta: float
    max_images_per_person: int
    accountant: str = "basic"

    def __post_init__(self) -> None:
        positive(epsilon=self.epsilon, max_images_per_person=self.max_images_per_person)
        one_of(ACCOUNTANTS, accountant=self.accountant)
        if self.accountant != "basic" and not 0 < self.delta < 1:
            raise BadSetting(f"accountant {self.accountant} needs a delta above 0; basic needs none")


@dataclass(frozen=True, slots=True)
class Gate:
    """A probe that must run, and the bound that the unfavourable end of its interval must keep.

    Attributes:
        probe: The probe.
        of: Which of its measurements is bounded; empty for its first.
        least: Lower bound, or None.
        most: Upper bound, or None.
    """

    probe: Named
    of: str = ""
    least: float | None = None
    most: float | None = None

    def to_plain(self) -> dict[str, Any]:
        """As it would stand in a policy, defaults spelled out."""
        settings = asdict(self.probe.instance)
        bounds = {"min": self.least, "max": self.most, "of": self.of or None}
        return {self.probe.name: {**settings, **{key: value for key, value in bounds.items() if value is not None}}}


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """How the result leaves.

    Attributes:
        names: `fresh` (random, order lost) or `keep` (the original file names; they may name people).
        folders: `flat` or `keep` (class folders stay).
        documents: Which papers go with it.
        complete: Refuse while a mandatory question of these papers is unanswered.
        omit_at_most: Largest share of samples that may be dropped or quarantined.
        trust: Third-party operators whose claims of differential privacy count.
    """

    names: Literal["fresh", "keep"] = "fresh"
    folders: Literal["flat", "keep"] = "flat"
    documents: tuple[str, ...] = ()
    complete: bool = False
    omit_at_most: float = 1.0
    trust: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Which operator treats which kind of finding, which measurements must hold, and how the result leaves.

    Attributes:
        find: Detectors, in order.
        treat: Kind of finding to rule, in order of application.
        otherwise: The rule of every kind that `treat` does not name (`"*"`).
        budget: Of differential privacy, if any operator spends one.
        gates: Probes and their bounds.
        release: How the result leaves.
    """

    find: tuple[Named, ...]
    treat: Mapping[str, Rule]
    otherwise: Rule
    budget: Budget | None = None
    gates: tuple[Gate, ...] = ()
    release: ReleaseSettings = field(default_factory=ReleaseSettings)

    def rule(self, kind: str) -> Rule:
        """The rule for a kind of finding."""
        return self.treat.get(kind, self.otherwise)

    def detectors(self) -> tuple[tuple[str, Detector], ...]:
        """Detectors that look at one sample at a time."""
        return tuple((named.name, named.instance) for named in self.find if isinstance(named.instance, Detector))

    def set_detectors(self) -> tuple[tuple[str, SetDetector], ...]:
        """Detectors that need the whole set."""
        return tuple((named.name, named.instance) for named in self.find if isinstance(named.instance, SetDetector))

    def operators(self) -> tuple[tuple[str, str, Operator], ...]:
        """(kind, operator name, operator) for every treatment, in order."""
        rules = [*self.treat.items(), ("*", self.otherwise)]
        return tuple((kind, named.name, named.instance) for kind, rule in rules for named in rule.operators)

    def probes(self) -> tuple[tuple[str, Probe], ...]:
        """Probes in order; one that several gates read with the same settings is there once."""
        found: list[tuple[str, Probe]] = []
        for gate in self.gates:
            one = (gate.probe.name, gate.probe.instance)
            if one not in found:  # settings may hold what has no hash
                found.append(one)
        return tuple(found)

    def to_plain(self) -> dict[str, Any]:
        """The normalised policy, every default spelled out, JSON-ready. Public: it holds settings alone."""
        return {
            "version": 1,
            "find": [named.to_plain() for named in self.find],
            "treat": {**{kind: rule.to_plain() for kind, rule in self.treat.items()}, "*": self.otherwise.to_plain()},
            "budget": asdict(self.budget) if self.budget else None,
            "probe": [gate.to_plain() for gate in self.gates],
            "release": asdict(self.release),
        }

    def sha256(self) -> str:
        """Names the treatment: two policies that do the same have the same hash."""
        return fingerprint(self.to_plain())
