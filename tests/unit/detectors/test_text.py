"""text: cores grow back to their texts, patterns read what they should, words stay private."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from veilset.core.sample import Image, Sample
from veilset.core.where import Polygon
from veilset.detectors import reading, text_regions
from veilset.detectors.plate import Plate, near, proportions
from veilset.detectors.text import Text
from veilset.detectors.written import kinds_in
from veilset.weights import store


@pytest.mark.parametrize("angle", [0, 20, 90])
def test_a_core_grows_back_over_its_text(angle: float) -> None:
    """Shrink a rectangle as the training labels do; what is found must hold nearly all of it."""
    width, height = 120.0, 24.0
    by = width * height * (1 - 0.4**2) / (2 * (width + height))
    cores = np.zeros((200, 200), np.float32)
    core = cv2.boxPoints(((100, 100), (width - 2 * by, height - 2 * by), angle)).round().astype(np.int32)
    cv2.fillPoly(cores, [core], 0.9)
    ((corners, score),) = text_regions.regions(cores, 0.4)
    assert score == pytest.approx(0.9, abs=0.01)
    whole = Polygon(tuple(map(tuple, cv2.boxPoints(((100, 100), (width, height), angle)).tolist()))).rasterise(
        (200, 200)
    )
    found = Polygon(tuple(map(tuple, corners.tolist()))).rasterise((200, 200))
    assert (found & whole).sum() / whole.sum() > 0.75
    assert (found & ~whole).sum() / found.sum() < 0.1


def test_faint_and_tiny_cores_are_left_out() -> None:
    cores = np.zeros((60, 60), np.float32)
    cores[10:20, 10:40] = 0.35
    cores[30, 30] = 0.9
    assert text_regions.regions(cores, 0.4) == []
    assert len(text_regions.regions(cores, 0.3)) == 1


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("jane.roe@example.org", ("email",)),
        ("call 020 7946 0000", ("phone",)),
        ("+49 (0)30 901820", ("phone",)),
        ("2014-04-28 06:40:28", ("date",)),
        ("3 May 1984", ("date",)),
        ("12/31/99", ("date",)),
        ("C01X00T47", ("id_number",)),
        ("Mrs. Roe", ("name",)),
        ("Mr. nobody", ()),
        ("EXIT 23", ()),
        ("Sale -50%", ()),
        ("2014", ()),
        ("", ()),
    ],
)
def test_patterns(words: str, kinds: tuple[str, ...]) -> None:
    assert kinds_in(words) == kinds


def test_patterns_end_on_hostile_words() -> None:
    for words in ("1-" * 1000, "a." * 1000 + "@", "A1" * 1000, "mr " * 1000, "(" * 1000, "a@" + "b." * 1000):
        assert isinstance(kinds_in(words), tuple)


def test_ctc_needs_a_blank_between_equal_letters() -> None:
    steps = np.eye(3, dtype=np.float32)
    assert reading.decode(steps[[1, 1, 1]], ("a", "b")) == ("a", 1.0)
    assert reading.decode(steps[[1, 0, 1, 2, 2]], ("a", "b"))[0] == "aab"
    assert reading.decode(steps[[0, 0]], ("a", "b")) == ("", 0.0)


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("backwards", [False, True])
def test_a_line_is_upright_whichever_corner_comes_first(start: int, backwards: bool) -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[40:60, 50:150] = 255
    corners = np.roll(np.array([[50, 40], [250, 40], [250, 60], [50, 60.0]]), start, axis=0)
    line = reading.upright(pixels, corners[::-1] if backwards else corners, rising=True)
    assert line.shape == (48, 480, 3)
    assert line[:, :200].mean() > 250
    assert line[:, 280:].mean() < 5


def test_high_lines_are_turned_both_ways() -> None:
    pixels = np.zeros((300, 100, 3), np.uint8)
    pixels[200:250, 40:60] = 255
    corners = np.array([[40, 50], [60, 50], [60, 250], [40, 250.0]])
    assert reading.upright(pixels, corners, rising=True)[4:-4, :100].mean() > 250
    assert reading.upright(pixels, corners, rising=False)[4:-4, -100:].mean() > 250


def test_frames_and_places_of_plates() -> None:
    from veilset.core.where import Box

    turned = cv2.boxPoints(((50, 50), (40, 10), 30)).astype(float)
    assert proportions(turned) == pytest.approx(4, rel=1e-5)
    grown = text_regions.framed(turned, 0.5)
    wanted = cv2.boxPoints(((50, 50), (50, 20), 30)).astype(float)
    np.testing.assert_allclose(sorted(grown.tolist()), sorted(wanted.tolist()), atol=1e-4)
    assert near(Box(102, 50, 4, 4), [Box(0, 0, 100, 100)], 0.1)
    assert not near(Box(120, 50, 4, 4), [Box(0, 0, 100, 100)], 0.1)


def written_on(words: str) -> np.ndarray:
    pixels = np.full((160, 640, 3), 235, np.uint8)
    cv2.putText(pixels, words, (30, 90), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 20), 3, cv2.LINE_AA)
    return pixels


@pytest.mark.weights
def test_drawn_words_are_found() -> None:
    if not store.installed("ppocr_text_det"):
        pytest.skip("ppocr_text_det is not installed")
    found = Text().find(Sample("1", Image(written_on("tel. +44 20 7946 0000"))))
    assert {finding.kind for finding in found} == {"text"}
    covered = np.zeros((160, 640), bool)
    for finding in found:
        covered |= finding.where.rasterise((160, 640))
        assert finding.value is None
    ink = written_on("tel. +44 20 7946 0000")[:, :, 0] < 128
    assert covered[ink].mean() > 0.99
    assert Plate(anywhere=False).find(Sample("1", Image(written_on("tel. 7946")))) == ()


@pytest.mark.weights
def test_words_are_read_and_stay_private() -> None:
    if not (store.installed("ppocr_text_det") and store.installed("ppocr_text_rec")):
        pytest.skip("the recogniser is not installed: `veilset weights pull ppocr_text_rec`")
    found = Text(words=True).find(Sample("1", Image(written_on("jane@example.org"))))
    assert [finding.kind for finding in found] == ["text", "email"]
    assert found[0].value == "jane@example.org"
    assert all("jane" not in repr(finding) and "jane" not in str(finding.detail) for finding in found)
