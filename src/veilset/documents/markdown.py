"""A paper as Markdown."""

from __future__ import annotations

from veilset.documents.paper import Entry, Line, Paper, Table


def to_markdown(paper: Paper, manifest: str) -> str:
    """The paper; `manifest` is the path to the manifest as seen from it.

    Texts are escaped so that an answer can neither open a tag nor break a table.
    """
    lines = [f"# {escape(paper.title)}", "", f"Release `{paper.release}`, made {paper.created}.", ""]
    for section in paper.sections:
        lines += [f"## {escape(section.title)}", ""]
        for entry in section.entries:
            lines += entry_lines(entry, manifest)
    return "\n".join(lines).rstrip("\n") + "\n"


def entry_lines(entry: Entry, manifest: str) -> list[str]:
    """One question or heading and what is said under it."""
    lines = [f"### {escape(entry.title)}", ""] if entry.title else []
    if entry.key:
        lines += [f"*{entry.status}{', mandatory' if entry.mandatory else ''}* · `{entry.key}`", ""]
    for part in entry.body:
        lines += _table(part, manifest) if isinstance(part, Table) else [_line(part, manifest), ""]
    return lines


def _line(line: Line, manifest: str) -> str:
    return " ".join([escape(line.text), *(_link(pointer, manifest) for pointer in line.evidence)])


def _table(table: Table, manifest: str) -> list[str]:
    head = (*table.head, "evidence")
    rows = [
        "| " + " | ".join([*map(_cell, row), _link(pointer, manifest)]) + " |"
        for row, pointer in zip(table.rows, table.evidence, strict=True)
    ]
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *rows, ""]


def _link(pointer: str, manifest: str) -> str:
    return f"[[evidence]({manifest}#{pointer.replace(' ', '%20').replace(')', '%29').replace('(', '%28')})]"


def _cell(text: str) -> str:
    return " ".join(escape(text).split()).replace("|", "\\|")


def escape(text: str) -> str:
    """Text in which no character can begin a tag, a link or a heading.

    >>> escape("<b>[x](y)</b>")
    '&lt;b&gt;\\\\[x\\\\](y)&lt;/b&gt;'
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = plain.replace("[", "\\[").replace("]", "\\]").replace("`", "\\`")
    return "\n".join("\\" + line if line.startswith("#") else line for line in plain.split("\n"))
