"""Physical strength of the blur: a wrong kernel that only looks soft is caught by measuring edges."""

import math

import cv2
import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.noise import SystemNoise
from veilset.core.sample import Image, Sample
from veilset.core.where import Box, Whole
from veilset.operators.blur import Blur, gaussian


def edge_spread(row: np.ndarray) -> float:
    """Distance between the 10 % and the 90 % point of a step from 0 to 250: 2.563 sigma for a Gaussian."""
    at = np.arange(len(row), dtype=float)
    return float(np.interp(225, row, at) - np.interp(25, row, at))


def step(height: int, width: int) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = 250
    return pixels


@pytest.mark.parametrize("sigma", [1.5, 4.0, 7.9, 8.1, 17.0, 60.0])
@pytest.mark.parametrize("turned", [False, True])
def test_edge_spread_is_that_of_the_sigma(sigma: float, turned: bool) -> None:
    pixels = step(40, 640)
    window = slice(0, 40), slice(0, 640)
    if turned:
        pixels, window = pixels.transpose(1, 0, 2).copy(), window[::-1]
    out = gaussian(pixels, window, sigma)
    row = (out[:, 20, 0] if turned else out[20, :, 0]).astype(float)
    spread = edge_spread(row)
    assert spread >= 2.563 * sigma * 0.98
    assert spread <= 2.563 * sigma * 1.06


@pytest.mark.parametrize("side", [40, 120, 300])
def test_strength_is_a_fraction_of_the_grown_side(side: int) -> None:
    pixels = step(500, 700)
    box = Box(350 - side / 2, 250 - side / 2, side, side)
    blur = Blur(strength=0.1, floor=0.5, grow=0.2)
    out = blur.apply(
        Sample("s", Image(pixels)), [Finding("face", box, 1, "t")], noise=SystemNoise()
    ).sample.image.pixels
    row = out[250, :, 0].astype(float)
    assert edge_spread(row) == pytest.approx(2.563 * 0.1 * 1.4 * side, rel=0.07)


def test_floor_holds_for_tiny_faces() -> None:
    pixels = step(64, 64)
    out = Blur(floor=6.0).apply(
        Sample("s", Image(pixels)), [Finding("face", Box(26, 26, 12, 12), 1, "t")], noise=SystemNoise()
    )
    row = out.sample.image.pixels[32, 24:40, 0].astype(float)
    slope = np.diff(row).max()
    assert slope <= 250 / (6.0 * math.sqrt(2 * math.pi)) * 1.03


def test_agrees_with_a_direct_convolution() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (90, 70, 3), dtype=np.uint8)
    for sigma in (2.0, 6.0):
        radius = math.ceil(3.5 * sigma)
        taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        taps /= taps.sum()
        padded = np.pad(pixels.astype(float), ((radius, radius), (radius, radius), (0, 0)), "symmetric")
        padded = np.apply_along_axis(np.convolve, 0, padded, taps, "valid")
        expected = np.apply_along_axis(np.convolve, 1, padded, taps, "valid")
        got = gaussian(pixels, (slice(10, 60), slice(5, 64)), sigma)
        assert np.abs(got - expected[10:60, 5:64]).max() <= 0.51


def test_wide_blur_is_at_least_as_strong_as_the_plain_one() -> None:
    """The shortcut for wide blurs may only add blur: no frequency survives better than under OpenCV's own kernel."""
    rng = np.random.default_rng(2)
    pixels = np.kron(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), np.ones((32, 32, 1), np.uint8))
    window = slice(0, 512), slice(0, 512)
    for sigma in (20.0, 45.0):
        fast = gaussian(pixels, window, sigma).astype(float)
        plain = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        assert fast.std() <= plain.std() * 1.005
        assert np.corrcoef(fast.ravel(), plain.ravel())[0, 1] > 0.999


def test_whole_of_a_large_picture_in_reasonable_time() -> None:
    """A face that fills twelve megapixels has a sigma of hundreds of pixels."""
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    pixels[:, 2000:] = 250
    out = Blur().apply(Sample("s", Image(pixels)), [Finding("face", Whole(), 1, "t")], noise=SystemNoise())
    assert 0 < out.sample.image.pixels[1500, 1600, 0] < 125
