"""Work over threads: in order, bounded, and a step that fails is heard."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time

import pytest

from veilset.flows.threads import in_threads


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 203])
def test_results_stand_in_the_order_of_the_items(threads: int, count: int) -> None:
    def step(number: int) -> int:
        time.sleep(0.0005 * (number % 5))
        return number * number

    assert list(in_threads(step, range(count), threads)) == [number * number for number in range(count)]


def test_the_work_is_spread_and_bounded() -> None:
    begun: list[int] = []
    who: set[int] = set()

    def step(number: int) -> int:
        begun.append(number)
        who.add(threading.get_ident())
        time.sleep(0.0005)
        return number

    results = in_threads(step, range(1000), 2)
    assert next(results) == 0
    time.sleep(0.3)
    assert 60 <= len(begun) <= 72
    assert list(results) == list(range(1, 1000))
    assert len(who) == 2


def test_an_error_stands_at_the_place_of_its_batch_and_stops_the_rest() -> None:
    begun: list[int] = []

    def step(number: int) -> int:
        begun.append(number)
        if number == 30:
            raise KeyError("thirty")
        return number

    seen: list[int] = []
    with pytest.raises(KeyError, match="thirty"):
        seen.extend(in_threads(step, range(10_000), 2))
    assert seen == list(range(28))
    assert len(begun) < 200


def test_whoever_stops_asking_stops_the_threads() -> None:
    before = threading.active_count()
    results = in_threads(lambda number: number, range(10_000), 3)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_each_thread_has_the_context_of_the_caller() -> None:
    named: contextvars.ContextVar[str] = contextvars.ContextVar("named", default="nobody")
    token = named.set("somebody")
    try:
        assert set(in_threads(lambda _: named.get(), range(100), 2)) == {"somebody"}
    finally:
        named.reset(token)


def test_what_swaps_modules_while_it_loads_is_loaded_before_any_thread_starts() -> None:
    words = (
        "import sys; from veilset.flows.threads import in_threads; name = 'defusedxml.ElementTree';"
        "assert name not in sys.modules; assert all(in_threads(lambda _: name in sys.modules, range(40), 2))"
    )
    subprocess.run([sys.executable, "-c", words], check=True)
