"""The page of a sweep: privacy against utility with intervals, and the setting that meets the gates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

from veilset.core.measurement import Measurement
from veilset.flows.curve import Point, Tuned, value_of
from veilset.flows.report.page import page, section, table
from veilset.flows.workplace import write_atomically

WIDTH, LEFT, TOP, FLOOR = 720, 60, 28, 370


def write_page(path: Path, operator: str, done: Tuned) -> None:
    """Write the page, self-contained."""
    warning = "PRIVATE unless every picture behind it is public: the numbers come from looking at originals."
    rows = [_row(number, point, done) for number, point in enumerate(done.points)]
    head = ["", "setting", "promise", axis_name(done.attack), axis_name(done.utility), "gates"]
    basis = (
        f'<p class="soft">Measured on {escape(done.data)}. Many settings on one set: the best of them looks better '
        "than it is; measure the release itself.</p>"
    )
    if done.by_vote:
        warning = "Nothing here but the proposal rests on the pictures, and that was charged to the budget."
        basis = f'<p class="soft">Chosen on {escape(done.data)}.</p>'
        head, rows = head[:3], [row[:3] for row in rows]
    drawn = [] if done.by_vote else [section("curve", "Privacy against utility", curve(done))]
    sections = [
        basis,
        section("proposal", "Proposal", f"<p>{escape(proposal(operator, done))}</p>"),
        *drawn,
        section("settings", "Settings", table(head, rows)),
    ]
    text = page(f"Tuning {operator}", warning, sections)
    write_atomically(path, text.encode(), private=True)


def proposal(operator: str, done: Tuned) -> str:
    """The setting that meets the gates, in words."""
    if done.proposed is None:
        if done.by_vote:
            return "Most votes, but for the noise, were for no setting at all; nothing is proposed."
        return "No setting meets the gates; nothing is proposed."
    point = done.points[done.proposed]
    if done.by_vote:
        return f"Most votes, but for the noise: {operator}: {in_words(point)}. {point.promise}"
    if not point.gates:
        return f"No gates were given; the most useful setting is {operator}: {in_words(point)}. {point.promise}"
    return f"{operator}: {in_words(point)}. {point.promise}"


def in_words(point: Point) -> str:
    """Settings as `name value, name value`."""
    return ", ".join(f"{name} {value}" for name, value in point.settings.items()) or "defaults"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a curve's points and axes go, in pixels of the page.

    Attributes:
        drawn: (number, utility, attack) of every point that has both.
        across: Utility to x.
        up: Attack to y.
        chance: Attack of somebody who guesses, when known.
    """

    drawn: tuple[tuple[int, Measurement, Measurement], ...]
    across: Scale
    up: Scale
    chance: float | None
    width: int = WIDTH
    height: int = 420
    left: int = LEFT
    top: int = TOP
    floor: int = FLOOR


def layout_of(done: Tuned) -> Layout | None:
    """The layout of a curve; None when there is nothing to draw."""
    placed = [(_at(point, done.utility), _at(point, done.attack)) for point in done.points]
    drawn = tuple((n, x, y) for n, (x, y) in enumerate(placed) if x is not None and y is not None)
    if not drawn:
        return None
    across = Scale([end for _, x, _ in drawn for end in (x.low, x.high)], LEFT + 12, WIDTH - 36)
    chance = drawn[0][2].chance
    up = Scale([end for _, _, y in drawn for end in (y.low, y.high, y.low if chance is None else chance)], FLOOR, TOP)
    return Layout(drawn, across, up, chance)


