"""`veilset questions`."""

from __future__ import annotations

from veilset.cli.talk import Json, give


def questions(as_json: Json = False) -> None:
    """Print an empty dataset.yaml: what only people can answer about a set, for its papers."""
    from veilset.flows.papers import questions as run

    text = run()
    give({"file": "dataset.yaml", "text": text}, text, as_json=as_json)
