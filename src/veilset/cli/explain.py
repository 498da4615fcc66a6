"""`veilset explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from veilset.cli.talk import Json, give


def explain(
    policy: Annotated[str, typer.Argument(help="Policy file, or a profile by name.")],
    as_json: Json = False,
) -> None:
    """Say in plain words what a policy would do, touching no data."""
    from veilset.flows.explain import explain as run

    done = run(policy)
    give({"policy": done.policy, "sha256": done.sha256}, done.words, as_json=as_json)
