"""Identity groups: which samples are thought to show the same person, as found by recognition or by hand. Private."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from veilset.core.errors import Malformed, Unreadable

Groups = Mapping[str, frozenset[str]]


def read_groups(path: Path) -> Groups:
    """Group to its samples, from a CSV table with the columns `sample` and `group`.

    Raises:
        Unreadable: The file cannot be opened.
        Malformed: A column is missing, or a row is empty.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream, strict=True))
    except OSError as error:
        raise Unreadable(f"{path}: the identity groups cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise Malformed(f"{path} is not a CSV table: {error}") from error
    groups: dict[str, set[str]] = {}
    for line, row in enumerate(rows, start=2):
        if not row.get("sample") or not row.get("group"):
            raise Malformed(f"{path}, line {line}: needs a sample and a group")
        groups.setdefault(row["group"], set()).add(row["sample"])
    return {group: frozenset(samples) for group, samples in groups.items()}


def of_sample(groups: Groups, samples: frozenset[str]) -> dict[str, int]:
    """Groups that hold one of the samples, with how many samples each has.

    >>> of_sample({"1": frozenset({"a", "b"}), "2": frozenset({"c"})}, frozenset({"a"}))
    {'1': 2}
    """
    return {group: len(members) for group, members in sorted(groups.items()) if members & samples}
