"""Pairs as feature vectors, pictures and recordings alike: before, after, and treated anew by the adversary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Unsupported
from veilset.core.roles import Case
from veilset.core.sample import Sample, Signal
from veilset.probes.adversary.crops import Crops, Floats, chosen, gather, grey, subject_of, treat_anew
from veilset.probes.adversary.labels import as_classes
from veilset.probes.adversary.motion import windows


@dataclass(frozen=True, eq=False)
class Views:
    """Rows of features and whom and what they belong to.

    Attributes:
        before: (n, d) from the originals.
        after: (n, d) from the release.
        anew: (n, d) each, treated by the adversary; none when the treatment is not known.
        people: Who; empty when unknown.
        pairs: Index of the pair of each row.
        crops: What pictures were made of; none for recordings.
    """

    before: Floats
    after: Floats
    anew: tuple[Floats, ...]
    people: tuple[str, ...]
    pairs: tuple[int, ...]
    crops: Crops | None = None

    def labels(self, case: Case, key: str) -> tuple[str, ...]:
        """The class of each row under the label `key`, empty where the set does not say."""
        order = sorted(set(self.pairs))
        named = dict(zip(order, as_classes([case.pairs[i].before.labels.get(key) for i in order]), strict=True))
        return tuple(named[i] for i in self.pairs)


def views(
    case: Case, *, rng: np.random.Generator, kind: str = "face", side: int = 24, limit: int = 1000, copies: int = 1
) -> Views:
    """Pictures as grey crops of `kind` (or whole), recordings as windows.

    Raises:
        Unsupported: Nothing released to look at.
    """
    first = next((p.before.media for p in case.pairs if p.after is not None), None)
    if isinstance(first, Signal):
        return _of_signals(case, rng, limit, copies)
    crops = gather(case, kind=kind, side=max(side, 48), limit=limit, copies=copies, rng=rng)
    before, after = grey(crops.before, side), grey(crops.after, side)
    return Views(before, after, tuple(grey(c, side) for c in crops.anew), crops.subjects, crops.pairs, crops)


def _of_signals(case: Case, rng: np.random.Generator, limit: int, copies: int) -> Views:
    rows: list[tuple[Floats, ...]] = []
    people: list[str] = []
    pairs: list[int] = []
    known = bool(case.knowledge.treatments)
    for index in chosen(len(case.pairs), limit, rng):
        pair = case.pairs[index]
        if pair.after is None:
            continue
        again: Sequence[Sample | None] = [treat_anew(pair, case.knowledge, rng) for _ in range(copies * known)]
        sides = [windows(s.media) for s in (pair.before, pair.after, *again) if s and isinstance(s.media, Signal)]
        count = min((len(s) for s in sides), default=0)
        if count and len(sides) == 2 + copies * known:
            rows.append(tuple(s[:count] for s in sides))
            people += [subject_of(pair)] * count
            pairs += [index] * count
    if not rows:
        raise Unsupported("no recording is long enough for one window of 2.5 seconds")
    columns = [np.concatenate(side) for side in zip(*rows, strict=True)]
    return Views(columns[0], columns[1], tuple(columns[2:]), tuple(people), tuple(pairs))


def halves(
    groups: Sequence[str] | Sequence[int], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions in two halves that share no group (person, or picture)."""
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    first = rng.permutation(len(names)) < (len(names) + 1) // 2
    return np.flatnonzero(first[member]), np.flatnonzero(~first[member])
