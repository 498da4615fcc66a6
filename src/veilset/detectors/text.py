"""Text: where it stands and, when asked for, what it gives away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Polygon
from veilset.detectors import reading, text_regions, written

Corners = NDArray[np.float64]


@dataclass(frozen=True)
class Text:
    """Lines of text as rectangles turned as the text is, in pixels of the upright picture.

    With `words`, each line is read as well. What was read stays in the finding's private value; a line that seems to
    hold a date, an e-mail address, a number like that of a document, a name after a title, or a telephone number is
    found once more under that kind.

    Attributes:
        min_score: Lowest mean probability of a line that is reported.
        side: Longer side, in pixels, that the picture is scaled to (up at most twofold); small text needs more.
        margin: Each line is grown by this fraction of its height on every side, so that no ink stands out.
        words: Read the lines. Needs the recogniser.
        min_sure: Words read with less certainty are not used.

    *Shapes and units*: picture (height, width, 3) uint8; polygons of four corners in pixels; scores in [0, 1].

    *Raises*: MissingWeights when the network, or with `words` the recogniser, is not installed.

    *Source*: PP-OCRv3 detection and PP-OCRv4 recognition (PaddleOCR); Chinese and English. Other scripts were not
    measured; what is not read is still found as `text`.

    >>> Text(words=True).side
    1280
    """

    min_score: float = 0.4
    side: int = 1280
    margin: float = 0.15
    words: bool = False
    min_sure: float = 0.5

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("text", *written.KINDS)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score, min_sure=self.min_sure, margin=self.margin)
        in_range(320, 4096, side=self.side)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (text_regions.WEIGHTS, *((reading.WEIGHTS,) if self.words else ()))

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Lines from top to bottom, each followed by the kinds that it seems to hold."""
        lines = text_regions.see(sample.image, self.min_score, self.side)
        lines.sort(key=lambda line: (line[0][:, 1].min(), line[0][:, 0].min()))
        return tuple(finding for corners, score in lines for finding in self._line(sample.image, corners, score))

    def _line(self, image: Image, corners: Corners, score: float) -> Iterator[Finding]:
        where = Polygon(tuple((float(x), float(y)) for x, y in text_regions.framed(corners, self.margin)))
        said, sure = reading.read(image.pixels, corners) if self.words else ("", 0.0)
        read = said if sure >= self.min_sure else None
        source = "text/ppocr_det+ppocr_rec" if self.words else "text/ppocr_det"
        detail = {"characters": len(read), "sure": round(sure, 4)} if read else {}
        yield Finding("text", where, min(1.0, score), source, Risk.CONTENT, detail=detail, value=read or None)
        for kind in written.kinds_in(read or ""):
            yield Finding(kind, where, min(1.0, sure), source, Risk.PERSON, detail=detail, value=read)
