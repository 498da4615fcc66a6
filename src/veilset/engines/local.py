"""A pool of processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from veilset.core.check import in_range
from veilset.core.errors import BrokenContract

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

AHEAD_PER_WORKER = 4


def _as_here(environment: Mapping[str, str]) -> None:
    """The process that workers are copied from may be older than what the caller set in its environment since."""
    os.environ.clear()
    os.environ.update(environment)


@dataclass(frozen=True)
class Local:
    """Runs a step over items in `workers` processes, results in the order of the items, bounded work in flight.

    With one worker everything runs in this process. Workers are copied from a process that has loaded modules and has
    never run anything, so that the threads of a network runtime are never copied half alive; where the system has no
    such process, each is started afresh.

    *Raises*: whatever the step raises; `BrokenContract` when a worker dies without a word.

    >>> list(Local(workers=1).map(abs, [-1, 2]))
    [1, 2]
    """

    workers: int = 0

    def __post_init__(self) -> None:
        in_range(0, 1024, workers=self.workers)

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
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_as_here, initargs=(dict(os.environ),))
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(step, item))
                if len(waiting) >= workers * AHEAD_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise BrokenContract(
                "a worker process died (out of memory, or killed); nothing was released. "
                "Run the same command again to go on, with fewer workers if memory is short."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
