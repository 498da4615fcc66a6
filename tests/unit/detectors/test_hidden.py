"""Pictures inside a file: the same one again passes, one that shows what the main picture hides is its own finding."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from veilset.core.finding import Risk
from veilset.core.sample import Image, Sample, TagValue
from veilset.detectors.hidden import Hidden, difference
from veilset.testing.drawn import picture


def _jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "JPEG", quality=75)
    return out.getvalue()


def _small(pixels: np.ndarray, width: int = 160, height: int = 120) -> np.ndarray:
    return np.asarray(PIL.Image.fromarray(pixels).resize((width, height)))


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return picture(640, 480, seed=3)


def _kinds(main: np.ndarray, hidden: np.ndarray) -> list[str]:
    tag = TagValue("exif/ifd1/thumbnail", _jpeg(hidden), Risk.HIDDEN)
    return [finding.kind for finding in Hidden().find(Sample("1", Image(main.copy()), tags=(tag,)))]


def test_an_honest_thumbnail_passes(photo: np.ndarray) -> None:
    assert _kinds(photo, _small(photo)) == []


def test_a_turned_thumbnail_passes(photo: np.ndarray) -> None:
    assert _kinds(photo, np.ascontiguousarray(np.rot90(_small(photo)))) == []


def test_black_bars_do_not_make_it_different(photo: np.ndarray) -> None:
    wide = photo[60:420]
    barred = np.zeros((120, 160, 3), np.uint8)
    barred[15:105] = _small(np.ascontiguousarray(wide), 160, 90)
    assert _kinds(np.ascontiguousarray(wide), barred) == []


def test_a_thumbnail_that_shows_what_was_covered_is_hidden(photo: np.ndarray) -> None:
    covered = photo.copy()
    covered[120:280, 200:360] = 0
    shown = photo.copy()
    shown[120:280, 200:360] = 230
    assert _kinds(covered, _small(shown)) == ["hidden_image"]


def test_another_picture_is_hidden_with_its_difference(photo: np.ndarray) -> None:
    other = picture(640, 480, seed=77)
    other[:240] = 255 - other[:240]
    tag = TagValue("jpeg/tail/jpeg", _jpeg(other), Risk.HIDDEN)
    (finding,) = Hidden().find(Sample("1", Image(photo.copy()), tags=(tag,)))
    assert finding.kind == "hidden_image"
    assert finding.risk is Risk.HIDDEN
    assert finding.detail["difference"] > 0.12


def test_what_cannot_be_decoded_is_hidden(photo: np.ndarray) -> None:
    tag = TagValue("jpeg/tail/mp4", b"\0\0\0\x18ftypmp42" + bytes(200), Risk.HIDDEN)
    assert [one.kind for one in Hidden().find(Sample("1", Image(photo.copy()), tags=(tag,)))] == ["hidden_image"]


def test_the_difference_is_zero_for_the_same_picture(photo: np.ndarray) -> None:
    assert difference(photo, photo) < 1e-6
