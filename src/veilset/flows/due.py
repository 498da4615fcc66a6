"""due: what has to be erased or taken out of release, and whether what was erased is really gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from veilset.core.errors import DataError, UsageError
from veilset.core.roles import Ref, Source
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.progress import Progress, silent
from veilset.records.provenance import read_table
from veilset.records.releases import registered
from veilset.records.retention import Due, due, next_date
from veilset.records.tombstones import Tombstone, Tombstones

Status = Literal["still there", "copies left", "erased", "gone, not verifiable", "stop releasing"]


@dataclass(frozen=True)
class Item:
    """One thing that is due, and how it stands.

    Attributes:
        due: What, and since when.
        status: `still there`; `copies left` (the file is gone, but others hold the same picture); `erased` (gone, and
            no copy is in the set); `gone, not verifiable` (it was never seen by `due`, so copies cannot be told).
        copies: Other files of the set with the same picture.
        releases: Ids of releases that hold it.
    """

    due: Due
    status: Status
    copies: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()


@dataclass(frozen=True)
class DueList:
    """Everything due on a day, and the next day on which something will be."""

    items: tuple[Item, ...]
    next: dt.date | None

    @property
    def open(self) -> tuple[Item, ...]:
        """What still has to be done."""
        return tuple(item for item in self.items if item.status != "erased")


def list_due(
    table: Path,
    photos: Path,
    store: Path,
    *,
    when: dt.date,
    outputs: Sequence[Path] = (),
    distance: int = 8,
    progress: Progress = silent,
    names: Catalog | None = None,
) -> DueList:
    """What is due, checked against the set and its releases.

    A sample that is due to be erased and still there gets a tombstone now: only so can its erasure be verified later,
    and only so can it never come back. Nothing is erased here: the originals are never opened for writing.

    Args:
        table: Table of origins with `erase_after` and `release_until`.
        photos: The set.
        store: Folder of the tombstones; made when it is not there.
        when: The day.
        outputs: Output folders of earlier releases.
        distance: Bits in which perceptual hashes of copies may differ.
        progress: Called with what is being done, how much is done, and how much there is.
        names: Catalog of wings; the installed one by default.

    Raises:
        DataError: The table or the tombstones cannot be read, or a due sample cannot be decoded.
    """
    names = names or catalog()
    records = read_table(table)
    source: Source = names.build("source", "folder", {"path": str(photos)})
    refs = {ref.name: ref for ref in source.refs()}
    found = due(records, when)
    stones = Tombstones.create(store)
    doomed = [item.sample for item in found if item.duty == "erase" and item.sample in refs]
    fresh = [name for name in doomed if stones.named(name) is None]
    stones.add([stones.of(source.load(refs[name]), when, "erased") for name in fresh])
    copies = _copies(source, refs, doomed, stones, distance, progress) if stones.all else {}
    releases = [release for output in outputs for release in registered(output / "private")]
    holding = {item.sample: tuple(r.release for r in releases if item.sample in r.samples) for item in found}
    items = []
    for item in found:
        stone = stones.named(item.sample)
        other = copies.get(stone.name_hash, ()) if stone and item.duty == "erase" else ()
        items.append(Item(item, _status(item, item.sample in refs, stone, other), other, holding[item.sample]))
    return DueList(tuple(items), next_date(records, when))


def day_of(text: str) -> dt.date:
    """The day that a person wrote; today, in UTC, when it is empty.

    Raises:
        UsageError: It is no date.
    """
    try:
        return dt.date.fromisoformat(text) if text else dt.datetime.now(dt.UTC).date()
    except ValueError as error:
        raise UsageError(f"a day is written YYYY-MM-DD, not {text!r}") from error


def _status(item: Due, there: bool, stone: Tombstone | None, copies: Sequence[str]) -> Status:
    if item.duty != "erase":
        return "stop releasing"
    if there:
        return "still there"
    if stone is None:
        return "gone, not verifiable"
    return "copies left" if copies else "erased"


def _copies(
    source: Source,
    refs: Mapping[str, Ref],
    doomed: Sequence[str],
    stones: Tombstones,
    distance: int,
    progress: Progress,
) -> dict[str, tuple[str, ...]]:
    """Keyed hash of a due sample's path to the other files of the set that hold its picture."""
    matches: dict[str, list[str]] = {}
    for number, (name, ref) in enumerate(refs.items(), 1):
        if name not in doomed:
            try:
                match = stones.match(source.load(ref), distance)
            except DataError:
                # What cannot be decoded holds no picture that could be compared.
                match = None
            if match:
                matches.setdefault(match.tombstone.name_hash, []).append(name)
        progress("looking for copies", number, len(refs))
    return {name_hash: tuple(names) for name_hash, names in matches.items()}
