"""Pairing originals with what was made of them: by a release's private mapping, or by file name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import cv2
import numpy as np

from veilset.core.errors import DataError, UsageError
from veilset.core.finding import Finding
from veilset.core.roles import Pair, Ref, Source
from veilset.core.sample import Image, Pixels
from veilset.core.where import Box
from veilset.flows.measure_places import Place


def changed_regions(before: Pixels, after: Pixels, kind: str = "face") -> tuple[Finding, ...]:
    """Where two pictures differ by more than a fresh compression would: connected regions of at least 8 x 8 pixels.

    None when the sizes differ or most of the picture has changed: then the whole picture was treated.
    """
    if before.shape != after.shape:
        return ()
    differs = (np.abs(before.astype(np.int16) - after).max(axis=2) > 24).astype(np.uint8)
    joined = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    if joined.mean() > 0.6:
        return ()
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = [tuple(int(v) for v in row[:4]) for row in stats[1:] if row[2] >= 8 and row[3] >= 8]
    boxes = sorted(boxes, key=lambda b: b[2] * b[3], reverse=True)[:20]
    return tuple(Finding(kind, Box(*box), 1.0, "difference") for box in boxes)


def frame_of(name: str) -> dict[str, str | int]:
    """Scene and number of a frame by its name; nothing where the name ends in no number.

    >>> frame_of("street/cam2-0041.jpg")
    {'scene': 'street/cam2-', 'frame': 41}
    """
    match = re.fullmatch(r"(.*?)(\d+)", _stem(name))
    return {"scene": match[1], "frame": int(match[2])} if match else {}


def meaning_of_folders(subjects: str) -> dict[str, str]:
    """Settings of the folder source: the folders of a set name its people where that is said, else its classes."""
    return {"subjects": subjects, "classes": "" if subjects == "folder" else "folder"}


class MeasuredPairs(Sequence[Pair]):
    """Pairs loaded when indexed: `after` is None without a treated sample; originals that are no pictures are left out."""

    def __init__(
        self,
        before: Source,
        after: Source,
        place: Place,
        kind: str = "face",
        labels: Mapping[str, Mapping[str, Any]] | None = None,
        again: Sequence[tuple[Source, Place]] = (),
        *,
        frames: bool = False,
    ) -> None:
        """Match by mapping, by relative name, or by relative name without its extension.

        Args:
            before: The originals.
            after: What was made of them.
            place: What a release says about them.
            kind: What a region that has changed is taken for, where no release says what was found.
            labels: Original's name to labels.
            again: Further releases of the same originals.
            frames: Originals whose names differ in their last number alone are frames of one scene.

        Raises:
            UsageError: Not one pair matches, in one of the releases, or `labels` names no original.
        """
        self._labels = labels or {}
        if self._labels and not any(ref.name in self._labels for ref in before.refs()):
            raise UsageError("the labels name none of the originals; `file` holds paths relative to their folder")
        self._before, self._after, self._place, self._kind = before, after, place, kind
        refs = _matched(before.refs(), after.refs(), place)
        # What was set aside or is no picture was never treated: there is nothing in it to measure.
        used = [
            at for at, (ref, twin) in enumerate(refs) if twin or (ref.name not in place.aside and _opens(before, ref))
        ]
        self._refs = [refs[at] for at in used]
        self._frames = frames
        others = [(source, _matched(before.refs(), source.refs(), other)) for source, other in again]
        self._again = [(source, [twins[at] for at in used]) for source, twins in others]
        self.matched = sum(found is not None for _, found in self._refs)
        self._known: dict[int, tuple[Finding, ...]] = {}

    def __len__(self) -> int:
        return len(self._refs)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        first, second = self._refs[index]
        before = self._before.load(first)
        if first.name in self._labels:
            before = replace(before, labels={**before.labels, **self._labels[first.name]})
        if self._frames:
            before = replace(before, labels={**before.labels, **frame_of(first.name)})
        after = self._after.load(second) if second else None
        twins = [(source, refs[index][1]) for source, refs in self._again]
        again = tuple(source.load(ref) for source, ref in twins if ref)
        findings = self._findings(index, first.name, before.media, after.media if after else None)
        return Pair(before, after, findings, again)

    def _findings(self, index: int, name: str, before: Any, after: Any) -> tuple[Finding, ...]:
        if name in self._place.findings:
            return self._place.findings[name]
        if not isinstance(before, Image) or not isinstance(after, Image):
            return ()
        index %= len(self._refs)
        if index not in self._known:
            self._known[index] = changed_regions(before.pixels, after.pixels, self._kind)
        return self._known[index]


def _opens(source: Source, ref: Ref) -> bool:
    try:
        source.load(ref)
    except DataError:
        return False
    return True


def _matched(originals: Sequence[Ref], released: Sequence[Ref], place: Place) -> list[tuple[Ref, Ref | None]]:
    """Each original with the file that one release made of it.

    Raises:
        UsageError: Not one of them has any.
    """
    treated = {ref.name: ref for ref in released}
    stems: dict[str, list[Ref]] = {}
    for ref in released:
        stems.setdefault(_stem(ref.name), []).append(ref)
    found: list[tuple[Ref, Ref | None]] = []
    for ref in originals:
        name = place.mapping.get(ref.name, ref.name) if place.mapping else ref.name
        same = stems.get(_stem(name), [])
        found.append((ref, treated.get(name) or (same[0] if len(same) == 1 else None)))
    if all(twin is None for _, twin in found):
        raise UsageError(
            f"no treated sample in {place.samples} belongs to an original: names differ, and there is no "
            "private/mapping.csv of the release; give the folder that holds public/ and private/, or name treated files "
            "like their originals"
        )
    return found


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
