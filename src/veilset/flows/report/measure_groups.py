"""The part of the page of `veilset measure` that says whom a treatment protects or serves less."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from veilset.core.measurement import Measurement
from veilset.flows.report.measure_charts import meter
from veilset.flows.report.page import section, table


def groups_section(measured: Sequence[Measurement]) -> str:
    """Differences between groups of people, each with its bars; what is too small to measure is said first."""
    gaps = [m for m in measured if m.probe == "gap" and m.name == "gap"]
    if not gaps:
        return section(
            "groups",
            "By group of people",
            "<p>Not measured: nothing says which group a sample belongs to. Give a table with <code>--labels</code>: the "
            "column <code>file</code>, and one for each label (gender, skin_tone, age, ...).</p>",
        )
    warnings = dict.fromkeys(
        f"{gap.settings or 'gap'}: {note.removeprefix('warning: ')}"
        for gap in gaps
        for note in gap.notes
        if note.startswith(("warning", "too small"))
    )
    parts = [f'<p class="private">{escape(words)}</p>' for words in warnings]
    rows = [[escape(_about(m)), f"{m.value:.3g}", f"{m.low:.3g} to {m.high:.3g}", escape(_told(m))] for m in gaps]
    parts.append("<p>The widest difference between two groups; an interval from 0 means that none is certain.</p>")
    parts.append(table(("measure and label", "difference", "interval", ""), rows, numbers=(1,)))
    for gap in gaps:
        mine = [m for m in measured if m.probe == "gap" and m.settings == gap.settings and m.group]
        first = [m for m in mine if m.name == mine[0].name]
        parts.append(f"<h3>{escape(_about(gap))}</h3>{_bars(first)}")
        rest = [m for m in mine if m not in first]
        if rest:
            parts.append(f"<details><summary>its other measures</summary>{_bars(rest)}</details>")
    return section("groups", "By group of people", *parts)


def classes_section(measured: Sequence[Measurement]) -> str:
    """Every measure that a probe gives class by class; nothing when there is none."""
    mine = [m for m in measured if m.group and m.probe != "gap"]
    if not mine:
        return ""
    words = "<p>A mean hides classes that fall: each one alone. Dashed: what a guess reaches.</p>"
    return section("classes", "By class", words, _bars(sorted(mine, key=lambda m: (m.title, m.value)), named=True))


def _about(gap: Measurement) -> str:
    return gap.settings or gap.notes[0].partition(":")[0]


def _told(gap: Measurement) -> str:
    """Which groups, in the words of the probe, without what the first column says already."""
    return "; ".join(
        (note.partition(": ")[2] or note) if at == 0 else note
        for at, note in enumerate(gap.notes)
        if not note.startswith(("warning", "too small"))
    )


def _bars(rows: Sequence[Measurement], *, named: bool = False) -> str:
    cells = [
        [
            escape(m.title if named else m.name),
            escape(m.group),
            f"{m.value:.3g}",
            f"{m.low:.3g} to {m.high:.3g}",
            str(m.n),
            meter(m) if -0.001 <= m.value <= 1.2 else "",
        ]
        for m in rows
    ]
    head = ("measure", "class" if named else "group", "value", "interval", "n", "")
    return table(head, cells, numbers=(2, 4))
