"""A paper as one HTML page that needs nothing from anywhere: no script, no font, no picture."""

from __future__ import annotations

from html import escape

from veilset.documents.paper import UNANSWERED, Entry, Line, Paper, Table

_STYLE = (
    "body{font-family:system-ui,sans-serif;line-height:1.5;max-width:68rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "p{max-width:50rem}table{display:block;overflow-x:auto;border-collapse:collapse;margin:1rem 0}"
    "td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:left}"
    "h3{margin-bottom:0}.status{color:#555;margin-top:0}.unanswered{color:#a00;font-weight:bold}"
    "a{color:#036}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}a{color:#8bf}"
    ".status{color:#aaa}.unanswered{color:#f88}}"
)


def to_html(paper: Paper, manifest: str) -> str:
    """The paper; `manifest` is the path to the manifest as seen from it."""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(paper.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{escape(paper.title)}</h1>",
        f"<p>Release <code>{escape(paper.release)}</code>, made {escape(paper.created)}.</p>",
    ]
    for section in paper.sections:
        parts.append(f"<section>\n<h2>{escape(section.title)}</h2>")
        parts += [_entry(entry, manifest) for entry in section.entries]
        parts.append("</section>")
    return "\n".join([*parts, "</main>\n</body>\n</html>\n"])


def _entry(entry: Entry, manifest: str) -> str:
    parts = [f"<h3>{escape(entry.title)}</h3>"] if entry.title else []
    if entry.key:
        # What may stay open is not marked like what must not.
        marked = "status unanswered" if entry.status == UNANSWERED and entry.mandatory else "status"
        mandatory = ", mandatory" if entry.mandatory else ""
        parts.append(f'<p class="{marked}">{escape(entry.status)}{mandatory} · <code>{escape(entry.key)}</code></p>')
    parts += [_table(p, manifest) if isinstance(p, Table) else _line(p, manifest) for p in entry.body]
    return "\n".join(parts)


def _line(line: Line, manifest: str) -> str:
    links = "".join(" " + _link(pointer, manifest) for pointer in line.evidence)
    return f"<p>{escape(line.text).replace(chr(10), '<br>')}{links}</p>"


def _table(table: Table, manifest: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (*table.head, "evidence"))
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}<td>{_link(pointer, manifest)}</td></tr>\n"
        for row, pointer in zip(table.rows, table.evidence, strict=True)
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"


def _link(pointer: str, manifest: str) -> str:
    return f'<a href="{escape(manifest)}#{escape(pointer)}">evidence</a>'
