"""The page of a sweep: privacy against utility with intervals, and the setting that meets the gates."""

from __future__ import annotations

from html import escape
from pathlib import Path

from veilset.core.measurement import Measurement
from veilset.flows.curve import Point, Tuned, value_of
from veilset.flows.report.page import page, section, table
from veilset.flows.workplace import write_atomically

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 400, 60, 50


def write_page(path: Path, operator: str, done: Tuned) -> None:
    """Write the page, self-contained."""
    warning = "PRIVATE unless every picture behind it is public: the numbers come from looking at originals."
    rows = [_row(number, point, done) for number, point in enumerate(done.points)]
    head = ["", "setting", "promise", _name(done.attack), _name(done.utility), "gates"]
    basis = (
        f'<p class="soft">Measured on {escape(done.data)}. Many settings on one set: the best of them looks better '
        "than it is; measure the release itself.</p>"
    )
    sections = [
        basis,
        section("proposal", "Proposal", f"<p>{escape(proposal(operator, done))}</p>"),
        section("curve", "Privacy against utility", curve(done)),
        section("settings", "Settings", table(head, rows)),
    ]
    text = page(f"Tuning {operator}", warning, sections)
    write_atomically(path, text.encode())


def proposal(operator: str, done: Tuned) -> str:
    """The setting that meets the gates, in words."""
    if done.proposed is None:
        return "No setting meets the gates; nothing is proposed."
    point = done.points[done.proposed]
    if not point.gates:
        return f"No gates were given; the most useful setting is {operator}: {in_words(point)}. {point.promise}"
    return f"{operator}: {in_words(point)}. {point.promise}"


def in_words(point: Point) -> str:
    """Settings as `name value, name value`."""
    return ", ".join(f"{name} {value}" for name, value in point.settings.items()) or "defaults"


def curve(done: Tuned) -> str:
    """Points with both intervals, as inline SVG; the proposal is ringed, chance is a dashed line."""
    placed = [(_at(point, done.utility), _at(point, done.attack)) for point in done.points]
    drawn = [(n, x, y) for n, (x, y) in enumerate(placed) if x is not None and y is not None]
    if not drawn:
        return "<p>The probes gave nothing to draw: it takes one measure that should be low and one that should be high.</p>"
    across = _Scale([end for _, x, _ in drawn for end in (x.low, x.high)], LEFT, WIDTH - 20)
    up = _Scale([end for _, _, y in drawn for end in (y.low, y.high, y.chance or y.low)], HEIGHT - BOTTOM, 20)
    parts = [
        f'<line class="grid" x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - 20}" y2="{HEIGHT - BOTTOM}"/>',
        f'<line class="grid" x1="{LEFT}" y1="20" x2="{LEFT}" y2="{HEIGHT - BOTTOM}"/>',
        f'<text x="{LEFT}" y="{HEIGHT - 10}">{escape(_name(done.utility))} (more is better)</text>',
        f'<text x="{LEFT}" y="14">{escape(_name(done.attack))} (less is better)</text>',
    ]
    parts += [
        f'<text x="{across(at):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{at:.3g}</text>'
        for at in across.ticks
    ]
    parts += [f'<text x="{LEFT - 6}" y="{up(at) + 4:.1f}" text-anchor="end">{at:.3g}</text>' for at in up.ticks]
    chance = drawn[0][2].chance
    if chance is not None:
        level = up(chance)
        parts.append(
            f'<line class="grid" stroke-dasharray="4" x1="{LEFT}" y1="{level:.1f}" x2="{WIDTH - 20}" y2="{level:.1f}"/>'
        )
        parts.append(f'<text x="{WIDTH - 20}" y="{level - 4:.1f}" text-anchor="end">chance {chance:.3g}</text>')
    for number, x, y in drawn:
        parts += _point(number, x, y, across, up, ringed=number == done.proposed)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="privacy against utility">'
        + "".join(parts)
        + "</svg>"
    )


class _Scale:
    """Values to pixels, linear, with five ticks."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        self.low, self.span, self.start, self.length = low, (high - low) or 1.0, start, end - start
        self.ticks = [low + self.span * part / 4 for part in range(5)]

    def __call__(self, value: float) -> float:
        return self.start + self.length * (value - self.low) / self.span


def _point(number: int, x: Measurement, y: Measurement, across: _Scale, up: _Scale, *, ringed: bool) -> list[str]:
    cx, cy = across(x.value), up(y.value)
    parts = [
        f'<line stroke="currentColor" x1="{across(x.low):.1f}" y1="{cy:.1f}" x2="{across(x.high):.1f}" y2="{cy:.1f}"/>',
        f'<line stroke="currentColor" x1="{cx:.1f}" y1="{up(y.low):.1f}" x2="{cx:.1f}" y2="{up(y.high):.1f}"/>',
        f'<circle class="point" cx="{cx:.1f}" cy="{cy:.1f}" r="5"/>',
        f'<text x="{cx + 8:.1f}" y="{cy - 6:.1f}">{number}</text>',
    ]
    if ringed:
        parts.append(f'<circle fill="none" stroke="currentColor" cx="{cx:.1f}" cy="{cy:.1f}" r="10"/>')
    return parts


def _row(number: int, point: Point, done: Tuned) -> list[str]:
    mark = f"{number} (proposed)" if number == done.proposed else str(number)
    gates = "<br>".join(escape(("holds: " if gate.held else "FAILS: ") + gate.words) for gate in point.gates)
    measured = [_said(_at(point, axis)) for axis in (done.attack, done.utility)]
    return [mark, escape(in_words(point)), escape(point.promise), *measured, gates or "none"]


def _at(point: Point, axis: tuple[str, str] | None) -> Measurement | None:
    return value_of(point, axis) if axis else None


def _said(one: Measurement | None) -> str:
    return "not measured" if one is None else f"{one.value:.4g} ({one.low:.4g} to {one.high:.4g})"


def _name(axis: tuple[str, str] | None) -> str:
    return "/".join(axis) if axis else "nothing"
