"""Veilset: share the images, not the people in them.

>>> import veilset
>>> sorted(veilset.__all__)
['audit', 'explain', 'release', 'verify']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veilset.flows.audit import audit
    from veilset.flows.explain import explain
    from veilset.flows.release import release
    from veilset.flows.verify import verify

__version__ = "0.1.0"
__all__ = ["audit", "explain", "release", "verify"]


def __getattr__(name: str) -> Any:
    """The verbs, imported when first used, so that `import veilset` stays light."""
    if name in __all__:
        return getattr(import_module(f"veilset.flows.{name}"), name)
    raise AttributeError(f"module 'veilset' has no attribute {name!r}")
