"""The curve of a sweep as a PNG, for papers and slides."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from veilset.flows.curve import Tuned
from veilset.flows.report.tune_page import Layout, axis_name, in_words, layout_of
from veilset.flows.workplace import write_atomically

SCALE = 2
INK, SOFT, LINE, POINT, PAPER = "#1d2230", "#5b6476", "#d9dde5", "#b3261e", "#ffffff"
LEGEND = 18


def write_picture(path: Path, operator: str, done: Tuned) -> bool:
    """Draw the curve with both intervals, chance, the proposal ringed, and a legend; False when there is no curve."""
    plan = layout_of(done)
    if plan is None:
        return False
    height = plan.height + LEGEND * (len(plan.drawn) + 2)
    image = Image.new("RGB", (plan.width * SCALE, height * SCALE), PAPER)
    pen = _Pen(ImageDraw.Draw(image))
    _axes(pen, plan, done)
    for number, x, y in plan.drawn:
        at = plan.across(x.value), plan.up(y.value)
        pen.line(plan.across(x.low), at[1], plan.across(x.high), at[1], SOFT)
        pen.line(at[0], plan.up(y.low), at[0], plan.up(y.high), SOFT)
        pen.disc(*at, 5, fill=POINT)
        if number == done.proposed:
            pen.disc(*at, 10, outline=INK)
        pen.words(at[0] + (13 if number == done.proposed else 8), at[1] - 8, str(number), "lm")
    top = plan.height + LEGEND
    for row, (number, _, _) in enumerate(plan.drawn):
        proposed = " (proposed)" if number == done.proposed else ""
        pen.words(
            plan.left, top + row * LEGEND, f"{number}: {operator}, {in_words(done.points[number])}{proposed}", "lm"
        )
    pen.words(plan.left, top + len(plan.drawn) * LEGEND, f"measured on {done.data}; bars: intervals", "lm", SOFT)
    coded = io.BytesIO()
    image.save(coded, "PNG", optimize=True)
    write_atomically(path, coded.getvalue(), private=True)
    return True


def _axes(pen: _Pen, plan: Layout, done: Tuned) -> None:
    right, floor = plan.width - 20, plan.floor
    pen.line(plan.left, floor, right, floor, SOFT)
    pen.line(plan.left, plan.top, plan.left, floor, SOFT)
    for at in plan.across.ticks:
        pen.line(plan.across(at), floor, plan.across(at), floor + 4, SOFT)
        pen.words(plan.across(at), floor + 14, f"{at:.3g}", "mm")
    for at in plan.up.ticks:
        pen.line(plan.left, plan.up(at), right, plan.up(at), LINE)
        pen.words(plan.left - 8, plan.up(at), f"{at:.3g}", "rm")
    pen.words(plan.left, plan.height - 12, f"{axis_name(done.utility)} (more is better)", "lm")
    pen.words(plan.left, 12, f"{axis_name(done.attack)} (less is better)", "lm")
    if plan.chance is not None:
        level = plan.up(plan.chance)
        for start in range(plan.left, right, 10):
            pen.line(start, level, start + 5, level, SOFT)
        pen.words(right, level - 9, f"chance {plan.chance:.3g}", "rm", SOFT)


class _Pen:
    """Draws in the units of the page, at a multiple of its size."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self.draw, self.font = draw, ImageFont.load_default(12 * SCALE)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str) -> None:
        self.draw.line([x0 * SCALE, y0 * SCALE, x1 * SCALE, y1 * SCALE], fill=colour, width=SCALE)

    def disc(self, x: float, y: float, radius: float, fill: str | None = None, outline: str | None = None) -> None:
        box = [(x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE]
        self.draw.ellipse(box, fill=fill, outline=outline, width=SCALE)

    def words(self, x: float, y: float, words: str, anchor: str, colour: str = INK) -> None:
        self.draw.text((x * SCALE, y * SCALE), words, fill=colour, font=self.font, anchor=anchor)
