"""Drawings for a page, as inline SVG: bars, and the hours of a week."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, BAR, GAP = 640, 22, 6


def bars(rows: Sequence[tuple[str, int, str]], unit: str) -> str:
    """Horizontal bars: (label, count, anchor that the bar links to)."""
    most = max((count for _, count, _ in rows), default=0) or 1
    height = len(rows) * (BAR + GAP)
    parts = []
    for number, (label, count, anchor) in enumerate(rows):
        y = number * (BAR + GAP)
        width = 400 * count / most
        parts.append(
            f'<a href="#{escape(anchor)}"><text x="0" y="{y + 15}">{escape(label)}</text>'
            f'<rect class="bar" x="130" y="{y}" width="{width:.1f}" height="{BAR}"/>'
            f'<text x="{136 + width:.1f}" y="{y + 15}">{count}</text></a>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(unit)}" width="{WIDTH}">'
        + "".join(parts)
        + "</svg>"
    )


def week(hours: Sequence[int]) -> str:
    """168 counts from Monday midnight, as a square for each hour of the week: the more, the darker."""
    most = max(hours, default=0) or 1
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    parts = [f'<text x="0" y="{number * 22 + 37}">{day}</text>' for number, day in enumerate(days)]
    parts += [f'<text x="{40 + hour * 24}" y="14">{hour}</text>' for hour in range(0, 24, 3)]
    for index, count in enumerate(hours):
        day, hour = divmod(index, 24)
        if count:
            parts.append(
                f'<rect class="bar" x="{40 + hour * 24}" y="{day * 22 + 22}" width="22" height="20" '
                f'fill-opacity="{0.15 + 0.85 * count / most:.2f}"><title>{days[day]} {hour}:00: {count}</title></rect>'
            )
    return f'<svg viewBox="0 0 {WIDTH} 180" role="img" aria-label="hours of the week" width="{WIDTH}">{"".join(parts)}</svg>'
