"""explain: what a policy would do, in plain words, touching no data."""

from __future__ import annotations

from pathlib import Path

from veilset.flows.catalog import Catalog, catalog
from veilset.flows.promises import check_promises
from veilset.policy.explain import explain as in_words
from veilset.policy.load import load_policy


def explain(policy: str | Path, *, names: Catalog | None = None) -> str:
    """A policy in plain words, as Markdown.

    Raises:
        UsageError: There is no such policy, or it has problems.
        Refusal: It promises what it cannot keep or show.

    >>> "mask" in explain("share-photo")
    True
    """
    names = names or catalog()
    loaded = load_policy(policy, names.registries())
    check_promises(loaded, names)
    return in_words(loaded)
