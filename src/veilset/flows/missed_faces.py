"""`audit --estimate-missed`: the estimate, the sample that a person checks, and what the checked sample says."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from veilset.core.errors import Malformed, Unreadable, UsageError
from veilset.core.finding import Finding
from veilset.core.roles import Ref, Source
from veilset.core.where import Box, Mask, Polygon
from veilset.detectors.face import Face
from veilset.detectors.missed import Stratum, pictures_with_a_miss
from veilset.flows.estimate_missed import ALONE, Missed, estimate_missed, upper_bound
from veilset.flows.look import Seen
from veilset.flows.workplace import write_atomically, writing

FOLDER, LIST = "to_check", "to_check.csv"
COLUMNS = ("id", "stratum", "name", "picture", "faces_found", "faces_not_found", "boxes_without_a_face")
SIDE = 1600
RED = (220, 50, 40)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a person saw in the drawn pictures, and what follows for the set; holds with 95 % confidence each.

    Attributes:
        pictures: Pictures checked.
        faces_not_found: Faces that the person saw in them and no box shows.
        at_most: Upper bound on pictures of the set that hold a face that was not found.
        prevalence: Share of pictures that show a face, corrected for what was missed and for false boxes: (low, high).
    """

    pictures: int
    faces_not_found: int
    at_most: int
    prevalence: tuple[float, float]


