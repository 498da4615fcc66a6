"""The fitted plans. Written by `benchmarks/fit_face_fusion.py`; change them there, not here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    evidence=(0.0435, 0.4976, 1.3605, -0.2823, 0.1451, 0.6276),
    by_size=(0.1277, 0.3388, 0.4024, -0.0833, -0.1113, -0.3962),
    prior=(-1.543, -1.6268, 0.0505),
    bar=(-0.7131, -2.3401, -3.9784, -6.9993, 1.1427),
)
QUICK = Plan(
    looks=(("centerface", 0.5), ("yunet", 1.0), ("yunet", 1.5)),
    evidence=(0.1443, 0.2765, 1.5448),
    by_size=(0.2196, 0.1806, -0.0129),
    prior=(-2.9085, -0.2874, -0.0945),
    bar=(0.2874, -0.9615, -3.7573, -5.6211, -2.312),
)
CENTERFACE = Plan(
    looks=(("centerface", 0.5), ("centerface", 1.0), ("centerface", 2.0)),
    evidence=(0.1501, 0.5172, 1.7835),
    by_size=(0.1273, 0.3085, -0.3116),
    prior=(-3.3853, -1.2023, 0.0555),
    bar=(-1.7656, -2.0356, -2.6739, -4.3354, 0.2099),
)
YUNET = Plan(
    looks=(("yunet", 1.0), ("yunet", 2.0), ("yunet", 3.0)),
    evidence=(0.1344, 0.8883, 0.8899),
    by_size=(0.2477, 0.2628, -0.2426),
    prior=(-2.4318, -0.8012, 0.0023),
    bar=(-0.785, -2.0247, -3.3254, -3.4165, 0.0384),
)
YUNET_FINE = Plan(
    looks=(("yunet", 1.0), ("yunet", 2.0)),
    evidence=(0.2026, 1.6663),
    by_size=(0.2222, 0.0512),
    prior=(-2.5909, -0.6411, -0.0221),
    bar=(-1.2187, -1.9346, -2.2312, -1.3416, 0.4623),
)

# For tiles of large pictures, where only small faces are left to find.
FINE: Mapping[str, Plan] = {"centerface": CENTERFACE, "yunet": YUNET_FINE}


def plan_for(networks: Sequence[str], effort: str) -> Plan:
    """The plan of a set of networks (in alphabetical order).

    A set that was never fitted together looks at the whole picture, and says its best score.
    """
    match tuple(networks), effort:
        case ("centerface", "yunet"), "quick":
            return QUICK
        case ("centerface", "yunet"), _:
            return THOROUGH
        case ("centerface",), _:
            return CENTERFACE
        case ("yunet",), "quick":
            return YUNET_FINE
        case ("yunet",), _:
            return YUNET
    count = len(networks)
    return Plan(tuple((network, 1.0) for network in networks), (1.0,) * count, (0.0,) * count, (-1.4, 0.0, 0.0), BAR)


BAR = (0.0,) * 5
