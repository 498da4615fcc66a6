"""Gates: does each measurement keep its bound, at the unfavourable end of its interval?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from veilset.core.measurement import Measurement
from veilset.policy.schema import Gate


@dataclass(frozen=True, slots=True)
class GateResult:
    """One bound, held or not, in words a person can act on."""

    probe: str
    held: bool
    words: str


def check_gate(gate: Gate, measurements: Iterable[Measurement]) -> GateResult:
    """Whether a gate holds. A gate whose measurement is missing, rests on nothing, or is not a number does not hold."""
    mine = [m for m in measurements if m.probe == gate.probe.name and not m.group]
    chosen = next((m for m in mine if not gate.of or m.name == gate.of), None)
    name = gate.probe.name
    if chosen is None:
        what = f"{name}/{gate.of}" if gate.of else name
        return GateResult(name, False, f"{what}: was not measured, so nothing can be said")
    end = chosen.unfavourable
    said = f"{name}/{chosen.name} = {chosen.value:.4g} [{chosen.low:.4g}, {chosen.high:.4g}], n = {chosen.n}"
    if gate.most is None and gate.least is None:
        return GateResult(name, True, f"{said}: measured, no bound set")
    if gate.most is not None and not end <= gate.most:
        return GateResult(name, False, f"{said}: may be as high as {end:.4g}, the policy allows {gate.most:g}")
    if gate.least is not None and not end >= gate.least:
        return GateResult(name, False, f"{said}: may be as low as {end:.4g}, the policy asks for {gate.least:g}")
    return GateResult(name, True, f"{said}: holds")
