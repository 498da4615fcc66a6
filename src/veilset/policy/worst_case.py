"""What a policy costs one person at worst, before any data is read: in as many pictures as the cap allows."""

from __future__ import annotations

from veilset.core.guarantee import DP
from veilset.dp.accountants import Loss, compose
from veilset.dp.spending import repeated
from veilset.policy.schema import Policy


def claims_of(policy: Policy) -> tuple[DP, ...]:
    """What its treatments claim, each once."""
    promises = (operator.guarantee() for _, _, operator in policy.operators())
    return tuple(promise for promise in promises if isinstance(promise, DP))


def worst_case(policy: Policy) -> Loss | None:
    """The loss of a person with one finding of each treated kind in every picture; None when nothing is spent.

    *Raises*: UnitMismatch when the treatments protect different units or neighbours; BadSetting when they alone spend
    the delta of the budget.
    """
    claims, budget = claims_of(policy), policy.budget
    if budget is None or not claims:
        return None
    return compose([repeated(claim, budget.max_images_per_person) for claim in claims], budget.accountant, budget.delta)
