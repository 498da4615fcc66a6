"""All planted files of the picture formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from veilset.testing.planted import Marks, Planted
from veilset.testing.planted_jpeg import JPEGS
from veilset.testing.planted_others import OTHERS


def every_planted() -> tuple[Planted, ...]:
    """All planted files, of all formats that are served."""
    makers: Iterable[tuple[str, Callable[[Marks], bytes]]] = (*JPEGS.items(), *OTHERS.items())
    found = []
    for number, (name, make) in enumerate(makers):
        marks = Marks(f"{number:02d}")
        data = make(marks)
        found.append(Planted(name, data, dict(marks.given)))
    return tuple(found)
