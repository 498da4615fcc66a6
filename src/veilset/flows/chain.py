"""Several operators for one kind of finding, seen as one: what the adversary of a probe has to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from veilset.core.finding import Finding
from veilset.core.guarantee import DP, Exact, Guarantee, Nothing
from veilset.core.noise import Noise
from veilset.core.roles import Operator, Outcome, Touches
from veilset.core.sample import Image, Media, Sample, Signal, Video
from veilset.policy.schema import Policy

REACH: tuple[Touches, ...] = ("tags", "region", "whole", "sample")
WITHIN = "the treatments before it carry nothing of the finding out of its region"


@dataclass(frozen=True)
class Chain:
    """Operators applied in turn, as a policy lists them for one kind; without any, nothing is changed.

    Attributes:
        operators: In order of application.

    *Shapes and units*: those of its operators.

    **Guarantee**:
        - That of the first operator when it is exact or differentially private: what follows is post-processing.
        - That of a later one when it is exact, given that nothing was carried out of its region before.
        - Else that of the last. A later differential privacy is not passed on, since what ran before may have turned
          neighbours into pictures further apart.

    Raises:
        WrongMedia: From the operator that does not take the sample.

    *Source*: post-processing, Dwork and Roth 2014, proposition 2.1.

    >>> Chain().guarantee().in_words()
    'Nothing is promised: it is left as it is.'
    """

    operators: tuple[Operator, ...] = ()

    @property
    def takes(self) -> tuple[type[Media], ...]:
        """Media that every operator takes."""
        every = [set(operator.takes) for operator in self.operators]
        return tuple(kind for kind in (Image, Video, Signal) if every and all(kind in takes for takes in every))

    @property
    def touches(self) -> Touches:
        """The widest reach of its operators."""
        return max((operator.touches for operator in self.operators), key=REACH.index, default="tags")

    @property
    def grow(self) -> float:
        """The widest growth of a region."""
        return max((float(getattr(operator, "grow", 0.0)) for operator in self.operators), default=0.0)

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:
        """Each in turn on what the one before made; dropped as soon as one drops."""
        secrets: dict[str, bytes] = {}
        for operator in self.operators:
            outcome = operator.apply(sample, findings, noise=noise)
            secrets.update(outcome.secrets)
            if outcome.sample is None:
                return Outcome(None, outcome.reason, secrets)
            sample = outcome.sample
        return Outcome(sample, secrets=secrets)

    def guarantee(self) -> Guarantee:
        """What the whole chain promises."""
        promises = [operator.guarantee() for operator in self.operators]
        if not promises:
            return Nothing("it is left as it is")
        if isinstance(promises[0], DP | Exact):
            return promises[0]
        for promise in promises[1:]:
            if isinstance(promise, Exact):
                return replace(promise, given=(*promise.given, WITHIN))
        if isinstance(promises[-1], DP):
            return Nothing("another treatment runs before the one with noise, whose claim holds for its input alone")
        return promises[-1]


def treatments_of(policy: Policy | None) -> Mapping[str, Operator]:
    """Kind of finding to all that the policy does to it, for the adversary's knowledge; `"*"` for kinds not named.

    Kinds that the policy keeps are named, by a chain of nothing, only where `"*"` would else be taken to treat them.
    """
    found: dict[str, Any] = {}
    if policy is None:
        return found
    others = bool(policy.otherwise.operators)
    for kind, rule in (*policy.treat.items(), ("*", policy.otherwise)):
        operators = tuple(named.instance for named in rule.operators)
        if len(operators) == 1:
            found[kind] = operators[0]
        elif operators or (others and rule.verdict == "keep"):
            found[kind] = Chain(operators)
    return found
