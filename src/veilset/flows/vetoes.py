"""A reviewer's veto: a finding that a person says is none, taken out because the policy allows it, and on the record."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from veilset.core.errors import BrokenContract
from veilset.core.finding import Finding
from veilset.core.where import Box, Mask, Polygon
from veilset.flows.workplace import Workplace, write_atomically

KIND = "vetoed"
"""What a finding becomes that a reviewer vetoed: it stays on the record, and no rule treats it."""
TREATMENT = "vetoed by a reviewer"
FILE = "vetoes.csv"


def apply_vetoes(found: Sequence[Finding], vetoes: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings, those that a veto names turned into `vetoed` ones that remember what they were.

    A veto takes one finding of its own kind whose box it meets with at least the overlap that it asks for (intersection
    over union, `detail`): the best of all pairs first, each veto and each finding once. What a person drew is never
    taken, so of two reviewers who disagree the one who saw something is believed.

    >>> face = Finding("face", Box(0, 0, 10, 10), 0.4, "face/yunet")
    >>> veto = Finding("face", Box(0, 0, 10, 9), 1, "reviewer:r1", detail={"overlap": 0.7, "reviewed": ""})
    >>> [one.kind for one in apply_vetoes([face, face], [veto])]
    ['vetoed', 'face']
    """
    if KIND in {finding.kind for finding in found}:
        raise BrokenContract(f"a detector calls a finding {KIND!r}; that name is kept for what reviewers veto")
    if not vetoes:
        return tuple(found)
    pairs = sorted(
        (
            (-overlap, at, by)
            for by, veto in enumerate(vetoes)
            for at, finding in enumerate(found)
            if (overlap := _overlap(finding, veto)) >= veto.detail["overlap"]
        ),
    )
    taken: dict[int, Finding] = {}
    used: set[int] = set()
    for negative, at, by in pairs:
        if at not in taken and by not in used:
            used.add(by)
            taken[at] = _vetoed(found[at], vetoes[by], -negative)
    return tuple(taken.get(at, finding) for at, finding in enumerate(found))


def split(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], Counter[tuple[str, str]]]:
    """(what is to be treated, number of vetoed findings by kind and treatment)."""
    treated, vetoed = [], Counter[tuple[str, str]]()
    for finding in findings:
        if finding.kind == KIND:
            vetoed[str(finding.detail["kind"]), TREATMENT] += 1
        else:
            treated.append(finding)
    return tuple(treated), vetoed


def notes_of_vetoes(rules: Mapping[tuple[str, str], int]) -> list[str]:
    """What the manifest says: how many of each kind."""
    counts = {kind: count for (kind, treatment), count in sorted(rules.items()) if treatment == TREATMENT}
    return [
        f"A reviewer vetoed {count} findings of kind {kind}, as the policy allows; they were not treated as {kind}."
        for kind, count in counts.items()
    ]


def write_vetoes(place: Workplace) -> None:
    """`vetoes.csv` of the private folder: who vetoed what, where, in which review; nothing when nobody did."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(
        ["sample", "kind", "x", "y", "width", "height", "score", "found_by", "vetoed_by", "reviewed", "overlap"]
    )
    rows = 0
    for _, entry in place.journal():
        for plain in entry["findings"]:
            if plain["kind"] == KIND:
                finding = Finding.from_plain(plain)
                box, what = _box(finding), finding.detail
                sides = (box.x, box.y, box.width, box.height) if box else ()
                facts = (what[key] for key in ("found_by", "vetoed_by", "reviewed", "overlap"))
                table.writerow([entry["name"], what["kind"], *sides, finding.score, *facts])
                rows += 1
    if rows:
        write_atomically(place.private / FILE, text.getvalue().encode("utf-8", "surrogateescape"))


def _vetoed(finding: Finding, veto: Finding, overlap: float) -> Finding:
    detail = {
        "kind": finding.kind,
        "found_by": finding.source,
        "vetoed_by": veto.source,
        "reviewed": veto.detail["reviewed"],
        "overlap": round(overlap, 4),
    }
    return Finding(KIND, finding.where, finding.score, veto.source, finding.risk, detail=detail)


def _overlap(finding: Finding, veto: Finding) -> float:
    """Intersection over union; -1 for what the veto cannot mean."""
    one, other = _box(finding), _box(veto)
    if finding.kind != veto.kind or finding.source.startswith("reviewer:") or one is None or other is None:
        return -1.0
    return one.iou(other)


def _box(finding: Finding) -> Box | None:
    return finding.where.bounds() if isinstance(finding.where, Box | Polygon | Mask) else None
