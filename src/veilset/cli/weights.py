"""`veilset weights list|pull|path`."""

from __future__ import annotations

from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give

app = typer.Typer(help="Network weights: list, pull, path.", no_args_is_help=True)


@app.command("list")
def list_weights(as_json: Json = False) -> None:
    """List every known file of weights, with licence, and whether it is on this machine."""
    from veilset.flows.weights import weights_rows

    rows = weights_rows()
    words = [
        f"{row['name']:<20} {'here' if row['here'] else 'not here':<9} {row['size'] / 1e6:7.2f} MB  "
        f"{row['licence']:<14} {row['task']}"
        for row in rows
    ]
    give(rows, "\n".join(words), as_json=as_json)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name from `veilset weights list`; empty for the default detector.")] = (
        "centerface"
    ),
    as_json: Json = False,
) -> None:
    """Download a file of weights into the cache; it is used only when its hash is the pinned one."""
    from veilset.flows.weights import pull as run

    with bar(quiet=as_json) as progress:
        path = run(name, lambda done, size: progress(f"pulling {name}", done, size))
    give({"name": name, "path": str(path)}, str(path), as_json=as_json)


@app.command()
def path(
    name: Annotated[str, typer.Argument(help="A name from `veilset weights list`.")], as_json: Json = False
) -> None:
    """Print where a file of weights lies."""
    from veilset.flows.weights import path as run

    give({"name": name, "path": str(run(name))}, str(run(name)), as_json=as_json)
