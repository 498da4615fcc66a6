"""A bounded number of tasks in flight, results in order: what every pool here does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def in_order(submit: Callable[[T], Future[R]], tasks: Iterable[T], most: int) -> Iterator[R]:
    """Results in the order of the tasks, of which no more than `most` are submitted and not yet asked for.

    *Raises*: what a task raised, at its place.
    """
    waiting: deque[Future[R]] = deque()
    for task in tasks:
        waiting.append(submit(task))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
