"""Hashes that differ in few bits are all found: comparing every one with every other is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilset.records import hash_index
from veilset.records.hash_index import HashIndex


def all_pairs(known: np.ndarray, queries: np.ndarray, most: int) -> dict[tuple[int, int], int]:
    bits = np.bitwise_count(queries[:, None] ^ known[None, :])
    return {(int(q), int(k)): int(bits[q, k]) for q, k in np.argwhere(bits <= most)}


def found(known: np.ndarray, queries: np.ndarray, most: int) -> list[tuple[tuple[int, int], int]]:
    return [
        ((int(q), int(k)), int(b))
        for rows, ks, bits in HashIndex(known, most).near(queries)
        for q, k, b in zip(rows, ks, bits, strict=True)
    ]


def near_and_far(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random hashes, and queries that differ from one of them in 0 to 20 bits."""
    known = rng.integers(0, 2**64, count, dtype=np.uint64)
    queries = known[rng.integers(0, count, count)].copy()
    for row in range(count):
        for place in rng.choice(64, rng.integers(0, 21), replace=False):
            queries[row] ^= np.uint64(1) << np.uint64(place)
    return known, queries


@pytest.mark.parametrize("most", [0, 1, 5, 6, 8, 10, 16])
@pytest.mark.parametrize("count", [1, 2, 300, 3000])
def test_as_comparing_all_with_all(most: int, count: int) -> None:
    known, queries = near_and_far(np.random.default_rng(most * 10_000 + count), count)
    pairs = found(known, queries, most)
    assert len(pairs) == len(dict(pairs)), "a pair was given twice"
    assert dict(pairs) == all_pairs(known, queries, most)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30), st.integers(0, 16))
def test_any_hashes(values: list[int], most: int) -> None:
    known = np.array(values, dtype=np.uint64)
    assert dict(found(known, known[::-1].copy(), most)) == all_pairs(known, known[::-1], most)


def test_crowded_bands_are_looked_up_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_index, "AT_ONCE", 50)
    known = np.full(120, 7, dtype=np.uint64)
    pieces = [len(rows) for rows, _, _ in HashIndex(known, 3).near(known)]
    assert sum(pieces) == 120 * 120
    assert max(pieces) <= 120


def test_most_look_ups_meet_few_hashes() -> None:
    """Looking up ten times as many costs far less than a hundred times as many comparisons."""
    compared = []
    for count in (2_000, 20_000):
        known = np.random.default_rng(0).integers(0, 2**64, count, dtype=np.uint64)
        index, total = HashIndex(known, 6), 0
        for band in index._bands:
            keys = hash_index._values(known, band.shift, band.width)
            for mask in hash_index._masks(band.width, index._radius):
                total += int((band.starts[(keys ^ mask) + 1] - band.starts[keys ^ mask]).sum())
        compared.append(total)
        assert total < count * count / 5
    assert compared[1] < 40 * compared[0]


def test_nothing_known() -> None:
    assert found(np.zeros(0, np.uint64), np.zeros(3, np.uint64), 6) == []
