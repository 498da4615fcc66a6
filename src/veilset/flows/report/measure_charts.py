"""Drawings of the page of `veilset measure`: bars with intervals and a guess, and privacy against use."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from veilset.core.measurement import Measurement
from veilset.flows.report.page import table
from veilset.flows.report.rungs import PEOPLE, advantage, climbed

USEFUL = ("fidelity", "downstream", "detection_kept", "activity", "landmarks")
LEFT, RIGHT, TOP, BOTTOM = 60, 470, 30, 270


def meter(one: Measurement) -> str:
    """A bar from 0 to 1 with its interval, and a dashed line where a guess would be."""
    x, low, high = (160 * min(max(v, 0.0), 1.0) for v in (one.value, one.low, one.high))
    guess = 160 * min(max(one.chance or 0.0, 0.0), 1.0)
    dashed = (
        f'<line x1="{guess:.1f}" x2="{guess:.1f}" y1="0" y2="16" stroke="currentColor" stroke-dasharray="2"/>'
        if one.chance is not None
        else ""
    )
    return (
        f'<svg viewBox="0 0 170 16" width="170" role="img" aria-label="{one.value:.3g}">'
        f'<rect x="0" y="3" width="160" height="10" fill="none" stroke="currentColor" stroke-opacity=".25"/>'
        f'<rect class="bar" x="0" y="3" width="{x:.1f}" height="10"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8" stroke="currentColor" stroke-width="2"/>{dashed}</svg>'
    )


def useful(measured: Sequence[Measurement]) -> list[Measurement]:
    """Measures of use that are shares: 0 is nothing, 1 is all of it."""
    return [
        m
        for m in measured
        if not m.group and m.probe in USEFUL and m.better == "higher" and 0 <= m.value <= 1.2 and m.high <= 5
    ]


def chart(measured: Sequence[Measurement]) -> str:
    """Each use that is kept, against the strongest attack: right and low is where a release should be."""
    tried = [(rung, one) for rung, one in climbed(measured) if one.chance is not None]
    # Whoever holds the originals finds the twin of a file by its background: that is not what a treatment hides.
    attacks = [one for rung, one in tried if rung.reached in PEOPLE] or [one for _, one in tried]
    uses = useful(measured)
    if not attacks or not uses:
        return "<p>A chart needs at least one attack and one measure of use that is a share.</p>"
    worst = max(attacks, key=advantage)
    guess = worst.chance or 0.0
    ends = [min(max((v - guess) / max(1 - guess, 1e-9), 0.0), 1.0) for v in (worst.low, worst.high)]
    y, above, below = (BOTTOM - (BOTTOM - TOP) * v for v in (min(advantage(worst), 1.0), ends[1], ends[0]))
    wide = RIGHT - LEFT
    high = BOTTOM - TOP
    corner = f'x="{LEFT + 0.75 * wide}" y="{BOTTOM - 0.25 * high}" width="{0.25 * wide}" height="{0.25 * high}"'
    parts = [
        f'<rect {corner} fill="currentColor" fill-opacity=".08"/>',
        f'<text x="{LEFT + 0.76 * wide}" y="{BOTTOM - 8}">a good release</text>',
        f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>',
        f'<line class="grid" x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{BOTTOM}"/>',
        f'<text x="{LEFT}" y="{TOP - 14}">up: what {escape(worst.title)} wins over a guess</text>',
        f'<text x="{LEFT + wide / 2 - 60}" y="{BOTTOM + 32}">to the right: use that is kept</text>',
    ]
    parts += [f'<text x="{LEFT + wide * v - 4}" y="{BOTTOM + 16}">{v:g}</text>' for v in (0, 0.5, 1)]
    parts += [f'<text x="{LEFT - 26}" y="{BOTTOM - (BOTTOM - TOP) * v + 4}">{v:g}</text>' for v in (0, 0.5, 1)]
    for number, one in enumerate(uses, 1):
        x = LEFT + wide * min(one.value, 1.0)
        name = escape(f"{one.title}: {one.value:.3g}; {worst.title}: {worst.value:.3g}")
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{above:.1f}" y2="{below:.1f}" stroke="currentColor"/>')
        parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="9"><title>{name}</title></circle>')
        # Neighbours share a place: their numbers stand above one another.
        level = sum(abs(one.value - other.value) * wide < 16 for other in uses[: number - 1])
        parts.append(f'<text x="{x - 4:.1f}" y="{y + 4 - 16 * level:.1f}">{number}</text>')
    rows = [
        [str(at), escape(m.title), f"{m.value:.3g}", f"{m.low:.3g} to {m.high:.3g}"] for at, m in enumerate(uses, 1)
    ]
    return (
        "<p>Every point is one measure of use, at the height of the strongest attack on people.</p>"
        f'<svg viewBox="0 0 500 310" width="500" role="img" aria-label="privacy and use">{"".join(parts)}</svg>'
        + table(("", "use", "kept", "interval"), rows, numbers=(2,))
    )
