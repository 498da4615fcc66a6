"""Retention: the day after which a sample may not be released, and the day after which no copy may be kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from veilset.records.provenance import Record

Duty = Literal["erase", "stop releasing"]


@dataclass(frozen=True, slots=True)
class Due:
    """Something that has to happen to a sample.

    Attributes:
        sample: Its path relative to the source.
        duty: `erase` every copy, or `stop releasing` it.
        since: The last day on which it was still allowed.
    """

    sample: str
    duty: Duty
    since: dt.date


def duties(records: Iterable[Record], when: dt.date) -> tuple[Due, ...]:
    """What the rows of one sample ask for on that day; the earliest date of each kind wins.

    A date is the last day on which something is allowed: on the day itself nothing is due yet.
    """
    rows = tuple(records)
    found = []
    erase = min(((r.erase_after, r.sample) for r in rows if r.erase_after), default=None)
    stop = min(((r.release_until, r.sample) for r in rows if r.release_until), default=None)
    if erase and erase[0] < when:
        found.append(Due(erase[1], "erase", erase[0]))
    if stop and stop[0] < when:
        found.append(Due(stop[1], "stop releasing", stop[0]))
    return tuple(found)


def due(records: Mapping[str, Iterable[Record]], when: dt.date) -> tuple[Due, ...]:
    """Everything due on that day, the longest overdue first."""
    found = [item for rows in records.values() for item in duties(rows, when)]
    return tuple(sorted(found, key=lambda item: (item.since, item.sample, item.duty)))


def next_date(records: Mapping[str, Iterable[Record]], when: dt.date) -> dt.date | None:
    """The next last day, on or after `when`: after it, something will be due."""
    days = [day for rows in records.values() for r in rows for day in (r.release_until, r.erase_after) if day]
    return min((day for day in days if day >= when), default=None)
