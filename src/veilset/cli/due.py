"""`veilset due`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give


def due(
    photos: Annotated[Path, typer.Argument(help="The set; only read, never written.")],
    table: Annotated[Path, typer.Option("--table", help="Table of origins with dates.")] = Path("private/origins.csv"),
    store: Annotated[Path, typer.Option("--store", help="Folder of the tombstones.")] = Path("private/optout"),
    release: Annotated[
        list[Path] | None, typer.Option("--release", help="Output folder of an earlier release.")
    ] = None,
    on: Annotated[str, typer.Option("--on", help="The day, YYYY-MM-DD; today when empty.")] = "",
    as_json: Json = False,
) -> None:
    """List what has to be erased or taken out of release; check that what was erased is gone. Exit 1 if any is open."""
    from veilset.flows.due import day_of, list_due

    with bar(quiet=as_json) as progress:
        found = list_due(table, photos, store, when=day_of(on), outputs=tuple(release or ()), progress=progress)
    words = []
    for item in found.items:
        line = f"{item.due.sample}: {item.due.duty}, since {item.due.since}: {item.status}"
        line += f"; copies: {', '.join(item.copies)}" if item.copies else ""
        words.append(line + (f"; in releases {', '.join(item.releases)}" if item.releases else ""))
    words.append(f"{len(found.open)} open of {len(found.items)} due; the next date is {found.next or 'none'}")
    plain = {
        "items": [
            {
                "sample": item.due.sample,
                "duty": item.due.duty,
                "since": item.due.since,
                "status": item.status,
                "copies": item.copies,
                "releases": item.releases,
            }
            for item in found.items
        ],
        "open": len(found.open),
        "next": found.next,
    }
    give(plain, "\n".join(words), as_json=as_json)
    if found.open:
        raise typer.Exit(1)
