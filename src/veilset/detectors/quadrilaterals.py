"""Four-sided regions of one look inside a picture: found by their borders and by their tone, described by numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.detectors.fusion import Floats

Pixels = NDArray[np.uint8]
Plane = NDArray[np.uint8]
Outline = NDArray[np.int32]

# Of the picture's area; of the hull that a quadrilateral may differ from the outline it stands for.
LEAST, MOST = 0.004, 0.9
LIKE = 0.85
FLATTEST = 6.0
NUMBERS = (
    "weakest side", "mean side", "apart", "tone kept", "light", "colour", "text share", "lines", "size", "flat",
)  # fmt: skip


def candidates(pixels: Pixels) -> list[Floats]:
    """Convex quadrilaterals (4, 2), corners clockwise, that some outline in the picture nearly fills; with repeats.

    *Shapes*: pixels (height, width, 3) RGB. Outlines are those of edges, and of regions that are lighter, or less
    coloured, than several levels.
    """
    height, width = pixels.shape[:2]
    found = []
    for plane in planes(pixels):
        outlines, _ = cv2.findContours(plane, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        for outline in outlines:
            box = cv2.boundingRect(outline)
            if box[2] * box[3] >= LEAST * height * width:
                corners = four_corners(outline)
                if corners is not None and LEAST <= area(corners) / (height * width) <= MOST:
                    found.append(corners)
    return found


def planes(pixels: Pixels) -> Iterator[Plane]:
    """Pictures in black and white (height, width) whose outlines may be those of flat things."""
    smooth = cv2.bilateralFilter(pixels, 5, 40, 5)
    grey = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY)
    colour = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV)[:, :, 1]
    kernel = np.ones((3, 3), np.uint8)
    for plane in (grey, colour):
        for low, high in ((20, 60), (60, 150)):
            yield cv2.dilate(cv2.Canny(plane, low, high), kernel)
    closing = np.ones((7, 7), np.uint8)
    for level in np.unique(np.quantile(grey, (0.3, 0.5, 0.65, 0.8, 0.9)).astype(int)):
        yield cv2.morphologyEx((grey > level).astype(np.uint8), cv2.MORPH_CLOSE, closing)
    for level in np.unique(np.quantile(colour, (0.15, 0.35, 0.6)).astype(int)):
        yield cv2.morphologyEx((colour <= level).astype(np.uint8), cv2.MORPH_CLOSE, closing)


def four_corners(outline: Outline) -> Floats | None:
    """The quadrilateral (4, 2) that stands for an outline; None when none does."""
    hull = cv2.convexHull(outline)
    around, inside = cv2.arcLength(hull, closed=True), cv2.contourArea(hull)
    for part in (0.02, 0.04, 0.07):
        corners = cv2.approxPolyDP(hull, part * around, closed=True)
        if len(corners) <= 4:
            break
    if len(corners) != 4 or inside <= 0:
        return None
    square: Floats = corners[:, 0].astype(np.float64)
    sides = np.hypot(*(square - np.roll(square, 1, axis=0)).T)
    alike = min(inside, area(square)) / max(inside, area(square))
    if alike < LIKE or sides.min() < 8 or sides.max() > FLATTEST * sides.min():
        return None
    return square


def area(corners: Floats) -> float:
    """Area of a polygon (n, 2).

    >>> area(np.array([[0, 0], [4, 0], [4, 3], [0, 3.0]]))
    12.0
    """
    x, y = corners.T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)


def filled(corners: Floats, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels (height, width) inside a polygon (n, 2)."""
    inside = np.zeros(shape, np.uint8)
    cv2.fillPoly(inside, [corners.round().astype(np.int32)], 1)
    return inside.astype(bool)


