"""The one place that imports every wing's table: wiring by argument, nothing global."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veilset import data, detectors, documents, engines, operators, probes
from veilset.core.errors import BadSetting, UnknownName
from veilset.core.registry import Registry, look_again
from veilset.policy import load
from veilset.policy.build import named
from veilset.policy.load import Registries


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every name that this installation knows, by role."""

    sources: Registry
    detectors: Registry
    operators: Registry
    probes: Registry
    documents: Registry
    engines: Registry

    def registries(self) -> Registries:
        """What a policy may name."""
        return Registries(self.detectors, self.operators, self.probes, self.documents)

    def roles(self) -> dict[str, Registry]:
        """Registries by the singular of their role."""
        return {
            registry.role: registry
            for registry in (
                self.sources,
                self.detectors,
                self.operators,
                self.probes,
                self.documents,
                self.engines,
            )
        }

    def build(self, role: str, name: str, settings: Mapping[str, Any] | None = None) -> Any:
        """An instance by role and name; what probes are handed to reach another wing.

        Raises:
            UnknownName: No such role or name.
            BadSetting: The settings do not fit; all complaints together.
        """
        roles = self.roles()
        if role not in roles:
            raise UnknownName(f"no role is called {role!r}. Known: {', '.join(roles)}")
        instance, complaints = named(roles[role], name, settings or {})
        if complaints:
            raise BadSetting(f"{role} {name}: " + "; ".join(f"{key}: {what}" for key, what in complaints))
        return instance


def catalog(*, third_party: bool = True) -> Catalog:
    """The built-in names, and with `third_party` those of installed plug-ins (entry points `veilset.<wing>`)."""

    look_again()

    def registry(role: str, wing: Any) -> Registry:
        return Registry(role, wing.TABLE, group=f"{wing.__name__}" if third_party else None)

    return Catalog(
        registry("source", data),
        registry("detector", detectors),
        registry("operator", operators),
        registry("probe", probes),
        registry("document", documents),
        registry("engine", engines),
    )


def profiles() -> dict[str, str]:
    """The text of every policy that ships by name."""
    return {name: path.read_text(encoding="utf-8") for name, path in load.profiles().items()}
