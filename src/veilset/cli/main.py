"""The program `veilset`: verbs in their own files, everything heavy imported when a verb runs."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

import veilset
from veilset.cli.talk import guard

VERBS: dict[str, str] = {
    "audit": "audit:audit",
    "clean": "clean:clean",
    "doctor": "doctor:doctor",
    "due": "due:due",
    "evaluate-detector": "evaluate_detector:evaluate_detector",
    "explain": "explain:explain",
    "keys": "keys:keys",
    "list": "names:list_names",
    "measure": "measure:measure",
    "questions": "questions:questions",
    "release": "release:release",
    "show": "names:show",
    "tune": "tune:tune",
    "verify": "verify:verify",
    "withdraw": "withdraw:withdraw",
}
"""Verb to module and function of this package, one line each, sorted."""

GROUPS: dict[str, str] = {
    "consent": "consent:app",
    "identities": "identities:app",
    "statement": "statement:app",
    "weights": "weights:app",
}
"""Group of verbs to module and application."""

app = typer.Typer(
    name="veilset",
    help="Share the images, not the people in them: audit, treat, attack and document sets of pictures.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _verb, _place in VERBS.items():
    _module, _, _name = _place.partition(":")
    app.command(_verb)(getattr(import_module(f"veilset.cli.{_module}"), _name))
for _group, _place in GROUPS.items():
    _module, _, _name = _place.partition(":")
    app.add_typer(getattr(import_module(f"veilset.cli.{_module}"), _name), name=_group)


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
