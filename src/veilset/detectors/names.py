"""Find dates, phone numbers, serials and the habits of applications in file names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from veilset.containers.sidecars import NATIONAL
from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, Video
from veilset.core.where import Tag

_PATTERNS: tuple[tuple[str, Risk, re.Pattern[str]], ...] = (
    (
        "date and time",
        Risk.TIME,
        re.compile(
            r"(?<!\d)(?:(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:[0-2]\d|3[01])"
            r"|(?:0[1-9]|[12]\d|3[01])[-_.](?:0[1-9]|1[0-2])[-_.](?:19|20)\d\d)(?!\d)"
        ),
    ),
    ("time stamp", Risk.TIME, re.compile(r"(?<!\d)1[0-9]{9}(?:\d{3})?(?!\d)")),
    ("phone number", Risk.PERSON, re.compile(r"(?<!\d)(?:\+|00)[1-9][\d ()-]{7,15}\d(?!\d)|" + NATIONAL)),
    ("mail address", Risk.PERSON, re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)),
    (
        "messenger file",
        Risk.HISTORY,
        re.compile(r"\bIMG-\d{8}-WA\d{4}|signal-\d{4}-|telegram|FB_IMG_\d+|Snapchat-\d+", re.IGNORECASE),
    ),
    ("screenshot", Risk.HISTORY, re.compile(r"screen[ _-]?shot|bildschirmfoto|capture d.ecran", re.IGNORECASE)),
    (
        "camera numbering",
        Risk.DEVICE,
        re.compile(r"(?:^|/)(?:DSC[NF_]?|IMG_|MVI_|PXL_|GOPR|DJI_|P\d{3}|SAM_)\d{4,}", re.IGNORECASE),
    ),
    ("position", Risk.PLACE, re.compile(r"(?<!\d)-?\d{1,2}\.\d{4,}[,_ ]+-?\d{1,3}\.\d{4,}(?!\d)")),
    (
        "serial number",
        Risk.DEVICE,
        re.compile(r"(?<![A-Za-z])(?:s/?n|serial)[-_ ]?(?=[A-Z]*\d)[A-Z0-9]{6,}", re.IGNORECASE),
    ),
    ("user folder", Risk.PERSON, re.compile(r"(?:^|/)(?:home|Users|Dokumente und Einstellungen)/[^/]+", re.IGNORECASE)),
    ("two capitalised words", Risk.PERSON, re.compile(r"(?:^|[/_ -])[A-Z][a-z]{2,}[_ -][A-Z][a-z]{2,}(?=[^a-z]|$)")),
)


def parts_of(name: str) -> tuple[tuple[str, Risk, str], ...]:
    """What a file name gives away: kind, risk and the part of the name.

    >>> [kind for kind, _, _ in parts_of("2023/IMG-20230514-WA0007.jpg")]
    ['date and time', 'messenger file']
    """
    return tuple((kind, risk, hit.group(0)) for kind, risk, pattern in _PATTERNS if (hit := pattern.search(name)))


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
            for kind, risk, part in parts_of(sample.origin.name)
        )
