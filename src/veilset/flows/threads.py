"""Work over several threads of one process, results in order: for work that mostly waits for the kernel and numpy."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from queue import SimpleQueue
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST = 4
_BATCH = 4
_AHEAD = 8


def in_threads(step: Callable[[T], R], items: Sequence[T], threads: int = 0) -> Iterator[R]:
    """`map(step, items)`, done by `threads` threads (0: one per core, four at most), with bounded work in flight.

    The kernel and numpy work without holding the interpreter, so threads are enough where those do most of it. Each
    thread takes the caller's context along.

    *Raises*: what a step raises, at its place; work that was begun is finished first, no other is.

    >>> list(in_threads(abs, range(-9, 0)))
    [9, 8, 7, 6, 5, 4, 3, 2, 1]
    """
    threads = min(threads or min(_MOST, os.cpu_count() or 1), -(-len(items) // _BATCH))
    if threads < 2:
        yield from map(step, items)
        return
    # While it loads, it swaps a module of the standard library: another thread that reads XML then gets other errors.
    import defusedxml.ElementTree  # noqa: F401

    results: SimpleQueue[tuple[int, list[R], BaseException | None]] = SimpleQueue()
    starts, lock, room = iter(range(0, len(items), _BATCH)), threading.Lock(), threading.Semaphore(_AHEAD * threads)
    stopped = threading.Event()

    def work() -> None:
        while room.acquire() and not stopped.is_set():
            with lock:
                at = next(starts, None)
            if at is None:
                return
            results.put((at, *_batch(step, items[at : at + _BATCH])))

    workers = [threading.Thread(target=copy_context().run, args=(work,), daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    waiting: dict[int, tuple[list[R], BaseException | None]] = {}
    try:
        for at in range(0, len(items), _BATCH):
            while at not in waiting:
                number, done, error = results.get()
                waiting[number] = done, error
            done, error = waiting.pop(at)
            room.release()
            yield from done
            if error is not None:
                raise error
    finally:
        stopped.set()
        room.release(threads)
        for worker in workers:
            worker.join()


def _batch(step: Callable[[T], R], items: Sequence[T]) -> tuple[list[R], BaseException | None]:
    done: list[R] = []
    heard = _Heard()
    with heard:
        for item in items:
            done.append(step(item))  # noqa: PERF401 - what was done before an error counts
    return done, heard.error


class _Heard:
    """Keeps what was raised inside, for the thread that asked to raise it again."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        self.error = error
        return True
