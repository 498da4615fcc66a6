"""What the operators on regions share: findings that touch are one blob, treated once and at full strength.

Treating findings one after another lets the second read what the first wrote, and lets the order decide; blurring a
union mask with one radius leaves small faces visible. So: all findings are united first, touching regions become one
blob, and a blob is treated with the strength that its largest finding asks for, read from the untouched picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from veilset.core.errors import WrongMedia
from veilset.core.finding import Finding
from veilset.core.region import BoolArray, Region, regions_of, union
from veilset.core.roles import Outcome
from veilset.core.sample import Image, Pixels, Sample

Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """Touching regions as one.

    Attributes:
        window: Rows and columns of the smallest rectangle that holds the blob.
        mask: True at the blob's pixels, of the window's shape.
        side: Longest side of the findings in it, in pixels.
    """

    window: Window
    mask: BoolArray
    side: float


Paint = Callable[[Pixels, Blob, BoolArray], Pixels]


def repaint(name: str, sample: Sample, findings: Sequence[Finding], grow: float, paint: Paint) -> Outcome:
    """The sample with every blob of `findings` painted anew.

    Args:
        name: The operator, for messages.
        sample: What to treat; left as it is.
        findings: What to treat in it; none gives the same sample back.
        grow: Fraction of its own longer side by which each finding grows on every edge.
        paint: From the untouched picture, a blob and the union of all regions to the pixels of the blob's window.

    Raises:
        WrongMedia: The sample is no picture, or a finding has no place in one.
    """
    if not isinstance(sample.media, Image):
        held = type(sample.media).__name__
        raise WrongMedia(f"{name} treats pictures, but sample {sample.id} holds a {held}", sample.id)
    image = sample.media
    regions = regions_of(image, findings, grow=grow)
    if not regions:
        return Outcome(sample)
    covered = union(regions, image.shape)
    before = image.pixels
    after = before.copy()
    for blob in blobs_of(regions):
        painted = paint(before, blob, covered)
        after[blob.window] = np.where(blob.mask[:, :, None], painted, after[blob.window])
    return Outcome(sample.with_media(image.treat(covered, after)))


def blobs_of(regions: Sequence[Region]) -> tuple[Blob, ...]:
    """Regions that overlap or touch (corners too) as blobs, top to bottom; the order of `regions` does not matter."""
    blobs: list[Blob] = []
    for window, members in _clusters(regions):
        top, left = window[0].start, window[1].start
        covered = np.zeros((window[0].stop - top, window[1].stop - left), dtype=bool)
        for region in members:
            covered[_within(region, top, left)] |= region.patch
        _, labels, stats, _ = cv2.connectedComponentsWithStats(covered.astype(np.uint8), connectivity=8)
        sides = np.zeros(len(stats))
        for region in members:
            hit = np.unique(labels[_within(region, top, left)][region.patch])
            sides[hit] = np.maximum(sides[hit], region.side)
        for label, (x, y, width, height, _) in enumerate(stats[1:], start=1):
            inner = slice(y, y + height), slice(x, x + width)
            outer = slice(int(top + y), int(top + y + height)), slice(int(left + x), int(left + x + width))
            blobs.append(Blob(outer, labels[inner] == label, float(sides[label])))
    return tuple(sorted(blobs, key=lambda blob: (blob.window[0].start, blob.window[1].start)))


def _within(region: Region, top: int, left: int) -> Window:
    rows, columns = region.bounds()
    return slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)


def _clusters(regions: Sequence[Region]) -> list[tuple[Window, list[Region]]]:
    """Regions whose rectangles touch, with the rectangle around them: labelling stays local to each."""
    clusters: list[tuple[Window, list[Region]]] = []
    for region in regions:
        window, members = region.bounds(), [region]
        apart: list[tuple[Window, list[Region]]] = []
        queue = clusters
        while queue:
            touching = [cluster for cluster in queue if _touch(cluster[0], window)]
            apart = [cluster for cluster in queue if not _touch(cluster[0], window)]
            if not touching:
                break
            for other, more in touching:
                window, members = _around(window, other), members + more
            queue = apart
        clusters = [*apart, (window, members)]
    return clusters


def _touch(one: Window, two: Window) -> bool:
    return all(a.start <= b.stop and b.start <= a.stop for a, b in zip(one, two, strict=True))


def _around(one: Window, two: Window) -> Window:
    rows, columns = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, two, strict=True))
    return rows, columns
