"""Kinds are treated one after another, and none may read what another has yet to treat.

A filling or a blur reads what stands around its region. Where that is a face whose turn comes later, the face would be
smeared into a region that nobody treats again, and the promise for faces would be void. So the regions of later kinds
are filled from outside of all regions while an operator looks, and are put back for their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from veilset.core.finding import Finding, by_kind
from veilset.core.region import Region, regions_of, union
from veilset.core.roles import Operator, Outcome
from veilset.core.sample import Image, Sample
from veilset.core.where import Box, Mask, Polygon, Whole
from veilset.operators.inpaint import fill_in
from veilset.operators.united import blobs_of
from veilset.policy.schema import Named, Policy

Share = tuple[Operator, Sequence[Finding]]
CONTEXT = 0.25


@dataclass(frozen=True, slots=True)
class Turn:
    """One kind of finding in a sample, and the operators that treat it, in order."""

    kind: str
    operators: tuple[Named, ...]
    findings: tuple[Finding, ...]


Apply = Callable[[Named, Sample, Sequence[Finding]], Outcome]


def turns_of(policy: Policy, findings: Sequence[Finding]) -> tuple[Turn, ...]:
    """Kinds in the order of the policy, then those that it does not name, in the order found."""
    groups = by_kind(findings)
    in_order = [kind for kind in policy.treat if kind in groups]
    in_order += [kind for kind in groups if kind not in policy.treat]
    return tuple(Turn(kind, policy.rule(kind).operators, groups[kind]) for kind in in_order)


def in_turn(sample: Sample, turns: Sequence[Turn], apply: Apply) -> Outcome:
    """The sample after every operator, none of which saw what another had yet to treat; dropped as soon as one drops.

    The one place where a picture is treated: a release and the adversary who repeats it both come here.
    """
    for place, turn in enumerate(turns):
        later = [(named.instance, other.findings) for other in turns[place + 1 :] for named in other.operators]
        for named in turn.operators:
            own = (named.instance, turn.findings)
            seen_by = veiled(sample, own, later)
            outcome = apply(named, seen_by, turn.findings)
            if outcome.sample is None:
                return Outcome(None, outcome.reason or f"{turn.kind}: {named.name}")
            sample = outcome.sample if seen_by is sample else unveiled(sample, outcome.sample, own)
    return Outcome(sample)


def regions_for(image: Image, share: Share) -> tuple[Region, ...]:
    """The regions that an operator on regions treats; none for operators that touch something else."""
    operator, findings = share
    if operator.touches != "region":
        return ()
    placed = [finding for finding in findings if isinstance(finding.where, Box | Polygon | Mask | Whole)]
    settings: Any = operator
    return regions_of(image, placed, grow=getattr(settings, "grow", 0.0))


def veiled(sample: Sample, own: Share, later: Sequence[Share]) -> Sample:
    """The sample as the operator of `own` may see it: what is treated `later` is filled from outside of everything."""
    if own[0].touches != "region" or not isinstance(sample.media, Image):
        return sample
    image = sample.media
    others = [region for share in later for region in regions_for(image, share)]
    if not others:
        return sample
    covered = union(others, image.shape)
    hidden = covered | union(regions_for(image, own), image.shape)
    pixels = image.pixels.copy()
    for blob in blobs_of(others):
        filled = fill_in(image.pixels, blob, hidden, CONTEXT, ring=True)
        pixels[blob.window][blob.mask] = filled[blob.mask]
    return sample.with_media(image.treat(covered, pixels))


def unveiled(before: Sample, treated: Sample, own: Share) -> Sample:
    """The treated sample with everything outside of the operator's own regions as it was before."""
    if not isinstance(before.media, Image) or not isinstance(treated.media, Image):
        return treated
    region = union(regions_for(before.media, own), before.media.shape)
    return treated.with_media(before.media.treat(region, treated.media.pixels))
