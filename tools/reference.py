"""Write docs/reference from the program itself: one page per name of every table, and one for the command line.

`--check` writes nothing and fails when a page is missing, stale or left over.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from veilset.core.errors import MissingExtra
from veilset.core.registry import Entry, Registry

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
WINGS = ("data", "detectors", "documents", "operators", "probes")
EXAMPLES = {
    "detectors": "find:\n  - {here}",
    "operators": "treat:\n  {kind}: {here}",
    "probes": "probe:\n  - {here}",
}
KINDS = {"strip": "metadata", "drop": "rights", "inpaint": "text"}


def attributes_of(docstring: str) -> dict[str, str]:
    """The meaning of each field, from the section `Attributes:` of a docstring."""
    found = re.search(r"^Attributes:\n((?:[ ]+.*\n|\n)*)", docstring + "\n", re.MULTILINE)
    meanings: dict[str, str] = {}
    name = ""
    for line in (found.group(1) if found else "").splitlines():
        start = re.match(r"    (\w+): (.*)", line)
        if start:
            name = start.group(1)
            meanings[name] = start.group(2)
        elif name and line.strip():
            meanings[name] += " " + line.strip()
    return meanings


def body_of(docstring: str) -> tuple[str, str, str]:
    """First line, the text between it and the example without `Attributes`, and the example."""
    first, _, rest = docstring.partition("\n")
    rest = re.sub(r"^Attributes:\n((?:[ ]+.*\n|\n)*)", "", rest + "\n", flags=re.MULTILINE)
    text, mark, example = rest.partition(">>>")
    # Google's section headings are no Markdown.
    text = re.sub(r"^(Raises|Args):\n", r"**\1**:\n", text, flags=re.MULTILINE)
    text = re.sub(r"^(\*\*\w+\*\*:)\n(?=[ ])", r"\1\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^    (\w+): ", r"- `\1`: ", text, flags=re.MULTILINE)
    text = re.sub(r"^    (-|  )", r"\1", text, flags=re.MULTILINE)
    return first.strip(), text.strip(), (mark + example).strip()


def yaml_of(value: Any) -> str:
    """A default as it is written in a policy."""
    match value:
        case bool() | None:
            return str(value).lower() if value is not None else "null"
        case tuple() | list():
            return "[" + ", ".join(yaml_of(item) for item in value) + "]"
        case str():
            return value if re.fullmatch(r"[A-Za-z][\w./-]*", value) else f'"{value}"'
    return repr(value)


def fields_of(cls: type[Any]) -> list[tuple[str, str, str]]:
    """Name, type and default of every setting, as text."""
    if not dataclasses.is_dataclass(cls):
        return []
    rows = []
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        shown = "required" if default is dataclasses.MISSING else yaml_of(default)
        kind = field.type if isinstance(field.type, str) else field.type.__name__
        rows.append((field.name, kind, shown))
    return rows


def example_of(wing: str, name: str, cls: type[Any]) -> str:
    """A line of a policy that names the part with its defaults; empty when it is not named in policies."""
    if wing not in EXAMPLES:
        return ""
    settings = ", ".join(f"{field}: {default}" for field, _, default in fields_of(cls) if default != "required")
    here = f"{{{name}: {{{settings}}}}}" if settings else name
    kind = KINDS.get(name, "face")
    return EXAMPLES[wing].replace("{kind}", kind).replace("{here}", here)


def page(wing: str, name: str, entry: Entry, cls: type[Any]) -> str:
    """The reference page of one name."""
    docstring = inspect.cleandoc(cls.__doc__ or "")
    first, text, example = body_of(docstring)
    meanings = attributes_of(docstring)
    parts = [f"# {name}", first]
    if entry.extra:
        parts.append(f"Needs the extra `{entry.extra}`: `pip install 'veilset[{entry.extra}]'`.")
    rows = fields_of(cls)
    if rows:
        table = ["| setting | type | default | meaning |", "|---|---|---|---|"]
        for field, kind, default in rows:
            cells = (f"`{field}`", f"`{kind}`", f"`{default}`", meanings.get(field, ""))
            table.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts += ["## Settings", "\n".join(table)]
    if wing in EXAMPLES:
        parts += ["## In a policy", f"```yaml\n{example_of(wing, name, cls)}\n```"]
    if wing == "operators" and all(default != "required" for _, _, default in rows):
        promise = cls().guarantee()
        parts += ["## What it promises at its defaults", promise.in_words()]
        if promise.given:
            parts.append("Given that:\n\n" + "\n".join(f"- {given}" for given in promise.given))
    if wing == "detectors":
        parts += ["## What it finds", ", ".join(f"`{kind}`" for kind in cls.finds)]
    if text:
        parts += ["## Details", text]
    if example:
        parts += ["## Example", f"```python\n{example}\n```"]
    return "\n\n".join(parts) + "\n"


def wing_pages(wing: str) -> Iterator[tuple[str, str]]:
    """Path below docs/reference and text of every page of one wing."""
    table: dict[str, Entry] = importlib.import_module(f"veilset.{wing}").TABLE
    lines = [f"# {wing.capitalize()}", ""]
    for name, entry in table.items():
        lines.append(f"- [{name}]({name}.md): {entry.summary}")
        yield f"{wing}/{name}.md", page(wing, name, entry, Registry(wing, table, group=None).load(name))
    yield f"{wing}/index.md", "\n".join(lines) + "\n"


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every verb below a command, depth first, by its full name."""
    for verb, below in sorted(getattr(command, "commands", {}).items()):
        if not below.hidden:
            yield f"{name} {verb}", below
            yield from commands(below, f"{name} {verb}")


