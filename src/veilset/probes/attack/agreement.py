"""Do models that neither treated the release nor judged it come to the same verdict?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from veilset.core import check
from veilset.core.errors import MissingWeights, Unsupported
from veilset.core.interval import bootstrap, clopper_pearson
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media
from veilset.core.where import Box
from veilset.probes.adversary.crops import Floats, cut, gather
from veilset.probes.adversary.effort import Effort
from veilset.probes.adversary.embedding import embed
from veilset.probes.adversary.face_or_not import SIDE, beside, learn_faces, says_face
from veilset.probes.adversary.gradients import oriented
from veilset.probes.adversary.scores import ranks, share
from veilset.probes.attack.reidentify import Features, pixel_features, recognise, split
from veilset.probes.attack.residual import boxes_of, covers, found_by, is_flat, networks_of
from veilset.weights.face_embedding import network_of

UNSEEN = ("mobileface_v3", "gradients")


def kappa(one: Floats, other: Floats) -> float:
    """Agreement of two series of yes and no (n,) beyond chance: 1 all the same, 0 as often as by chance, below 0 less.

    nan where both always say the same thing, since then nothing is beyond chance.

    *Source*: Cohen 1960.

    >>> kappa(np.array([1, 1, 0, 0]), np.array([1, 1, 0, 1]))
    0.5
    """
    observed = float(np.mean(one == other))
    p, q = float(np.mean(one)), float(np.mean(other))
    expected = p * q + (1 - p) * (1 - q)
    return float("nan") if expected >= 1 else (observed - expected) / (1 - expected)


@dataclass(frozen=True, eq=False, slots=True)
class Verdict:
    """What a model said of each item: yes or no by item, who each item is of, and the share that says nothing."""

    says: Mapping[Any, bool]
    people: Mapping[Any, str]
    chance: float | None = None


@dataclass(frozen=True)
class Agreement:
    """Repeat residual detection and recognition with models that neither the treatment nor the gate used.

    Attributes:
        detectors: Networks of the `face` detector: the first that took no part in the treatment stands for the gate, as
            in `residual`; those after it are unseen.
        recognisers: Unseen recognisers: `mobileface_v3` (pretrained) and `gradients` (oriented gradients).
        min_score: Lowest score of a detector that counts as a face.
        pictures: Most pictures that detectors look at, drawn at random.
        limit: Most pairs that recognisers look at, drawn at random.
        copies: How often the adversary treats each of its own pictures.
        network_steps: Most steps that a network of our own learns to tell faces from their surroundings; 0 for none.
        network_seconds: Most seconds that it learns.
        device: Where it learns: `auto` (a GPU where there is one), `cpu` or `cuda`.

    *Adversary*: the same as in `residual` and `reidentify` (mode `parrot`), with other models. The network of our own
    has seen clean faces and their surroundings on half of the pictures and looks at the treated faces of the others.

    *Shapes and units*: shares of treated faces, and of released pictures of people, in [0, 1].

    *Measurements*: `agreement`, the least of all, at a corrected confidence: share of items on which an unseen model says
    what the gate's says. `worst_faces_left` and `worst_rank1`: the highest that an unseen model reaches. Then for each
    model `faces_left_*` or `rank1_*`, and for unseen ones `agreement_*` and, unless both always say the same, `kappa_*`.

    Raises:
        Unsupported: No unseen model could look at anything.

    *Source*: transfer to unseen models as the test of a defence: Papernot et al. 2016; kappa: Cohen 1960.

    >>> Agreement(pictures=50).recognisers
    ('mobileface_v3', 'gradients')
    """

    detectors: tuple[str, ...] = ("yunet", "ultraface", "centerface")
    recognisers: tuple[str, ...] = UNSEEN
    min_score: float = 0.2
    pictures: int = 100
    limit: int = 1000
    copies: int = 2
    network_steps: int = 150
    network_seconds: float = 60.0
    device: str = "auto"

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        for name in self.recognisers:
            check.one_of(UNSEEN, recognisers=name)
        check.in_range(0, 1, min_score=self.min_score)
        check.positive(pictures=self.pictures)
        check.in_range(4, 100_000, limit=self.limit)
        check.in_range(1, 20, copies=self.copies)
        self._effort()

    def _effort(self) -> Effort:
        return Effort(self.network_steps, self.network_seconds, self.device)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Both tasks; the least agreement first.

        Raises:
            Unsupported: No unseen model could look at anything.
        """
        gate, unseen = self._detect(case, rng)
        found = _compare("faces_left", gate, unseen, rng)
        gate, unseen = self._recognise(case, rng)
        found += _compare("rank1", gate, unseen, rng)
        shares = [m for m in found if m.name.startswith("agreement_")]
        if not shares:
            raise Unsupported(
                "agreement: no model is left that neither treated nor judged the release; get more with `veilset weights "
                "pull`, or install torch (pip install 'veilset[learn]')"
            )
        least = min(shares, key=lambda m: m.value)
        low, high = clopper_pearson(round(least.value * least.n), least.n, 1 - 0.05 / len(shares))
        low, high = min(low, least.low), max(high, least.high)
        notes = (
            *least.notes,
            f"the least of {len(shares)}: {least.name}",
            *self._effort().missing("a network of our own"),
        )
        return (replace(least, name="agreement", low=low, high=high, notes=notes), *found)

    def _detect(self, case: Case, rng: np.random.Generator) -> tuple[dict[str, Verdict], dict[str, Verdict]]:
        """Whether a face is still found in each treated one."""
        says: dict[str, dict[Any, bool]] = {}
        first: dict[Any, str] = {}
        looked: list[tuple[int, Any, Any, list[Box]]] = []
        for number in np.sort(rng.permutation(len(case.pairs))[: self.pictures]).tolist():
            pair = case.pairs[number]
            boxes = boxes_of(pair)
            if pair.after is None or not isinstance(pair.after.media, Image) or not boxes:
                continue
            looked.append((number, pair.before.image.pixels, pair.after.image.pixels, boxes))
            used = networks_of([f for f in pair.findings if f.kind == "face"])
            for model in self.detectors:
                if model in used or case.build is None:
                    continue
                try:
                    judge = case.build("detector", "face", {"model": model, "min_score": self.min_score})
                    faces = found_by(judge, pair.after)
                except MissingWeights:
                    continue
                for place, box in enumerate(boxes):
                    seen = any(covers(face, box) for face in faces)
                    says.setdefault(model, {})[number, place] = seen and not is_flat(pair.after.image.pixels, box)
                    first.setdefault((number, place), model)
        gates = set(first.values())
        people = {item: str(item[0]) for item in first} | {
            (number, place): str(number) for number, *_, boxes in looked for place in range(len(boxes))
        }
        gate = {m: Verdict(says[m], people) for m in says if m in gates}
        unseen = {m: Verdict(says[m], people) for m in says if m not in gates}
        return gate, {**unseen, **self._own(looked, people, rng)}

    def _own(
        self, looked: Sequence[tuple[int, Any, Any, list[Box]]], people: Mapping[Any, str], rng: np.random.Generator
    ) -> dict[str, Verdict]:
        """The verdict of a network trained here, on the pictures that it did not learn from."""
        effort = self._effort()
        if not effort.possible or len(looked) < 4:
            return {}
        order = rng.permutation(len(looked))
        learn, asked = order[: len(order) // 2], order[len(order) // 2 :]
        network = learn_faces([(looked[i][1], looked[i][3]) for i in learn], effort, rng)
        if network is None:
            return {}
        items, crops, others = [], [], []
        for number, before, after, boxes in (looked[i] for i in asked):
            for place, box in enumerate(boxes):
                items.append(((number, place), is_flat(after, box)))
                crops.append(cut(after, box, SIDE))
            other = beside(before, boxes, rng)
            others += [cut(before, other, SIDE)] if other else []
        says = {
            item: seen and not flat
            for (item, flat), seen in zip(items, says_face(network, np.stack(crops)), strict=True)
        }
        alarms = float(np.mean(says_face(network, np.stack(others)))) if others else None
        return {"own": Verdict(says, people, alarms)}

    def _recognise(self, case: Case, rng: np.random.Generator) -> tuple[dict[str, Verdict], dict[str, Verdict]]:
        """Whether each released face is given to the right person, after training on treated ones."""
        try:
            crops = gather(case, side=112, limit=self.limit, copies=self.copies, rng=rng)
        except Unsupported:
            return {}, {}
        if len(crops) < 4:
            return {}, {}
        crops, gallery, probes, own = split(crops, rng)
        if own and not len(crops.anew):
            return {}, {}
        people, asked = [crops.subjects[i] for i in gallery], [crops.subjects[i] for i in probes]
        treated = np.concatenate([copy[gallery] for copy in crops.anew] or [crops.after[gallery]])
        lessons = people * (len(treated) // len(gallery))
        who = dict(enumerate(asked))

        def verdict(features: Features, shrink: float) -> Verdict:
            trial = recognise(features(treated), lessons, features(crops.after[probes]), asked, shrink)
            hits = ranks(trial.similarity, trial.truth, rng) == 1
            return Verdict(dict(enumerate(hits.tolist())), who, 1 / trial.similarity.shape[1])

        gate = {"pixels": verdict(pixel_features(48), 0.1)}
        unseen = {"gradients": verdict(oriented, 0.1)} if "gradients" in self.recognisers else {}
        for network, side, wanted in (
            (network_of(), gate, True),
            (network_of("mobileface_v3"), unseen, "mobileface_v3" in self.recognisers),
        ):
            try:
                if wanted:
                    side[network.weights] = verdict(embed(network), 0.5)
            except MissingWeights:
                continue
        strongest = max(gate, key=lambda name: np.mean(list(gate[name].says.values())))
        return {strongest: gate[strongest]}, unseen


def _compare(
    what: str, gate: Mapping[str, Verdict], unseen: Mapping[str, Verdict], rng: np.random.Generator
) -> list[Measurement]:
    """Every model's share of yes, the highest of the unseen, and how each of those agrees with the gate's."""
    found = [_share(what, f"{name} (the gate's)", name, verdict, rng) for name, verdict in gate.items()]
    shares = [_share(what, f"{name} (unseen)", name, verdict, rng) for name, verdict in unseen.items()]
    if shares:
        top = max(shares, key=lambda m: m.value)
        low, high = clopper_pearson(round(top.value * top.n), top.n, 1 - 0.05 / len(shares))
        more = (*top.notes, f"the worst of {len(shares)}")
        found.append(replace(top, name=f"worst_{what}", low=min(low, top.low), high=max(high, top.high), notes=more))
    found += shares
    said = {item: yes for verdict in gate.values() for item, yes in verdict.says.items()}
    for name, verdict in unseen.items():
        both = [item for item in verdict.says if item in said]
        if not both:
            continue
        one = np.array([said[item] for item in both], dtype=float)
        other = np.array([verdict.says[item] for item in both], dtype=float)
        people = [verdict.people[item] for item in both]
        notes = (f"{what}: {name} against {', '.join(gate)}, the gate's",)
        key = f"agreement_{name}"
        found.append(share("agreement", key, one == other, people, rng=rng, better="higher", notes=notes))
        found += _kappa(f"kappa_{name}", one, other, notes, rng)
    return found


def _share(what: str, about: str, name: str, verdict: Verdict, rng: np.random.Generator) -> Measurement:
    items = list(verdict.says)
    hits, people = np.array([verdict.says[i] for i in items]), [verdict.people[i] for i in items]
    notes = (f"model: {about}",)
    return share("agreement", f"{what}_{name}", hits, people, rng=rng, chance=verdict.chance, notes=notes)


def _kappa(
    name: str, one: Floats, other: Floats, notes: tuple[str, ...], rng: np.random.Generator
) -> list[Measurement]:
    value = kappa(one, other)
    if np.isnan(value):
        return []

    def drawn(table: Floats) -> float:
        again = kappa(table[:, 0], table[:, 1])
        return 1.0 if np.isnan(again) else again

    low, high = bootstrap(np.stack([one, other], axis=1), rng, drawn)
    ends = min(low, value), max(high, value)
    return [Measurement("agreement", name, value, *ends, len(one), "higher", 0.0, notes=notes)]
