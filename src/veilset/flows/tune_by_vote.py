"""Choosing a setting on private pictures at a price: parts of the set vote, and one noisy choice is charged."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from veilset.core.check import positive
from veilset.core.errors import BadSetting, BudgetExceeded, DataError, Refusal, UnitMismatch
from veilset.core.finding import Finding
from veilset.core.guarantee import DP, Event
from veilset.core.noise import Noise
from veilset.core.sample import Sample
from veilset.dp.bernoulli import exact
from veilset.dp.exponential import permute_and_flip
from veilset.dp.ledger import Charge, Ledger
from veilset.flows.charge import budget_of
from veilset.policy.schema import Policy
from veilset.policy.worst_case import claims_of

Samples = Sequence[tuple[Sample, tuple[Finding, ...]]]


def parts_of(samples: Samples, parts: int) -> dict[int, list[tuple[Sample, tuple[Finding, ...]]]]:
    """The samples in parts by a hash of who is in them, or of the picture where that is unknown: never by what is seen.

    All pictures of a person who is always alone are in one part.
    """
    divided: dict[int, list[tuple[Sample, tuple[Finding, ...]]]] = {}
    for sample, findings in samples:
        words = "\n".join(sorted(sample.subjects)) or f"picture {sample.id}"
        part = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") % parts
        divided.setdefault(part, []).append((sample, findings))
    return dict(sorted(divided.items()))


def chosen(votes: Iterable[int | None], candidates: int, epsilon: float, noise: Noise) -> int | None:
    """The candidate with most votes, but for noise; None when "nothing fits" is chosen.

    **Guarantee**

    - epsilon-differential privacy when one unit can change one vote: it moves two counts, by one each.

    *Source*: permute-and-flip, McKenna and Sheldon (2020); votes of disjoint parts as in Nissim, Raskhodnikova and
    Smith (2007).

    >>> from veilset.core.noise import SeededNoise
    >>> chosen([1] * 900 + [None] * 5, 3, 1.0, SeededNoise(1))
    1
    """
    counts = [0] * (candidates + 1)
    for vote in votes:
        counts[candidates if vote is None else vote] += 1
    winner = permute_and_flip(noise, counts, exact(epsilon))
    return None if winner == candidates else winner


def price(policy: Policy, epsilon: float) -> DP:
    """What the choice costs, in the unit of the policy's budget."""
    positive(epsilon=epsilon)
    claims = claims_of(policy)
    if policy.budget is None or not claims:
        raise UnitMismatch("the policy spends no privacy budget that the choice could be charged to")
    source = "McKenna and Sheldon (2020), permute-and-flip over the votes of disjoint parts"
    return DP(Event("exponential", {"epsilon": epsilon}), claims[0].unit, claims[0].neighbours, epsilon, source)


def vote(
    samples: Samples,
    policy: Policy,
    ledger: str | Path,
    *,
    epsilon: float,
    parts: int,
    candidates: int,
    ballot: Callable[[Samples], int | None],
    noise: Noise,
) -> tuple[int | None, str]:
    """The proposal of the parts, charged before anybody looks, and what it cost in words.

    A part whose measurement fails votes for nothing; a part that the cap on pictures leaves out does not vote.

    Raises:
        BudgetExceeded: Somebody's budget would be exceeded; nothing was looked at and nothing was charged.
    """
    divided, cost, release = parts_of(samples, parts), price(policy, epsilon), f"tune-{secrets.token_hex(8)}"
    names = {f"{release} part {part}": part for part in divided}
    charges = [Charge(name, _people(divided[part]), cost) for name, part in names.items()]
    keeper = Ledger(Path(ledger), budget_of(policy))
    plan = keeper.plan(release, charges)
    voting = [part for name, part in names.items() if name not in set(plan.left_out)]
    if not voting:
        raise BudgetExceeded("every part shows somebody who already is in as many pictures as the budget allows")
    keeper.charge(plan)
    proposed = chosen([_cast(ballot, divided[part]) for part in voting], candidates, epsilon, noise)
    keeper.applied(release)
    words = (
        f"private pictures, of which {len(voting)} parts voted; the choice was charged to the ledger: epsilon {epsilon:g} "
        f"per {cost.unit} and part that somebody is in (neighbours: {cost.neighbours}; accountant: "
        f"{keeper.budget.accountant}). Nothing measured is shown, since it has no noise"
    )
    return proposed, words


def _people(samples: Samples) -> frozenset[str]:
    """Everybody in a part; nobody, which charges everyone, when somebody is unknown."""
    if any(not sample.subjects for sample, _ in samples):
        return frozenset()
    return frozenset().union(*(sample.subjects for sample, _ in samples))


def _cast(ballot: Callable[[Samples], int | None], samples: Samples) -> int | None:
    # Stopping here would show that this very part cannot be measured.
    try:
        return ballot(samples)
    except (DataError, Refusal, BadSetting):
        return None
