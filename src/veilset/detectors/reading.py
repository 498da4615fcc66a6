"""PP-OCRv4 recognition: the words of one line of text."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]
Corners = NDArray[np.float64]

WEIGHTS = "ppocr_text_rec"
HEIGHT = 48
LONGEST = 1600


def decode(probabilities: Array, characters: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest words, and the mean probability of their characters (0 when there are none).

    *Shapes*: probabilities (steps, 1 + characters), column 0 for "no character".

    *Source*: Graves et al., "Connectionist temporal classification", 2006, best path: repeats are one, blanks none.

    >>> decode(np.eye(3, dtype=np.float32)[[0, 1, 1, 0, 1, 2]], ("a", "b"))
    ('aab', 1.0)
    """
    best = probabilities.argmax(axis=1)
    said = (best > 0) & (best != np.concatenate(([0], best[:-1])))
    if not said.any():
        return "", 0.0
    return "".join(characters[number - 1] for number in best[said]), float(probabilities[said, best[said]].mean())


def upright(pixels: Pixels, corners: Corners, *, rising: bool) -> Pixels:
    """The text inside a rectangle (4, 2) as a line from left to right, `HEIGHT` pixels high.

    A high rectangle is turned: its text is taken to run from bottom to top when `rising`, else from top to bottom.
    """
    # Begin at the corner nearest to the picture's top left, and go round clockwise.
    first = int(np.argmin(corners.sum(axis=1)))
    ring = np.roll(corners, -first, axis=0)
    edge, other = ring[1] - ring[0], ring[3] - ring[0]
    if edge[0] * other[1] - edge[1] * other[0] < 0:
        ring = ring[[0, 3, 2, 1]]
    across, down = np.hypot(*(ring[1] - ring[0])), np.hypot(*(ring[3] - ring[0]))
    if down > 1.5 * across:
        ring, across, down = np.roll(ring, 1 if rising else -1, axis=0), down, across
    width = int(np.clip(round(HEIGHT * across / max(down, 1.0)), HEIGHT // 2, LONGEST))
    to = np.array([[0, 0], [width, 0], [width, HEIGHT], [0, HEIGHT]], np.float32)
    turn = cv2.getPerspectiveTransform(ring.astype(np.float32), to)
    line: Pixels = cv2.warpPerspective(
        pixels, turn, (width, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return line


def read(pixels: Pixels, corners: Corners) -> tuple[str, float]:
    """Words inside a rectangle (4, 2) of an RGB picture, and how sure the network is, in [0, 1]."""
    wide = np.ptp(corners[:, 0]) >= np.ptp(corners[:, 1])
    lines = [_line(upright(pixels, corners, rising=rising)) for rising in ((True,) if wide else (True, False))]
    return max(lines, key=lambda line: line[1])


def _line(line: Pixels) -> tuple[str, float]:
    planes = np.ascontiguousarray(((line[:, :, ::-1].astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None])
    (probabilities,) = onnx.run(WEIGHTS, {"x": planes})
    return decode(probabilities[0], _characters())


@lru_cache(maxsize=1)
def _characters() -> tuple[str, ...]:
    """The alphabet that the file itself carries, and the space that follows it."""
    listed = onnx.session(WEIGHTS).get_modelmeta().custom_metadata_map["character"]
    return (*listed.split("\n"), " ")