@dataclass(frozen=True, slots=True)
class MissedFaces:
    """What an audit says about missed faces. Private."""

    estimate: Missed
    pictures: int
    with_faces: int
    names: Mapping[str, tuple[str, ...]]
    checked: Checked | None = None

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form; an interval without an upper end has None there."""
        plain = self.estimate.to_plain()
        for key, value in plain["recapture"].items():
            plain["recapture"][key] = value if math.isfinite(value) else None
        checked = self.checked
        return {
            **plain,
            "pictures": self.pictures,
            "with_faces": self.with_faces,
            "checked": {name: getattr(checked, name) for name in Checked.__slots__} if checked else None,
        }


@dataclass
class FacesSeen:
    """Face findings of every picture of the set, kept while an audit runs; `checked` is what a person saw, by id."""

    checked: Mapping[str, tuple[int, int]] | None = None
    found: dict[str, tuple[Finding, ...]] = field(default_factory=dict)

    def add(self, seen: Seen) -> None:
        """Keep one picture; a file that cannot be read, or whose pixels were not searched, says nothing about faces."""
        if not seen.error and not seen.unsearched:
            self.found[seen.ref.id] = tuple(finding for finding in seen.findings if finding.kind == "face")

    def conclude(self, refs: Mapping[str, Ref]) -> MissedFaces:
        """The estimate, with what the person saw.

        Raises:
            Malformed: The person's list was drawn from another set.
        """
        estimate = estimate_missed(self.found)
        names = {stratum: tuple(refs[sample].name for sample in ids) for stratum, ids in estimate.to_check.items()}
        done = _conclude(self.checked, estimate, self.found) if self.checked is not None else None
        return MissedFaces(estimate, len(self.found), sum(map(bool, self.found.values())), names, done)

    def write(self, out: Path, missed: MissedFaces, refs: Mapping[str, Ref], source: Source) -> None:
        """The drawn pictures with their boxes, and the list for the person to fill."""
        folder = out / FOLDER
        with writing(folder):
            folder.mkdir()
            with (out / LIST).open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
                rows = csv.writer(stream)
                rows.writerow(COLUMNS)
                for stratum, ids in missed.estimate.to_check.items():
                    for sample in ids:
                        picture = f"{FOLDER}/{stratum}-{sample}.jpg"
                        write_atomically(out / picture, _drawn(source, refs[sample], self.found[sample]))
                        rows.writerow([sample, stratum, refs[sample].name, picture, len(self.found[sample]), "", ""])


def faces_seen(detectors: Mapping[str, object], checked: Path | None) -> FacesSeen:
    """What keeps the faces of an audit; whatever cannot work is refused before the work.

    Raises:
        UsageError: The audit does not look for faces with both networks.
        DataError: The list `checked` cannot be read, or is not filled.
    """
    face = detectors.get("face")
    if not isinstance(face, Face) or not set(ALONE) <= set(face.networks()):
        raise UsageError(
            f"--estimate-missed compares two networks of the detector face ({' and '.join(ALONE)}): look with "
            "`--find face` at its default model, and pull what is missing with `veilset weights pull yunet_n`"
        )
    return FacesSeen(None if checked is None else _read(checked))


def _conclude(
    rows: Mapping[str, tuple[int, int]], estimate: Missed, found: Mapping[str, tuple[Finding, ...]]
) -> Checked:
    strangers = set(rows) ^ {sample for ids in estimate.to_check.values() for sample in ids}
    if strangers:
        raise Malformed(
            f"{len(strangers)} pictures of the checked list are not those drawn from this set; the set or the detector "
            f"changed since, or lines were left out: fill the {LIST} of a new audit"
        )
    missed = {sample for sample, (unseen, _) in rows.items() if unseen}
    false = {s for s, (unseen, wrong) in rows.items() if found[s] and wrong >= len(found[s]) and not unseen}
    overlooked = {sample for sample in missed if not found[sample]}
    with_miss = {name: [i for i in ids if i in missed] for name, ids in estimate.to_check.items()}

    def at_most(marked: set[str]) -> int:
        # Two bounds are read together, so each has half of the risk.
        strata = [
            Stratum(size, len(ids), len(marked.intersection(ids)))
            for name, size in estimate.strata.items()
            for ids in [estimate.to_check.get(name, ())]
        ]
        return pictures_with_a_miss(strata, 0.975)

    # Pictures that show a face: those with a box that is one, and those with a face but no box.
    with_faces = sum(map(bool, found.values()))
    least = with_faces - at_most(false) + len(overlooked)
    most = with_faces - len(false) + at_most(overlooked)
    prevalence = (max(0.0, least / max(1, len(found))), min(1.0, most / max(1, len(found))))
    unseen = sum(count for count, _ in rows.values())
    return Checked(len(rows), unseen, upper_bound(estimate, with_miss), prevalence)


def _read(path: Path) -> dict[str, tuple[int, int]]:
    """(faces not found, boxes without a face) by id."""
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read: {error.strerror}; give the filled {LIST} of an audit") from error
    read: dict[str, tuple[int, int]] = {}
    for number, row in enumerate(rows, 2):
        if not set(COLUMNS) <= set(row):
            raise Malformed(f"{path}: line {number}: a column is missing; it needs {', '.join(COLUMNS)}")
        counts = [(row[key] or "").strip() for key in ("faces_not_found", "boxes_without_a_face")]
        if not counts[0].isdecimal() or (counts[1] and not counts[1].isdecimal()):
            raise Malformed(
                f"{path}: line {number}: faces_not_found must be a number, 0 where no face is left without a box; "
                "boxes_without_a_face a number, or empty for 0"
            )
        read[row["id"]] = (int(counts[0]), int(counts[1] or 0))
    return read


def _drawn(source: Source, ref: Ref, findings: tuple[Finding, ...]) -> bytes:
    image = source.load(ref).image
    reduce = max((step for step in (1, 2, 4, 8) if max(image.shape) // step >= SIDE), default=1)
    picture = image.reduced(reduce)
    shrink = min(1.0, SIDE / max(picture.shape[:2]))
    shown = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    scale = shown.shape[1] / image.width
    for finding in findings:
        if isinstance(finding.where, Box | Polygon | Mask):
            box = finding.where.bounds()
            ends = [round(value * scale) for value in (box.x, box.y, box.x + box.width, box.y + box.height)]
            cv2.rectangle(shown, (ends[0], ends[1]), (ends[2], ends[3]), RED, 1)
    _, coded = cv2.imencode(".jpg", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return coded.tobytes()
