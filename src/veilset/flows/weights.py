"""weights: which networks' files are here, where they come from, and getting them."""

from __future__ import annotations

from collections.abc import Callable
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
