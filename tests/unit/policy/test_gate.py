"""Gates read the unfavourable end, and a missing measurement never holds."""

from __future__ import annotations

import math

from veilset.core.measurement import Measurement
from veilset.policy.gate import check_gate
from veilset.policy.schema import Gate, Named

PROBE = Named("residual", object())


def measured(value: float, low: float, high: float, better: str = "lower", name: str = "left") -> Measurement:
    return Measurement("residual", name, value, low, high, 10, better)  # type: ignore[arg-type]


def test_the_unfavourable_end_decides() -> None:
    assert check_gate(Gate(PROBE, most=0.1), [measured(0.05, 0.0, 0.1)]).held
    assert not check_gate(Gate(PROBE, most=0.1), [measured(0.05, 0.0, 0.11)]).held
    assert check_gate(Gate(PROBE, least=0.8), [measured(0.9, 0.8, 1.0, "higher")]).held
    assert not check_gate(Gate(PROBE, least=0.8), [measured(0.9, 0.79, 1.0, "higher")]).held


def test_what_was_not_measured_does_not_hold() -> None:
    assert not check_gate(Gate(PROBE, most=0.1), []).held
    assert not check_gate(Gate(PROBE), []).held
    assert not check_gate(Gate(PROBE, of="other", most=0.1), [measured(0, 0, 0)]).held
    grouped = measured(0, 0, 0).in_group("women")
    assert not check_gate(Gate(PROBE, most=0.1), [grouped]).held


def test_nan_does_not_hold() -> None:
    broken = Measurement("residual", "left", math.nan, math.nan, math.nan, 0, "lower")
    assert not check_gate(Gate(PROBE, most=0.1), [broken]).held
    assert not check_gate(Gate(PROBE, least=0.1), [broken]).held


def test_the_named_measurement_is_chosen() -> None:
    both = [measured(0.9, 0.8, 1.0), measured(0.0, 0.0, 0.0, name="right")]
    assert check_gate(Gate(PROBE, of="right", most=0.1), both).held
