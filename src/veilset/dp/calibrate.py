"""How much noise meets a target: in closed form where there is one, by bisection where the profile is known."""

from __future__ import annotations

import math
from fractions import Fraction

from scipy.optimize import brentq
from scipy.special import log_ndtr

from veilset.core.check import in_range, positive
from veilset.core.errors import BadSetting
from veilset.dp.bernoulli import exact


def laplace_scale(epsilon: float, sensitivity: int) -> Fraction:
    """Scale of discrete Laplace noise for integers of L1 sensitivity `sensitivity`: exact.

    >>> laplace_scale(0.1, 255)
    Fraction(2550, 1)
    """
    positive(epsilon=epsilon, sensitivity=sensitivity)
    return sensitivity / exact(epsilon)


def gaussian_delta(epsilon: float, sigma: float, sensitivity: float = 1.0) -> float:
    """The exact delta of continuous Gaussian noise at `epsilon`; differences are taken in log space.

    *Source*: Balle and Wang (2018), theorem 8.

    >>> round(gaussian_delta(1.0, 3.730632) * 1e5, 4)
    1.0
    """
    positive(sigma=sigma, sensitivity=sensitivity)
    half, shift = sensitivity / (2 * sigma), epsilon * sigma / sensitivity
    upper, lower = float(log_ndtr(half - shift)), epsilon + float(log_ndtr(-half - shift))
    # Rounding may put the second above the first where both are next to nothing.
    return math.exp(upper) * -math.expm1(min(0.0, lower - upper))


def gaussian_sigma(epsilon: float, delta: float, sensitivity: float = 1.0) -> float:
    """Least sigma of Gaussian noise for (epsilon, delta): analytic, valid for every epsilon above 0.

    *Shapes and units*: sigma in the units of `sensitivity` (L2).

    *Raises*: BadSetting unless epsilon > 0 and 0 < delta < 1.

    *Source*: Balle and Wang (2018). The result is rounded up by one part in 10**9, never down.

    >>> round(gaussian_sigma(1.0, 1e-5), 5)
    3.73063
    """
    positive(epsilon=epsilon, sensitivity=sensitivity)
    in_range(1e-300, 1 - 1e-12, delta=delta)
    target = math.log(delta)

    def excess(log_sigma: float) -> float:
        reached = gaussian_delta(epsilon, math.exp(log_sigma))
        return (math.log(reached) if reached > 0 else -1e4) - target

    low, high = -1.0, 1.0
    while excess(low) < 0:
        low -= 1
    while excess(high) > 0:
        high += 1
    root = brentq(excess, low, high, xtol=1e-13)
    return math.exp(root) * (1 + 1e-9) * sensitivity


def classic_sigma(epsilon: float, delta: float, sensitivity: float = 1.0) -> float:
    """The textbook sigma, for comparison; valid for epsilon below 1 alone, and refused elsewhere.

    >>> round(classic_sigma(0.5, 1e-5), 6)
    9.689611
    """
    positive(epsilon=epsilon, delta=delta, sensitivity=sensitivity)
    if epsilon >= 1:
        raise BadSetting(f"the classic Gaussian bound holds for epsilon below 1, got {epsilon!r}; use gaussian_sigma")
    return sensitivity * math.sqrt(2 * math.log(1.25 / delta)) / epsilon


def discrete_gaussian_delta(epsilon: float, variance: Fraction, sensitivity: int = 1) -> float:
    """The exact delta of discrete Gaussian noise at `epsilon`, for integers of sensitivity `sensitivity`.

    *Source*: Canonne, Kamath and Steinke (2020), theorem 7; terms below 1e-40 of the largest are left out, upward.
    """
    positive(epsilon=epsilon, variance=float(variance), sensitivity=sensitivity)
    spread = float(variance)
    reach = int(math.sqrt(spread) * 14) + 2 * sensitivity + 2

    def mass(above: float) -> float:
        first = max(-reach, math.floor(above) + 1)
        return math.fsum(math.exp(-(y * y) / (2 * spread)) for y in range(first, reach + 1))

    middle = epsilon * spread / sensitivity
    whole = mass(-reach - 1)
    lost = mass(middle - sensitivity / 2) - math.exp(epsilon) * mass(middle + sensitivity / 2)
    return min(1.0, max(0.0, lost / whole) + 1e-40)


def noise_multiplier(epsilon: float, delta: float, steps: int, rate: float = 1.0) -> float:
    """Noise multiplier at which `steps` Gaussian uses, Poisson-sampled at `rate`, cost at most (epsilon, delta).

    Without sampling in closed form, since Gaussian losses add up exactly; with it by the RDP accountant.
    """
    positive(epsilon=epsilon, delta=delta, steps=steps, rate=rate)
    if rate == 1:
        return gaussian_sigma(epsilon, delta) * math.sqrt(steps)
    import dp_accounting as da
    from dp_accounting import rdp

    def event(multiplier: float) -> da.DpEvent:
        return da.SelfComposedDpEvent(da.PoissonSampledDpEvent(rate, da.GaussianDpEvent(multiplier)), steps)

    bracket = da.LowerEndpointAndGuess(0.2, 2.0)
    return float(da.calibrate_dp_mechanism(rdp.RdpAccountant, event, epsilon, delta, bracket, tol=1e-6))
