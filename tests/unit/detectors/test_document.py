"""document: corners of drawn sheets, areas and overlaps by formula, and what is no sheet."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from veilset.core.sample import Image, Sample
from veilset.core.where import Polygon
from veilset.detectors import quadrilaterals
from veilset.detectors.document import Document, apart, blocks
from veilset.weights import store

CORNERS = np.array([[150, 90], [420, 120], [400, 400], [130, 370]], float)


def desk(*, text: bool = False) -> np.ndarray:
    """A light sheet on a dark, grained desk."""
    grain = np.random.default_rng(0).normal(0, 4, (480, 640, 3))
    pixels = np.clip(np.array([70, 50, 35]) + grain, 0, 255).astype(np.uint8)
    cv2.fillPoly(pixels, [CORNERS.astype(np.int32)], (235, 233, 228))
    if text:
        for y in range(160, 360, 32):
            cv2.putText(pixels, "Account statement 4711", (170, y), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (20, 20, 20), 1, 16)
    return pixels


@pytest.mark.parametrize("text", [False, True])
def test_the_sheet_is_among_the_candidates(text: bool) -> None:
    found = quadrilaterals.candidates(desk(text=text))
    assert max(quadrilaterals.overlap(quad, CORNERS) for quad in found) > 0.95


def test_an_even_picture_has_no_candidate() -> None:
    assert quadrilaterals.candidates(np.full((300, 400, 3), 120, np.uint8)) == []


def test_overlap_is_that_of_filled_pixels() -> None:
    other = CORNERS + np.array([40, 25])
    one, two = (quadrilaterals.filled(quad, (480, 640)) for quad in (CORNERS, other))
    assert quadrilaterals.overlap(CORNERS, other) == pytest.approx((one & two).sum() / (one | two).sum(), abs=0.01)
    assert quadrilaterals.area(CORNERS) == pytest.approx(one.sum(), rel=0.02)


def test_a_sheet_is_told_by_its_borders_and_its_tone() -> None:
    pixels = desk()
    sheet, bare = quadrilaterals.described(pixels, [CORNERS, CORNERS + np.array([180, 60])], [])
    named = dict(zip(quadrilaterals.NUMBERS, sheet, strict=True))
    assert named["weakest side"] > 0.9
    assert named["tone kept"] > 0.95
    assert named["light"] > 0.85
    assert bare[0] < named["weakest side"]


def test_of_nested_quadrilaterals_the_best_is_kept() -> None:
    inner = CORNERS.mean(axis=0) + 0.5 * (CORNERS - CORNERS.mean(axis=0))
    beside = CORNERS + np.array([300, 0])
    assert apart([CORNERS, inner, beside], np.array([0.9, 0.5, 0.4])) == [0, 2]
    assert apart([CORNERS, inner, beside], np.array([0.4, 0.5, 0.9])) == [2, 1]


def test_four_lines_of_text_are_a_block_and_three_are_not() -> None:
    lines = [np.array([[50, y], [250, y], [250, y + 12], [50, y + 12]], float) for y in (40, 60, 80, 100)]
    (block,) = blocks(lines, (200, 300))
    assert block[:, 0].min() < 50
    assert block[:, 0].max() > 250
    assert blocks(lines[:3], (200, 300)) == []


@pytest.mark.weights
def test_a_sheet_with_text_is_found_where_it_lies() -> None:
    if not store.installed("ppocr_text_det"):
        pytest.skip("the weights ppocr_text_det are not installed")
    found = Document().find(Sample("1", Image(desk(text=True))))
    assert found
    assert isinstance(found[0].where, Polygon)
    assert quadrilaterals.overlap(np.array(found[0].where.points), CORNERS) > 0.9
    assert Document().find(Sample("2", Image(np.full((300, 400, 3), 120, np.uint8)))) == ()
