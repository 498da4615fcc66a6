"""Detectors as somebody asks for them on a command line: a name, or a name with settings as a policy writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from veilset.core.errors import BadSetting
from veilset.flows.catalog import Catalog


def asked(said: str) -> tuple[str, dict[str, Any]]:
    """Name and settings.

    Raises:
        BadSetting: It is neither a name nor `name: {setting: value}`.

    >>> asked("face")
    ('face', {})
    >>> asked("text: {words: true, side: 1600}")
    ('text', {'words': True, 'side': 1600})
    """
    if ":" not in said:
        return said, {}
    try:
        plain = YAML(typ="safe", pure=True).load(said)
    except YAMLError as error:
        raise BadSetting(f"{said!r} cannot be read; write a name, or 'name: {{setting: value}}'") from error
    if not isinstance(plain, dict) or len(plain) != 1 or not isinstance(next(iter(plain.values())), dict):
        raise BadSetting(f"{said!r} is neither a name nor 'name: {{setting: value}}'")
    ((name, settings),) = plain.items()
    return str(name), dict(settings)


def detectors(names: Catalog, find: Sequence[str]) -> dict[str, Any]:
    """Detectors by name, in the order asked for; what is asked for twice runs once, as it was asked for last.

    Raises:
        UsageError: A name or a setting is not known.
    """
    wanted = dict(map(asked, find))
    return {name: names.build("detector", name, settings) for name, settings in wanted.items()}
