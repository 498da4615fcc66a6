"""Whose iris is it? Iris codes before and after treatment, where the pictures are large enough to have any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Media
from veilset.probes.adversary.crops import Floats, chosen, subject_of, treat_anew
from veilset.probes.adversary.eyes import eyes_of, pupil_centre
from veilset.probes.adversary.iris_code import Bits, Rings, apart, code, rings, unrolled
from veilset.probes.adversary.scores import mean, ranks, share

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye: whose, its codes from the original, from the release and from the adversary's own treatment."""

    key: str
    clean: Bits
    treated: Bits
    anew: Bits | None


@dataclass(frozen=True)
class Iris:
    """Can a treated eye still be matched by its iris code?

    Attributes:
        kind: Kind of finding that holds one eye; without any, a wide picture is taken as a strip with two eyes.
        smallest: Narrowest iris that is measured, in pixels across.
        false_accepts: Share of pairs of different eyes that the threshold lets pass.
        limit: Most pictures that are looked at, drawn at random.

    *Shapes and units*: eyes are boxes in pixels, cut out grey; distances are shares of differing bits, 0 to 1, about
    0.45 between different eyes.

    *Adversary*: enrolled the eyes from clean pictures, or (where the treatment is known) from pictures treated like the
    release; knows where the iris lies. Another picture of the same eye where the set has one, else the treated
    picture's own original.

    *Measurements*: `matched`: share of treated eyes whose code lies nearer to their own eye's than all but
    `false_accepts` of the comparisons of different eyes among those enrolled, chance `false_accepts`; `rank1`: share
    nearest to their own eye among all, chance 1 / eyes; `distance`: mean share of bits that differ from their own eye;
    `diameter`: of the irises, in pixels. The larger of both enrolments is reported, at a corrected confidence.

    Raises:
        Unsupported: No eyes; or irises below `smallest` pixels. An iris code of such an eye says nothing about a
            person, and neither would its loss: that is said instead of a number. A picture that was enlarged passes
            this test without having the detail.

    *Source*: Daugman 1993 and 2004; ISO/IEC 29794-6 asks for 120 pixels and more across the iris, and we refuse below
    100. Log-Gabor filters as in Masek and Kovesi 2003.

    >>> Iris().smallest
    100
    """

    kind: str = "eye"
    smallest: int = 100
    false_accepts: float = 0.01
    limit: int = 400

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(16, 2000, smallest=self.smallest)
        check.in_range(0, 0.5, false_accepts=self.false_accepts)
        check.in_range(2, 100_000, limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Codes of all eyes that are large enough, compared each with each.

        Raises:
            Unsupported: No eyes, or none large enough.
        """
        eyes: list[Eye] = []
        wide: list[float] = []
        for index in chosen(len(case.pairs), self.limit, rng):
            for eye, diameter in self._eyes(case, case.pairs[index], rng):
                wide.append(diameter)
                if diameter >= self.smallest:
                    eyes.append(eye)
        if not wide:
            raise Unsupported(f"iris: no released picture with a region of kind {self.kind}")
        middle = float(np.median(wide))
        if len(eyes) < 4 or middle < self.smallest:
            raise Unsupported(
                f"iris: not measurable: the irises are {middle:.0f} pixels across (median of {len(wide)}), and an iris code "
                f"needs at least {self.smallest}; `landmarks` matches the region around the eye instead"
            )
        return self._measure(eyes, np.array(wide), rng)

    def _eyes(self, case: Case, pair: Pair, rng: np.random.Generator) -> list[tuple[Eye, float]]:
        found = []
        both = eyes_of(pair, self.kind)
        anew = treat_anew(pair, case.knowledge, rng) if both and case.knowledge.treatments else None
        repeated: list[tuple[Grey, Grey]] = []
        if anew is not None:
            repeated = eyes_of(Pair(pair.before, anew, pair.findings), self.kind)
        for number, (before, after) in enumerate(both):
            where = rings(before, pupil_centre(before))
            own = code(unrolled(repeated[number][1], where)) if len(repeated) == len(both) else None
            person = subject_of(pair)
            key = f"{person}/{number}" if person else f"{pair.before.id}/{number}"
            found.append((Eye(key, _code(before, where), _code(after, where), own), 2 * where.iris))
        return found

    def _measure(self, eyes: Sequence[Eye], wide: Floats, rng: np.random.Generator) -> tuple[Measurement, ...]:
        keys = np.array([eye.key for eye in eyes])
        other = keys[:, None] != keys[None]
        enrolled = {"clean": np.stack([eye.clean for eye in eyes])}
        if all(eye.anew is not None for eye in eyes):
            enrolled["treated"] = np.stack([eye.anew for eye in eyes if eye.anew is not None])
        found: list[tuple[Measurement, ...]] = []
        for name, gallery in enrolled.items():
            # Set on the enrolled pictures themselves: treated eyes may all look alike, and then nobody is accepted.
            strangers = np.concatenate([apart(one, gallery)[row] for one, row in zip(gallery, other, strict=True)])
            threshold = float(np.quantile(strangers, self.false_accepts)) if len(strangers) else 0.0
            found.append(self._against(name, gallery, eyes, keys, threshold, 0.05 / len(enrolled), rng))
        worst = max(found, key=lambda one: (one[0].value, one[1].value))
        return (*worst, mean("iris", "diameter", wide, rng=rng, notes=(f"at least {self.smallest} are needed",)))

    def _against(
        self,
        name: str,
        gallery: Bits,
        eyes: Sequence[Eye],
        keys: NDArray[np.str_],
        threshold: float,
        miss: float,
        rng: np.random.Generator,
    ) -> tuple[Measurement, ...]:
        """Each treated eye against the gallery; an eye's own picture counts only where it is the only one."""
        accepted, first, distances = [], [], []
        for at, eye in enumerate(eyes):
            away = apart(eye.treated, gallery)
            own = keys == eye.key
            if own.sum() > 1:
                own[at], away[at] = False, 1.0
            nearest = float(away[own].min())
            distances.append(nearest)
            accepted.append(nearest < threshold)
            rivals = np.array([nearest, *(away[keys == key].min() for key in sorted(set(keys.tolist()) - {eye.key}))])
            first.append(int(ranks(-rivals[None], np.zeros(1, dtype=np.int64), rng)[0]) == 1)
        people = [key.rpartition("/")[0] for key in keys.tolist()]
        count = len(set(keys.tolist()))
        set_on = f"threshold {threshold:.3f}, set on different eyes among them"
        notes = (f"adversary: enrolled {count} eyes from {name} pictures; {set_on}",)
        more = {"rng": rng, "confidence": 1 - miss, "notes": notes}
        return (
            share("iris", "matched", np.array(accepted), people, chance=self.false_accepts, **more),  # type: ignore[arg-type]
            share("iris", "rank1", np.array(first), people, chance=1 / count, **more),  # type: ignore[arg-type]
            mean("iris", "distance", np.array(distances), rng=rng, better="higher", notes=notes),
        )


def _code(eye: Grey, where: Rings) -> Bits:
    return code(unrolled(eye, where))
