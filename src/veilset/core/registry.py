"""Lazy tables: a name, where its class lives, and one line about it. Nothing registers by being imported."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from veilset.core.errors import BrokenContract, MissingExtra, UnknownName

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a class lives (`package.module:Class`), what it is for, and the extra it needs, if any."""

    path: str
    summary: str
    extra: str = ""


@lru_cache(maxsize=1)
def _installed() -> Any:
    # Takes longer to load than everything else here, and a wing's own table does not need it.
    from importlib.metadata import entry_points

    return entry_points()


def third_parties(group: str) -> EntryPoints:
    """Entry points of one group; what is installed is read once for all groups, until `look_again`."""
    found: EntryPoints = _installed().select(group=group)
    return found


def look_again() -> None:
    """Forget what was installed: a notebook may have installed a plug-in since."""
    _installed.cache_clear()


class Registry(Mapping[str, Entry]):
    """The names of one wing: a sorted built-in table, and third parties' entry points in `group`.

    A third party cannot take a name that is already taken.

    >>> table = Registry("operator", {"mask": Entry("builtins:dict", "Fill.")}, group=None)
    >>> table.load("masc")
    Traceback (most recent call last):
    veilset.core.errors.UnknownName: no operator is called 'masc'; did you mean mask? Known: mask
    """

    def __init__(self, role: str, table: Mapping[str, Entry], *, group: str | None) -> None:
        if list(table) != sorted(table):
            raise BrokenContract(f"the table of {role}s is not in alphabetical order")
        self.role = role
        self._entries = dict(table)
        self._third: set[str] = set()
        for point in third_parties(group) if group else ():
            if point.name in self._entries:
                raise BrokenContract(
                    f"{point.value} (entry point {group}) takes the name {point.name!r}, which is already taken; "
                    "uninstall that package or ask its author to rename it"
                )
            owner = point.dist.name if point.dist else "unknown package"
            self._entries[point.name] = Entry(point.value, f"third party: {owner}")
            self._third.add(point.name)

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else "."
            raise UnknownName(f"no {self.role} is called {name!r}{hint} Known: {', '.join(self._entries)}")
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def is_third_party(self, name: str) -> bool:
        """Whether a name came from an entry point."""
        return name in self._third

    def load(self, name: str) -> type[Any]:
        """The class itself, imported now.

        Raises:
            UnknownName: Nothing is registered under the name.
            MissingExtra: An optional dependency is not installed.
            BrokenContract: A third party's module cannot be imported.
        """
        entry = self[name]
        module, _, attribute = entry.path.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            if entry.extra:
                raise MissingExtra(
                    f"{self.role} {name} needs an extra: pip install 'veilset[{entry.extra}]' ({error})"
                ) from error
            raise BrokenContract(f"{self.role} {name} cannot be imported from {module}: {error}") from error
        except AttributeError as error:
            raise BrokenContract(f"{self.role} {name}: {module} has no {attribute}") from error
        if not isinstance(found, type):
            raise BrokenContract(f"{self.role} {name}: {entry.path} is not a class")
        return found
