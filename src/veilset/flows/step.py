"""Treating one sample: findings to plan, plan to operators, operators to sink. Runs in a worker process."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from veilset.core.errors import DataError, Refusal, WeakNoise
from veilset.core.finding import Finding, by_kind
from veilset.core.guarantee import DP
from veilset.core.noise import Noise
from veilset.core.roles import Outcome, Ref, Sink, Source, Written
from veilset.core.sample import Sample
from veilset.flows.apart import in_turn, turns_of
from veilset.flows.charge import SURPLUS
from veilset.flows.look import Seen, each_is, guarded, look, seen
from veilset.flows.vetoes import split
from veilset.policy.schema import Named, Policy

Result = Literal["released", "dropped", "quarantined", "refused"]


@dataclass(frozen=True, slots=True)
class Treated:
    """What became of one sample.

    Attributes:
        seen: What was seen in it.
        result: Where it went; `refused` stops the release.
        reason: In words, when it was not released.
        written: The file, when it was released.
        rules: Number of findings by (kind, treatment).
    """

    seen: Seen
    result: Result
    reason: str = ""
    written: Written | None = None
    rules: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Treat:
    """One release step: picklable, since it travels to worker processes.

    Attributes:
        source: Where samples come from.
        policy: What to do with them.
        sink: Where they go.
        key: Names the outputs: HMAC-SHA-256 of the original name.
        noise: Where randomness comes from.
        known: Findings of a first pass over the whole set, by sample id; None when each sample is looked at here.
        extra: Findings of set detectors and reviewers, by sample id.
        clashing: Ids of samples whose kept name another sample has too.
        surplus: Ids of samples that the privacy budget leaves out.
    """

    source: Source
    policy: Policy
    sink: Sink
    key: bytes = field(repr=False)
    noise: Noise
    known: dict[str, tuple[Finding, ...]] | None = None
    extra: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    clashing: frozenset[str] = frozenset()
    surplus: frozenset[str] = frozenset()

    def __call__(self, ref: Ref) -> Treated:
        """Treat one sample; whatever cannot be treated is quarantined, never released."""
        try:
            sample = self.source.load(ref)
        except (DataError, Refusal) as error:
            return Treated(Seen(ref, error=error.message), "quarantined", error.message)
        findings: tuple[Finding, ...] = ()
        try:
            if ref.id in self.surplus:
                return Treated(seen(sample, ref, ()), "dropped", SURPLUS)
            known = None if self.known is None else self.known.get(ref.id)
            findings = look(sample, ref, self.policy.detectors()) if known is None else known
            findings += self.extra.get(ref.id, ())
            return self._treat(sample, ref, findings)
        except (DataError, Refusal) as error:
            if isinstance(error, WeakNoise):
                raise
            return Treated(seen(sample, ref, findings, error=error.message), "quarantined", error.message)

    def _treat(self, sample: Sample, ref: Ref, findings: tuple[Finding, ...]) -> Treated:
        noted = seen(sample, ref, findings)
        findings, rules = split(findings)
        groups = by_kind(findings)
        for verdict, result in (("refuse", "refused"), ("quarantine", "quarantined")):
            kinds = sorted(kind for kind in groups if self.policy.rule(kind).verdict == verdict)
            if kinds:
                words = dict.fromkeys(str(f.detail["words"]) for k in kinds for f in groups[k] if "words" in f.detail)
                reason = f"it holds {', '.join(kinds)}, for which the policy says {verdict}"
                reason = ": ".join([reason, *(["; ".join(words)] if words else [])])
                return Treated(noted, "refused" if result == "refused" else "quarantined", reason)
        turns = turns_of(self.policy, findings)
        for turn in turns:
            verdict = str(self.policy.rule(turn.kind).verdict)
            rules[turn.kind, "+".join(named.name for named in turn.operators) or verdict] += len(turn.findings)

        def apply(named: Named, seen_by: Sample, own: Sequence[Finding]) -> Outcome:
            if self.noise.seeded and isinstance(named.instance.guarantee(), DP):
                raise WeakNoise(f"{named.name} promises differential privacy, but the noise of this run is seeded")
            who = f"operator {named.name}"
            given = guarded(who, ref, named.instance.apply, seen_by, own, noise=self.noise)
            return each_is(Outcome, who, ref, (given,))[0]

        outcome = in_turn(sample, turns, apply)
        if outcome.sample is None:
            return Treated(noted, "dropped", outcome.reason, rules=dict(rules))
        written = guarded("the sink", ref, self.sink.write, outcome.sample, self._name(ref))
        return Treated(noted, "released", written=written, rules=dict(rules))

    def _name(self, ref: Ref) -> str:
        """The stem that the sink writes under: fresh names cannot be linked to the original without the key."""
        original = PurePosixPath(ref.name)
        settings = self.policy.release
        folder = original.parent if settings.folders == "keep" else PurePosixPath()
        if settings.names == "fresh":
            digest = hmac.new(self.key, ref.name.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
            return str(folder / digest[:20])
        return str(folder / (f"{original.stem}-{ref.id[:8]}" if ref.id in self.clashing else original.stem))
