"""Points on a map that needs no network: meridians, parallels, coasts and borders, and towns where they are installed."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from pathlib import Path

from veilset.flows.gazetteer import towns
from veilset.flows.report.charts import WIDTH

HEIGHT = 420
_COARSE = 1.5  # degrees: below, lines that are wrong by some kilometres would tell lies
_TOWNS, _LOOKED_AT, _LINE, _LETTER = 14, 200, 14, 7.0
Point = tuple[float, float, str]
"""Latitude, longitude, name."""


@dataclass(frozen=True)
class Window:
    """A part of the Earth, in degrees, and where it lies on the drawing."""

    south: float
    north: float
    west: float
    east: float

    @classmethod
    def around(cls, points: Sequence[Point]) -> Window:
        """The smallest window that holds the points with a margin."""
        latitudes, longitudes = [p[0] for p in points], [p[1] for p in points]
        margin = max(0.01, 0.1 * max(max(latitudes) - min(latitudes), max(longitudes) - min(longitudes)))
        return cls(
            max(-90, min(latitudes) - margin),
            min(90, max(latitudes) + margin),
            max(-180, min(longitudes) - margin),
            min(180, max(longitudes) + margin),
        )

    @cached_property
    def squeeze(self) -> float:
        """How much shorter a degree of longitude is than one of latitude, in the middle."""
        return max(0.1, math.cos(math.radians((self.south + self.north) / 2)))

    @cached_property
    def scale(self) -> float:
        """Pixels of a degree of latitude."""
        return min(WIDTH / ((self.east - self.west) * self.squeeze), HEIGHT / (self.north - self.south))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        return (self.east - self.west) * self.squeeze * self.scale, (self.north - self.south) * self.scale

    @property
    def span(self) -> float:
        """Its longer side in degrees."""
        return max(self.north - self.south, self.east - self.west)

    def place(self, latitude: float, longitude: float) -> tuple[float, float]:
        """x and y in pixels."""
        return (longitude - self.west) * self.squeeze * self.scale, (self.north - latitude) * self.scale


def world(points: Sequence[Point], seen: Sequence[Point] = ()) -> str:
    """A map of `points`, and of smaller ones that were merely `seen`; a scale bar tells its size on the ground."""
    window = Window.around([*points, *seen])
    width, height = window.size
    parts = [*_borders(window), *_grid(window), *_towns(window)]
    for kind, radius, listed in (("seen", 4, seen), ("point", 5, points)):
        for latitude, longitude, name in listed:
            x, y = window.place(latitude, longitude)
            parts.append(
                f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(name)}</title></circle>'
            )
    kilometres = _round_step((window.north - window.south) * 111.2 / 4)
    length = kilometres / 111.2 * window.scale
    parts.append(f'<rect class="bar" x="{width - length - 8:.1f}" y="8" width="{length:.1f}" height="4"/>')
    parts.append(f'<text x="{width - 8:.1f}" y="26" text-anchor="end">{kilometres:g} km</text>')
    # Room around it, so that a point on the date line or a pole is drawn whole.
    box = f"-6 -6 {width + 12:.0f} {height + 12:.0f}"
    return f'<svg viewBox="{box}" role="img" width="{width + 12:.0f}">{"".join(parts)}</svg>'


@cache
def lines() -> tuple[tuple[tuple[float, float], ...], ...]:
    """Coasts and borders as lines of (latitude, longitude).

    *Source*: Natural Earth, 1:110 million, public domain; made by `tools/borders.py`.
    """
    raw = zlib.decompress(Path(__file__).with_name("borders.bin").read_bytes())
    found, at = [], 0
    while at < len(raw):
        (count,) = struct.unpack_from("<H", raw, at)
        steps = struct.unpack_from(f"<{2 * count}h", raw, at + 2)
        x = y = 0
        line = []
        for right, up in zip(steps[::2], steps[1::2], strict=True):
            x, y = x + right, y + up
            line.append((y / 100, x / 100))
        found.append(tuple(line))
        at += 2 + 4 * count
    return tuple(found)


def _borders(window: Window) -> Iterator[str]:
    if window.span < _COARSE:
        return
    for line in lines():
        latitudes, longitudes = [p[0] for p in line], [p[1] for p in line]
        if min(latitudes) > window.north or max(latitudes) < window.south:
            continue
        if min(longitudes) > window.east or max(longitudes) < window.west:
            continue
        drawn = " ".join("{:.1f},{:.1f}".format(*window.place(*point)) for point in line)
        yield f'<polyline class="border" points="{drawn}"/>'


def _grid(window: Window) -> Iterator[str]:
    width, height = window.size
    step = _round_step(window.span / 5)
    for number in range(math.ceil(window.south / step), math.floor(window.north / step) + 1):
        y = window.place(number * step, window.west)[1]
        yield f'<line class="grid" x1="0" x2="{width:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="2" y="{y - 3:.1f}">{number * step:g}&deg;</text>'
    every = max(1, math.ceil(70 / (step * window.squeeze * window.scale)))
    for number in range(math.ceil(window.west / step), math.floor(window.east / step) + 1):
        x = window.place(window.south, number * step)[0]
        yield f'<line class="grid" y1="0" y2="{height:.0f}" x1="{x:.1f}" x2="{x:.1f}"/>'
        if number % every == 0:
            yield f'<text x="{x + 3:.1f}" y="{height - 4:.1f}">{number * step:g}&deg;</text>'


def _towns(window: Window) -> Iterator[str]:
    """The largest towns, as many as there is room for."""
    known = towns()
    room: list[tuple[float, float, float]] = []
    if known is None:
        return
    for latitude, longitude, name in known.within(window.south, window.north, window.west, window.east, _LOOKED_AT):
        x, y = window.place(latitude, longitude)
        right = x + 5 + _LETTER * len(name)
        if right > window.size[0] or any(abs(y - v) < _LINE and x < stop and right > start for start, stop, v in room):
            continue
        room.append((x, right, y))
        yield f'<circle class="town" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
        yield f'<text class="town" x="{x + 4:.1f}" y="{y + 4:.1f}">{escape(name)}</text>'
        if len(room) == _TOWNS:
            return


def _round_step(rough: float) -> float:
    """The nearest 1, 2 or 5 times a power of ten below `rough`."""
    power = 10 ** math.floor(math.log10(rough))
    return float(power * max(step for step in (1, 2, 5) if step * power <= rough or step == 1))
