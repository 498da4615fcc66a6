"""Opt-out as a detector: a withdrawn or opted-out picture is a finding, also re-encoded, resized or mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from veilset.core.check import in_range
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Whole
from veilset.records.preferences import reservations
from veilset.records.tombstones import opened

_WORDS = {
    "erased": "it was erased because its time was over, and may not come back; delete it from the source",
    "opted_out": "its people or its author opted out; leave it out",
    "withdrawn": "a person in it withdrew; leave it out, and delete it from the source",
}


@dataclass(frozen=True)
class Optout:
    """Finds `opted_out`: a tombstone names the picture, or the file itself reserves it against mining and training.

    **Guarantee**

    - The same file, and the same pixels in another lossless file, are always found.
    - A re-encoded, resized, mirrored or turned copy is found when its perceptual hash stays within `distance`; this is
      a likelihood, not a promise, and a cropped copy is usually not found.

    Attributes:
        store: Folder of the tombstones.
        distance: Bits of 64 in which perceptual hashes may differ; more finds more copies and more strangers.
        signals: Read reservations against mining and training from the file's own tags.

    *Shapes and units*: pictures (height, width, 3) uint8; `distance` in bits of a perceptual hash of 64.

    Raises:
        DataError: The tombstones cannot be read whole: without them nothing is allowed.

    *Source*: the tombstones' own hashes; elementary.

    >>> Optout(distance=4).signals
    True
    """

    store: str = "private/optout"
    distance: int = 8
    signals: bool = True

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("opted_out",)

    def __post_init__(self) -> None:
        in_range(0, 20, distance=self.distance)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """What speaks against any further release of the picture."""
        return tuple(self._found(sample))

    def _found(self, sample: Sample) -> Iterator[Finding]:
        match = opened(self.store).match(sample, self.distance)
        if match:
            detail = {"how": match.how, "distance": match.distance, "words": _WORDS[match.tombstone.why]}
            yield Finding("opted_out", Whole(), 1 - match.distance / 64, "optout", Risk.RIGHTS, detail=detail)
        if self.signals and (paths := reservations(sample.tags)):
            words = "its author reserved it against mining and training; ask the author, or leave it out"
            detail = {"how": "signal", "tags": list(paths), "words": words}
            yield Finding("opted_out", Whole(), 1.0, "optout/signals", Risk.RIGHTS, detail=detail)
