"""`veilset consent`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, give

app = typer.Typer(help="Consent records: into the registry and out of it.", no_args_is_help=True)
Registry = Annotated[str, typer.Option("--registry", help="Path of an SQLite file, a URL, or $NAME of a variable.")]


@app.command("import")
def import_records(
    file: Annotated[Path, typer.Argument(help="A .json document, or a .csv table of records or of links.")],
    registry: Registry = "private/consent.sqlite",
    as_json: Json = False,
) -> None:
    """Add the records of a file; the registry is made when it is not there."""
    from veilset.flows.consents import import_consents

    added = import_consents(registry, file)
    give(added, ", ".join(f"{count} {what}" for what, count in added.items()) + " added", as_json=as_json)


@app.command("export")
def export_records(
    target: Annotated[Path, typer.Argument(help="A .json file, or a folder for CSV tables.")],
    registry: Registry = "private/consent.sqlite",
    as_json: Json = False,
) -> None:
    """Write everything in the registry. The result is private."""
    from veilset.flows.consents import export_consents

    paths = [str(path) for path in export_consents(registry, target)]
    give(paths, "\n".join(paths), as_json=as_json)
