"""Drawings for a page: bars, and points on a plain map, as inline SVG."""

from __future__ import annotations

import math
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


def world(points: Sequence[tuple[float, float, str]]) -> str:
    """Points (latitude, longitude, name) on a plain map of meridians and parallels, drawn without any network.

    The window is the smallest that holds the points with a margin; a scale bar tells its size on the ground.
    """
    latitudes, longitudes = [p[0] for p in points], [p[1] for p in points]
    margin = max(0.01, 0.1 * max(max(latitudes) - min(latitudes), max(longitudes) - min(longitudes)))
    south, north = max(-90, min(latitudes) - margin), min(90, max(latitudes) + margin)
    west, east = max(-180, min(longitudes) - margin), min(180, max(longitudes) + margin)
    squeeze = max(0.1, math.cos(math.radians((south + north) / 2)))
    scale = min(WIDTH / ((east - west) * squeeze), 420 / (north - south))
    width, height = (east - west) * squeeze * scale, (north - south) * scale

    def place(latitude: float, longitude: float) -> tuple[float, float]:
        return (longitude - west) * squeeze * scale, (north - latitude) * scale

    step = _round_step(max(north - south, east - west) / 5)
    lines = []
    for number in range(math.ceil(south / step), math.floor(north / step) + 1):
        y = place(number * step, west)[1]
        lines.append(f'<line class="grid" x1="0" x2="{width:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="2" y="{y - 3:.1f}">{number * step:g}&deg;</text>')
    every = max(1, math.ceil(70 / (step * squeeze * scale)))
    for number in range(math.ceil(west / step), math.floor(east / step) + 1):
        x = place(south, number * step)[0]
        lines.append(f'<line class="grid" y1="0" y2="{height:.0f}" x1="{x:.1f}" x2="{x:.1f}"/>')
        if number % every == 0:
            lines.append(f'<text x="{x + 3:.1f}" y="{height - 4:.1f}">{number * step:g}&deg;</text>')
    for latitude, longitude, name in points:
        x, y = place(latitude, longitude)
        lines.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{escape(name)}</title></circle>')
    kilometres = _round_step((north - south) * 111.2 / 4)
    length = kilometres / 111.2 * scale
    lines.append(f'<rect class="bar" x="8" y="8" width="{length:.1f}" height="4"/>')
    lines.append(f'<text x="8" y="26">{kilometres:g} km</text>')
    # Room around it, so that a point on the date line or a pole is drawn whole.
    box = f"-6 -6 {width + 12:.0f} {height + 12:.0f}"
    return f'<svg viewBox="{box}" role="img" width="{width + 12:.0f}">{"".join(lines)}</svg>'


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


def _round_step(rough: float) -> float:
    """The nearest 1, 2 or 5 times a power of ten below `rough`."""
    power = 10 ** math.floor(math.log10(rough))
    return float(power * max(step for step in (1, 2, 5) if step * power <= rough or step == 1))
