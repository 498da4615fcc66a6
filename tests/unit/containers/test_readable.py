"""Readable runs and ends of scans, found by whole words, against a regular expression that looks at every byte."""

from __future__ import annotations

import random
import re

import pytest

from veilset.containers.jpeg_scan import scan_end
from veilset.containers.readable import readable_runs

LONG = re.compile(rb"[\x20-\x7e]{16,}")
MARKER = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff]).", re.DOTALL)


def _expected(data: bytes) -> list[tuple[int, int]]:
    return [hit.span() for hit in LONG.finditer(data)]


@pytest.mark.parametrize("size", [0, 7, 8, 15, 16, 100, 2047])
def test_runs_in_short_stretches(size: int) -> None:
    rng = random.Random(size)
    for _ in range(300):
        data = bytes(rng.choice(b"\0\x1f\x7f\x80\xff ~a") if rng.random() < 0.1 else 65 for _ in range(size))
        assert readable_runs(memoryview(data)) == _expected(data)


@pytest.mark.parametrize("alignment", range(8))
@pytest.mark.parametrize("length", [15, 16, 17, 24, 31])
def test_a_run_is_found_at_every_alignment_and_at_both_ends(alignment: int, length: int) -> None:
    # Bytes next to printable ones, so that a borrow or a carry in the wrong place would show.
    for around in (0x1F, 0x7F, 0x80, 0xFF, 0x00):
        words = bytes(33 + index for index in range(length))
        for at in (alignment, 3000 + alignment, 4096 - length):
            data = bytearray([around]) * 4096
            data[at : at + length] = words
            assert readable_runs(memoryview(data)) == _expected(bytes(data)), (around, at)


def test_runs_in_random_data_and_across_chunks() -> None:
    rng = random.Random(7)
    data = bytearray(rng.randbytes(700_000))
    for _ in range(200):
        at, length = rng.randrange(len(data) - 300), rng.randrange(8, 300)
        data[at : at + length] = bytes(rng.randrange(32, 127) for _ in range(length))
    for border in (1 << 18, 1 << 19):
        data[border - 8 : border + 8] = b"a run on a border"[:16]
    for stop in (700_000, 699_999, 699_996, 699_993):
        assert readable_runs(memoryview(data)[:stop]) == _expected(bytes(data[:stop]))


def test_the_end_of_a_scan_against_a_regular_expression() -> None:
    rng = random.Random(8)
    for size in (2, 3, 50, 1 << 18, (1 << 18) + 1, (1 << 18) + 2, 600_000):
        coded = bytearray(rng.randbytes(size)).replace(b"\xff", b"\xfe")
        for _ in range(size // 200):
            at = rng.randrange(size - 1)
            coded[at : at + 2] = rng.choice([b"\xff\0", b"\xff\xd3", b"\xff\xff"])
        for at in (size - 2, size // 2, (1 << 18) - 1):
            if 0 <= at <= size - 2:
                data = bytes(coded[:at]) + b"\xff\xd9" + bytes(coded[at + 2 :])
                hit = MARKER.search(data)
                assert scan_end(memoryview(data), 0) == (hit.start() if hit else -1)
