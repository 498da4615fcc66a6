"""Exact and near duplicates across a set: an untreated twin of a treated picture is a leak."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, one_of
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Whole
from veilset.detectors import sketch
from veilset.detectors.neighbours import neighbours
from veilset.records.hash_index import HashIndex
from veilset.records.perceptual import perceptual_hashes
from veilset.weights import store

LARGEST = 1024
BITS = 64
POINTS = 6
"""Corners that must agree before one picture counts as a piece of another."""
CANDIDATES = 10
"""Pictures most like a picture that are compared with it in detail."""


class Fingerprint(NamedTuple):
    """What is kept of a picture: digest of its decoded pixels, perceptual hashes in eight orientations, and a sketch."""

    digest: str
    hashes: tuple[int, ...]
    sketch: sketch.Sketch | None = None


class Twin(NamedTuple):
    """Two pictures of a set that show the same, one < other, and how it is known."""

    one: int
    other: int
    how: str
    score: float
    facts: Mapping[str, Any]


def fingerprint(pixels: NDArray[np.uint8], *, turned: bool, network: str = "") -> Fingerprint:
    """Of RGB pixels (height, width, 3); without `turned` only the upright hash, with a `network` a sketch too."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    height, width = pixels.shape[:2]
    if max(height, width) > LARGEST:
        # The hash averages down to 32 pixels a side: done in two steps, a large picture needs no large memory.
        scale = LARGEST / max(height, width)
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, fitted, interpolation=cv2.INTER_AREA)
    hashes = perceptual_hashes(pixels)
    # A picture without structure is like all such, and nothing in it can be aligned.
    drawn = sketch.sketch(pixels, network, turned=turned) if network and hashes else None
    return Fingerprint(digest.hexdigest(), hashes if turned else hashes[:1], drawn)


def pairs(prints: Sequence[Fingerprint], most: int) -> Iterator[tuple[int, int, int]]:
    """(one, other, bits that differ) of every pair one < other with at most `most`; equal pixels differ by 0 bits.

    Of pictures with equal pixels the first stands for all of them.
    """
    seen: dict[str, int] = {}
    for number, one in enumerate(prints):
        if one.digest in seen:
            yield seen[one.digest], number, 0
        seen.setdefault(one.digest, number)
    kept = np.array([number for number, one in enumerate(prints) if one.hashes and seen[one.digest] == number], int)
    upright = np.array([prints[number].hashes[0] for number in kept], dtype=np.uint64)
    index = HashIndex(upright, most)
    fewest: dict[tuple[int, int], int] = {}
    for way in range(8 if any(len(prints[number].hashes) > 1 for number in kept) else 1):
        queries = np.array([prints[number].hashes[way] for number in kept], dtype=np.uint64)
        for rows, found, bits in index.near(queries):
            earlier = found < rows
            for row, other, differ in zip(rows[earlier], found[earlier], bits[earlier], strict=True):
                pair = int(kept[other]), int(kept[row])
                fewest[pair] = min(int(differ), fewest.get(pair, BITS))
    yield from ((one, other, differ) for (one, other), differ in sorted(fewest.items()))


