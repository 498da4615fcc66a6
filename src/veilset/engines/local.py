"""A pool of processes on this machine."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from veilset.core.check import in_range
from veilset.core.errors import BrokenContract
from veilset.engines.window import in_order

T = TypeVar("T")
R = TypeVar("R")

AHEAD_PER_WORKER = 4


# What this worker does with each item: handed over once, since a step may hold the names or findings of a whole set.
_given: list[Callable[[Any], Any]] = []


def _begin(environment: Mapping[str, str], step: Callable[[Any], Any]) -> None:
    """The process that workers are copied from may be older than what the caller set in its environment since."""
    os.environ.clear()
    os.environ.update(environment)
    _given[:] = [step]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A run that is killed cannot tell its workers: left alone they would wait for ever, and write what nobody counts."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _done(items: Sequence[Any]) -> list[Any]:
    return [_given[0](item) for item in items]


@dataclass(frozen=True)
class Local:
    """Runs a step over items in `workers` processes, results in the order of the items, bounded work in flight.

    With one worker everything runs in this process. Workers are copied from a process that has loaded modules and has
    never run anything, so that the threads of a network runtime are never copied half alive; where the system has no
    such process, each is started afresh.

    Args:
        workers: Processes; 0 means one per core.
        batch: Most items handed to a worker at once: more for short work, since handing over takes a tenth of a
            millisecond.

    *Raises*: whatever the step raises; `BrokenContract` when a worker dies without a word.

    >>> list(Local(workers=1).map(abs, [-1, 2]))
    [1, 2]
    """

    workers: int = 0
    batch: int = 4

    def __post_init__(self) -> None:
        in_range(0, 1024, workers=self.workers)
        in_range(1, 1024, batch=self.batch)

    def map(self, step: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in the order of the items."""
        workers = self.workers or os.cpu_count() or 1
        if workers == 1:
            yield from map(step, items)
            return
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        methods: Any = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(dict(os.environ), step))
        try:
            batches = _batches(items, workers, self.batch)
            for done in in_order(lambda batch: pool.submit(_done, batch), batches, workers * AHEAD_PER_WORKER):
                yield from done
        except BrokenProcessPool as error:
            raise BrokenContract(
                "a worker process died (out of memory, or killed); nothing was released. "
                "Run the same command again to go on, with fewer workers if memory is short."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _batches(items: Iterable[T], workers: int, most: int) -> Iterator[list[T]]:
    """At most `most` items each where there are many, one by one where a batch would leave a worker idle at the end."""
    size = min(most, len(items) // (workers * 8)) if isinstance(items, Sized) else 1
    left = iter(items)
    while batch := list(islice(left, max(1, size))):
        yield batch
