"""Exact and near duplicates across a set: an untreated twin of a treated picture is a leak."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Whole
from veilset.records.perceptual import distances, perceptual_hashes

LARGEST = 1024


class Fingerprint(NamedTuple):
    """What is kept of a picture: a digest of its decoded pixels, and its perceptual hashes in eight orientations."""

    digest: str
    hashes: tuple[int, ...]


def fingerprint(pixels: NDArray[np.uint8], *, turned: bool) -> Fingerprint:
    """Of RGB pixels (height, width, 3); without `turned` only the upright hash."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    height, width = pixels.shape[:2]
    if max(height, width) > LARGEST:
        # The hash averages down to 32 pixels a side: done in two steps, a large picture needs no large memory.
        scale = LARGEST / max(height, width)
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, fitted, interpolation=cv2.INTER_AREA)
    hashes = perceptual_hashes(pixels)
    return Fingerprint(digest.hexdigest(), hashes if turned else hashes[:1])


def pairs(prints: Sequence[Fingerprint], most: int) -> Iterator[tuple[int, int, int]]:
    """(one, other, bits that differ) of every pair one < other with at most `most`; equal pixels differ by 0 bits.

    Every picture is compared with every other: time grows with the square of their number, memory does not.
    """
    seen: dict[str, int] = {}
    for number, one in enumerate(prints):
        if one.digest in seen:
            yield seen[one.digest], number, 0
        seen.setdefault(one.digest, number)
    kept = [number for number, one in enumerate(prints) if one.hashes and seen[one.digest] == number]
    upright = np.array([prints[number].hashes[0] for number in kept], dtype=np.uint64)
    for at, number in enumerate(kept):
        fewest = np.full(at, 65, np.uint8)
        for way in prints[number].hashes:
            fewest = np.minimum(fewest, distances(way, upright[:at]))
        for other in np.flatnonzero(fewest <= most):
            yield kept[int(other)], number, int(fewest[other])


@dataclass(frozen=True)
class Duplicate:
    """Pictures that a set holds twice: with equal pixels, or re-encoded, resized, mirrored or turned.

    A twin that was cropped is not: of pictures cut by 2 % on every side 9 in 10 are found, of those cut by 10 % none.

    Attributes:
        bits: Perceptual hashes that differ in at most so many of 64 bits are twins. 0 finds few, above 10 strangers meet.
        turned: Look for mirrored and turned twins as well.

    *Shapes and units*: picture (height, width, 3) uint8; the finding stands for the whole picture. `detail` says
    whether the nearest twin is `exact` or `near`, by how many bits, and the group; `value`, private, names the others.

    *Raises*: nothing of its own.

    *Source*: SHA-256 of decoded pixels; perceptual hash (Zauner 2010); groups are what chains of twins connect.

    >>> Duplicate(bits=4).turned
    True
    """

    bits: int = 6
    turned: bool = True

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("duplicate",)

    def __post_init__(self) -> None:
        in_range(0, 16, bits=self.bits)

    def observe(self, sample: Sample) -> Fingerprint:
        """The picture's fingerprint."""
        return fingerprint(sample.image.pixels, turned=self.turned)

    def conclude(self, observed: Mapping[str, Fingerprint]) -> Mapping[str, tuple[Finding, ...]]:
        """One finding for each picture that has a twin."""
        names = sorted(observed)
        prints = [observed[name] for name in names]
        nearest: dict[int, int] = {}
        leader = list(range(len(names)))
        for one, other, bits in pairs(prints, self.bits):
            for member in (one, other):
                nearest[member] = min(bits, nearest.get(member, bits))
            first, second = sorted((_lead(leader, one), _lead(leader, other)))
            leader[second] = first
        groups: dict[int, list[int]] = {}
        for number in sorted(nearest):
            groups.setdefault(_lead(leader, number), []).append(number)
        digests = [one.digest for one in prints]
        found = {}
        for label, members in enumerate(groups.values(), 1):
            for number in members:
                others = [names[other] for other in members if other != number]
                exact = any(digests[other] == digests[number] for other in members if other != number)
                detail = {
                    "how": "exact" if exact else "near",
                    "bits": 0 if exact else nearest[number],
                    "group": f"twins-{label:04d}",
                    "pictures": len(members),
                }
                score = 1.0 if exact else 1 - nearest[number] / 64
                found[names[number]] = (
                    Finding("duplicate", Whole(), score, "duplicate/phash", Risk.PERSON, detail=detail, value=others),
                )
        return found


def _lead(leader: list[int], number: int) -> int:
    """The first member of the group, with the way to it shortened."""
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = leader[number]
    return number