@dataclass(frozen=True)
class Duplicate:
    """Pictures that a set holds twice: equal, re-encoded, resized, mirrored, turned, cropped, framed or treated.

    A perceptual hash finds twins that show all of a picture. Twins of a piece of it, or with something drawn over it,
    are looked up by an embedding and confirmed by aligning both; that needs a network. Where the network is not
    installed, `notes` says that hashes alone were used: of pictures cut by a tenth they find none.

    Attributes:
        bits: Perceptual hashes that differ in at most so many of 64 bits are twins. 0 finds few, above 10 strangers meet.
        turned: Look for mirrored and turned twins as well.
        embed: Look for cropped and treated twins: `auto` when the network is installed, `always`, or `never`.
        model: Weights that embed, `mobilenet_v2` or `open_nsfw`, which anybody can pull; `default` is the first installed.
        alike: Least cosine of two embeddings that are compared in detail.
        agree: Least correlation of small patches of two aligned pictures.

    *Shapes and units*: picture (height, width, 3) uint8; the finding stands for the whole picture. `detail` says
    whether the nearest twin is `exact`, `near` (by how many bits), or a `part` (aligned; its correlation, and how much
    is covered), and the group; `value`, private, names the others.

    **Guarantee**

    - Every pair of hashes within `bits` is found; nothing is left to chance by the search.
    - What is kept of a picture (about 7 kB) is in memory until the end of the run, and in no file.

    *Raises*: MissingWeights with `embed: always` when the network is not installed.

    *Source*: SHA-256 of decoded pixels; perceptual hash (Zauner 2010); features of MobileNet-V2 or OpenNSFW, ORB and
    RANSAC; groups are what chains of twins connect. Measured: `benchmarks/twins.py`.

    >>> Duplicate(bits=4, embed="never").notes()[0][:30]
    'duplicate looked with hashes a'
    """

    bits: int = 6
    turned: bool = True
    embed: str = "auto"
    alike: float = 0.5
    agree: float = 0.6
    model: str = "default"

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("duplicate",)

    def __post_init__(self) -> None:
        in_range(0, 16, bits=self.bits)
        in_range(0, 1, alike=self.alike, agree=self.agree)
        one_of(("auto", "always", "never"), embed=self.embed)
        one_of(("default", *sketch.NETWORKS), model=self.model)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (self._network,) if self._network else ()

    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of how it looked."""
        if self._network:
            return ()
        why = "as asked" if self.embed == "never" else f"none of the weights {', '.join(sketch.NETWORKS)} is installed"
        return (f"duplicate looked with hashes alone ({why}): twins that were cropped, framed or redacted are missed.",)

    def observe(self, sample: Sample) -> Fingerprint:
        """The picture's fingerprint."""
        return fingerprint(sample.image.pixels, turned=self.turned, network=self._network)

    def conclude(self, observed: Mapping[str, Fingerprint]) -> Mapping[str, tuple[Finding, ...]]:
        """One finding for each picture that has a twin."""
        names = sorted(observed)
        best: dict[int, Twin] = {}
        leader = list(range(len(names)))
        for twin in self._twins([observed[name] for name in names], leader):
            for member in (twin.one, twin.other):
                if member not in best or _sureness(twin) > _sureness(best[member]):
                    best[member] = twin
        groups: dict[int, list[int]] = {}
        for number in sorted(best):
            groups.setdefault(_lead(leader, number), []).append(number)
        found = {}
        for label, members in enumerate(groups.values(), 1):
            for number in members:
                others = [names[other] for other in members if other != number]
                twin = best[number]
                detail = {"how": twin.how, **twin.facts, "group": f"twins-{label:04d}", "pictures": len(members)}
                source = "duplicate/embedding" if twin.how == "part" else "duplicate/phash"
                found[names[number]] = (
                    Finding("duplicate", Whole(), twin.score, source, Risk.PERSON, detail=detail, value=others),
                )
        return found

    def _twins(self, prints: Sequence[Fingerprint], leader: list[int]) -> Iterator[Twin]:
        """Pairs known by their hashes, then by alignment; `leader` takes which pictures are connected."""
        for one, other, bits in pairs(prints, self.bits):
            _join(leader, one, other)
            exact = prints[one].digest == prints[other].digest
            yield Twin(one, other, "exact" if exact else "near", 1 - bits / BITS, {"bits": bits})
        rows = [number for number, one in enumerate(prints) if one.sketch is not None]
        if len(rows) < 2:
            return
        sketches = [one.sketch for one in prints if one.sketch is not None]
        vectors = np.stack([np.frombuffer(one.vector, np.float16) for one in sketches])
        for first, second, _ in neighbours(vectors, CANDIDATES, self.alike):
            one, other = rows[first], rows[second]
            if _lead(leader, one) == _lead(leader, other):
                continue
            how = sketch.align(
                sketches[first].grey, sketches[second].grey, turned=self.turned, points=POINTS, correlation=self.agree
            )
            if how is not None:
                _join(leader, one, other)
                facts = {"correlation": round(how.correlation, 3), "covered": round(how.covered, 3)}
                yield Twin(one, other, "part", how.correlation, {**facts, "mirrored": how.mirrored})

    @cached_property
    def _network(self) -> str:
        """Decided once: vectors of two networks cannot be compared."""
        if self.embed == "never":
            return ""
        if self.model != "default":
            return self.model if self.embed == "always" or store.installed(self.model) else ""
        # What is missing is asked for by the name that anybody can pull.
        return sketch.installed() or ("open_nsfw" if self.embed == "always" else "")


def _sureness(twin: Twin) -> tuple[bool, float]:
    """Equal pixels come before the most alike."""
    return twin.how == "exact", twin.score


def _join(leader: list[int], one: int, other: int) -> None:
    """Make one group of the groups of both."""
    first, second = sorted((_lead(leader, one), _lead(leader, other)))
    leader[second] = first


def _lead(leader: list[int], number: int) -> int:
    """The first member of the group, with the way to it shortened."""
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = leader[number]
    return number