def command_section(name: str, command: Any) -> str:
    """The reference of one verb, from the arguments that it takes."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help" and not p.hidden]
    places = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
    usage = " ".join([name, *places, *(["[OPTIONS]"] if options else [])])
    parts = [f"## {name}", inspect.cleandoc(command.help or ""), f"```text\n{usage}\n```"]
    rows = ["| | meaning | default |", "|---|---|---|"]
    for part in (*arguments, *options):
        shown = part.name.upper() if part in arguments else ", ".join([*part.opts, *part.secondary_opts])
        default = "required" if part.required else part.default
        default = "" if default is None or callable(default) or str(default) in {"", "False"} else f"`{default}`"
        meaning = (part.help or "").replace("|", "\\|")
        rows.append(f"| `{shown}` | {meaning} | {default.strip('`') if part.required else default} |")
    if len(rows) > 2:
        parts.append("\n".join(rows))
    return "\n\n".join(part for part in parts if part)


def command_line() -> tuple[str, str]:
    """The page of the command line."""
    from veilset.cli.main import program

    root = typer.main.get_command(program())
    sections = [command_section(name, command) for name, command in commands(root, "veilset")]
    intro = "Every verb takes `-h`. Generated from the program by `tools/reference.py`."
    return "cli.md", "\n\n".join(["# Command line", intro, *sections]) + "\n"


def pages() -> dict[str, str]:
    """Every page by its path below docs/reference."""
    return dict([*(entry for wing in WINGS for entry in wing_pages(wing)), command_line()])


def main() -> int:
    """Write the pages, or with `--check` compare them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing; fail when something is stale")
    given = options.parse_args()
    try:
        wanted = pages()
    except MissingExtra as error:
        print(f"the reference needs every extra installed: {error}", file=sys.stderr)
        return 1
    there = {path.relative_to(REFERENCE).as_posix() for path in REFERENCE.rglob("*.md")}
    stale = [
        path
        for path, text in wanted.items()
        if path not in there or (REFERENCE / path).read_text(encoding="utf-8") != text
    ]
    left_over = sorted(there - wanted.keys())
    if given.check:
        for path in (*stale, *left_over):
            print(f"docs/reference/{path} is stale; run: python tools/reference.py", file=sys.stderr)
        return 1 if stale or left_over else 0
    for path in stale:
        (REFERENCE / path).parent.mkdir(parents=True, exist_ok=True)
        (REFERENCE / path).write_text(wanted[path], encoding="utf-8")
    for path in left_over:
        (REFERENCE / path).unlink()
    print(f"{len(stale)} pages written, {len(left_over)} removed, {len(wanted)} in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
