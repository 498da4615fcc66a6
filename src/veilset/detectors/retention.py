"""Retention as a detector: a sample whose time is over is a finding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from veilset.core.check import one_of
from veilset.core.errors import BadSetting
from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, Video
from veilset.core.where import Whole
from veilset.records.provenance import origins
from veilset.records.retention import duties, next_date

_UNLISTED = "no date until which it may be kept is recorded; add it to the table of origins"


@dataclass(frozen=True)
class Retention:
    """Finds `retention`: the sample may no longer be released, or should no longer exist.

    Attributes:
        table: CSV or Parquet table of origins with `release_until` and `erase_after`.
        unlisted: What a sample without any date is: a finding (`find`), or free of one (`ignore`).
        when: Day of the release, YYYY-MM-DD; empty for today.

    *Shapes and units*: any media; days as YYYY-MM-DD.

    Raises:
        DataError: The table cannot be read: without it nothing is allowed.

    *Source*: the table's own dates; elementary.

    >>> Retention(unlisted="find").table
    'private/origins.csv'
    """

    table: str = "private/origins.csv"
    unlisted: str = "ignore"
    when: str = ""

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("retention",)

    def __post_init__(self) -> None:
        one_of(("find", "ignore"), unlisted=self.unlisted)
        self._day()

    def next_date(self, samples: Iterable[str]) -> dt.date | None:
        """The next last day of any of these samples."""
        table = origins(self.table)
        return next_date({name: table.get(name, ()) for name in samples}, self._day())

    def _day(self) -> dt.date:
        try:
            return dt.date.fromisoformat(self.when) if self.when else dt.datetime.now(dt.UTC).date()
        except ValueError as error:
            raise BadSetting(f"when must be a date of the form YYYY-MM-DD, got {self.when!r}") from error

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """What is overdue for this sample."""
        rows = origins(self.table).get(sample.origin.name or sample.id, ())
        words = [_words(item.duty, item.since) for item in duties(rows, self._day())]
        if self.unlisted == "find" and not any(row.release_until or row.erase_after for row in rows):
            words.append(_UNLISTED)
        return tuple(
            Finding("retention", Whole(), 1.0, "retention", Risk.RIGHTS, detail={"words": said}) for said in words
        )


def _words(duty: str, since: dt.date) -> str:
    if duty == "erase":
        return f"it had to be erased after {since}; erase every copy, then check with `veilset due`"
    return f"it may not be released after {since}; leave it out"
