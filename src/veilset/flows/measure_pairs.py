"""Pairing originals with what was made of them: by a release's private mapping, or by file name."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from veilset.core.errors import Malformed, Unreadable, UsageError
from veilset.core.finding import Finding
from veilset.core.roles import Pair, Ref, Source
from veilset.core.sample import Image, Pixels
from veilset.core.where import Box


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


def meaning_of_folders(subjects: str) -> dict[str, str]:
    """Settings of the folder source: the folders of a set name its people where that is said, else its classes."""
    return {"subjects": subjects, "classes": "" if subjects == "folder" else "folder"}


def read_labels(path: Path) -> dict[str, dict[str, Any]]:
    """Original's relative name to its labels, from a CSV file with the column `file`; numbers are read as such.

    Raises:
        Unreadable: It cannot be opened.
        Malformed: It has no column `file`, names a file twice, or has a row that is longer or shorter than the first.
    """
    found: dict[str, dict[str, Any]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                name = row.pop("file", None)
                if not name or name in found or None in row or None in row.values():
                    raise Malformed(f"{path}, line {number}: needs one value a column, and each `file` once")
                found[name] = {key: _number(value) for key, value in row.items() if value}
    except OSError as error:
        raise Unreadable(f"{path}: the labels cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(f"{path}: is no CSV table in UTF-8") from error
    return found


def _number(text: str) -> str | float:
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


@dataclass(frozen=True)
class Place:
    """Where the treated samples lie, and what a release says about them.

    Attributes:
        samples: The folder of treated samples.
        mapping: Original's name to treated name, both relative; empty when names are kept.
        findings: Original's name to findings, from the release's journal.
        policy: The policy of the release, as plain values; empty when it is no release.
    """

    samples: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)


def place_of(after: Path) -> Place:
    """A release with its private part, a release without, or any folder.

    Raises:
        Malformed: A file of the release is not what its name says.
        Unreadable: A file of the release cannot be read.
    """
    root = after.parent if after.name == "public" else after
    public = root / "public"
    if not (public / "manifest.json").is_file():
        return Place(after)
    manifest = _json(public / "manifest.json")
    trail, mapping = root / "private" / "trail.jsonl", root / "private" / "mapping.csv"
    found: dict[str, tuple[Finding, ...]] = {}
    names: dict[str, str] = {}
    try:
        if mapping.is_file():
            with mapping.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
                names = {row["original"]: row["released"].removeprefix("samples/") for row in csv.DictReader(lines)}
        if trail.is_file():
            with trail.open(encoding="utf-8") as lines:
                for line in lines:
                    entry = json.loads(line)
                    found[entry["name"]] = tuple(Finding.from_plain(plain) for plain in entry["findings"])
    except (KeyError, ValueError, TypeError) as error:
        raise Malformed(f"{root / 'private'}: the mapping or journal of the release is damaged ({error})") from error
    return Place(public / "samples", names, found, manifest.get("policy", {}))


def _json(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise Malformed(f"{path}: is not JSON ({error})") from error
    if not isinstance(plain, dict):
        raise Malformed(f"{path}: is not a manifest")
    return plain


class MeasuredPairs(Sequence[Pair]):
    """Pairs loaded when indexed; an original without a treated sample has `after` None."""

    def __init__(
        self,
        before: Source,
        after: Source,
        place: Place,
        kind: str = "face",
        labels: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Match by mapping, by relative name, or by relative name without its extension.

        Raises:
            UsageError: Not one pair matches, or `labels` names no original.
        """
        self._labels = labels or {}
        if self._labels and not any(ref.name in self._labels for ref in before.refs()):
            raise UsageError("the labels name none of the originals; `file` holds paths relative to their folder")
        self._before, self._after, self._place, self._kind = before, after, place, kind
        treated = {ref.name: ref for ref in after.refs()}
        stems: dict[str, list[Ref]] = {}
        for ref in treated.values():
            stems.setdefault(_stem(ref.name), []).append(ref)
        self._refs: list[tuple[Ref, Ref | None]] = []
        for ref in before.refs():
            name = place.mapping.get(ref.name, ref.name) if place.mapping else ref.name
            same = stems.get(_stem(name), [])
            self._refs.append((ref, treated.get(name) or (same[0] if len(same) == 1 else None)))
        self.matched = sum(after is not None for _, after in self._refs)
        self._known: dict[int, tuple[Finding, ...]] = {}
        if not self.matched:
            raise UsageError(
                "no treated sample belongs to an original: names differ, and there is no private/mapping.csv of the "
                "release; give the folder that holds public/ and private/, or name treated files like their originals"
            )

    def __len__(self) -> int:
        return len(self._refs)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        first, second = self._refs[index]
        before = self._before.load(first)
        if first.name in self._labels:
            before = replace(before, labels={**before.labels, **self._labels[first.name]})
        after = self._after.load(second) if second else None
        return Pair(before, after, self._findings(index, first.name, before.media, after.media if after else None))

    def _findings(self, index: int, name: str, before: Any, after: Any) -> tuple[Finding, ...]:
        if name in self._place.findings:
            return self._place.findings[name]
        if not isinstance(before, Image) or not isinstance(after, Image):
            return ()
        index %= len(self._refs)
        if index not in self._known:
            self._known[index] = changed_regions(before.pixels, after.pixels, self._kind)
        return self._known[index]


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
