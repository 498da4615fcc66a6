"""Consent records in and out: one JSON document with everything, or CSV tables of records and of links."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.records.consent import SCHEMA_VERSION, Record, State, Use
from veilset.records.consent_store import ConsentStore, notice_from_plain

RECORD_COLUMNS = (
    "record_id", "subject", "purpose", "scope", "notice_id", "state", "given", "expires", "withdrawn", "evidence",
    "recorded_by",
)  # fmt: skip
LINK_COLUMNS = ("kind", "name", "subject")


def record_to_plain(record: Record) -> dict[str, str]:
    """A record as texts: a scope is `research training`, a date is YYYY-MM-DD, nothing is empty."""
    dates = {key: str(getattr(record, key) or "") for key in ("given", "expires", "withdrawn")}
    texts = {key: str(getattr(record, key)) for key in RECORD_COLUMNS if key not in dates}
    return {**texts, **dates, "scope": " ".join(sorted(record.scope))}


def record_from_plain(plain: Mapping[str, Any], place: str = "a consent record") -> Record:
    """The record that `record_to_plain` wrote.

    Raises:
        Malformed: A field is missing, unknown, or does not hold what it should; the message names the place.
    """
    try:
        dates = {key: dt.date.fromisoformat(plain[key]) if plain.get(key) else None for key in ("expires", "withdrawn")}
        scope = frozenset(Use(use) for use in str(plain["scope"]).split())
        given, state = dt.date.fromisoformat(plain["given"]), State(plain["state"])
        return Record(**{**plain, **dates, "scope": scope, "given": given, "state": state})
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"{place}: {error}") from error


def import_file(store: ConsentStore, path: Path) -> dict[str, int]:
    """Read a `.json` document, or a `.csv` table of records or of links; how many of each were added.

    Raises:
        Unreadable: The file cannot be opened.
        Unsupported: Neither `.json` nor `.csv`.
        Malformed: Something in it is wrong; nothing of the table that holds it is added.
    """
    try:
        if path.suffix == ".json":
            return _import_json(store, json.loads(path.read_text(encoding="utf-8")), path)
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as stream:
                return _import_csv(store, csv.DictReader(stream, strict=True), path)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, csv.Error) as error:
        raise Malformed(f"{path}: {error}") from error
    raise Unsupported(f"{path}: consent records are a .json document or a .csv table")


def _import_json(store: ConsentStore, plain: Any, path: Path) -> dict[str, int]:
    if not isinstance(plain, dict) or plain.get("schema_version") != SCHEMA_VERSION:
        raise Malformed(f"{path}: schema_version must be {SCHEMA_VERSION!r}")
    notices = [notice_from_plain(notice) for notice in plain.get("notices", ())]
    records = [record_from_plain(r, f"{path}, record {i}") for i, r in enumerate(plain.get("records", ()))]
    links = [tuple(link[key] for key in LINK_COLUMNS) for link in plain.get("links", ())]
    store.add_notices(notices)
    store.add(records)
    store.link(links)
    return {"notices": len(notices), "records": len(records), "links": len(links)}


def _import_csv(store: ConsentStore, reader: csv.DictReader[str], path: Path) -> dict[str, int]:
    names = tuple(reader.fieldnames or ())
    if set(names) == set(LINK_COLUMNS):
        links = [(row["kind"], row["name"], row["subject"]) for row in reader]
        store.link(links)
        return {"links": len(links)}
    if set(names) == set(RECORD_COLUMNS):
        records = [record_from_plain(row, f"{path}, line {line}") for line, row in enumerate(reader, start=2)]
        store.add(records)
        return {"records": len(records)}
    raise Malformed(
        f"{path}: the columns are {', '.join(RECORD_COLUMNS)} (records) or {', '.join(LINK_COLUMNS)} (links)"
    )


def export_json(store: ConsentStore) -> str:
    """Everything in the registry; `import_file` reads it back to the same."""
    plain = {
        "schema_version": SCHEMA_VERSION,
        "notices": [asdict(notice) for notice in store.notices()],
        "records": [record_to_plain(record) for record in store.records()],
        "links": [dict(zip(LINK_COLUMNS, link, strict=True)) for link in store.links()],
    }
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def export_csv(store: ConsentStore, folder: Path) -> tuple[Path, Path]:
    """`records.csv` and `links.csv` in a folder that is there; notices have no table, use JSON for them."""
    records, links = folder / "records.csv", folder / "links.csv"
    with records.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, RECORD_COLUMNS)
        table.writeheader()
        table.writerows(map(record_to_plain, store.records()))
    with links.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(LINK_COLUMNS)
        rows.writerows(store.links())
    return records, links
