"""What a person's charges add up to, by the accountant of a budget: kinds of uses with their counts, as data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from veilset.core.errors import BadSetting
from veilset.core.guarantee import DP, Event
from veilset.dp.accountants import Loss, compose
from veilset.dp.bernoulli import exact

Uses = Counter[str]
"""A use as `stored` writes it, to how many times it was made."""


def repeated(use: DP, times: int) -> DP:
    """The same guarantee used `times` times as often, on the same data.

    >>> repeated(DP(Event("laplace", {"epsilon": 0.1}, 2), "face", "one face", 0.1, "a paper"), 3).event.count
    6
    """
    return replace(use, event=replace(use.event, count=use.event.count * times))


def stored(use: DP) -> str:
    """One use as JSON, its count aside: enough for every accountant, now or later."""
    plain = {
        "mechanism": use.event.mechanism,
        "parameters": dict(use.event.parameters),
        "unit": use.unit,
        "neighbours": use.neighbours,
        "epsilon": use.epsilon,
        "delta": use.delta,
        "source": use.source,
    }
    return json.dumps(plain, sort_keys=True)


def restored(words: str, count: int) -> DP:
    """The guarantee that `stored` wrote, used `count` times."""
    plain = json.loads(words)
    event = Event(plain["mechanism"], plain["parameters"], count)
    return DP(event, plain["unit"], plain["neighbours"], plain["epsilon"], plain["source"], plain["delta"])


def sums(uses: Mapping[str, int]) -> tuple[Fraction, Fraction]:
    """Epsilon and delta by basic composition, exactly."""
    epsilon, delta = Fraction(0), Fraction(0)
    for words, count in uses.items():
        plain = json.loads(words)
        epsilon += exact(plain["epsilon"]) * count
        delta += exact(plain["delta"]) * count
    return epsilon, delta


def loss_of(uses: Mapping[str, int], accountant: str, delta: float) -> Loss:
    """What the uses cost together, by an accountant; `delta` is what may be spent, and `basic` needs none.

    *Raises*: BadSetting when they alone spend that delta; UnitMismatch when the accountant cannot add them up.
    """
    return compose([restored(words, count) for words, count in sorted(uses.items())], accountant, delta)


def exceeds(uses: Mapping[str, int], accountant: str, epsilon: float, delta: float) -> bool:
    """Whether the uses cost more than a budget: exactly for `basic`, else by a bound that is never too low.

    *Raises*: UnitMismatch when the accountant cannot add them up.

    >>> tenth = stored(DP(Event("laplace", {"epsilon": 0.1}), "face", "one face", 0.1, "a paper"))
    >>> exceeds({tenth: 10}, "basic", 1.0, 0.0), exceeds({tenth: 10}, "rdp", 1.0, 1e-6)
    (False, True)
    """
    if not uses:
        return False
    if accountant == "basic":
        spent = sums(uses)
        return spent[0] > exact(epsilon) or spent[1] > exact(delta)
    try:
        total = loss_of(uses, accountant, delta)
    except BadSetting:
        return True
    # Relative rounding of the library's own sums is not a privacy loss that a budget could tell apart.
    return total.epsilon > epsilon * (1 + 1e-12) or total.delta > delta * (1 + 1e-9)
