"""Work over several threads of one process, results in order: for work that mostly waits for the kernel and numpy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from veilset.engines.window import in_order

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

_MOST = 4
_BATCH = 4
_AHEAD = 8


def in_threads(step: Callable[[T], R], items: Sequence[T], threads: int = 0) -> Iterator[R]:
    """`map(step, items)`, done by `threads` threads (0: one per core, four at most), with bounded work in flight.

    The kernel and numpy work without holding the interpreter, so threads are enough where those do most of it. Each
    thread takes the caller's context along.

    *Raises*: what a step raises, at the place of its batch of four; work that was begun is finished first, no other is.

    >>> list(in_threads(abs, range(-9, 0)))
    [9, 8, 7, 6, 5, 4, 3, 2, 1]
    """
    threads = min(threads or min(_MOST, os.cpu_count() or 1), -(-len(items) // _BATCH))
    if threads < 2:
        yield from map(step, items)
        return
    # While it loads, it swaps a module of the standard library: another thread that reads XML then gets other errors.
    from concurrent.futures import ThreadPoolExecutor

    import defusedxml.ElementTree  # noqa: F401

    pool = ThreadPoolExecutor(threads)
    batches = (items[at : at + _BATCH] for at in range(0, len(items), _BATCH))

    def submit(batch: Sequence[T]) -> Future[list[R]]:
        return pool.submit(copy_context().run, lambda: list(map(step, batch)))

    try:
        for done in in_order(submit, batches, _AHEAD * threads):
            yield from done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
