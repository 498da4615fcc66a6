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
    evidence=(0.0349, 0.4965, 1.3596, -0.284, 0.1444, 0.6307),
    by_size=(0.1279, 0.3388, 0.401, -0.0849, -0.1116, -0.3938),
    prior=(-1.509, -1.6536, 0.0555),
    bar=(-0.7156, -2.353, -3.9749, -6.9712, -1.1444),
)
QUICK = Plan(
    looks=(("centerface", 0.5), ("yunet", 1.5)),
    evidence=(0.2319, 1.7579),
    by_size=(0.2456, 0.0898),
    prior=(-2.8343, -0.4117, -0.0715),
    bar=(0.5468, -0.7945, -3.6194, -5.9963, -5.8068),
)
CENTERFACE = Plan(
    looks=(("centerface", 0.5), ("centerface", 1.0), ("centerface", 2.0)),
    evidence=(0.1529, 0.4995, 1.8023),
    by_size=(0.1207, 0.2933, -0.2912),
    prior=(-3.3265, -1.2189, 0.0554),
    bar=(-1.7692, -2.0292, -2.6764, -4.4019, -1.0358),
)
YUNET = Plan(
    looks=(("yunet", 1.0), ("yunet", 2.0), ("yunet", 3.0)),
    evidence=(0.1294, 0.8772, 0.901),
    by_size=(0.2367, 0.2543, -0.2341),
    prior=(-2.3835, -0.8416, 0.01),
    bar=(-0.7836, -2.0268, -3.283, -3.3442, -2.7855),
)
YUNET_FINE = Plan(
    looks=(("yunet", 1.0), ("yunet", 2.0)),
    evidence=(0.1987, 1.6624),
    by_size=(0.2141, 0.0463),
    prior=(-2.5388, -0.6954, -0.0106),
    bar=(-1.2119, -1.932, -2.2136, -1.3115, 0.494),
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