def curve(done: Tuned) -> str:
    """Points with both intervals, as inline SVG; the proposal is ringed, chance is a dashed line."""
    plan = layout_of(done)
    if plan is None:
        return "<p>The probes gave nothing to draw: it takes one measure that should be low and one that should be high.</p>"
    right, floor = plan.width - 20, plan.floor
    parts = [
        _line(plan.left, floor, right, floor),
        _line(plan.left, plan.top, plan.left, floor),
        f'<text x="{plan.left}" y="{plan.height - 8}">{escape(axis_name(done.utility))} (more is better)</text>',
        f'<text x="{plan.left}" y="16">{escape(axis_name(done.attack))} (less is better)</text>',
    ]
    parts += [
        f'<text x="{plan.across(at):.1f}" y="{floor + 18}" text-anchor="middle">{at:.3g}</text>'
        for at in plan.across.ticks
    ]
    for at in plan.up.ticks:
        parts.append(_line(plan.left, plan.up(at), right, plan.up(at)))
        parts.append(f'<text x="{plan.left - 8}" y="{plan.up(at) + 4:.1f}" text-anchor="end">{at:.3g}</text>')
    if plan.chance is not None:
        level = plan.up(plan.chance)
        parts.append(_line(plan.left, level, right, level, ' stroke-dasharray="4" style="stroke: currentColor"'))
        parts.append(f'<text x="{right}" y="{level - 4:.1f}" text-anchor="end">chance {plan.chance:.3g}</text>')
    for number, x, y in plan.drawn:
        parts += _point(number, x, y, plan.across, plan.up, ringed=number == done.proposed)
    return (
        f'<svg viewBox="0 0 {plan.width} {plan.height}" width="{plan.width}" role="img" '
        'aria-label="privacy against utility">' + "".join(parts) + "</svg>"
    )


def _line(x0: float, y0: float, x1: float, y1: float, more: str = "") -> str:
    return f'<line class="grid" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"{more}/>'


class Scale:
    """Values to pixels, linear, from one round number to another."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        step = _round_step((high - low) / 6 or abs(high) or 1.0)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        self.ticks = [step * at for at in range(first, max(last, first + 1) + 1)]
        self.low, self.span = self.ticks[0], self.ticks[-1] - self.ticks[0]
        self.start, self.length = start, end - start

    def __call__(self, value: float) -> float:
        """Where a value goes."""
        return self.start + self.length * (value - self.low) / self.span


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * part for part in (1, 2, 5, 10) if power * part >= least * (1 - 1e-9))


def _point(number: int, x: Measurement, y: Measurement, across: Scale, up: Scale, *, ringed: bool) -> list[str]:
    cx, cy = across(x.value), up(y.value)
    parts = [
        f'<line stroke="currentColor" x1="{across(x.low):.1f}" y1="{cy:.1f}" x2="{across(x.high):.1f}" y2="{cy:.1f}"/>',
        f'<line stroke="currentColor" x1="{cx:.1f}" y1="{up(y.low):.1f}" x2="{cx:.1f}" y2="{up(y.high):.1f}"/>',
        f'<circle class="point" cx="{cx:.1f}" cy="{cy:.1f}" r="5"/>',
        f'<text x="{cx + (13 if ringed else 8):.1f}" y="{cy - 6:.1f}">{number}</text>',
    ]
    if ringed:
        parts.append(f'<circle fill="none" stroke="currentColor" cx="{cx:.1f}" cy="{cy:.1f}" r="10"/>')
    return parts


def _row(number: int, point: Point, done: Tuned) -> list[str]:
    mark = f"{number} (proposed)" if number == done.proposed else str(number)
    gates = "<br>".join(escape(gate.words) for gate in point.gates)
    measured = [_said(_at(point, axis)) for axis in (done.attack, done.utility)]
    return [mark, escape(in_words(point)), escape(point.promise), *measured, gates or "none"]


def _at(point: Point, axis: tuple[str, str] | None) -> Measurement | None:
    return value_of(point, axis) if axis else None


def _said(one: Measurement | None) -> str:
    return "not measured" if one is None else f"{one.value:.4g} ({one.low:.4g} to {one.high:.4g})"


def axis_name(axis: tuple[str, str] | None) -> str:
    """An axis as `probe/measure`."""
    return "/".join(axis) if axis else "nothing"
