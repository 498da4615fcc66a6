"""shared: one look for all who ask, the same pixels whoever decoded before, forgotten with the picture."""

from __future__ import annotations

import gc
import weakref

import cv2
import numpy as np
import pytest

from veilset.core.sample import Image
from veilset.detectors import objects, shared, tiles


class Counted:
    """A coded JPEG that counts its decodes."""

    format = "jpeg"

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels
        self.asked: list[int] = []

    def read(self) -> bytes:
        return b""

    def decode(self, reduce: int = 1) -> np.ndarray:
        self.asked.append(reduce)
        return self.pixels[::reduce, ::reduce].copy()


@pytest.fixture
def large() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (1200, 1600, 3), dtype=np.uint8)


def test_a_copy_is_decoded_once_and_as_small_as_it_may_be(large: np.ndarray) -> None:
    coded = Counted(large)
    image = Image(coded=coded, size=(1600, 1200))
    assert shared.copy_of(image, 400).shape == (300, 400, 3)
    assert shared.copy_of(image, 380).shape == (300, 400, 3)
    assert shared.copy_of(image, 401).shape == (600, 800, 3)
    assert coded.asked == [4, 2]
    assert shared.copy_of(image, 801) is image.pixels


def test_a_copy_does_not_depend_on_what_was_decoded_before(large: np.ndarray) -> None:
    fresh, used = (Image(coded=Counted(large), size=(1600, 1200)) for _ in range(2))
    _ = used.pixels
    assert (shared.copy_of(fresh, 400) == shared.copy_of(used, 400)).all()


def test_a_treated_picture_is_never_decoded_from_its_untreated_file(large: np.ndarray) -> None:
    image = Image(coded=Counted(large), size=(1600, 1200))
    whole = np.ones((1200, 1600), bool)
    treated = image.treat(whole, np.full_like(large, 9))
    assert (shared.copy_of(treated, 400) == 9).all()


def test_what_is_shared_is_forgotten_with_its_picture(large: np.ndarray) -> None:
    class Kept:
        """Something that can be referred to weakly."""

    image = Image(large)
    kept = weakref.ref(shared.shared(image, "kept", Kept))
    assert kept() is not None
    del image
    gc.collect()
    assert kept() is None


def test_a_large_copy_is_not_kept(large: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST_KEPT", 1000)
    coded = Counted(large)
    image = Image(coded=coded, size=(1600, 1200))
    shared.copy_of(image, 400)
    shared.copy_of(image, 400)
    assert coded.asked == [4, 4]


def test_a_network_looks_once_whoever_asks_and_each_gets_its_own_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def detect(pixels: np.ndarray, classes: range, min_score: float) -> np.ndarray:
        asked.append((pixels.shape, min_score))
        rows = [[0, 0, 10, 10, 0.9, 0], [20, 20, 30, 30, 0.3, 0], [40, 40, 60, 60, 0.5, 62]]
        return np.array([row for row in rows if row[5] in classes and row[4] > min_score], float)

    monkeypatch.setitem(objects.NETWORKS, "yolox", detect)
    image = Image(np.zeros((250, 250, 3), np.uint8))
    assert [one[0, 4] for one in objects.see(image, (0,), {"yolox": 0.2}, 1)] == [0.9, 0.3]
    assert [one[0, 4] for one in objects.see(image, (0,), {"yolox": 0.5}, 1)] == [0.9]
    assert [one[0, 5] for one in objects.see(image, (62,), {"yolox": 0.2}, 1)] == [62]
    assert len(asked) == 1
    objects.see(image, (62,), {"yolox": 0.01}, 1)
    assert len(asked) == 2


def test_boxes_of_a_smaller_copy_come_back_in_pixels_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def detect(pixels: np.ndarray, classes: range, min_score: float) -> np.ndarray:
        rows, columns = np.nonzero(pixels[:, :, 0] > 128)
        return np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9, 0.0]])

    monkeypatch.setitem(objects.NETWORKS, "yolox", detect)
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    pixels[800:1600, 400:2000] = 255
    ((box,),) = objects.see(Image(pixels), (0,), {"yolox": 0.2}, 1)
    assert box[:4] == pytest.approx([400, 800, 2000, 1600])


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.5, 0.8, 1.0, 2.0])
def test_resizing_keeps_what_is_where(scale: float) -> None:
    rows, columns = np.mgrid[:480, :640]
    smooth = np.stack([columns / 640 * 255, rows / 480 * 255, np.full((480, 640), 90)], axis=2).astype(np.uint8)
    to = round(640 * scale), round(480 * scale)
    expected = cv2.resize(smooth, to, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(tiles.resized(smooth, *to, scale).astype(int) - expected).max() <= 2
