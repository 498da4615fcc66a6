"""Licences as a detector: a sample whose licence does not allow this release, or is not known, is a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, TagValue, Video
from veilset.core.where import Whole
from veilset.records.licences import NO_ASSERTION, Claim, identify, objections, resolve
from veilset.records.provenance import folder_claims, nearest, origins

# Last parts of tag paths that may hold a licence: XMP rights, Creative Commons, IPTC and EXIF notices.
_TAGS = ("license", "webstatement", "usageterms", "rights", "copyright", "copyrightnotice", "certificate", "116")


def embedded_claims(tags: tuple[TagValue, ...]) -> tuple[Claim, ...]:
    """Licences that the file itself names; a notice that names none says nothing.

    >>> embedded_claims((TagValue("xmp/cc:license", "https://creativecommons.org/licenses/by/4.0/"),))
    (Claim(spdx='CC-BY-4.0', evidence='tag xmp/cc:license'),)
    """
    found = []
    for tag in tags:
        last = tag.path.replace(":", "/").rsplit("/", 1)[-1].lower()
        if last in _TAGS:
            text = tag.value.decode("utf-8", "replace") if isinstance(tag.value, bytes) else str(tag.value)
            found.append(Claim(identify(text), f"tag {tag.path}"))
    return tuple(claim for claim in found if claim.spdx != NO_ASSERTION)


@dataclass(frozen=True)
class Licence:
    """Finds `licence`: the sample's licence is unknown, contradictory, or does not allow this release.

    Every source is asked: the table of origins, the nearest LICENSE file above the sample, and the file's own tags. If
    they disagree, none holds. A licence says nothing about the people in the picture: that is the consent detector's.

    Attributes:
        table: CSV or Parquet table of origins; empty for none.
        folder: Root below which LICENSE files count; empty for none.
        commercial: The release is meant for commercial use too.
        derivatives: The release holds treated pictures.
        release_licence: SPDX identifier of the release's own licence.
        allow: Further identifiers whose terms somebody has read and found sufficient.

    *Shapes and units*: any media; nothing is measured.

    Raises:
        DataError: The table cannot be read: without it nothing is allowed.

    *Source*: licence identifiers of SPDX; elementary.

    >>> Licence(commercial=True).derivatives
    True
    """

    table: str = ""
    folder: str = ""
    commercial: bool = False
    derivatives: bool = True
    release_licence: str = ""
    allow: tuple[str, ...] = ()

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("licence",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow", tuple(self.allow))

    @cached_property
    def _notices(self) -> Mapping[str, tuple[Claim, ...]]:
        """The folder's LICENSE files, read once by each detector: the next run sees what came meanwhile."""
        return folder_claims(Path(self.folder)) if self.folder else {}

    def claims(self, sample: Sample) -> tuple[Claim, ...]:
        """What every source says about the sample's licence."""
        name = sample.origin.name or sample.id
        rows = tuple(row.claim() for row in origins(self.table).get(name, ())) if self.table else ()
        return (*rows, *nearest(self._notices, name), *embedded_claims(tuple(sample.tags)))

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """One finding for each thing that stands against a release."""
        claims = self.claims(sample)
        spdx, status = resolve(claims)
        against = objections(
            spdx,
            status,
            commercial=self.commercial,
            derivatives=self.derivatives,
            release_licence=self.release_licence,
            allow=self.allow,
        )
        shown = {"licence": spdx, "status": status, "claims": sorted({claim.spdx for claim in claims})}
        return tuple(
            Finding("licence", Whole(), 1.0, "licence", Risk.RIGHTS, detail={**shown, "words": words})
            for words in against
        )
