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
    from veilset.flows.catalog import catalog
    from veilset.flows.promises import check_promises
    from veilset.policy.explain import explain as in_words
    from veilset.policy.load import load_policy

    names = catalog()
    loaded = load_policy(policy, names.registries())
    check_promises(loaded, names)
    give({"policy": loaded.to_plain(), "sha256": loaded.sha256()}, in_words(loaded), as_json=as_json)
