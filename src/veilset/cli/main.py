"""The program `veilset`: verbs in their own files, everything heavy imported when a verb runs."""

from __future__ import annotations

from typing import Annotated

import typer

import veilset
from veilset.cli import audit, clean, doctor, explain, names, release, verify, weights
from veilset.cli.talk import guard

app = typer.Typer(
    name="veilset",
    help="Share the images, not the people in them: audit, treat, attack and document sets of pictures.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(audit.audit)
app.command()(release.release)
app.command()(verify.verify)
app.command()(clean.clean)
app.command()(explain.explain)
app.command("list")(names.list_names)
app.command()(names.show)
app.command()(doctor.doctor)
app.add_typer(weights.app, name="weights")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"veilset {veilset.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Share the images, not the people in them."""


def run() -> None:
    """Entry point of the program."""
    guard(app)
