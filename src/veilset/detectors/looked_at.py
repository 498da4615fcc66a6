"""The faces of the picture that is being looked at, for every detector that starts from faces."""

from __future__ import annotations

from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors.face import Face


def faces_of(image: Image, min_score: float, min_side: float) -> tuple[tuple[Box, float], ...]:
    """Box and score of each face whose geometric mean of the sides is at least `min_side` pixels, best first.

    Networks look once at a picture, be it for the detector `face` or for those that start from faces.
    """
    found = Face(min_score=min_score).find(Sample("faces", image))
    boxes = ((face.where.bounds(), face.score) for face in found if isinstance(face.where, Box))
    return tuple((box, score) for box, score in boxes if box.side >= min_side)
