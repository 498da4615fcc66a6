"""The person on a photograph, elsewhere in a set: identity groups made on the spot, with the photograph among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from veilset.core.errors import DataError, MissingWeights, UsageError
from veilset.core.finding import Finding
from veilset.core.roles import Ref, SetDetector, Source
from veilset.core.sample import Sample
from veilset.flows.catalog import Catalog
from veilset.flows.identities import Kept
from veilset.flows.look import guarded
from veilset.flows.progress import Progress
from veilset.flows.weights import weights_of
from veilset.records.groups import Groups

# No file has this name, so that the photograph can lie beside the samples; it sorts before all of them.
_ASKED = ""


@dataclass(frozen=True)
class Recognised:
    """Who is where, as far as faces could be compared. Private.

    Attributes:
        groups: Pseudonym of each person on the photograph to the samples of the set that show that person.
        faces: Sample to the compared faces of these people in it.
        note: What a person who confirms has to know; empty when nothing.
    """

    groups: Groups = field(default_factory=dict)
    faces: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    note: str = ""


def recognise(
    asked: Sample, source: Source, refs: Sequence[Ref], names: Catalog, progress: Progress, kept: Kept | None = None
) -> Recognised:
    """Everybody on the photograph, looked for in the set by face; what was kept of a sample is not looked at again.

    Without the networks, or without a face that can be compared, nobody is found that way, and the note says so.
    """
    detector: SetDetector = names.build("detector", "identity", kept.identities.settings if kept else {})
    try:
        used = weights_of([detector])
    except MissingWeights as error:
        return Recognised(
            note=f"faces were not compared, only copies of the photograph were looked for: {error.message}"
        )
    if kept and dict(kept.identities.weights) != used:
        raise UsageError("the kept identities were made with other networks; keep them anew, or look without them")
    own = guarded("detector identity", Ref("", "the photograph"), detector.observe, asked)
    if not own:
        return Recognised(note="no face on the photograph can be compared; only copies of it were looked for")
    observed, fresh = {_ASKED: own}, 0
    for number, ref in enumerate(refs, 1):
        # What cannot be decoded is never released either.
        with suppress(DataError):
            sample = source.load(ref)
            known = kept.observed(sample) if kept else None
            fresh += known is None
            observed[ref.name] = guarded("detector identity", ref, detector.observe, sample) if known is None else known
        progress("comparing faces", number, len(refs))
    concluded = guarded("detector identity", Ref("", "the set"), detector.conclude, observed)
    people = {finding.subject for finding in concluded.get(_ASKED, ()) if finding.subject}
    faces = {
        name: own
        for name, findings in concluded.items()
        if name != _ASKED and (own := tuple(finding for finding in findings if finding.subject in people))
    }
    groups: dict[str, set[str]] = {}
    for name, findings in faces.items():
        for finding in findings:
            groups.setdefault(str(finding.subject), set()).add(name)
    note = f"{fresh} of {len(refs)} samples are not in the store, or changed since: looked at anew" if kept else ""
    return Recognised({group: frozenset(members) for group, members in sorted(groups.items())}, faces, note)
