"""Progress that nobody watches, and the type of the one that somebody does."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""(what is being done, done, total)."""


def silent(what: str, done: int, total: int) -> None:
    """Says nothing."""
