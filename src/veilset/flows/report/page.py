"""The frame of a page: one file, inline style, no request to anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { --ink: #1d2230; --soft: #5b6476; --line: #d9dde5; --paper: #ffffff; --wash: #f4f6f9; --mark: #b3261e;
  --bar: #3c6e9f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf1; --soft: #a2abbd; --line: #39404f; --paper: #171b23;
  --wash: #202632; --mark: #ff8a80; --bar: #7fb2e5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 72rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
h1 { margin: .2rem 0 1rem; font-size: 1.6rem; } h2 { margin: 2.2rem 0 .6rem; font-size: 1.2rem; }
.private { border: 2px solid var(--mark); color: var(--mark); padding: .6rem .9rem; font-weight: 600; }
.soft { color: var(--soft); } a { color: inherit; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--soft); } td.number, th.number { text-align: right; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .8rem; }
.tile { background: var(--wash); padding: .8rem 1rem; } .tile b { display: block; font-size: 1.5rem; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--wash); padding: .5rem; } figure img { width: 100%; display: block; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .3rem; align-items: start; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; padding-top: .4rem; }
details { margin: .3rem 0; } summary { cursor: pointer; } li { overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .bar { fill: var(--bar); } svg .grid { stroke: var(--line); } svg .point { fill: var(--mark); fill-opacity: .7; }
svg .seen { fill: var(--mark); fill-opacity: .3; } svg .border { fill: none; stroke: var(--soft); stroke-opacity: .5; }
svg circle.town { fill: var(--soft); } svg text.town { fill: var(--soft); font-size: 11px; }
"""


def page(title: str, warning: str, sections: Iterable[str]) -> str:
    """A whole page; `warning` is its first line."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<style>{STYLE}</style></head><body>\n"
        f'<p class="private">{escape(warning)}</p>\n<h1>{escape(title)}</h1>\n'
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of ready HTML cells; columns in `numbers` stand to the right."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>' if at in numbers else f"<{tag}>{cell}</{tag}>"
            for at, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', [escape(cell) for cell in head])}</tr></thead><tbody>{body}</tbody></table>"


def tiles(facts: Sequence[tuple[str, str, str]]) -> str:
    """Big numbers: (number, label, link)."""
    inner = "".join(
        f'<div class="tile"><b><a href="#{escape(link)}">{escape(number)}</a></b>{escape(label)}</div>'
        for number, label, link in facts
    )
    return f'<div class="tiles">{inner}</div>'


def section(anchor: str, title: str, *body: str) -> str:
    """A headed part of the page that can be linked to."""
    return f'<section id="{escape(anchor)}"><h2>{escape(title)}</h2>{"".join(body)}</section>'


def listing(anchor: str, title: str, names: Sequence[str], total: int) -> str:
    """The samples behind a number; what does not fit is said."""
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    more = f'<p class="soft">and {total - len(names)} more, in findings.parquet</p>' if total > len(names) else ""
    return f'<details id="{escape(anchor)}"><summary>{escape(title)}: {total}</summary><ul>{items}</ul>{more}</details>'
