"""Times of ISO media: seconds since 1904 in 4 or 8 bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from veilset.containers.contract import Keep

EPOCH = datetime(1904, 1, 1, tzinfo=UTC)


def stamp(raw: bytes, keep: Keep) -> bytes:
    """A creation or modification time under the rule of `keep`.

    >>> stamp((3_700_000_000).to_bytes(4, "big"), Keep())
    b'\\x00\\x00\\x00\\x00'
    """
    if keep.dates == "keep":
        return raw
    moment = when(int.from_bytes(raw, "big")) if keep.dates == "month" else None
    if moment is None:
        return bytes(len(raw))
    first = moment.replace(day=1, hour=0, minute=0, second=0)
    return int((first - EPOCH).total_seconds()).to_bytes(len(raw), "big")


def when(seconds: int) -> datetime | None:
    """The moment, or None for "not set" and for numbers that no camera writes.

    >>> when(0) is None, when(3_700_000_000).year
    (True, 2021)
    """
    return EPOCH + timedelta(seconds=seconds) if 0 < seconds < 1 << 33 else None
