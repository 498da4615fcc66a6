"""Whom a set shows: persons with and without a face, apparent age and gender, per class, and where detectors disagree."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from veilset.core.finding import Finding
from veilset.core.interval import clopper_pearson
from veilset.core.roles import Ref
from veilset.core.where import Box, Mask, Polygon
from veilset.flows.look import Seen

LISTED = 200
AGES = ("child", "teenager", "adult", "senior")
GENDERS = ("female", "male", "uncertain")
COLUMNS = (
    "pictures",
    "faces",
    "persons",
    "faceless",
    "judged",
    "minors",
    "female",
    "male",
    "explicit",
    "text",
    "plates",
)
NO_FACE = "a person is seen, but no face is found"
FEWER = "a person without a visible face beside others"
NO_PERSON = "a face is found, but no person around it"

Disagreement = tuple[float, Ref, str, tuple[Finding, ...]]


@dataclass
class People:
    """Counts over a set, added up picture by picture. Private: the lists name pictures.

    Attributes:
        ages: Faces by apparent age group.
        genders: Faces by apparent gender.
        minors: Faces that are likely of somebody under 18.
        judged: Faces whose age and gender were judged.
        faceless: Persons without a visible face, and the pictures that show them.
        persons: Persons seen.
        classes: Folder to counts by column.
        groups: (pseudonym, picture) of everybody that `identity` saw, as the consent registry reads them.
        first: Pictures on which detectors disagree, those to look at first at the head.
    """

    ages: Counter[str] = field(default_factory=Counter)
    genders: Counter[str] = field(default_factory=Counter)
    minors: int = 0
    judged: int = 0
    persons: int = 0
    faceless: int = 0
    with_faceless: int = 0
    with_minors: int = 0
    classes: dict[str, Counter[str]] = field(default_factory=dict)
    groups: set[tuple[str, str]] = field(default_factory=set)
    first: list[Disagreement] = field(default_factory=list)

    def add(self, seen: Seen, detectors: frozenset[str]) -> None:
        """Count one picture."""
        by: dict[str, list[Finding]] = {"face": [], "person": [], "demographics": []}
        kinds: Counter[str] = Counter([finding.kind for finding in seen.findings])
        if not by.keys().isdisjoint(kinds):
            for finding in seen.findings:
                if finding.kind in by:
                    by[finding.kind].append(finding)
        alone, lonely = unmatched(by["person"], by["face"])
        if "face" not in detectors:
            alone = []
        row = self.classes.setdefault(class_of(seen), Counter())
        row.update(
            pictures=1,
            faces=kinds["face"],
            persons=kinds["person"],
            faceless=len(alone),
            judged=kinds["demographics"],
            explicit=kinds["explicit"],
            text=kinds["text"],
            plates=kinds["plate"],
        )
        self.persons += kinds["person"]
        self.faceless += len(alone)
        self.with_faceless += bool(alone)
        self._judge(by["demographics"], row)
        if detectors >= {"face", "person"}:
            self._compare(seen.ref, by["person"], by["face"], alone, lonely)

    def group(self, ref: Ref, findings: Sequence[Finding]) -> None:
        """Take who was seen in a picture, once the whole set was looked at."""
        self.groups |= {(f.subject, ref.name) for f in findings if f.kind == "identity" and f.subject is not None}

    def shares(self) -> list[tuple[str, str, int, int, float, float]]:
        """(what, group, count, of how many, low, high) with exact 95 % intervals of the share."""
        rows = [("apparent age", name, self.ages[name]) for name in AGES]
        rows += [("apparent gender", name, self.genders[name]) for name in GENDERS]
        rows += [("likely under 18", "yes", self.minors)]
        return [(what, name, count, self.judged, *clopper_pearson(count, self.judged)) for what, name, count in rows]

    def ranked(self) -> list[Disagreement]:
        """Disagreements, those to look at first at the head."""
        return sorted(self.first, key=lambda one: (-one[0], one[1].name))

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "persons": self.persons,
            "persons_without_face": self.faceless,
            "pictures_with_faceless_persons": self.with_faceless,
            "faces_judged": self.judged,
            "likely_minors": self.minors,
            "pictures_with_likely_minors": self.with_minors,
            "shares": [
                {"of": what, "group": name, "count": count, "n": n, "low": round(low, 6), "high": round(high, 6)}
                for what, name, count, n, low, high in self.shares()
            ],
            "classes": {
                name: {column: row[column] for column in COLUMNS} for name, row in sorted(self.classes.items())
            },
            "identities": len({person for person, _ in self.groups}),
            "look_first": [{"name": ref.name, "score": round(s, 4), "why": why} for s, ref, why, _ in self.ranked()],
        }

    def _judge(self, faces: Sequence[Finding], row: Counter[str]) -> None:
        for finding in faces:
            self.judged += 1
            self.ages[str(finding.detail.get("group"))] += 1
            gender = str(finding.detail.get("gender"))
            self.genders[gender] += 1
            minor = bool(finding.detail.get("likely_minor"))
            self.minors += minor
            row.update({"minors": int(minor), **({gender: 1} if gender in COLUMNS else {})})
        self.with_minors += any(finding.detail.get("likely_minor") for finding in faces)

    def _compare(
        self,
        ref: Ref,
        persons: Sequence[Finding],
        faces: Sequence[Finding],
        alone: Sequence[Finding],
        lonely: Sequence[Finding],
    ) -> None:
        """Keep the picture when detectors disagree: a person without any face first, since a face was likely missed."""
        if not alone and not lonely:
            return
        if alone and not faces:
            urgency, why = 2 + max(one.score for one in alone), f"{NO_FACE} ({len(alone)} of {len(persons)} persons)"
        elif alone:
            urgency, why = 1 + max(one.score for one in alone), f"{FEWER} ({len(alone)} of {len(persons)} persons)"
        else:
            urgency, why = max(one.score for one in lonely), f"{NO_PERSON} ({len(lonely)} of {len(faces)} faces)"
        self.first.append((urgency, ref, why, (*persons, *faces)))
        if len(self.first) > 2 * LISTED:
            self.first = heapq.nsmallest(LISTED, self.first, key=lambda one: (-one[0], one[1].name))


def unmatched(persons: Sequence[Finding], faces: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Persons in whose upper two thirds no face of their own lies, and faces that lie in no person.

    The surest person chooses first; each face goes to one person alone. A face lower than a sixteenth of the person is
    not that person's: a head is about a seventh of a standing adult.
    """
    left = [face for face in faces if _box(face) is not None]
    alone = []
    for person in sorted(persons, key=lambda one: -one.score):
        box = _box(person)
        own = next((face for face in left if box is not None and _within(_box(face), box)), None)
        if own is None:
            alone.append(person)
        else:
            left.remove(own)
    return alone, [face for face in left if not any(_within(_box(face), _box(person)) for person in persons)]


def class_of(seen: Seen) -> str:
    """The class that a label names, else the folder of the picture; `.` for the root."""
    said = seen.labels.get("class")
    return str(said) if said else str(PurePosixPath(seen.ref.name).parent)


def _box(finding: Finding) -> Box | None:
    return finding.where.bounds() if isinstance(finding.where, Box | Polygon | Mask) else None


def _within(face: Box | None, person: Box | None) -> bool:
    if face is None or person is None:
        return False
    x, y = face.x + face.width / 2, face.y + face.height / 2
    if face.height < person.height / 16:
        return False
    return person.x <= x <= person.x + person.width and person.y <= y <= person.y + person.height * 2 / 3
