import datetime as dt

from veilset.records.provenance import Record
from veilset.records.retention import Due, due, duties, next_date

D = dt.date
TABLE = {
    "a": (
        Record("a", release_until=D(2025, 1, 31)),
        Record("a", release_until=D(2025, 1, 10), erase_after=D(2026, 1, 1)),
    ),
    "b": (Record("b", erase_after=D(2024, 12, 31)),),
    "c": (Record("c"),),
}


def test_the_last_day_is_still_allowed_and_the_earliest_date_counts() -> None:
    assert duties(TABLE["a"], D(2025, 1, 10)) == ()
    assert duties(TABLE["a"], D(2025, 1, 11)) == (Due("a", "stop releasing", D(2025, 1, 10)),)
    assert {item.duty for item in duties(TABLE["a"], D(2026, 1, 2))} == {"erase", "stop releasing"}


def test_what_is_longest_overdue_comes_first() -> None:
    assert [item.sample for item in due(TABLE, D(2025, 6, 1))] == ["b", "a"]
    assert due(TABLE, D(2024, 12, 31)) == ()


def test_the_next_date() -> None:
    assert next_date(TABLE, D(2024, 6, 1)) == D(2024, 12, 31)
    assert next_date(TABLE, D(2025, 1, 10)) == D(2025, 1, 10)
    assert next_date(TABLE, D(2026, 1, 2)) is None
