"""Vectors put into groups by average linkage, in memory that grows with their number alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def average_linkage(vectors: Floats, least: float) -> list[list[int]]:
    """Groups of row numbers; two groups are one when the mean cosine between their members is at least `least`.

    *Shapes*: vectors (n, d), each of length 1. Groups and members are in order of the rows. The mean cosine of two
    groups is the product of their mean vectors, so no matrix of pairs is needed.

    *Source*: Sokal, Michener 1958 (average linkage), by chains of nearest neighbours (Murtagh 1983): average linkage is
    reducible, so a group whose nearest neighbour is too far can be put aside for good.

    >>> average_linkage(np.array([[1., 0.], [0., 1.], [.96, .28]]), 0.8)
    [[0, 2], [1]]
    """
    means = vectors.astype(np.float64).copy()
    members = [[number] for number in range(len(vectors))]
    active = np.ones(len(vectors), dtype=bool)
    chain: list[int] = []
    while active.any():
        if not chain:
            chain.append(int(active.argmax()))
        last = chain[-1]
        likeness = np.where(active, means @ means[last], -np.inf)
        likeness[last] = -np.inf
        nearest = int(likeness.argmax())
        # A tie must not lead back and forth for ever: the way back is taken when it is as short.
        if len(chain) > 1 and likeness[chain[-2]] >= likeness[nearest]:
            nearest = chain[-2]
        if likeness[nearest] < least:
            active[chain.pop()] = False
        elif len(chain) > 1 and nearest == chain[-2]:
            one, other = sorted((chain.pop(), chain.pop()))
            sizes = len(members[one]), len(members[other])
            means[one] = (means[one] * sizes[0] + means[other] * sizes[1]) / sum(sizes)
            members[one] = sorted(members[one] + members[other])
            members[other] = []
            active[other] = False
        else:
            chain.append(nearest)
    return sorted(group for group in members if group)
