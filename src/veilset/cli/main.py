"""The program `veilset`: verbs in their own files, everything heavy imported when a verb runs."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

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


def program(verb: str = "") -> typer.Typer:
    """The whole program; with the name of a verb that verb alone, since to describe all takes longer than small work.

    Anything else (a group, a word that is no verb, an option) gets the whole.
    """
    app = typer.Typer(
        name="veilset",
        help="Share the images, not the people in them: audit, treat, attack and document sets of pictures.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(main)
    for name in (verb,) if verb in VERBS else VERBS:
        app.command(name)(_found(VERBS[name]))
    for name in () if verb in VERBS else GROUPS:
        app.add_typer(_found(GROUPS[name]), name=name)
    return app


def _found(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"veilset.cli.{module}"), name)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"veilset {veilset.__version__}")
        raise typer.Exit


def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Share the images, not the people in them."""


def run() -> None:
    """Entry point of the program."""
    guard(_run)


def _run() -> None:
    program(sys.argv[1] if len(sys.argv) > 1 else "")()
