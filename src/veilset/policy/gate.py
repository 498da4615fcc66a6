"""Gates: does each measurement keep its bound, at the unfavourable end of its interval?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from veilset.core.measurement import Measurement, titled
from veilset.policy.schema import Gate

NO_BOUND = "measured, no bound set"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One bound, held or not, in words a person can act on."""

    probe: str
    held: bool
    words: str


def told_apart(probes: Sequence[tuple[str, Any]]) -> tuple[str, ...]:
    """For each (name, probe) the settings, in words, that tell it from the others of its name; empty where it is alone.

    >>> from collections import namedtuple
    >>> told_apart([("link", object()), ("undo", object())])
    ('', '')
    """
    words = []
    for name, probe in probes:
        others = [other for other_name, other in probes if other_name == name and other != probe]
        differs = [
            field.name
            for field in (fields(probe) if others and is_dataclass(probe) else ())
            if any(getattr(other, field.name, None) != getattr(probe, field.name) for other in others)
        ]
        words.append(", ".join(f"{key} {_said(getattr(probe, key))}" for key in differs))
    return tuple(words)


def _said(value: object) -> str:
    if isinstance(value, dict):
        return "+".join(f"{key} {_said(one)}" for key, one in value.items()) or "none"
    return "+".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def check_gates(gates: Sequence[Gate], measurements: Sequence[Measurement]) -> tuple[GateResult, ...]:
    """Every gate against the run of its probe that had its settings."""
    words = told_apart([(gate.probe.name, gate.probe.instance) for gate in gates])
    return tuple(check_gate(gate, measurements, said) for gate, said in zip(gates, words, strict=True))


def check_gate(gate: Gate, measurements: Iterable[Measurement], settings: str = "") -> GateResult:
    """Whether a gate holds. A gate whose measurement is missing, rests on nothing, or is not a number does not hold.

    `settings` tells the run that it reads from others of the same probe.
    """
    mine = [m for m in measurements if (m.probe, m.settings) == (gate.probe.name, settings) and not m.group]
    chosen = next((m for m in mine if not gate.of or m.name == gate.of), None)
    name = titled(gate.probe.name, settings)
    if chosen is None:
        what = f"{name}/{gate.of}" if gate.of else name
        return GateResult(name, False, f"{what}: was not measured, so nothing can be said")
    end = chosen.unfavourable
    said = f"{name}/{chosen.name} = {chosen.value:.4g} [{chosen.low:.4g}, {chosen.high:.4g}], n = {chosen.n}"
    if gate.most is None and gate.least is None:
        return GateResult(name, True, f"{said}: {NO_BOUND}")
    if gate.most is not None and not end <= gate.most:
        return GateResult(name, False, f"{said}: may be as high as {end:.4g}, the policy allows {gate.most:g}")
    if gate.least is not None and not end >= gate.least:
        return GateResult(name, False, f"{said}: may be as low as {end:.4g}, the policy asks for {gate.least:g}")
    return GateResult(name, True, f"{said}: holds")
