"""`veilset statement`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give

app = typer.Typer(help="Let who holds a photograph ask whether its original is in a release.", no_args_is_help=True)


@app.command()
def make(
    output: Annotated[Path, typer.Argument(help="Output folder of the release.")],
    photos: Annotated[Path, typer.Argument(help="The originals it was made from.")],
    as_json: Json = False,
) -> None:
    """Write statement.json beside the release; publish it only if being asked serves the people shown."""
    from veilset.flows.statements import make as run

    with bar(quiet=as_json) as progress:
        path = run(output, photos, progress=progress)
    give({"statement": str(path)}, f"Wrote {path}", as_json=as_json)


@app.command()
def ask(
    statement: Annotated[Path, typer.Argument(help="The statement.json of a release.")],
    photo: Annotated[Path, typer.Argument(help="A photograph that you hold: the same file, or the same pixels.")],
    as_json: Json = False,
) -> None:
    """Whether this photograph, untreated, is among what the release was made from."""
    from veilset.flows.statements import ask as run

    release, held = run(statement, photo)
    words = "is" if held else "is not, as this file or with exactly these pixels,"
    give(
        {"release": release, "held": held},
        f"The photograph {words} among what {release} was made from",
        as_json=as_json,
    )
