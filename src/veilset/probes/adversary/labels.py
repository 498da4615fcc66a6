"""What the set says about its samples, as classes to learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def as_classes(values: Sequence[Any], *, most: int = 12) -> tuple[str, ...]:
    """Each value as the name of a class, empty when there is none; numbers of many kinds become thirds.

    >>> as_classes(["f", "m", None])
    ('f', 'm', '')
    >>> as_classes(list(range(30)), most=5)[:1], as_classes(list(range(30)), most=5)[-1:]
    (('low third',), ('high third',))
    """
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) > most and len(set(numbers)) > most:
        low, high = np.quantile(numbers, [1 / 3, 2 / 3])
        names = ("low third", "middle third", "high third")
        return tuple(names[int(v > low) + int(v > high)] if isinstance(v, int | float) else "" for v in values)
    return tuple("" if v is None or v == "" else str(v) for v in values)
