"""The fitted plans. Written by `benchmarks/fit_face_fusion.py`; change them there, not here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from veilset.detectors.calibration import Plan

THOROUGH = Plan(
    looks=(
        ("centerface", 0.5),
        ("centerface", 1.0),
        ("centerface", 2.0),
        ("yunet", 1.0),
        ("yunet", 2.0),
        ("yunet", 3.0),
    ),
    evidence=(0.0655, 0.4996, 1.3661, -0.2813, 0.1422, 0.6232),
    by_size=(0.1169, 0.3402, 0.4079, -0.084, -0.1141, -0.3993),
    prior=(-1.591, -1.5884, 0.0431),
    bar=(-0.7112, -2.9246, -3.6345, -7.0508, -0.9972),
)
PAIR = Plan(
    looks=(("centerface", 0.65), ("yunet", 2.0)),
    evidence=(0.2064, 1.7966),
    by_size=(0.3256, 0.124),
    prior=(-2.8127, -0.3539, -0.1066),
    bar=(1.0469, -0.8798, -4.6695, -5.9592, -0.9972),
)
QUICK = Plan(
    looks=(("yunet", 1.0), ("yunet", 1.5)),
    evidence=(0.3066, 1.5023),
    by_size=(0.2406, -0.043),
    prior=(-2.6254, -0.6527, -0.0007),
    bar=(0.3689, -1.4457, -3.6807, -4.9164, -5.7279),
    hint=0.05,
)
CENTERFACE = Plan(
    looks=(("centerface", 0.5), ("centerface", 1.0), ("centerface", 2.0)),
    evidence=(0.1653, 0.5243, 1.7775),
    by_size=(0.1179, 0.3143, -0.3172),
    prior=(-3.4335, -1.1712, 0.0504),
    bar=(-1.7642, -2.0385, -2.6755, -4.3529, -0.9972),
)
YUNET = Plan(
    looks=(("yunet", 1.0), ("yunet", 2.0), ("yunet", 3.0)),
    evidence=(0.1397, 0.8964, 0.8827),
    by_size=(0.2548, 0.2688, -0.247),
    prior=(-2.4753, -0.7624, -0.0054),
    bar=(-0.7908, -2.0235, -3.3587, -3.1121, 0.9597),
)
YUNET_FINE = Plan(
    looks=(("yunet", 1.0), ("yunet", 2.0)),
    evidence=(0.2064, 1.6689),
    by_size=(0.2268, 0.0548),
    prior=(-2.6362, -0.5969, -0.0313),
    bar=(-1.2185, -1.9355, -2.254, -1.3676, 1.1179),
)

# For tiles of large pictures, where only small faces are left to find. There YuNet's bar for faces below 64 pixels is
# lower by half a unit of log odds: chosen on mosaics of the tuning half (`benchmarks/face_sizes.py --half tune`).
EASED = replace(YUNET_FINE, bar=(*(bar - 0.5 for bar in YUNET_FINE.bar[:-1]), YUNET_FINE.bar[-1]))
FINE: Mapping[str, Plan] = {"centerface": CENTERFACE, "yunet": EASED}


def plan_for(networks: Sequence[str], effort: str) -> Plan:
    """The plan of a set of networks (in alphabetical order).

    A set that was never fitted together looks at the whole picture, and says its best score.
    """
    match tuple(networks), effort:
        case ("centerface", "yunet"), "quick":
            return PAIR
        case ("centerface", "yunet"), _:
            return THOROUGH
        case ("centerface",), _:
            return CENTERFACE
        case ("yunet",), "quick":
            return QUICK
        case ("yunet",), _:
            return YUNET
    count = len(networks)
    return Plan(tuple((network, 1.0) for network in networks), (1.0,) * count, (0.0,) * count, (-1.4, 0.0, 0.0), BAR)


BAR = (0.0,) * 5
