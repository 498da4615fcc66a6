"""Adding up an audit as it runs: constant memory for findings, which go to Parquet; names and counts are kept."""

from __future__ import annotations

import csv
import heapq
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from veilset.core.finding import Finding, Risk
from veilset.core.roles import Ref
from veilset.core.where import Box, Mask, Polygon, Tag
from veilset.flows.look import Seen
from veilset.flows.people import People
from veilset.flows.workplace import writing

if TYPE_CHECKING:
    from veilset.flows.findings_file import FindingsFile
    from veilset.flows.missed_faces import MissedFaces
    from veilset.flows.whereabouts import Whereabouts

LISTED = 200
RISKIEST = 24
PAIRS = 24
PER_PICTURE = ("0", "1", "2", "3+")
SIZES = (("under 8 px", 8.0), ("8-16 px", 16.0), ("16-32 px", 32.0), ("32-64 px", 64.0), ("over 64 px", float("inf")))
# So many grey levels of lost detail weigh as much as pictures that differ wholly: the limits of `hidden` weigh the same.
LOST = 25.0
WEIGHT = {Risk.HIDDEN: 6.0, Risk.PLACE: 4.0, Risk.PERSON: 3.0, Risk.CONTENT: 1.5, Risk.DEVICE: 1.0, Risk.TIME: 0.5}


def _apart(finding: Finding) -> float:
    """How much a hidden picture shows that its file does not; 0 when nobody could compare them."""
    return max(finding.detail.get("difference") or 0.0, (finding.detail.get("lost_detail") or 0.0) / LOST)


@dataclass
class Group:
    """A number and the samples behind it: how many findings, in how many samples, and the first names."""

    findings: int = 0
    samples: int = 0
    names: list[str] = field(default_factory=list)


Groups = dict[str, Group]
_KIND, _SOURCE, _RISK = attrgetter("kind"), attrgetter("source"), attrgetter("risk")


