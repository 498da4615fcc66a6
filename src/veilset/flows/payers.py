"""Who pays for a treated region: whoever it shows, as far as labels, folders or identity groups tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from veilset.core.finding import Finding
from veilset.core.where import Box
from veilset.dp.ledger import EVERYONE

SAME_FACE = 0.3
"""Least overlap (intersection over union) of a found face and one that was recognised, to be the same face."""


def payers_of(
    regions: Sequence[Finding], findings: Iterable[Finding], people: frozenset[str]
) -> tuple[frozenset[str], ...]:
    """For every region who is charged for it; empty means unknown, which charges everyone.

    A region that names its own person charges that person. A region over a face that `identity` put into a group charges
    the group, besides whoever is known to be in the picture. Every recognised face is used once, the best overlap first,
    so that the second of two regions on one face has an unknown owner rather than a wrong one.

    >>> from veilset.core.where import Box
    >>> face = Finding("face", Box(0, 0, 10, 10), 1, "a detector")
    >>> known = Finding("identity", Box(1, 0, 10, 10), 1, "identity", subject="person-00001")
    >>> payers_of([face], [face, known], frozenset())
    (frozenset({'person-00001'}),)
    """
    seen = _groups(findings)
    overlaps = sorted(
        ((_overlap(region, one), at, of) for at, region in enumerate(regions) for of, one in enumerate(seen)),
        key=lambda pair: -pair[0],
    )
    owner: dict[int, str] = {}
    used: set[int] = set()
    for overlap, at, of in overlaps:
        if overlap >= SAME_FACE and at not in owner and of not in used:
            owner[at] = str(seen[of].subject)
            used.add(of)
    return tuple(
        frozenset({region.subject}) if region.subject else people | ({owner[at]} if at in owner else frozenset())
        for at, region in enumerate(regions)
    )


def everybody_in(regions: Sequence[Finding], findings: Sequence[Finding], people: frozenset[str]) -> frozenset[str]:
    """Who pays for a treatment of the whole picture: everybody in it, and everyone when a region's owner is unknown."""
    groups = frozenset(str(one.subject) for one in _groups(findings))
    if not groups:
        return people
    own = payers_of(regions, findings, people)
    return people | groups | (frozenset() if all(own) else frozenset({EVERYONE}))


def naming_of(found: Mapping[str, tuple[str, tuple[Finding, ...]]]) -> str:
    """Where the names of people come from: given from outside, or groups of this very set of pictures.

    Pseudonyms of groups are numbers that mean nothing in another run, so the naming holds who was seen where: the same
    pictures, grouped the same way, have the same naming, and nothing else has.
    """
    seen = sorted(
        (name, str(one.subject), [round(side) for side in _sides(one)])
        for name, findings in found.values()
        for one in _groups(findings)
    )
    return f"identity:{hashlib.sha256(json.dumps(seen).encode()).hexdigest()}" if seen else "given"


def _groups(findings: Iterable[Finding]) -> list[Finding]:
    return [one for one in findings if one.kind == "identity" and one.subject]


def _sides(finding: Finding) -> tuple[float, ...]:
    box = finding.where if isinstance(finding.where, Box) else Box(0, 0, 0, 0)
    return box.x, box.y, box.width, box.height


def _overlap(one: Finding, other: Finding) -> float:
    boxes = [finding.where.bounds() for finding in (one, other) if hasattr(finding.where, "bounds")]
    return boxes[0].iou(boxes[1]) if len(boxes) == 2 else 0.0
