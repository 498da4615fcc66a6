"""Documents and other flat things that say something: sheets, cards, receipts, whiteboards, screens full of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Polygon
from veilset.detectors import text_regions
from veilset.detectors.fusion import Floats
from veilset.detectors.quadrilaterals import area, candidates, described, filled
from veilset.detectors.shared import copy_of
from veilset.detectors.tiles import resized

Pixels = NDArray[np.uint8]

SIDE = 640
MIN_TEXT = 0.4
# Printed by `benchmarks/fit_documents.py`: constant, and weights of the numbers that `quadrilaterals.NUMBERS` names.
CONSTANT = -10.7422
WEIGHTS = (0.9781, 5.4841, -0.3239, 6.3237, 2.9202, -1.1243, 1.7916, 1.8472, 0.6946, -0.1687)


def chances(numbers: Floats) -> Floats:
    """How likely each quadrilateral (n, 10) is a document, on drawings like those it was fitted on."""
    odds: Floats = 1 / (1 + np.exp(-(numbers @ np.array(WEIGHTS) + CONSTANT)))
    return odds


def blocks(lines: Sequence[Floats], shape: tuple[int, int]) -> list[Floats]:
    """Rectangles (4, 2) around four or more lines of text (4, 2) that stand no further apart than they are high."""
    near = np.zeros(shape, np.uint8)
    for line in lines:
        height = np.hypot(*(line - np.roll(line, 1, axis=0)).T).min()
        grown = text_regions.framed(line, 0.8)
        near[filled(grown, shape)] = 1 if height else 0
    _, label = cv2.connectedComponents(near)
    found = []
    at = [tuple(line.mean(axis=0).astype(int).clip(0, [shape[1] - 1, shape[0] - 1])[::-1]) for line in lines]
    for number in sorted({int(label[place]) for place in at} - {0}):
        members = [line for line, place in zip(lines, at, strict=True) if label[place] == number]
        if len(members) >= 4:
            turned = cv2.minAreaRect(np.concatenate(members).astype(np.float32))
            corners = cv2.boxPoints(turned).astype(np.float64)
            found.append(np.clip(text_regions.framed(corners, 0.06), 0, [shape[1] - 1, shape[0] - 1]))
    return [corners for corners in found if area(corners) > 64]


def apart(quads: Sequence[Floats], scores: Floats) -> list[int]:
    """Numbers of the quadrilaterals that are left, best first, when none may lie nearly in another or hold it."""
    kept: list[int] = []
    for number in np.lexsort((np.arange(len(quads)), -scores)).tolist():
        mine = area(quads[number])
        for other in kept:
            shared, _ = cv2.intersectConvexConvex(quads[number].astype(np.float32), quads[other].astype(np.float32))
            if shared >= 0.6 * min(mine, area(quads[other])):
                break
        else:
            kept.append(number)
    return kept


def see(image: Image) -> tuple[list[Floats], Floats]:
    """Quadrilaterals (4, 2) in pixels of the picture, and what each is like (n, 10)."""
    pixels = copy_of(image, SIDE)
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    width, height = (max(32, round(length * scale)) for length in pixels.shape[1::-1])
    small = resized(pixels, width, height, scale)
    back = np.array([image.width / width, image.height / height])
    lines = [corners / back for corners, _ in text_regions.see(image, MIN_TEXT, 1280)]
    quads = [*candidates(small), *blocks(lines, (height, width))]
    return [quad * back for quad in quads], described(small, quads, lines)


@dataclass(frozen=True)
class Document:
    """Paper, cards, whiteboards, signs and screens that are seen as four-sided regions; no network at hand knows them.

    Outlines of edges and of tone make candidates; borders, tone and the text inside decide. Signs, posters, windows and
    white boxes look alike and are found, too. A document that is folded, cut by the picture's border, covered by a hand or
    smaller than a sixteenth of the picture's side is often missed: `text` finds what it says.

    Attributes:
        min_score: Lowest score that is reported. Lower finds more, and more that is no document: 0.1 was chosen for less
            than one false region in two photographs.

    *Shapes and units*: picture (height, width, 3) uint8; polygons of four corners in pixels of the upright picture; scores
    in [0, 1], the chance fitted on drawn documents.

    *Raises*: MissingWeights when the network for text is not installed.

    *Source*: ours: quadrilaterals of OpenCV outlines, PP-OCRv3 text, logistic regression. Recall and false alarms on
    drawn documents laid into photographs, and on labelled books: `benchmarks/detectors_recall.py documents`.

    >>> Document(min_score=0.5).finds
    ('document',)
    """

    min_score: float = 0.1

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("document",)

    def __post_init__(self) -> None:
        in_range(0, 1, min_score=self.min_score)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (text_regions.WEIGHTS,)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Documents, surest first."""
        quads, numbers = see(sample.image)
        if not quads:
            return ()
        scores = chances(numbers)
        found = []
        for number in apart(quads, scores):
            if scores[number] >= self.min_score:
                where = Polygon(tuple((float(x), float(y)) for x, y in quads[number]))
                score = round(float(scores[number]), 4)
                found.append(Finding("document", where, score, "document/quadrilaterals", Risk.CONTENT))
        return tuple(found)
