import itertools

import cv2
import numpy as np
import pytest
import scipy.fft

from veilset.core.errors import BadSetting
from veilset.records.perceptual import distances, perceptual_hash, perceptual_hashes


def scene(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    """A drawn scene: random soft shapes, like a photograph in that its energy lies in low frequencies."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), rng.integers(0, 255, 3), dtype=np.uint8)
    for _ in range(25):
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.circle(picture, centre, int(rng.integers(8, 70)), rng.integers(0, 255, 3).tolist(), -1)
    return cv2.GaussianBlur(picture, (0, 0), 2)


def bits(first: int, second: int) -> int:
    return (first ^ second).bit_count()


def test_it_is_the_transform_that_scipy_computes() -> None:
    pixels = scene(0, 256, 256)
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    small = grey.reshape(32, 8, 32, 8).mean(axis=(1, 3))
    low = scipy.fft.dctn(small, type=2, norm="ortho")[:8, :8].ravel()
    above = low > np.median(low[1:])
    above[0] = False
    assert perceptual_hash(pixels) == int("".join("01"[bit] for bit in above.astype(int)), 2)


@pytest.mark.parametrize("seed", range(12))
def test_reencoding_and_resizing_move_few_bits(seed: int) -> None:
    pixels = scene(seed)
    own = perceptual_hash(pixels)
    assert own is not None
    for quality in (90, 50, 20):
        coded = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
        assert bits(own, perceptual_hash(coded)) <= 6
    for size in ((160, 120), (233, 177), (640, 480), (320, 200)):
        for how in (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC):
            assert bits(own, perceptual_hash(cv2.resize(pixels, size, interpolation=how))) <= 6
    brighter = np.clip(pixels.astype(float) * 0.8 + 20, 0, 255).astype(np.uint8)
    assert bits(own, perceptual_hash(brighter)) <= 6


def test_eight_turnings_are_those_of_the_turned_pictures() -> None:
    pixels = scene(3, 256, 256)
    turned = {perceptual_hash(np.rot90(f, k)) for f, k in itertools.product((pixels, pixels[:, ::-1]), range(4))}
    # A coefficient that equals the median up to rounding may fall on either side of it.
    for query in perceptual_hashes(pixels):
        assert min(bits(query, other) for other in turned) <= 1
    assert len({*perceptual_hashes(pixels)}) == 8
    assert perceptual_hashes(pixels)[0] == perceptual_hash(pixels)


def test_different_pictures_are_far_apart() -> None:
    hashes = [perceptual_hash(scene(seed)) for seed in range(60)]
    apart = [bits(a, b) for a, b in itertools.combinations(hashes, 2)]
    assert min(apart) > 8
    assert 26 < np.mean(apart) < 37
    assert distances(hashes[0], np.array(hashes, dtype=np.uint64)).tolist()[:3] == [
        bits(hashes[0], h) for h in hashes[:3]
    ]


def test_a_picture_without_structure_has_no_hash_and_other_arrays_are_refused() -> None:
    assert perceptual_hash(np.full((50, 60, 3), 128, np.uint8)) is None
    assert perceptual_hashes(np.zeros((50, 60, 3), np.uint8)) == ()
    for wrong in (np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((5, 5, 4), np.uint8)):
        with pytest.raises(BadSetting):
            perceptual_hash(wrong)


def test_pictures_smaller_than_the_grid_have_hashes_too() -> None:
    tiny = scene(1)[::12, ::12]
    assert tiny.shape[0] < 32
    assert perceptual_hash(np.ascontiguousarray(tiny)) is not None