@dataclass
class Summary:
    """The numbers of an audit, each with the samples behind it. Private.

    Of the files of `metadata_only`, by format, no pixel was looked at; their findings there are frames not searched.
    """

    photos: str
    detectors: tuple[str, ...]
    samples: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    others: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()
    metadata_only: Groups = field(default_factory=dict)
    formats: Groups = field(default_factory=dict)
    kinds: Groups = field(default_factory=dict)
    risks: Groups = field(default_factory=dict)
    tags: Groups = field(default_factory=dict)
    sources: Groups = field(default_factory=dict)
    faces_per_picture: Groups = field(default_factory=lambda: {name: Group() for name in PER_PICTURE})
    face_sizes: Groups = field(default_factory=lambda: {name: Group() for name, _ in SIZES})
    places: list[tuple[float, float, str]] = field(default_factory=list)
    riskiest: list[tuple[float, Ref, str, tuple[Finding, ...]]] = field(default_factory=list)
    people: People = field(default_factory=People)
    missed: MissedFaces | None = None
    hidden: list[tuple[Ref, Finding]] = field(default_factory=list)
    whereabouts: Whereabouts | None = None
    notes: tuple[str, ...] = ()

    @property
    def pictures(self) -> int:
        """Files that are pictures, those that cannot be read included."""
        return self.samples - sum(group.samples for group in self.metadata_only.values())

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready; pictures and findings stay in the other files."""

        def plain(groups: Groups) -> dict[str, Any]:
            return {key: {"findings": g.findings, "samples": g.samples, "names": g.names} for key, g in groups.items()}

        return {
            "private": True,
            "photos": self.photos,
            "detectors": list(self.detectors),
            "samples": self.samples,
            "pictures": self.pictures,
            "metadata_only": {
                "files": self.samples - self.pictures,
                "frames_not_searched": sum(group.findings for group in self.metadata_only.values()),
                "formats": {
                    name: {"files": group.samples, "frames_not_searched": group.findings, "names": group.names}
                    for name, group in self.metadata_only.items()
                },
            },
            "unreadable": [{"name": name, "reason": reason} for name, reason in self.unreadable],
            "others": list(self.others),
            "sidecars": list(self.sidecars),
            "notes": list(self.notes),
            **{
                key: plain(getattr(self, key))
                for key in ("formats", "kinds", "risks", "tags", "sources", "faces_per_picture", "face_sizes")
            },
            "places": [{"latitude": lat, "longitude": lon, "name": name} for lat, lon, name in self.places],
            "people": self.people.to_plain(),
            "missed_faces": self.missed.to_plain() if self.missed else None,
            **({} if self.whereabouts is None else {"whereabouts": self.whereabouts.to_plain()}),
            "riskiest": [{"name": ref.name, "risk": round(risk, 3), "why": why} for risk, ref, why, _ in self.riskiest],
        }

    def to_json(self) -> str:
        """Readable JSON."""
        return json.dumps(self.to_plain(), indent=2, ensure_ascii=True) + "\n"


class Collector:
    """Takes what was seen, one sample at a time. With a folder, findings and samples are written as they come."""

    def __init__(self, folder: Path | None, detectors: Sequence[str] = ()) -> None:
        self._detectors = frozenset(detectors)
        self._summary = Summary("", ())
        self._top: list[tuple[float, int, Ref, str, tuple[Finding, ...]]] = []
        self._folder = folder
        self._risks: dict[str, frozenset[str]] = {}
        self._findings: FindingsFile | None = None
        self._rows: Any = None

    def __enter__(self) -> Collector:
        if self._folder is not None:
            from veilset.flows.findings_file import FindingsFile

            self._findings = FindingsFile(self._folder / "findings.parquet")
            self._samples = (self._folder / "samples.csv").open(
                "w", newline="", encoding="utf-8", errors="surrogateescape"
            )
            self._rows = csv.writer(self._samples)
            self._row(["id", "name", "format", "width", "height", "bytes", "findings", "error"])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._findings is not None:
            self._findings.close()
            with writing(Path(self._samples.name)):
                self._samples.close()

    def _row(self, facts: Sequence[object]) -> None:
        with writing(Path(self._samples.name)):
            self._rows.writerow(facts)

    def add(self, seen: Seen) -> None:
        """Count one sample."""
        summary, name = self._summary, seen.ref.name
        summary.samples += 1
        if self._rows is not None:
            facts = [seen.format, seen.width, seen.height, seen.size, len(seen.findings), seen.error]
            self._row([seen.ref.id, name, *facts])
        if seen.error:
            summary.unreadable.append((name, seen.error))
            return
        _into(summary.formats, seen.format or "unknown", name)
        self._count(seen.ref, seen.findings)
        if seen.observed:
            self._risks[seen.ref.id] = frozenset(str(finding.risk) for finding in seen.findings)
        self._rank(seen.ref, seen.findings)
        if seen.unsearched:
            _into(summary.metadata_only, seen.format or "unknown", name, seen.unsearched)
            return
        summary.people.add(seen, self._detectors)
        faces = [finding for finding in seen.findings if finding.kind == "face"]
        _into(summary.faces_per_picture, PER_PICTURE[min(3, len(faces))], name)
        sizes = Counter(_size_class(face) for face in faces)
        for size, count in sizes.items():
            _into(summary.face_sizes, size, name, count)

    def conclude(self, refs: Mapping[str, Ref], concluded: Mapping[str, Sequence[Finding]]) -> None:
        """Count what set detectors found."""
        for sample, findings in concluded.items():
            self._count(refs[sample], tuple(findings), self._risks.get(sample, frozenset()))
            self._summary.people.group(refs[sample], findings)

    def place(self, found: Whereabouts) -> None:
        """Take what the whole set says about people and places."""
        self._summary.whereabouts = found

    def summary(self, photos: str, detectors: tuple[str, ...]) -> Summary:
        """The numbers so far."""
        self._summary.photos, self._summary.detectors = photos, detectors
        ranked = sorted(self._top, key=lambda one: (-one[0], one[2].name))
        self._summary.riskiest = [(risk, ref, why, findings) for risk, _, ref, why, findings in ranked]
        return self._summary

    def _count(self, ref: Ref, findings: tuple[Finding, ...], counted: frozenset[str] | None = None) -> None:
        """Add findings of one sample; `counted` are the risks for which the sample was counted before."""
        summary, name = self._summary, ref.name
        for value, count in Counter(map(_KIND, findings)).items():
            _into(summary.kinds, value, name, count)
        for value, count in Counter(map(_SOURCE, findings)).items():
            _into(summary.sources, value, name, count)
        for risk, count in Counter(map(_RISK, findings)).items():
            if risk.value in (counted or ()):
                summary.risks[risk.value].findings += count
            else:
                _into(summary.risks, risk.value, name, count)
        # What a set detector concludes from a tag was counted when the tag was seen.
        if counted is None:
            for path in {finding.where.path: None for finding in findings if isinstance(finding.where, Tag)}:
                _into(summary.tags, path, name)
        for finding in findings:
            if "coordinates" in finding.detail and isinstance(finding.value, list | tuple):
                summary.places.append((float(finding.value[0]), float(finding.value[1]), name))
        self._hide(ref, findings)
        if self._findings is not None:
            self._findings.add(ref, findings)

    def _hide(self, ref: Ref, findings: tuple[Finding, ...]) -> None:
        """Keep the pictures in files that differ most from what the files show."""
        hidden = [(ref, finding) for finding in findings if finding.kind == "hidden_image"]
        if hidden:
            ranked = [*self._summary.hidden, *hidden]
            ranked.sort(key=lambda one: -_apart(one[1]))
            self._summary.hidden = ranked[:PAIRS]

    def _rank(self, ref: Ref, findings: tuple[Finding, ...]) -> None:
        risk = sum([WEIGHT.get(finding.risk, 0.1) * finding.score for finding in findings])
        if risk <= 0:
            return
        kinds = Counter(map(_KIND, findings))
        why = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6))
        areas = tuple(finding for finding in findings if isinstance(finding.where, Box | Polygon | Mask))
        entry = (risk, -self._summary.samples, ref, why, areas)
        if len(self._top) < RISKIEST:
            heapq.heappush(self._top, entry)
        elif entry[:2] > self._top[0][:2]:
            heapq.heapreplace(self._top, entry)


def _into(groups: Groups, key: str, name: str, count: int = 1) -> None:
    """Count one sample, with so many findings."""
    group = groups.get(key)
    if group is None:
        group = groups[key] = Group()
    group.findings += count
    group.samples += 1
    if group.samples <= LISTED:
        group.names.append(name)


def _size_class(face: Finding) -> str:
    side = face.where.bounds().side if isinstance(face.where, Box | Polygon | Mask) else 0.0
    return next(name for name, limit in SIZES if side < limit)
