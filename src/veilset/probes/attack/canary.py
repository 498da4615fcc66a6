"""Empirical epsilon of a whole anonymiser: canary persons, put in by a coin before the treatment, guessed after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Image, Media, Pixels
from veilset.core.where import Box, Mask, Polygon
from veilset.probes.adversary.crops import Floats, chosen, cut, treat_anew
from veilset.probes.adversary.scores import share


def one_run_bound(canaries: int, guesses: int, right: int, delta: float = 0.0, significance: float = 0.05) -> float:
    """The largest epsilon that `right` of `guesses` guesses refute (Steinke, Nasr and Jagielski 2023, theorem 5.2).

    Each of `canaries` was put in by a fair coin; the adversary guessed some of the coins, and abstained from the rest.

    >>> round(one_run_bound(1000, 1000, 1000, 1e-5), 4)
    5.7823
    >>> one_run_bound(100, 100, 50)
    0.0
    """
    from scipy.stats import binom

    def probability(epsilon: float) -> float:
        q = 1 / (1 + math.exp(-epsilon))
        beta = float(binom.sf(right - 1, guesses, q))
        if not delta or not right:
            return min(1.0, beta)
        steps = np.arange(1, right + 1)
        alpha = float(np.max((binom.sf(right - steps - 1, guesses, q) - beta) / steps))
        return min(1.0, beta + 2 * canaries * delta * alpha)

    low, high = 0.0, 40.0
    if probability(low) > significance:
        return 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle) <= significance else (low, middle)
    return low


def canary_face(side: int, rng: np.random.Generator) -> Pixels:
    """A loud pattern (side, side, 3) of coarse black and white cells: nothing like a person, so that it stands out."""
    cells = np.where(rng.random((4, 4)) < 0.5, 0, 255).astype(np.uint8)
    return np.repeat(np.kron(cells, np.ones((side // 4, side // 4), dtype=np.uint8))[:, :, None], 3, axis=2)


@dataclass(frozen=True)
class Canary:
    """Could somebody tell whether a person was in the picture before it was treated?

    Attributes:
        kind: Kind of finding that canaries stand in for.
        canaries: How many coins are flipped.
        delta: The delta of the claim that is tested.
        side: Side of the region looked at, in pixels.
        lessons: How often the adversary treats each picture with and without its canary beforehand.

    *Adversary*: wrote the canaries, knows operator and settings, sees the treated region alone, and has treated both
    the canary and the plain picture with fresh noise to know what to look for. Guesses the third with the highest and
    the third with the lowest score, abstains from the rest.

    *Measurements*: `epsilon`: what the guesses refute at 95 % confidence: the truth is at least that, so both ends of
    its interval are the bound itself; a large bound is alarming, a small one is weak evidence. The ceiling grows with
    the number of canaries. `right`: share of right guesses, chance 0.5.

    What is judged is the treatment of the region alone: what the release does to it afterwards, with other kinds or in
    coding the file, is post-processing and can only hide more.

    *Source*: Steinke, Nasr and Jagielski 2023, applied to what an operator does to one region (unit: all that was
    inside it), not to training.

    >>> Canary(canaries=40).kind
    'face'
    """

    kind: str = "face"
    canaries: int = 200
    delta: float = 0.0
    side: int = 32
    lessons: int = 4

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(10, 100_000, canaries=self.canaries)
        check.in_range(0, 0.1, delta=self.delta)
        check.in_range(8, 256, side=self.side)
        check.in_range(1, 100, lessons=self.lessons)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Flip a coin for each canary, treat, guess.

        Raises:
            Unsupported: The treatment of `kind` is not known, or nothing of that kind was found.
        """
        if self.kind not in case.knowledge.treatments:
            raise Unsupported(f"canary: nothing is known to treat {self.kind}, so canaries cannot be put through it")
        knowledge = Knowledge({self.kind: case.knowledge.treatments[self.kind]})
        coins: list[bool] = []
        scores: list[float] = []
        while len(coins) < self.canaries:
            before = len(coins)
            for index in chosen(len(case.pairs), self.canaries - before, rng):
                score = self._trial(case.pairs[index], knowledge, rng)
                if score is not None:
                    coins.append(score[0])
                    scores.append(score[1])
            if len(coins) == before:
                raise Unsupported(f"canary: no picture with a {self.kind} to put canaries into")
        return self._bound(np.array(coins), np.array(scores), rng)

    def _trial(self, pair: Pair, knowledge: Knowledge, rng: np.random.Generator) -> tuple[bool, float] | None:
        """The coin, and the adversary's score that the canary is in."""
        found = next(
            (f for f in pair.findings if f.kind == self.kind and isinstance(f.where, Box | Polygon | Mask)), None
        )
        if found is None or not isinstance(pair.before.media, Image):
            return None
        image, pattern = pair.before.image, canary_face(self.side, rng)
        region = found.where.rasterise(image.shape)  # type: ignore[union-attr]
        box = found.where.bounds()  # type: ignore[union-attr]
        if not region.any():
            return None
        stretched = np.zeros((*image.shape, 3), dtype=np.uint8)
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        y, x = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        high, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
        stretched[y, x] = pattern[np.arange(high) * self.side // high][:, np.arange(wide) * self.side // wide]
        plain = Pair(pair.before.with_media(Image(image.pixels)), None, (found,))
        marked = Pair(pair.before.with_media(Image(image.pixels).treat(region, stretched)), None, (found,))

        def look(one: Pair) -> Floats:
            sample = treat_anew(one, knowledge, rng)
            if sample is None:
                return np.zeros(self.side * self.side * 3)
            return cut(sample.image.pixels, box, self.side).astype(float).ravel()

        present, absent = (np.mean([look(one) for _ in range(self.lessons)], axis=0) for one in (marked, plain))
        coin = bool(rng.integers(2))
        seen = look(marked if coin else plain)
        direction = present - absent
        # The middle between both lessons is the fair threshold; its length makes scores of pictures comparable.
        return coin, float((seen - (present + absent) / 2) @ direction / max(float(np.linalg.norm(direction)), 1e-9))

    def _bound(self, coins: np.ndarray, scores: Floats, rng: np.random.Generator) -> tuple[Measurement, ...]:
        order = np.lexsort((rng.random(len(scores)), scores))
        third = len(scores) // 3
        right = np.concatenate([~coins[order[:third]], coins[order[-third:]]])
        bound = one_run_bound(len(coins), len(right), int(right.sum()), self.delta)
        ceiling = one_run_bound(len(coins), len(right), len(right), self.delta)
        notes = (
            (
                f"a lower bound at 95 % confidence and delta {self.delta:g}, per {self.kind} and application; "
                f"{len(coins)} canaries cannot show more than {ceiling:.2f}"
            ),
            "adversary: wrote the canaries, knows operator and settings, not the noise",
        )
        people = [str(i) for i in range(len(right))]
        return (
            Measurement("canary", "epsilon", bound, bound, bound, len(right), "lower", 0.0, notes=notes),
            share("canary", "right", right, people, rng=rng, chance=0.5, notes=notes),
        )
