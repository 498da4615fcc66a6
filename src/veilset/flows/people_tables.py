"""What an audit says of people, as CSV tables for a spreadsheet. Private."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from veilset.flows.people import COLUMNS, People
from veilset.flows.workplace import write_atomically


def write_tables(folder: Path, people: People) -> None:
    """Write `classes.csv`, `shares.csv`, `disagreements.csv` and, when people were told apart, `identity_groups.csv`."""
    classes = [(name, *(row[column] for column in COLUMNS)) for name, row in sorted(people.classes.items())]
    _write(folder / "classes.csv", ("class", *COLUMNS), classes)
    shares = [
        (what, name, count, n, f"{low:.6f}", f"{high:.6f}") for what, name, count, n, low, high in people.shares()
    ]
    _write(folder / "shares.csv", ("what", "group", "faces", "of", "low", "high"), shares)
    first = [(ref.id, ref.name, f"{score:.4f}", why) for score, ref, why, _ in people.ranked()]
    _write(folder / "disagreements.csv", ("id", "name", "urgency", "why"), first)
    if people.groups:
        groups = ((name, person) for person, name in sorted(people.groups))
        _write(folder / "identity_groups.csv", ("sample", "group"), groups)


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(head)
    table.writerows(rows)
    write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))
