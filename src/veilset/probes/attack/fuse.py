"""Lay several treatments of the same thing over one another: repeated releases, or the frames of a scene."""

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
from veilset.core.where import Box, Mask, Polygon
from veilset.probes.adversary.crops import Floats, chosen, cut, grey
from veilset.probes.adversary.restoration import learn_restoration
from veilset.probes.adversary.scores import mean, ranks, share
from veilset.probes.adversary.tracks import moved, shift_between, tracks_of
from veilset.probes.attack.deobfuscate import psnr

ENOUGH = 24


@dataclass(frozen=True, eq=False)
class Stack:
    """One target.

    Attributes:
        truth: Its original (side * side,) in [0, 1].
        views: What was released of it (views, side * side), registered, the first as it stands.
    """

    truth: Floats
    views: Floats


def restored(
    owned: tuple[Sequence[Floats], Floats], seen: Sequence[Floats], rng: np.random.Generator
) -> tuple[Floats, str]:
    """The adversary's best picture of each target from estimates of it, and how it was made.

    Candidates: each estimate, stretched to the spread of originals, and a restoration learned from all of them. Which
    is best is found on targets that the adversary owns, half learned from and half tried on. Without enough of those,
    the first estimate as it is.

    *Shapes*: owned: estimates (m, d) each, and originals (m, d); seen (n, d) each; result (n, d).
    """
    known, truth = owned
    if len(truth) < ENOUGH:
        return seen[0], "mean"
    order = rng.permutation(len(truth))
    half, rest = order[: len(order) // 2], order[len(order) // 2 :]
    tried = _candidates([one[half] for one in known], truth[half], [one[rest] for one in known])
    scores = {name: float(psnr(made, truth[rest]).mean()) for name, made in tried.items()}
    best = max(scores, key=lambda name: scores[name])
    return _candidates(known, truth, seen)[best], best


def _candidates(known: Sequence[Floats], truth: Floats, seen: Sequence[Floats]) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for name, own, target in zip(("mean", "median"), known, seen, strict=False):
        slope, offset = np.polyfit(own.ravel(), truth.ravel(), 1) if own.std() > 1e-6 else (0.0, float(truth.mean()))
        found[name] = np.clip(slope * target + offset, 0, 1)
    learned = learn_restoration(np.concatenate(known, axis=1), truth)
    found["learned"] = np.clip(learned(np.concatenate(seen, axis=1)), 0, 1)
    return found


@dataclass(frozen=True)
class Fuse:
    """Do several treatments of the same face, laid over one another, show whom one alone hides?

    Attributes:
        kind: Kind of finding to attack; whole pictures where nothing of it was found.
        side: Side of the grey pictures compared, in pixels.
        limit: Most targets that are looked at, drawn at random.
        frames: Most frames of a scene that are laid over one another.

    *Adversary*: holds every release of the set (or every frame of the scene), registers what shows the same thing, and
    takes mean and median. With at least 48 targets the originals of half of them are the adversary's own: from these
    it learns the way back, and which of the ways is best. It need not know the treatment.

    *Measurements*: `identity_fused` and `identity_single`: share of targets nearest to their own original among all
    targets attacked, chance 1 / targets, from all views and from one, by the same adversary; `psnr_fused`,
    `psnr_single`; `psnr_gain`: decibels won by fusing over the better of one view and the mean face (without
    originals of its own: a flat picture), chance 0; `views`: mean number of views of a target.

    Raises:
        Unsupported: Nothing was released twice and no scene has two frames; or fewer than two targets.

    *Source*: averaging of independent noise, and super-resolution from shifted samples (Tsai and Huang 1984; Park, Park
    and Kang 2003) in place of which a linear restoration is learned from the registered mean; phase correlation
    (Kuglin and Hines 1975) for the registration.

    >>> Fuse(side=32).kind
    'face'
    """

    kind: str = "face"
    side: int = 48
    limit: int = 400
    frames: int = 24

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(8, 256, side=self.side)
        check.in_range(2, 100_000, limit=self.limit)
        check.in_range(2, 1000, frames=self.frames)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Fuse all views of half of the targets, with what the other half taught.

        Raises:
            Unsupported: Nothing to lay over one another.
        """
        stacks = self._released_again(case, rng) or self._scenes(case)
        if len(stacks) < 2:
            raise Unsupported(
                f"fuse needs two targets released more than once, or seen in several frames, and has {len(stacks)}: "
                "name further releases of the same originals, or say that the pictures are frames"
            )
        order = rng.permutation(len(stacks))
        owned = order[: len(order) // 2] if len(order) >= 2 * ENOUGH else order[:0]
        attacked = order[len(owned) :]
        truth = np.stack([stack.truth for stack in stacks])
        firsts = np.stack([stack.views[0] for stack in stacks])
        averages = [np.stack([way(stack.views, axis=0) for stack in stacks]) for way in (np.mean, np.median)]
        fused, way = restored(([a[owned] for a in averages], truth[owned]), [a[attacked] for a in averages], rng)
        single, one_way = restored(([firsts[owned]], truth[owned]), [firsts[attacked]], rng)
        flat = firsts[attacked].mean(axis=1, keepdims=True)
        guess = np.broadcast_to(truth[owned].mean(axis=0) if len(owned) else flat, fused.shape)
        many = float(np.mean([len(stack.views) for stack in stacks]))
        ways = f"fuses {many:.3g} views of each target ({way}); from one view: {one_way}"
        notes = (f"adversary: {ways}; holds the originals of {len(owned)} others",)
        return self._scores(truth[attacked], (fused, single), guess, (many, notes), rng)

    def _scores(
        self,
        truth: Floats,
        made: tuple[Floats, Floats],
        guess: Floats,
        said: tuple[float, tuple[str, ...]],
        rng: np.random.Generator,
    ) -> tuple[Measurement, ...]:
        (many, notes), n = said, len(truth)
        people = [str(i) for i in range(n)]
        found = []
        for name, pictures in zip(("fused", "single"), made, strict=True):
            place = ranks(_likeness(pictures, truth), np.arange(n), rng)
            found.append(share("fuse", f"identity_{name}", place == 1, people, rng=rng, chance=1 / n, notes=notes))
        fused, single, trivial = (psnr(pictures, truth) for pictures in (*made, guess))
        found.append(mean("fuse", "psnr_fused", fused, rng=rng, notes=notes))
        found.append(mean("fuse", "psnr_single", single, rng=rng, notes=notes))
        gain = fused - np.maximum(single, trivial)
        found.append(mean("fuse", "psnr_gain", gain, rng=rng, chance=0.0, notes=notes))
        found.append(Measurement("fuse", "views", many, many, many, n, "lower", notes=notes))
        return tuple(found)

    def _released_again(self, case: Case, rng: np.random.Generator) -> list[Stack]:
        """Targets of pairs with further releases: the same place in all of them, so nothing has to be registered."""
        stacks = []
        for index in chosen(len(case.pairs), self.limit, rng):
            pair = case.pairs[index]
            shape = pair.before.image.shape if isinstance(pair.before.media, Image) else (0, 0)
            released = [
                s for s in (pair.after, *pair.again) if s and isinstance(s.media, Image) and s.image.shape == shape
            ]
            if len(released) < 2:
                continue
            boxes: list[Box | None] = [*self._boxes(pair)] or [None]
            for box in boxes:
                views = [cut(s.image.pixels, box, self.side) for s in released]
                truth = cut(pair.before.image.pixels, box, self.side)
                stacks.append(Stack(grey(truth[None], self.side)[0], grey(np.stack(views), self.side)))
        return stacks[: self.limit]

    def _scenes(self, case: Case) -> list[Stack]:
        """Targets of scenes: what overlaps from frame to frame is one target, laid over its middle frame."""
        scenes: dict[str, list[int]] = {}
        for index in range(len(case.pairs)):
            pair = case.pairs[index]
            if "frame" in pair.before.labels and pair.after is not None and isinstance(pair.after.media, Image):
                scenes.setdefault(str(pair.before.labels.get("scene", "")), []).append(index)
        stacks = []
        for members in scenes.values():
            at = sorted(members, key=lambda i: float(case.pairs[i].before.labels["frame"]))
            for track in tracks_of((i, self._boxes(case.pairs[i])) for i in at):
                middle = len(track.seen) // 2
                start = max(0, middle - self.frames // 2)
                seen = track.seen[start : start + self.frames]
                if len(seen) >= 2:
                    stacks.append(self._stacked(case, seen, middle - start))
        return stacks[: self.limit]

    def _stacked(self, case: Case, seen: Sequence[tuple[int, Box]], middle: int) -> Stack:
        """Views of one track, registered to its middle frame, which stands first."""
        order = [middle, *(i for i in range(len(seen)) if i != middle)]
        pictures = []
        for place in order:
            index, box = seen[place]
            after = case.pairs[index].after
            assert after is not None  # for the type: scenes hold released frames alone
            pictures.append(grey(cut(after.image.pixels, box, self.side)[None], self.side)[0])
        first = pictures[0].reshape(self.side, self.side)
        views = [pictures[0]]
        for picture in pictures[1:]:
            square = picture.reshape(self.side, self.side)
            views.append(moved(square, *shift_between(first, square)).ravel())
        index, box = seen[middle]
        truth = grey(cut(case.pairs[index].before.image.pixels, box, self.side)[None], self.side)[0]
        return Stack(truth, np.stack(views))

    def _boxes(self, pair: Pair) -> list[Box]:
        places = [f.where for f in pair.findings if f.kind == self.kind]
        boxes = [where.bounds() for where in places if isinstance(where, Box | Polygon | Mask)]
        high, wide = pair.before.image.shape if isinstance(pair.before.media, Image) else (0, 0)
        return [b for b in boxes if min(b.width, b.height) >= 4 and b.x < wide - 2 and b.y < high - 2]


def _likeness(pictures: Floats, originals: Floats) -> NDArray[np.float64]:
    """Correlation of every picture with every original, each side's mean taken off."""
    left, right = pictures - pictures.mean(axis=0), originals - originals.mean(axis=0)
    left = left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-9)
    right = right / np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-9)
    return np.asarray(np.round(left @ right.T, 9))
