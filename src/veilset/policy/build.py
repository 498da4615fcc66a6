"""From a mapping of settings to an instance: the class is the schema."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from veilset.core.registry import Registry

Complaint = tuple[str, str]
"""(key, what is wrong with it)."""


def build(cls: type[Any], settings: Mapping[str, Any]) -> tuple[Any | None, list[Complaint]]:
    """An instance of a settings dataclass, or every complaint about the settings."""
    known = [field.name for field in fields(cls) if field.init]
    complaints = [(key, _unknown_key(key, known)) for key in settings if key not in known]
    kept = {key: value for key, value in settings.items() if key in known}
    try:
        instance = TypeAdapter(cls).validate_python(kept)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            key = str(problem["loc"][0]) if problem["loc"] else ""
            complaints.append((key, _in_words(problem)))
        return None, complaints
    return (None if complaints else instance), complaints


def named(registry: Registry, name: str, settings: Mapping[str, Any]) -> tuple[Any | None, list[Complaint]]:
    """An instance by its name in a registry, or every complaint."""
    return build(registry.load(name), settings)


def _unknown_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}."
    return f"unknown setting {key!r}; {hint}"


def _in_words(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return message
    return f"{message[0].lower()}{message[1:]}, got {problem['input']!r}"
