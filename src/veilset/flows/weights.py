"""weights: which networks' files are here, where they come from, and getting them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from veilset.weights import store


def weights_rows() -> list[dict[str, Any]]:
    """Every known file of weights: name, task, size, licence, hash, sources, and whether it is here."""
    return [{**asdict(row), "here": bool(row.where)} for row in store.listing()]


def pull(name: str, progress: Callable[[int, int], None]) -> Path:
    """Get a file of weights, verified before use.

    Raises:
        UnknownName: Nothing is known under the name.
        MissingWeights: No source gave it.
    """
    return store.pull(name, progress=progress)


def path(name: str) -> Path:
    """Where a file of weights lies.

    Raises:
        UnknownName: Nothing is known under the name.
        MissingWeights: It is not here.
    """
    return store.path(name)


def weights_of(parts: Iterable[Any]) -> dict[str, str]:
    """Name to SHA-256 of every file of weights that these detectors (or probes) run, each verified to be here.

    Called before any data is read, so that a run does not fail after an hour for a file that was never there.

    Raises:
        MissingWeights: One is not here; the message says how to get it.
    """
    used = {}
    for part in parts:
        for name in part.weights() if hasattr(part, "weights") else ():
            store.path(name)
            used[name] = store.record(name).sha256
    return dict(sorted(used.items()))
