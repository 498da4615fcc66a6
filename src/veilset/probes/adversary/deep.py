"""Recognition with networks: restored by one before anybody looks, or recognised by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels
from veilset.probes.adversary.crops import Crops, resized
from veilset.probes.adversary.effort import Effort, on_grid
from veilset.probes.adversary.network import Recogniser, learn_recogniser
from veilset.probes.adversary.recogniser import Floats
from veilset.probes.adversary.restorer import learn_restorer

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a recogniser is taught and asked, as crops (n, side, side, 3).

    Attributes:
        clean: Originals of the gallery.
        treated: The gallery, treated, one block after another.
        asked: Released probes.
        people: Who is in the gallery.
        pictures: Which crop of the set each of the gallery is.
    """

    clean: Pixels
    treated: Pixels
    asked: Pixels
    people: tuple[str, ...]
    pictures: tuple[int, ...]

    @property
    def copies(self) -> int:
        """How often the gallery was treated."""
        return len(self.treated) // len(self.clean)


def lessons(crops: Crops, gallery: Positions, probes: Positions, side: int) -> Lessons:
    """Crops at the side that networks work at. Treated ones are the adversary's own where the operator is known."""
    at = on_grid(side)
    treated = [copy[gallery] for copy in crops.anew] or [crops.after[gallery]]
    return Lessons(
        resized(crops.before[gallery], at),
        np.concatenate([resized(copy, at) for copy in treated]),
        resized(crops.after[probes], at),
        tuple(crops.subjects[i] for i in gallery),
        tuple(int(i) for i in gallery),
    )


def rebuild(probe: str, given: Lessons, effort: Effort, rng: np.random.Generator) -> tuple[Lessons, str]:
    """The same lessons with the treated crops restored by a network, and how it learned to."""
    shape = given.clean.shape[1:]
    stacked = given.treated.reshape(given.copies, len(given.clean), *shape)
    groups = [f"{person} {picture}" for person, picture in zip(given.people, given.pictures, strict=True)]
    restorer = learn_restorer(probe, stacked, given.clean, groups, effort, rng=rng)
    restored = Lessons(given.clean, restorer(given.treated), restorer(given.asked), given.people, given.pictures)
    return restored, f"restored by a network, {restorer.learned.in_words()}"


def taught(mode: str, given: Lessons) -> tuple[Pixels, tuple[str, ...], tuple[int, ...]]:
    """Crops, people and pictures that a recogniser learns in each mode: clean ones, treated ones, or both."""
    if mode == "naive":
        return given.clean, given.people, given.pictures
    if mode == "parrot":
        return given.treated, given.people * given.copies, given.pictures * given.copies
    both = np.concatenate([given.clean, given.treated])
    return both, given.people * (1 + given.copies), given.pictures * (1 + given.copies)


def recognised(
    probe: str, mode: str, given: Lessons, names: Sequence[str], effort: Effort, rng: np.random.Generator
) -> tuple[Floats, str]:
    """Likeness of each probe to each of `names` (probes, names), by a network trained for this, and how it learned."""
    crops, people, pictures = taught(mode, given)
    network: Recogniser = learn_recogniser(probe, crops, people, pictures, effort, rng=rng)
    likeness = network.similarity(crops, people, given.asked, names)
    return likeness, f"a network trained on the set, {network.learned.in_words()}"


def features_of(
    mode: str, given: Lessons, features: Callable[[Pixels], Floats]
) -> tuple[Floats, tuple[str, ...], Floats]:
    """Features to learn, whose they are, and features of the probes."""
    crops, people, _ = taught(mode, given)
    return features(crops), people, features(given.asked)
