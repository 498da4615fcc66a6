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
    after = np.zeros_like(before)  # of which only what is covered will be looked at
    for blob in blobs_of(regions):
        painted = np.ascontiguousarray(paint(before, blob, covered))
        after[blob.window] = cv2.copyTo(painted, blob.mask.astype(np.uint8), after[blob.window])
    return Outcome(sample.with_media(image.treat(covered, after)))


def blobs_of(regions: Sequence[Region]) -> tuple[Blob, ...]:
    """Regions that overlap or touch (corners too) as blobs, top to bottom; the order of `regions` does not matter."""
    blobs: list[Blob] = []
    for window, members in _clusters(regions):
        if len(members) == 1 and members[0].patch.all():
            blobs.append(Blob(window, members[0].patch, float(members[0].side)))
            continue
        top, left = window[0].start, window[1].start
        covered = np.zeros((window[0].stop - top, window[1].stop - left), dtype=bool)
        for region in members:
            covered[_within(region, top, left)] |= region.patch
        _, labels, stats, _ = cv2.connectedComponentsWithStats(covered.astype(np.uint8), connectivity=8)
        sides = np.zeros(len(stats))
        for region in members:
            seen = labels[_within(region, top, left)]
            # A full rectangle lies in one component, whichever of its pixels is asked.
            hit = seen[:1, 0] if region.patch.all() else np.unique(seen[region.patch])
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
    edges = np.array([(b.start, b.stop, c.start, c.stop) for b, c in (region.bounds() for region in regions)])
    top, bottom, left, right = edges.T
    touching = (top[:, None] <= bottom) & (top <= bottom[:, None]) & (left[:, None] <= right) & (left <= right[:, None])
    alone = touching.sum(axis=1) == 1
    clusters = [(regions[one].bounds(), [regions[one]]) for one in np.flatnonzero(alone).tolist()]
    waiting = set(np.flatnonzero(~alone).tolist())
    while waiting:
        members, queue = [], [min(waiting)]
        waiting.remove(queue[0])
        while queue:
            members.append(queue.pop())
            near = waiting.intersection(np.flatnonzero(touching[members[-1]]).tolist())
            waiting -= near
            queue += near
        low, high = edges[members].min(axis=0).tolist(), edges[members].max(axis=0).tolist()
        window = slice(low[0], high[1]), slice(low[2], high[3])
        clusters.append((window, [regions[member] for member in sorted(members)]))
    return clusters
