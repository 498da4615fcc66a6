"""What several uses of noisy mechanisms cost together. Every result names unit, neighbours and accountant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from veilset.core.check import in_range, one_of, positive
from veilset.core.errors import BadSetting, UnitMismatch
from veilset.core.guarantee import DP
from veilset.dp.bernoulli import exact

ACCOUNTANTS = ("basic", "advanced", "rdp", "pld")


@dataclass(frozen=True, slots=True)
class Loss:
    """A privacy loss that may be printed: never a bare number.

    Attributes:
        epsilon: Bound on the log ratio of probabilities.
        delta: Probability mass on which the bound does not hold.
        unit: What is protected.
        neighbours: When two inputs are neighbours.
        accountant: Who added it up.

    >>> print(Loss(1.0, 0.0, "face", "one face replaced", "basic"))
    epsilon 1 per face (neighbours: one face replaced; accountant: basic)
    """

    epsilon: float
    delta: float
    unit: str
    neighbours: str
    accountant: str

    def __post_init__(self) -> None:
        if not (self.epsilon >= 0 and 0 <= self.delta <= 1 and self.unit and self.neighbours and self.accountant):
            raise BadSetting(f"a loss needs epsilon >= 0, 0 <= delta <= 1, unit, neighbours, accountant; got {self!r}")

    def __str__(self) -> str:
        delta = f", delta {self.delta:.4g}" if self.delta else ""
        return (
            f"epsilon {self.epsilon:.4g}{delta} per {self.unit} "
            f"(neighbours: {self.neighbours}; accountant: {self.accountant})"
        )


def compose(uses: Sequence[DP], accountant: str = "basic", delta: float = 0.0) -> Loss:
    """The loss of several guarantees about the same unit, on data that all of them saw.

    *Shapes and units*: epsilon per the guarantees' common unit; `delta` is the total that may be spent, and is needed
    by every accountant but `basic`.

    *Raises*: UnitMismatch when the guarantees protect different units or use different neighbours.

    *Source*: basic: sums. advanced: Kairouz, Oh and Viswanath (2015), theorem 3.5 in the form for unequal losses.
    rdp and pld: the dp-accounting library; a pure epsilon enters as the worst mechanism with that epsilon.
    """
    unit, neighbours = common_unit(uses)
    if accountant == "basic":
        epsilon = sum((exact(use.epsilon) * use.event.count for use in uses), start=exact(0))
        total = sum((exact(use.delta) * use.event.count for use in uses), start=exact(0))
        return Loss(float(epsilon), min(1.0, float(total)), unit, neighbours, "basic")
    if accountant == "advanced":
        pairs = [(use.epsilon, use.delta) for use in uses for _ in range(use.event.count)]
        spent = 1 - math.prod(1 - d for _, d in pairs)
        if delta <= spent:
            raise BadSetting(f"advanced composition needs a delta above the {spent:g} already spent, got {delta!r}")
        epsilon_total, reached = advanced(pairs, slack=1 - (1 - delta) / (1 - spent))
        return Loss(epsilon_total, min(1.0, reached), unit, neighbours, "advanced (Kairouz, Oh and Viswanath)")
    positive(delta=delta)
    one_of(ACCOUNTANTS, accountant=accountant)
    total_of = _rdp if accountant == "rdp" else _pld
    return Loss(total_of(uses, delta), delta, unit, neighbours, f"{accountant} (dp-accounting)")


def common_unit(uses: Sequence[DP]) -> tuple[str, str]:
    """The unit and neighbours that all guarantees share.

    Raises:
        UnitMismatch: They do not share them; epsilons of different units cannot be added.
    """
    found = sorted({(use.unit, use.neighbours) for use in uses})
    if len(found) != 1:
        units = ", ".join(sorted({unit for unit, _ in found})) or "none"
        raise UnitMismatch(
            f"losses can be added for one unit and one neighbouring relation alone; found units: {units}"
        )
    return found[0]


def advanced(pairs: Sequence[tuple[float, float]], slack: float) -> tuple[float, float]:
    """Total (epsilon, delta) of unequal (epsilon, delta) uses, with `slack` delta on top.

    >>> round(advanced([(0.05, 0.0)] * 20, slack=1e-3)[0], 7)
    0.7613352
    """
    in_range(0, 1, slack=slack)
    squares = math.fsum(e * e for e, _ in pairs)
    drift = math.fsum(e * math.tanh(e / 2) for e, _ in pairs)
    epsilon = min(
        math.fsum(e for e, _ in pairs),
        drift + math.sqrt(2 * squares * math.log(1 / slack)),
        drift + math.sqrt(2 * squares * math.log(math.e + math.sqrt(squares) / slack)),
    )
    delta = -math.expm1(math.log1p(-slack) + math.fsum(math.log1p(-d) for _, d in pairs))
    return epsilon, delta


def _pld(uses: Sequence[DP], delta: float) -> float:
    """Epsilon at `delta` by privacy-loss distributions.

    A pure epsilon enters as the worst mechanism with that epsilon, since noise on a vector of sums need not compose as
    well as noise on one.
    """
    from dp_accounting.pld import common
    from dp_accounting.pld import privacy_loss_distribution as pld

    total = pld.identity()
    for use in uses:
        values = use.event.parameters
        match use.event.mechanism:
            case "gaussian":
                once = pld.from_gaussian_mechanism(values["noise_multiplier"])
            case "laplace" if "noise_multiplier" in values:
                once = pld.from_laplace_mechanism(values["noise_multiplier"])
            case "metric_laplace":
                raise UnitMismatch("metric privacy protects a distance; it has no loss per unit that could be added up")
            case _:
                once = pld.from_privacy_parameters(common.DifferentialPrivacyParameters(use.epsilon, use.delta))
        total = total.compose(once.self_compose(use.event.count))
    return float(total.get_epsilon_for_delta(delta))


def _rdp(uses: Sequence[DP], delta: float) -> float:
    """Epsilon at `delta` by Renyi differential privacy; a pure epsilon is zero-concentrated with epsilon**2 / 2."""
    from dp_accounting import dp_event

    events = []
    for use in uses:
        values = use.event.parameters
        if use.event.mechanism == "gaussian":
            event = dp_event.GaussianDpEvent(values["noise_multiplier"])
        elif use.event.mechanism == "laplace" and "noise_multiplier" in values:
            event = dp_event.LaplaceDpEvent(values["noise_multiplier"])
        elif use.delta == 0 and use.event.mechanism != "metric_laplace":
            event = dp_event.ZCDpEvent(use.epsilon**2 / 2)
        else:
            raise UnitMismatch(f"the rdp accountant cannot add up {use.event.mechanism}; use pld or basic")
        events.append((event, use.event.count))
    return by_library(events, "rdp", delta)


def by_library(events: Iterable[tuple[Any, int]], accountant: str, delta: float) -> float:
    """Epsilon at `delta` of dp-accounting events and their counts, by `rdp` or `pld`, under add or remove one."""
    from dp_accounting import pld, rdp

    makers = {"rdp": rdp.RdpAccountant, "pld": pld.PLDAccountant}
    one_of(makers, accountant=accountant)
    keeper = makers[accountant]()
    for event, count in events:
        if not keeper.supports(event):
            raise BadSetting(f"the {accountant} accountant does not know {type(event).__name__}")
        keeper.compose(event, count)
    return float(keeper.get_epsilon(delta))


def group(loss: Loss, size: int, unit: str) -> Loss:
    """The loss of `size` units changed together: (k epsilon, delta (e^(k epsilon) - 1) / (e^epsilon - 1)).

    >>> print(group(Loss(0.1, 0.0, "16 pixels", "16 pixels changed", "basic"), 644, "face"))
    epsilon 64.4 per face (neighbours: 644 times: 16 pixels changed; accountant: basic, group of 644)
    """
    positive(size=size)
    grown = float(exact(loss.epsilon) * size)
    if loss.delta == 0:
        delta = 0.0
    elif loss.epsilon == 0:
        delta = size * loss.delta
    elif grown < 700:
        delta = loss.delta * math.expm1(grown) / math.expm1(loss.epsilon)
    else:
        delta = 1.0
    neighbours = f"{size} times: {loss.neighbours}"
    return Loss(grown, min(1.0, delta), unit, neighbours, f"{loss.accountant}, group of {size}")


def amplified(loss: Loss, rate: float) -> Loss:
    """The loss when every unit took part with probability `rate`, by itself, and nobody learns who did.

    *Source*: Balle, Barthe and Gaboardi (2018): (ln(1 + q (e^epsilon - 1)), q delta). Not for shuffling.
    """
    in_range(0, 1, rate=rate)
    epsilon = math.log1p(rate * math.expm1(loss.epsilon)) if loss.epsilon < 700 else loss.epsilon
    how = f"{loss.accountant}, Poisson sampling at rate {rate:g}"
    return Loss(epsilon, rate * loss.delta, loss.unit, loss.neighbours, how)


def sampled_person(noise_multiplier: float, rate: float, records: int, steps: int, delta: float) -> Loss:
    """Person-level loss of Poisson-sampled Gaussian training when a person owns `records` records: exact, by PLD.

    *Source*: Ganesh (2024), arXiv 2401.10294: in one step the shift is Binomial(records, rate).
    """
    from dp_accounting import dp_event
    from scipy import stats

    shifts = range(records + 1)
    chances = stats.binom.pmf(shifts, records, rate)
    event = dp_event.MixtureOfGaussiansDpEvent(noise_multiplier, list(shifts), list(chances))
    epsilon = by_library([(event, steps)], "pld", delta)
    return Loss(
        epsilon, delta, "person", f"a person with up to {records} records added or removed", "pld, exact mixture"
    )


def zcdp_to_epsilon(rho: float, delta: float, *, tight: bool = True) -> float:
    """Epsilon at `delta` of rho zero-concentrated privacy, by the tight or by the loose conversion.

    *Source*: Canonne, Kamath and Steinke (2020), corollary 13: the least epsilon with
    min over a > 1 of exp((a - 1)(a rho - epsilon)) / (a - 1) (1 - 1 / a)^a at most delta.

    >>> round(zcdp_to_epsilon(0.1, 1e-5), 4), round(zcdp_to_epsilon(0.1, 1e-5, tight=False), 4)
    (1.9142, 2.246)
    """
    from scipy.optimize import minimize_scalar

    positive(rho=rho, delta=delta)
    if not tight:
        return rho + 2 * math.sqrt(rho * math.log(1 / delta))

    def epsilon_at(log_excess: float) -> float:
        excess = math.exp(log_excess)
        order = 1 + excess
        return order * rho + (order * math.log1p(-1 / order) - math.log(delta) - log_excess) / excess

    best = minimize_scalar(
        epsilon_at, bounds=(math.log(1e-4), math.log(1e6)), method="bounded", options={"xatol": 1e-10}
    )
    return max(0.0, float(best.fun))
