"""How good a detector is on pictures that somebody labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Malformed, Unreadable, UsageError
from veilset.core.finding import Finding
from veilset.core.roles import Detector, Ref
from veilset.core.sample import Image, Sample
from veilset.core.where import Box, Mask, Polygon
from veilset.data.folder import Folder
from veilset.flows.catalog import catalog
from veilset.flows.progress import Progress, silent
from veilset.flows.truth import read_truth
from veilset.probes.utility.detection_quality import Judged, Row, by_group, by_size, judge

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate_detector` found.

    Attributes:
        sizes: Recall, precision and average precision by the size of the box, then over all.
        groups: Recall by the label in the truth, when it has more than one.
        pictures: How many were looked at.
        kinds: The kinds of finding that were counted.
    """

    sizes: tuple[Row, ...]
    groups: tuple[Row, ...]
    pictures: int
    kinds: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "pictures": self.pictures,
            "kinds": list(self.kinds),
            "sizes": [row.to_plain() for row in self.sizes],
            "groups": [row.to_plain() for row in self.groups],
        }


def evaluate(
    detector: Detector,
    pictures: Iterable[tuple[Sample, Floats, tuple[str, ...]]],
    *,
    min_overlap: float = 0.4,
    progress: Callable[[int], None] = lambda _done: None,
) -> Evaluation:
    """Look at each picture, match with its true boxes, and count.

    Args:
        detector: Any detector that gives boxes, outlines or masks; the bounds of each are compared.
        pictures: Sample, true boxes (n, 4), and a label for each.
        min_overlap: Intersection over union from which a box counts as found.
        progress: Called with the number of pictures done.
    """
    judged: list[Judged] = []
    for sample, truth, labels in pictures:
        judged.append(judge(boxes_of(detector.find(sample)), truth, min_overlap=min_overlap, groups=labels))
        progress(len(judged))
    groups = by_group(judged)
    return Evaluation(by_size(judged), groups if len(groups) > 1 else (), len(judged), tuple(detector.finds))


def evaluate_detector(
    name: str,
    pictures: Path,
    truth: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    label: str = "",
    min_overlap: float = 0.4,
    progress: Progress = silent,
) -> Evaluation:
    """`evaluate` for a folder of pictures and a file of truth.

    Args:
        name: Of the detector, as in a policy.
        pictures: Folder; names in the truth are relative to it, and may also be given without their folder.
        truth: COCO JSON, CSV or CVAT XML.
        settings: Of the detector, as in a policy.
        label: Count true boxes with this label only.
        min_overlap: Intersection over union from which a box counts as found.
        progress: Called with a word, pictures done, and pictures in all.

    Raises:
        UsageError: No such detector or setting, or it has no boxes by picture.
        DataError: The truth cannot be read, or names a picture that is not there.
    """
    detector = catalog().build("detector", name, settings)
    if not isinstance(detector, Detector) or Image not in detector.takes:
        raise UsageError(f"detector {name} does not find boxes picture by picture, so it has no recall by size")
    labelled = read_truth(truth, label)
    source = Folder(str(pictures))
    refs = _refs(source.refs(), labelled, pictures, truth)
    items = ((source.load(refs[file]), boxes, labels) for file, (boxes, labels) in labelled.items())
    return evaluate(
        detector, items, min_overlap=min_overlap, progress=lambda done: progress("looking", done, len(labelled))
    )


def boxes_of(findings: Iterable[Finding]) -> Floats:
    """Bounds and score (n, 5) of findings that stand somewhere in the picture's plane."""
    rows = []
    for finding in findings:
        if isinstance(finding.where, Box | Polygon | Mask):
            box = finding.where.bounds()
            rows.append([box.x, box.y, box.width, box.height, finding.score])
    return np.array(rows, dtype=float).reshape(-1, 5)


def _refs(refs: Iterable[Ref], labelled: Mapping[str, Any], pictures: Path, truth: Path) -> dict[str, Ref]:
    """Where each named picture is; every one must be there, since a skipped picture would flatter the recall."""
    if not labelled:
        raise Malformed(f"{truth} names no picture")
    by_name: dict[str, list[Ref]] = {}
    whole: dict[str, Ref] = {}
    for ref in refs:
        whole[ref.name] = ref
        by_name.setdefault(PurePosixPath(ref.name).name, []).append(ref)
    places = {}
    for name in labelled:
        found = [whole[name]] if name in whole else by_name.get(PurePosixPath(name).name, [])
        if len(found) != 1:
            problem = "is not in" if not found else "is more than once in"
            raise Unreadable(f"{name}, named in {truth}, {problem} {pictures}; every labelled picture is needed")
        places[name] = found[0]
    return places
