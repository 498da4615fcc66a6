"""`veilset list` and `veilset show NAME`."""

from __future__ import annotations

from dataclasses import MISSING, fields
from difflib import get_close_matches
from inspect import getdoc
from typing import Annotated, Any

import typer

from veilset.cli.talk import Json, give


def list_names(
    role: Annotated[str, typer.Argument(help="One role, such as operators; empty for all.")] = "",
    as_json: Json = False,
) -> None:
    """List detectors, operators, probes, documents, sources, engines and profiles."""
    from veilset.core.errors import UnknownName
    from veilset.flows.catalog import catalog, profiles

    tables: dict[str, dict[str, str]] = {
        f"{name}s": {key: entry.summary for key, entry in registry.items()}
        for name, registry in catalog().roles().items()
    }
    tables["profiles"] = {name: _first_comment(text) for name, text in profiles().items()}
    if role:
        wanted = role if role.endswith("s") else f"{role}s"
        if wanted not in tables:
            raise UnknownName(f"no role is called {role!r}. Known: {', '.join(tables)}")
        tables = {wanted: tables[wanted]}
    lines = []
    for title, rows in tables.items():
        lines += [title, *(f"  {name:<18} {summary}" for name, summary in rows.items())]
    give(tables, "\n".join(lines), as_json=as_json)


def show(
    name: Annotated[str, typer.Argument(help="A name from `veilset list`.")],
    as_json: Json = False,
) -> None:
    """Show what a name does, its settings with their defaults, and what it promises."""
    from veilset.core.errors import UnknownName
    from veilset.flows.catalog import catalog, profiles

    if name in profiles():
        text = profiles()[name]
        give({"profile": name, "policy": text}, text, as_json=as_json)
        return
    registries = [registry for registry in catalog().roles().values() if name in registry]
    if not registries:
        known = sorted({*profiles(), *(key for registry in catalog().roles().values() for key in registry)})
        near = get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise UnknownName(f"nothing is called {name!r}{hint} Known: {', '.join(known)}")
    plains, pages = [], []
    for registry in registries:
        plain, page = _page(registry.role, name, registry.load(name))
        plains.append(plain)
        pages.append(page)
    give(plains[0] if len(plains) == 1 else plains, "\n\n".join(pages), as_json=as_json)


def _page(role: str, name: str, cls: type[Any]) -> tuple[dict[str, Any], str]:
    """Facts and text about one class."""
    settings = {
        field.name: {
            "type": str(field.type),
            "default": repr(field.default if field.default is not MISSING else getattr(field, "default_factory", "")),
        }
        for field in fields(cls)
    }
    required = [field.name for field in fields(cls) if field.default is MISSING and field.default_factory is MISSING]
    plain: dict[str, Any] = {"role": role, "name": name, "summary": getdoc(cls) or "", "settings": settings}
    lines = [f"{role} {name}", "", getdoc(cls) or "", "", "Settings:"]
    for key, about in settings.items():
        default = "required" if key in required else f"default {about['default']}"
        lines.append(f"  {key:<16} {about['type']}, {default}")
    if not required and hasattr(cls, "guarantee"):
        promise = cls().guarantee()
        plain["guarantee"] = promise.to_plain()
        lines += ["", f"Promise: {promise.in_words()}", *(f"  leans on: {given}" for given in promise.given)]
    return plain, "\n".join(lines)


def _first_comment(text: str) -> str:
    first = text.splitlines()[0] if text else ""
    return first.removeprefix("# ") if first.startswith("#") else ""
