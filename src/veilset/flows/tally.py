"""Counting what became of every sample, from journal entries; and reading findings back when a probe asks for them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from veilset.core.finding import Finding
from veilset.core.manifest import Counts
from veilset.core.roles import Pair, Ref, Source, Written
from veilset.flows.step import Treated


def to_entry(treated: Treated) -> dict[str, Any]:
    """The journal line of one sample. Private."""
    noted = treated.seen
    return {
        "id": noted.ref.id,
        "name": noted.ref.name,
        "result": treated.result,
        "reason": treated.reason,
        "written": asdict(treated.written) if treated.written else None,
        "rules": [[kind, treatment, count] for (kind, treatment), count in treated.rules.items()],
        "width": noted.width,
        "height": noted.height,
        "format": noted.format,
        "size": noted.size,
        "modified_ns": noted.modified_ns,
        "labels": noted.labels,
        "subjects": list(noted.subjects),
        "findings": [finding.to_plain() for finding in noted.findings],
    }


@dataclass(frozen=True, slots=True)
class Done:
    """One finished sample, small enough to keep for a whole set."""

    ref: Ref
    result: str
    reason: str
    written: Written | None
    offset: int


@dataclass
class Tally:
    """What became of the samples so far. `offset` is where each one's line stands in the journal."""

    done: dict[str, Done] = field(default_factory=dict)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, entry: Mapping[str, Any], offset: int) -> None:
        """Count one journal line."""
        written = entry["written"]
        ref = Ref(entry["id"], entry["name"])
        self.done[ref.id] = Done(
            ref,
            entry["result"],
            entry["reason"],
            Written(**{**written, "notes": tuple(written["notes"])}) if written else None,
            offset,
        )
        if entry["result"] == "released":
            for kind, treatment, count in entry["rules"]:
                self.rules[kind, treatment] += count

    def of(self, result: str) -> list[Done]:
        """Samples that ended in one way, in the order they were done."""
        return [done for done in self.done.values() if done.result == result]

    def counts(self, read: int) -> Counts:
        """Counts for the manifest, checked."""
        counts = Counts(read, len(self.of("released")), len(self.of("dropped")), len(self.of("quarantined")))
        counts.check()
        return counts


class Pairs(Sequence[Pair]):
    """Released samples before and after, loaded when indexed; findings are read back from the journal."""

    def __init__(self, before: Source, after: Source, done: Iterable[Done], trail: Path) -> None:
        self._before, self._after, self._trail = before, after, trail
        self._done = sorted(done, key=lambda one: one.ref.name)
        self._written = {ref.name: ref for ref in after.refs()}

    def __len__(self) -> int:
        return len(self._done)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        done = self._done[index]
        after = self._after.load(self._written[done.written.name]) if done.written else None
        return Pair(self._before.load(done.ref), after, self.findings(done))

    def findings(self, done: Done) -> tuple[Finding, ...]:
        """What was found in one original."""
        with self._trail.open("rb") as lines:
            lines.seek(done.offset)
            entry = json.loads(lines.readline())
        return tuple(Finding.from_plain(plain) for plain in entry["findings"])
