"""Keyword-named checks of settings. Each message quotes the name and the value."""

from __future__ import annotations

from collections.abc import Collection

from veilset.core.errors import BadSetting


def positive(**values: float) -> None:
    """Raise `BadSetting` unless every value is greater than zero (and finite).

    >>> positive(epsilon=0.5)
    >>> positive(epsilon=0)
    Traceback (most recent call last):
    veilset.core.errors.BadSetting: epsilon must be greater than 0, got 0
    """
    for name, value in values.items():
        if not 0 < value < float("inf"):
            raise BadSetting(f"{name} must be greater than 0, got {value!r}")


def in_range(low: float, high: float, **values: float) -> None:
    """Raise `BadSetting` unless every value lies in [low, high].

    >>> in_range(0, 1, min_score=0.2)
    >>> in_range(0, 1, min_score=2)
    Traceback (most recent call last):
    veilset.core.errors.BadSetting: min_score must be between 0 and 1, got 2
    """
    for name, value in values.items():
        if not low <= value <= high:
            raise BadSetting(f"{name} must be between {low:g} and {high:g}, got {value!r}")


def one_of(choices: Collection[str], **values: str) -> None:
    """Raise `BadSetting` unless every value is one of `choices`.

    >>> one_of(("box", "diamond"), shape="box")
    """
    for name, value in values.items():
        if value not in choices:
            raise BadSetting(f"{name} must be one of {', '.join(sorted(choices))}; got {value!r}")


def joined(choices: Collection[str], **values: str) -> None:
    """Raise `BadSetting` unless every value is `default`, or names among `choices`, joined by `+`, each once.

    >>> joined(("a", "b"), model="b+a")
    >>> joined(("a", "b"), model="a+a")
    Traceback (most recent call last):
    veilset.core.errors.BadSetting: model must name each network once, got 'a+a'
    """
    for name, value in values.items():
        parts = value.split("+")
        for part in parts:
            one_of(("default", *choices), **{name: part})
        if len(set(parts)) != len(parts) or ("default" in parts and value != "default"):
            raise BadSetting(f"{name} must name each network once, got {value!r}")
