"""Heavy libraries, imported when an attack first needs them."""

from __future__ import annotations

import importlib
from typing import Any

from veilset.core.errors import MissingExtra


def need(module: str, probe: str, extra: str = "learn") -> Any:
    """The module, or an error that says how to install it.

    Raises:
        MissingExtra: It is not installed.

    >>> need("math", "reidentify").sqrt(4)
    2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(f"probe {probe} needs {module}: pip install 'veilset[{extra}]'") from error
