"""consent: records into and out of the registry."""

from __future__ import annotations

from pathlib import Path

from veilset.flows.workplace import write_atomically, writing
from veilset.records.consent_exchange import export_csv, export_json, import_file
from veilset.records.consent_store import ConsentStore


def import_consents(registry: str, file: str | Path) -> dict[str, int]:
    """Read a JSON document or a CSV table into the registry, made when it is not there; how many were added.

    Raises:
        DataError: The file or the registry cannot be read.
    """
    if "://" not in registry and not registry.startswith("$"):
        with writing(Path(registry)):
            Path(registry).parent.mkdir(parents=True, exist_ok=True)
            Path(registry).touch(mode=0o600)
    store = ConsentStore(registry, create=True)
    try:
        return import_file(store, Path(file))
    finally:
        store.close()


def export_consents(registry: str, target: str | Path) -> tuple[Path, ...]:
    """Write everything to a `.json` file, or records and links as CSV into a folder.

    Raises:
        DataError: The registry cannot be read.
    """
    store, place = ConsentStore(registry), Path(target)
    try:
        if place.suffix == ".json":
            write_atomically(place, export_json(store).encode(), private=True)
            return (place,)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return export_csv(store, place)
    finally:
        store.close()
