"""Where the treated samples lie and what is said about them: a release with its private part, a folder, a table."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from veilset.core.errors import Malformed, Unreadable
from veilset.core.finding import Finding


def read_labels(path: Path) -> dict[str, dict[str, Any]]:
    """Original's relative name to its labels, from a CSV file with the column `file`; numbers are read as such.

    Raises:
        Unreadable: It cannot be opened.
        Malformed: It has no column `file`, names a file twice, or has a row that is longer or shorter than the first.
    """
    found: dict[str, dict[str, Any]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                name = row.pop("file", None)
                if not name or name in found or None in row or None in row.values():
                    raise Malformed(f"{path}, line {number}: needs one value a column, and each `file` once")
                found[name] = {key: _number(value) for key, value in row.items() if value}
    except OSError as error:
        raise Unreadable(f"{path}: the labels cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(f"{path}: is no CSV table in UTF-8") from error
    return found


def _number(text: str) -> str | float:
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


@dataclass(frozen=True)
class Place:
    """Where the treated samples lie, and what a release says about them.

    Attributes:
        samples: The folder of treated samples.
        mapping: Original's name to treated name, both relative; empty when names are kept.
        findings: Original's name to findings, from the release's journal.
        policy: The policy of the release, as plain values; empty when it is no release.
        aside: Originals that the release set aside, since they could not be read or treated.
    """

    samples: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    aside: frozenset[str] = frozenset()


def place_of(after: Path) -> Place:
    """A release with its private part, a release without, or any folder.

    Raises:
        Malformed: A file of the release is not what its name says.
        Unreadable: A file of the release cannot be read.
    """
    root = after.parent if after.name == "public" else after
    public = root / "public"
    if not (public / "manifest.json").is_file():
        return Place(after)
    manifest = _json(public / "manifest.json")
    trail, mapping = root / "private" / "trail.jsonl", root / "private" / "mapping.csv"
    found: dict[str, tuple[Finding, ...]] = {}
    names: dict[str, str] = {}
    results: dict[str, str] = {}
    try:
        if mapping.is_file():
            with mapping.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
                names = {row["original"]: row["released"].removeprefix("samples/") for row in csv.DictReader(lines)}
        if trail.is_file():
            with trail.open(encoding="utf-8") as lines:
                for line in lines:
                    entry = json.loads(line)
                    found[entry["name"]] = tuple(Finding.from_plain(plain) for plain in entry["findings"])
                    results[entry["name"]] = entry["result"]
    except (KeyError, ValueError, TypeError) as error:
        raise Malformed(f"{root / 'private'}: the mapping or journal of the release is damaged ({error})") from error
    aside = frozenset(name for name, result in results.items() if result == "quarantined")
    return Place(public / "samples", names, found, manifest.get("policy", {}), aside)


def _json(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise Malformed(f"{path}: is not JSON ({error})") from error
    if not isinstance(plain, dict):
        raise Malformed(f"{path}: is not a manifest")
    return plain
