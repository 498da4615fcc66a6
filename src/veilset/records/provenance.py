"""Where each sample came from: tables of origins, licence files in folders, and the census over both."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.records.licences import NO_ASSERTION, Claim, identify, resolve

COLUMNS = ("sample", "source_url", "collector", "collected", "licence", "evidence", "release_until", "erase_after")
LICENCE_FILES = frozenset(
    f"{name}{ending}"
    for name in ("license", "licence", "copying", "copyright")
    for ending in ("", ".txt", ".md", ".rst")
)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table of origins. Private: a source URL names the photograph and often the person.

    Attributes:
        sample: Path relative to the root of the source, POSIX separators.
        source_url: Where it was taken from.
        collector: Who collected it.
        collected: When.
        licence: As the row says it: an SPDX identifier or a URL.
        evidence: How the licence is known (a screenshot, a contract number).
        release_until: Last day on which it may be in a new release.
        erase_after: Last day on which any copy may be kept.
    """

    sample: str
    source_url: str = ""
    collector: str = ""
    collected: dt.date | None = None
    licence: str = ""
    evidence: str = ""
    release_until: dt.date | None = None
    erase_after: dt.date | None = None

    def claim(self) -> Claim:
        """What this row says about the licence."""
        return Claim(identify(self.licence), f"table of origins: {self.evidence or 'no evidence given'}")


def read_table(path: Path) -> dict[str, tuple[Record, ...]]:
    """The rows of a CSV or Parquet table of origins by sample; a sample may have several rows.

    Needs the column `sample`; every other column of `COLUMNS` may be missing.

    Raises:
        Unreadable: The file cannot be opened.
        Unsupported: Neither `.csv` nor `.parquet`.
        Malformed: No column `sample`, an unknown column, or a date that is not YYYY-MM-DD.
    """
    try:
        rows = _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path)
    except OSError as error:
        raise Unreadable(f"{path}: the table of origins cannot be read ({error.strerror})") from error
    records: dict[str, list[Record]] = {}
    for line, row in enumerate(rows, start=2):
        record = _record(row, f"{path}, line {line}")
        records.setdefault(record.sample, []).append(record)
    return {sample: tuple(found) for sample, found in records.items()}


def _csv_rows(path: Path) -> list[dict[str, str]]:
    if path.suffix != ".csv":
        raise Unsupported(f"{path}: a table of origins is a .csv or a .parquet file")
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream, strict=True)
        _check_columns(reader.fieldnames or (), path)
        try:
            return [{key: value or "" for key, value in row.items()} for row in reader]
        except (csv.Error, UnicodeDecodeError) as error:
            raise Malformed(f"{path} is not a CSV table: {error}") from error


def _parquet_rows(path: Path) -> list[dict[str, str]]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        raise Malformed(f"{path} is not a Parquet table") from error
    _check_columns(table.column_names, path)
    return [{key: "" if v is None else str(v) for key, v in row.items()} for row in table.to_pylist()]


def _check_columns(names: Iterable[str], path: Path) -> None:
    unknown = sorted(set(names) - set(COLUMNS))
    if "sample" not in names or unknown:
        wrong = f"unknown columns {', '.join(map(repr, unknown))}" if unknown else "there is no column 'sample'"
        raise Malformed(f"{path}: {wrong}; the columns are {', '.join(COLUMNS)}")


def _record(row: Mapping[str, str], place: str) -> Record:
    dates = {key: _date(row.get(key, ""), key, place) for key in ("collected", "release_until", "erase_after")}
    if not row["sample"]:
        raise Malformed(f"{place}: the sample has no name")
    return Record(
        str(PurePosixPath(row["sample"])),
        row.get("source_url", ""),
        row.get("collector", ""),
        dates["collected"],
        row.get("licence", ""),
        row.get("evidence", ""),
        dates["release_until"],
        dates["erase_after"],
    )


def _date(text: str, key: str, place: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10] if " " in text else text) if text else None
    except ValueError as error:
        raise Malformed(f"{place}: {key} is not a date of the form YYYY-MM-DD") from error


def folder_claims(root: Path) -> dict[str, tuple[Claim, ...]]:
    """What the LICENSE files below `root` say, by folder relative to it (`.` is the root itself)."""
    claims: dict[str, tuple[Claim, ...]] = {}
    for path in sorted(root.rglob("*")):
        if is_licence_file(path):
            folder = path.parent.relative_to(root).as_posix()
            claims[folder] = (*claims.get(folder, ()), read_notice(path, root))
    return claims


def is_licence_file(path: Path) -> bool:
    """Whether a file is called LICENSE, LICENCE or COPYING, in any case, as it is or as text."""
    return path.name.lower() in LICENCE_FILES and path.is_file()


def read_notice(path: Path, root: Path) -> Claim:
    """What one LICENSE file below `root` says; a file that cannot be read says nothing for sure."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[:100_000]
    except OSError:
        text = ""
    return Claim(_from_notice(text), f"file {path.relative_to(root).as_posix()}")


def _from_notice(text: str) -> str:
    """The one licence that the lines of a notice name; a notice that names two is as good as none."""
    named = {identify(line.removeprefix("SPDX-License-Identifier:")) for line in text.splitlines()} - {NO_ASSERTION}
    return named.pop() if len(named) == 1 else NO_ASSERTION


def nearest(claims: Mapping[str, tuple[Claim, ...]], sample: str) -> tuple[Claim, ...]:
    """The claims of the nearest folder above the sample that has a licence file: all of its files, or none."""
    for folder in PurePosixPath(sample).parents:
        if folder.as_posix() in claims:
            return claims[folder.as_posix()]
    return ()


def census(claims_by_sample: Mapping[str, Iterable[Claim]]) -> dict[str, int]:
    """How many samples stand under which licence; `unknown` and `contradictory` are counted as such.

    >>> census({"a": [Claim("CC0-1.0", "table")], "b": []})
    {'CC0-1.0': 1, 'unknown': 1}
    """
    count: Counter[str] = Counter()
    for claims in claims_by_sample.values():
        spdx, status = resolve(claims)
        count[spdx if status == "known" else status] += 1
    return dict(sorted(count.items()))


def origins(path: str) -> Mapping[str, tuple[Record, ...]]:
    """The table of origins at `path`, read again only when the file has changed.

    Raises:
        Unreadable: It is not there, or cannot be read.
        Malformed: As `read_table`.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise Unreadable(f"{path}: the table of origins cannot be read ({error.strerror})") from error
    return _origins(path, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=4)
def _origins(path: str, _stamp: tuple[int, int]) -> Mapping[str, tuple[Record, ...]]:
    return read_table(Path(path))
