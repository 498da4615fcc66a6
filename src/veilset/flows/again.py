"""The release's whole treatment as the adversary repeats it: every kind in turn, to the file that a reader opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from veilset.core.finding import Finding
from veilset.core.noise import Noise
from veilset.core.roles import Knowledge, Outcome
from veilset.core.sample import Image, Sample
from veilset.data.folder_sink import as_written
from veilset.flows.apart import in_turn, turns_of
from veilset.flows.chain import treatments_of
from veilset.policy.schema import Named, Policy


@dataclass(frozen=True, slots=True)
class Repeat:
    """Treats a sample as the release did, by the same code, with noise of the adversary's own.

    Attributes:
        policy: What the release did.
        written: The release was written by Veilset: a treated JPEG is coded anew where it was treated, and what comes
            back is what the file shows. Folders that somebody else wrote are repeated up to the pixels.
    """

    policy: Policy
    written: bool = True

    def __call__(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Sample | None:
        """The treated sample as its reader sees it; None when it is dropped."""

        def apply(named: Named, seen_by: Sample, own: Sequence[Finding]) -> Outcome:
            outcome: Outcome = named.instance.apply(seen_by, own, noise=noise)
            return outcome

        done = in_turn(sample, turns_of(self.policy, findings), apply).sample
        if done is None or not self.written or not isinstance(done.media, Image):
            return done
        return done.with_media(as_written(done.media))


def knowledge_of(policy: Policy | None, *, written: bool = True) -> Knowledge:
    """What the adversary knows of a release under `policy`; nothing but the result without one."""
    return Knowledge(treatments_of(policy), again=Repeat(policy, written) if policy else None)