def overlap(first: Floats, second: Floats) -> float:
    """Intersection over union of two convex polygons (n, 2).

    >>> overlap(np.array([[0, 0], [2, 0], [2, 2], [0, 2.0]]), np.array([[1, 0], [3, 0], [3, 2], [1, 2.0]]))
    0.333...
    """
    shared, _ = cv2.intersectConvexConvex(first.astype(np.float32), second.astype(np.float32))
    return float(shared / max(area(first) + area(second) - shared, 1e-9))


def described(pixels: Pixels, quads: Sequence[Floats], lines: Sequence[Floats]) -> Floats:
    """What each quadrilateral is like, as the numbers that `NUMBERS` names: (n, 10).

    *Shapes*: pixels (height, width, 3); quads and lines (of text) as corners (4, 2), in its pixels.
    """
    lab = cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.float32)
    height, width = lab.shape[:2]
    words = np.zeros((height, width), bool)
    for line in lines:
        words |= filled(line, (height, width))
    middles = np.array([line.mean(axis=0) for line in lines]).reshape(-1, 2)
    return np.array([_numbers(lab, quad, words, middles) for quad in quads]).reshape(-1, len(NUMBERS))


def _numbers(lab: NDArray[np.float32], quad: Floats, words: NDArray[np.bool_], middles: Floats) -> list[float]:
    steps = _steps(lab, quad)
    x, y = np.floor(quad.min(axis=0)).astype(int).clip(0)
    right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 1
    window = lab[y:bottom, x:right]
    inside = filled(quad - [x, y], window.shape[:2])
    tones = window[inside]
    usual = np.median(tones, axis=0)
    paper = np.abs(tones - usual).max(axis=1) < 20
    held = sum(
        cv2.pointPolygonTest(quad.astype(np.float32), (float(a), float(b)), measureDist=False) >= 0 for a, b in middles
    )
    share = len(tones) / (lab.shape[0] * lab.shape[1])
    sides = np.hypot(*(quad - np.roll(quad, 1, axis=0)).T)
    return [
        float(np.min(steps)),
        float(np.mean(steps)),
        float(min(np.abs(usual - _outside(lab, quad)).max() / 40, 2.0)),
        float(paper.mean()),
        float(usual[0] / 255),
        float(np.hypot(*(usual[1:] - 128)) / 40),
        float(min(words[y:bottom, x:right][inside].mean() * 3, 1.0)),
        float(np.log2(1 + held) / 3),
        float(np.log2(share)),
        float(np.log2(sides.max() / sides.min())),
    ]


def _steps(lab: NDArray[np.float32], quad: Floats) -> list[float]:
    """For each side, the part of its length at which the tone changes across it."""
    centre, found = quad.mean(axis=0), []
    for first, second in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        along = np.linspace(0.06, 0.94, 24)[:, None]
        points = first + along * (second - first)
        normal = np.array([second[1] - first[1], first[0] - second[0]])
        normal = normal / max(float(np.hypot(*normal)), 1e-9)
        if normal @ (centre - first) < 0:
            normal = -normal
        within, without = _at(lab, points + 4 * normal), _at(lab, points - 4 * normal)
        found.append(float((np.abs(within - without).max(axis=1) > 12).mean()))
    return found


def _outside(lab: NDArray[np.float32], quad: Floats) -> NDArray[np.float32]:
    """The usual tone just outside."""
    centre = quad.mean(axis=0)
    ring = np.concatenate([np.linspace(a, b, 12) for a, b in zip(quad, np.roll(quad, -1, axis=0), strict=True)])
    away = ring - centre
    far = away * (1 + 8 / np.maximum(np.hypot(*away.T), 1e-9))[:, None]
    usual: NDArray[np.float32] = np.median(_at(lab, centre + far), axis=0)
    return usual


def _at(lab: NDArray[np.float32], points: Floats) -> NDArray[np.float32]:
    x = points[:, 0].round().astype(int).clip(0, lab.shape[1] - 1)
    y = points[:, 1].round().astype(int).clip(0, lab.shape[0] - 1)
    tones: NDArray[np.float32] = lab[y, x]
    return tones
