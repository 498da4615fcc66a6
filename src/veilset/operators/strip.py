"""Remove what the file says besides its pixels, all but an allowlist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from veilset.containers.contract import Keep
from veilset.core.check import one_of
from veilset.core.errors import BadSetting, WrongMedia
from veilset.core.finding import Finding, Risk
from veilset.core.guarantee import Exact, Guarantee
from veilset.core.noise import Noise
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Sample, TagValue
from veilset.core.where import Tag, Whole

KEEPS = ("exposure", "georeference", "icc", "orientation", "rights")
EXPOSURE = frozenset({"exposuretime", "fnumber", "isospeedratings", "photographicsensitivity", "focallength"})
GEOREFERENCE = frozenset(
    {
        "modelpixelscale",
        "modeltiepoint",
        "modeltransformation",
        "intergraphmatrix",
        "geokeydirectory",
        "geodoubleparams",
        "geoasciiparams",
    }
)
COLOUR = ("icc", "iccp", "icc_profile", "colr", "srgb", "gama", "chrm", "cicp", "colorspace")


def allowed(tag: TagValue, keep: Keep) -> bool:
    """Whether a tag may stay as it is under the allowlist. What would be coarsened does not stay as it is.

    >>> allowed(TagValue("exif/ifd0/Orientation", 6, technical=True), Keep())
    True
    >>> allowed(TagValue("exif/gps/GPSLatitude", 52.5, Risk.PLACE), Keep(gps_grid=0.1))
    False
    """
    parts = tag.path.lower().split("/")
    name = parts[-1]
    if tag.technical and name.endswith("orientation"):
        return keep.orientation
    if tag.technical and any(part in COLOUR for part in parts):
        return keep.icc
    if tag.risk is Risk.RIGHTS:
        return keep.rights
    if name in EXPOSURE:
        return keep.exposure
    if name in GEOREFERENCE:
        return keep.georeference and keep.gps_grid is None
    return keep.dates == "keep" and tag.risk is Risk.TIME


@dataclass(frozen=True)
class Strip:
    """Remove what the file says besides its pixels, all but an allowlist.

    Attributes:
        keep: What stays: any of `orientation`, `icc`, `rights`, `exposure`, `georeference` (what places a GeoTIFF's
            raster on the earth).
        gps_grid: Keep coordinates, rounded to a grid of this many degrees; 0 drops them. A georeference that stays is
            moved onto the grid with its raster.
        dates: `drop`, `month` (rounded down to the month) or `keep`.
        rotate: Turn pictures upright where that loses no bit, so that they need no orientation tag; the others keep it.

    *Shapes and units*: tags of any picture; `gps_grid` in degrees.

    **Guarantee**:
        - Exact: the output does not depend on any tag that the allowlist does not name.
        - An allowlist, not a blocklist: a tag that nobody has heard of goes.
        - All unnamed tags of the sample go, also those that no finding points at.
        - Pixels are untouched; turned ones are the same coefficients (JPEG) or samples in another order.

    Raises:
        WrongMedia: The sample is no picture, or a finding stands in its pixels, which no stripping of tags removes.
        BadSetting: A field holds a value that it cannot have.

    *Source*: elementary. Tools that copy the container and delete known tags leave maker notes, thumbnails and trailing
    bytes; here the sink writes a fresh container and asks `keep_of` what may enter it.

    >>> from veilset.core.noise import SystemNoise
    >>> import numpy as np
    >>> place = TagValue("exif/gps/GPSLatitude", 52.5, Risk.PLACE)
    >>> upright = TagValue("exif/ifd0/Orientation", 1, technical=True)
    >>> sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), tags=(place, upright))
    >>> found = [Finding("metadata", Tag("exif/gps/GPSLatitude"), 1, "metadata")]
    >>> [tag.path for tag in Strip().apply(sample, found, noise=SystemNoise()).sample.tags]
    ['exif/ifd0/Orientation']
    """

    keep: tuple[str, ...] = ("orientation", "icc")
    gps_grid: float = 0.0
    dates: str = "drop"
    rotate: bool = False

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    touches: ClassVar[Touches] = "tags"

    def __post_init__(self) -> None:
        for word in self.keep:
            one_of(KEEPS, keep=word)
        if self.rotate and "orientation" not in self.keep:
            raise BadSetting("rotate turns by the orientation, which keep leaves out; add orientation to keep")
        if self.rotate and "georeference" in self.keep:
            raise BadSetting("rotate turns the raster that a georeference lies over; leave one of the two out")
        # Whatever the containers cannot serve is said here, before the first picture.
        self.keep_of()

    def keep_of(self) -> Keep:
        """The allowlist, as containers and sinks read it."""
        return Keep(
            orientation="orientation" in self.keep,
            icc="icc" in self.keep,
            rights="rights" in self.keep,
            exposure="exposure" in self.keep,
            georeference="georeference" in self.keep,
            gps_grid=self.gps_grid or None,
            dates=self.dates,
        )

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:  # noqa: ARG002
        """The sample with no tags but those that stay as they are."""
        if not isinstance(sample.media, Image):
            held = type(sample.media).__name__
            raise WrongMedia(f"strip treats pictures, but sample {sample.id} holds a {held}", sample.id)
        for finding in findings:
            if not isinstance(finding.where, Tag | Whole):
                raise WrongMedia(
                    f"strip removes tags, but a {finding.kind} finding of sample {sample.id} stands in the picture; "
                    "treat this kind with an operator on regions",
                    sample.id,
                )
        if not findings:
            return Outcome(sample)
        keep = self.keep_of()
        tags = tuple(tag for tag in sample.tags if allowed(tag, keep))
        return Outcome(Sample(sample.id, sample.media, sample.subjects, sample.labels, tags, sample.origin))

    def guarantee(self) -> Guarantee:
        """Exact for every tag that is not named."""
        named = [*self.keep, *(["coordinates on a grid"] if self.gps_grid else [])]
        named += [] if self.dates == "drop" else ["dates"]
        return Exact(
            removed=f"any tag but {', '.join(named)}" if named else "any tag",
            given=("the sink writes a fresh container and copies no byte that it cannot name",),
        )
