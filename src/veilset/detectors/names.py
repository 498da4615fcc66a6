"""Find dates, phone numbers, serials and the habits of applications in file names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from veilset.containers.file_names import said_by_name
from veilset.core.finding import Finding
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, Video
from veilset.core.where import Tag


@dataclass(frozen=True)
class Names:
    """File names and folders that hold dates, phone numbers, people or serial numbers.

    *Shapes and units*: any media; only the name under which the sample was read is looked at.

    Raises:
        Nothing of its own.

    *Source*: naming habits of cameras and messengers; elementary patterns.

    >>> import numpy as np
    >>> from veilset.core.sample import Origin
    >>> sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), origin=Origin("2023/IMG_20230514.jpg"))
    >>> [str(finding.risk) for finding in Names().find(sample)]
    ['time', 'device']
    """

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("name",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """One finding for each kind of part; the part itself is private."""
        return tuple(
            Finding("name", Tag(f"name/{kind.replace(' ', '_')}"), 0.8, "names/pattern", risk, None, {}, part)
            for kind, risk, part in said_by_name(sample.origin.name)
        )
