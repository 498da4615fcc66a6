"""explain: what a policy would do, in plain words, touching no data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veilset.flows.catalog import Catalog, catalog
from veilset.flows.promises import check_promises
from veilset.policy.explain import explain as in_words
from veilset.policy.load import load_policy


@dataclass(frozen=True)
class Explained:
    """A policy in words (Markdown), as normalised values, and the hash that names it."""

    words: str
    policy: dict[str, Any]
    sha256: str


def explain(policy: str | Path, *, names: Catalog | None = None) -> Explained:
    """A policy in plain words.

    Raises:
        UsageError: There is no such policy, or it has problems.
        Refusal: It promises what it cannot keep or show.

    >>> "mask" in explain("share-photo").words
    True
    """
    names = names or catalog()
    loaded = load_policy(policy, names.registries())
    check_promises(loaded, names)
    return Explained(in_words(loaded), loaded.to_plain(), loaded.sha256())
