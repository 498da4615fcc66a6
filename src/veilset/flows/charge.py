"""Charging people before their pictures are treated: plan, charge, apply."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from veilset.core.errors import UsageError
from veilset.core.finding import Finding, by_kind
from veilset.core.guarantee import DP
from veilset.dp.ledger import Budget, Charge, Ledger
from veilset.flows.payers import everybody_in, naming_of, payers_of
from veilset.flows.vetoes import split
from veilset.flows.workplace import Workplace, write_atomically
from veilset.policy.schema import Policy

SURPLUS = "somebody in it already is in as many pictures as the budget allows"


@dataclass(frozen=True, slots=True)
class Purse:
    """The ledger of a policy that spends a privacy budget, and the release that is charged to it."""

    ledger: Ledger
    release: str
    place: Workplace

    def charge(
        self, policy: Policy, found: Mapping[str, tuple[str, tuple[Finding, ...]]], people: Mapping[str, frozenset[str]]
    ) -> frozenset[str]:
        """Charge everybody in the pictures that go in; ids of those that stay out.

        A run that goes on after a crash was charged already, and keeps to what was decided then.

        Args:
            policy: What treats which kind.
            found: Sample id to (name, findings).
            people: Sample id to who is in it; empty means unknown, which charges everyone.

        Raises:
            BudgetExceeded: Somebody's budget would be exceeded, or people were named otherwise in an earlier release;
                nothing was charged.
            UnitMismatch: A treatment protects another unit than the budget.
        """
        decided = self.place.private / "charged.json"
        if self.ledger.charged(self.release):
            return frozenset(json.loads(decided.read_text(encoding="utf-8"))["left_out"])
        names = {name: sample for sample, (name, _) in found.items()}
        charges = [
            charge
            for sample, (name, findings) in found.items()
            for charge in charges_of(policy, name, findings, people[sample])
        ]
        plan = self.ledger.plan(self.release, charges, naming_of(found))
        left_out = sorted(names[name] for name in plan.left_out)
        write_atomically(decided, json.dumps({"release": self.release, "left_out": left_out}).encode())
        self.ledger.charge(plan)
        return frozenset(left_out)

    def note(self) -> str:
        """What a recipient may know of the budget: the cap and how losses are added up, nothing about anybody."""
        facts = self.ledger.public_facts()
        return (
            f"privacy budget: at most epsilon {facts['epsilon']:g}, delta {facts['delta']:g} per {facts['unit']} and "
            f"{facts['charged']} over all releases (neighbours: {facts['neighbours'] or 'nothing was charged'}; accountant: "
            f"{facts['accountant']}), at most "
            f"{facts['max_images_per_person']} pictures of a person; unknown people: {facts['unknown_people']}"
        )

    def applied(self) -> None:
        """Note that the release came out."""
        self.ledger.applied(self.release)


def spends(policy: Policy) -> bool:
    """Whether any treatment claims differential privacy."""
    return any(isinstance(operator.guarantee(), DP) for _, _, operator in policy.operators())


def budget_of(policy: Policy) -> Budget:
    """The budget of a policy, as its ledger keeps it.

    Raises:
        UsageError: It has none, or charges something else than people.
    """
    own = policy.budget
    if own is None or own.charge != "person":
        raise UsageError("the policy spends a privacy budget; add a budget section with charge: person")
    return Budget(own.protects, own.epsilon, own.delta, own.max_images_per_person, own.accountant)


def purse_of(policy: Policy, release: str, place: Workplace, ledger: str | Path | None) -> Purse | None:
    """The purse of a policy; none when it spends nothing.

    Raises:
        UsageError: It spends, and has no budget, charges something else than people, or no ledger was named.
    """
    if not spends(policy):
        return None
    budget = budget_of(policy)
    if ledger is None:
        raise UsageError(
            "the policy spends a privacy budget, and losses add up over releases: name the private file that keeps them "
            "with --ledger, the same one for every release of these pictures"
        )
    return Purse(Ledger(Path(ledger), budget), release, place)


def charges_of(policy: Policy, name: str, findings: Iterable[Finding], people: frozenset[str]) -> tuple[Charge, ...]:
    """What treating one picture costs: once for each region where a region is the unit, else once for each treatment.

    >>> from veilset.policy.schema import Rule
    >>> charges_of(Policy((), {}, Rule(verdict="refuse")), "a.jpg", (), frozenset())
    ()
    """
    charges, listed = [], split(findings)[0]
    for kind, group in by_kind(listed).items():
        for named in policy.rule(kind).operators:
            promise = named.instance.guarantee()
            if not isinstance(promise, DP):
                continue
            one_each = promise.unit == "face"
            payers = payers_of(group, listed, people) if one_each else (everybody_in(group, listed, people),)
            charges += [Charge(name, who, promise) for who in payers]
    return tuple(charges)
