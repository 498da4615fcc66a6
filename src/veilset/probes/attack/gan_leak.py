"""The insider of a collaboration: a generator makes the shared model tell what another's people look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media
from veilset.probes.adversary.crops import Crops, Floats, gather, grey
from veilset.probes.adversary.extras import need
from veilset.probes.adversary.recogniser import class_centres, fit
from veilset.probes.adversary.scores import mean, ranks, share


def steal(
    pictures: Floats, classes: NDArray[np.int64], victim: int, *, rounds: int, seed: int, batch: int = 32
) -> Floats:
    """What the insider's generator draws for class `victim`, which only the other participant holds: (d,), the mean.

    *Shapes*: pictures (n, d) in [0, 1], classes (n,) in 0..k-1. Both participants train one shared model in turn; the
    insider draws pictures that the model takes for the victim, and hands them in under a class of its own, so that
    the other must reveal more.
    """
    torch = need("torch", "gan_leak")
    torch.manual_seed(seed)
    count = int(classes.max()) + 1
    d = pictures.shape[1]
    shared, generator = _networks(torch, d, count + 1)
    x, y = torch.tensor(pictures, dtype=torch.float32), torch.tensor(classes)
    theirs, ours = torch.nonzero(y == victim).ravel(), torch.nonzero(y != victim).ravel()
    learn = torch.optim.Adam(shared.parameters(), lr=2e-3, weight_decay=1e-4)
    draw = torch.optim.Adam(generator.parameters(), lr=2e-3)
    loss = torch.nn.CrossEntropyLoss()

    def train(features: Any, labels: Any) -> None:
        learn.zero_grad()
        loss(shared(features), labels).backward()
        learn.step()

    for _ in range(rounds):
        for held in (theirs, ours):
            pick = held[torch.randint(len(held), (batch,))]
            train(x[pick], y[pick])
        draw.zero_grad()
        loss(shared(generator(torch.randn(batch, 16))), torch.full((batch,), victim)).backward()
        draw.step()
        with torch.no_grad():
            fakes = generator(torch.randn(batch // 4, 16))
        train(fakes, torch.full((len(fakes),), count))
    with torch.no_grad():
        return np.asarray(generator(torch.randn(256, 16)).mean(dim=0).numpy(), dtype=float)


def _networks(torch: Any, d: int, classes: int) -> tuple[Any, Any]:
    """The shared recogniser and the insider's generator: one hidden layer each."""
    layer = torch.nn
    shared = layer.Sequential(
        layer.Linear(d, 128), layer.LeakyReLU(0.2), layer.Dropout(0.2), layer.Linear(128, classes)
    )
    generator = layer.Sequential(layer.Linear(16, 128), layer.ReLU(), layer.Linear(128, d), layer.Sigmoid())
    return shared, generator


@dataclass(frozen=True)
class GanLeak:
    """Would people leak to an insider, if the release trained a model in collaboration?

    Attributes:
        kind: Kind of finding to cut out; whole pictures without any.
        side: Side of the grey pictures, in pixels.
        people: Most people in the collaboration.
        victims: How many of them are attacked, one collaboration each.
        rounds: Rounds of the collaboration.
        limit: Most pairs that are looked at, drawn at random.

    *Adversary*: a participant who trains the shared model like everybody, has no picture of the victim, and whose
    generator is judged by the shared model.

    *Measurements*: `recognised`: share of victims whom a recogniser trained on *original* pictures recognises in what
    was drawn, chance 1 / people; `likeness`: correlation with the victim's mean original less that with the others
    (chance 0). What comes out is a mean face, not a record.

    Raises:
        Unsupported: Fewer than four people with two pictures each.
        MissingExtra: torch is not installed.

    *Source*: Hitaj, Ateniese and Perez-Cruz 2017, with small networks, and with whole gradients shared.

    >>> GanLeak(rounds=100).victims
    6
    """

    kind: str = "face"
    side: int = 24
    people: int = 12
    victims: int = 6
    rounds: int = 600
    limit: int = 600

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(8, 64, side=self.side)
        check.in_range(4, 1000, people=self.people)
        check.in_range(1, self.people, victims=self.victims)
        check.positive(rounds=self.rounds, limit=self.limit)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """One collaboration for each victim, then the judge."""
        crops = gather(case, kind=self.kind, side=48, limit=self.limit, rng=rng)
        named = [p for p in crops.subjects if p]
        several = sorted({p for p in named if named.count(p) > 1})
        if len(several) < 4:
            raise Unsupported("gan_leak needs at least four people with two pictures each")
        names = sorted(rng.permutation(several)[: self.people].tolist())
        crops = crops.take([i for i, person in enumerate(crops.subjects) if person in set(names)])
        classes = np.array([names.index(p) for p in crops.subjects])
        victims = rng.permutation(len(names))[: self.victims]
        released = grey(crops.after, self.side)
        drawn = np.stack(
            [steal(released, classes, int(v), rounds=self.rounds, seed=int(rng.integers(2**31))) for v in victims]
        )
        return self._judge(drawn, victims, crops, names, rng)

    def _judge(
        self, drawn: Floats, victims: NDArray[np.int64], crops: Crops, names: Sequence[str], rng: np.random.Generator
    ) -> tuple[Measurement, ...]:
        truth = grey(crops.before, self.side)
        centre = truth.mean(axis=0)
        project = fit(_unit(truth - centre), crops.subjects, shrink=0.3)
        centres = class_centres(project(_unit(truth - centre)), crops.subjects, names)
        # What is drawn has a brightness of its own; only its pattern is compared, as a difference from the mean face.
        pattern = _unit(drawn - drawn.mean(axis=1, keepdims=True) - centre + centre.mean())
        similarity = np.round(project(pattern) @ centres.T, 9)
        place = ranks(similarity, victims, rng)
        notes = ("adversary: a participant who trains the shared model and holds no picture of the victim",)
        who = [names[i] for i in victims]
        first = share("gan_leak", "recognised", place == 1, who, rng=rng, chance=1 / len(names), notes=notes)
        member = np.asarray(crops.subjects)
        means = _unit(np.stack([truth[member == name].mean(axis=0) for name in names]) - centre)
        likeness = pattern @ means.T
        own = likeness[np.arange(len(victims)), victims]
        others = (likeness.sum(axis=1) - own) / (len(names) - 1)
        return first, mean("gan_leak", "likeness", own - others, rng=rng, chance=0.0, notes=notes)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
