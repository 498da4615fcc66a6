import math

import numpy as np
import pytest
from skimage.measure import block_reduce
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.region import regions_of, union
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Grid, Image, Sample
from veilset.core.where import Box
from veilset.operators.blur import Blur
from veilset.operators.drop import Drop
from veilset.operators.mask import Mask
from veilset.probes.utility.fidelity import Fidelity, squared_error, treated_region
from veilset.probes.utility.structure import SCALES, ms_ssim, ssim_map, ssim_maps
from veilset.testing.drawn import picture


def noised(pixels: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


def measured(pairs: list[Pair], treatments: dict, **settings) -> dict:
    case = Case(pairs, Knowledge(treatments))
    return {m.name: m for m in Fidelity(**settings).run(case, rng=np.random.default_rng(0))}


def pair_of(operator, pixels: np.ndarray, *boxes: Box, grid: Grid | None = None) -> Pair:
    before = Sample("s", Image(pixels, grid=grid))
    findings = tuple(Finding("face", box, 1, "face/centerface") for box in boxes)
    return Pair(before, operator.apply(before, findings, noise=None).sample, findings)


@pytest.mark.parametrize("sigma", [2, 20, 80])
def test_ssim_agrees_with_scikit_image(sigma: float) -> None:
    one = picture(90, 70, faces=[Box(10, 5, 40, 50)], seed=2)
    two = noised(one, sigma)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    _, expected = structural_similarity(one, two, channel_axis=2, full=True, **options)
    got = ssim_map(one, two)
    assert np.abs(got - expected.mean(axis=2)).max() < 1e-4


def test_ssim_of_a_local_change_agrees_with_that_of_the_whole() -> None:
    one = picture(120, 100, seed=3)
    two = one.copy()
    two[40:60, 30:70] = 0
    whole = np.mean([ssim_maps(one[:, :, c].astype("f4"), two[:, :, c].astype("f4"))[0] for c in range(3)], axis=0)
    assert np.abs(ssim_map(one, two) - whole).max() < 1e-9


def test_psnr_agrees_with_scikit_image() -> None:
    one = picture(64, 64, seed=1)
    two = noised(one, 9)
    pair = Pair(Sample("s", Image(one)), Sample("s", Image(two)))
    assert measured([pair], {})["psnr_outside"].value == pytest.approx(
        peak_signal_noise_ratio(one, two, data_range=255)
    )


def test_ms_ssim_is_the_weighted_product_over_scales() -> None:
    one = np.repeat(picture(256, 192, faces=[Box(50, 20, 100, 120)], seed=4)[:, :, :1], 3, axis=2)
    two = np.repeat(noised(one, 25)[:, :, :1], 3, axis=2)
    x, y = one[:, :, 0].astype("f4"), two[:, :, 0].astype("f4")
    product = 1.0
    for number, weight in enumerate(SCALES):
        full, structure = ssim_maps(x, y)
        product *= (full if number == 4 else structure).mean() ** weight
        x, y = block_reduce(x, (2, 2), np.mean), block_reduce(y, (2, 2), np.mean)
    assert ms_ssim(one, two) == pytest.approx(product, abs=1e-6)
    assert ms_ssim(one, one) == pytest.approx(1.0)
    assert ms_ssim(one, noised(one, 60)) < ms_ssim(one, noised(one, 10)) < 1


@pytest.mark.parametrize("grid", [None, Grid(16, 16)])
def test_untouched_outside_is_infinite_and_one(grid: Grid | None) -> None:
    pairs = [pair_of(Mask(), picture(200, 180, seed=s), Box(30 + s, 30, 60, 70), grid=grid) for s in range(4)]
    got = measured(pairs, {"face": Mask()})
    assert got["psnr_outside"].value == got["psnr_outside"].low == math.inf
    assert got["ssim_outside"].value == got["ssim_outside"].low == 1.0
    assert got["outside_unchanged"].value == 1.0
    assert got["psnr_inside"].value < 20
    assert got["ssim_inside"].value < 0.5
    assert got["ms_ssim"].value < 1


def test_a_change_of_one_pixel_outside_shows() -> None:
    pair = pair_of(Mask(), picture(60, 60, seed=1), Box(10, 10, 20, 20))
    pixels = pair.after.image.pixels.copy()
    pixels[55, 55, 0] ^= 1
    got = measured([Pair(pair.before, pair.after.with_media(Image(pixels)), pair.findings)], {"face": Mask()})
    assert got["outside_unchanged"].value == 0
    assert got["psnr_outside"].value < math.inf
    assert got["ssim_outside"].value < 1


def test_the_ring_of_chroma_upsampling_is_left_out_and_no_more() -> None:
    box = Box(10, 10, 20, 20)
    pair = pair_of(Mask(grow=0), picture(60, 60, seed=1), box)
    for distance, unchanged in ((1, 1.0), (2, 0.0)):
        pixels = pair.after.image.pixels.copy()
        pixels[29 + distance, 15] ^= 3
        changed = Pair(pair.before, pair.after.with_media(Image(pixels)), pair.findings)
        assert measured([changed], {"face": Mask(grow=0)})["outside_unchanged"].value == unchanged


def test_region_follows_each_operators_own_growth() -> None:
    findings = (Finding("face", Box(20, 20, 20, 20), 1, "t"), Finding("plate", Box(70, 70, 10, 10), 1, "t"))
    image = Image(picture(100, 100), grid=Grid(8, 8))
    pair = Pair(Sample("s", image), None, findings)
    treatments = {"face": Blur(grow=0.5), "plate": Mask(grow=0.0)}
    expected = union(regions_of(image, findings[:1], grow=0.5) + regions_of(image, findings[1:]), image.shape)
    assert (treated_region(pair, Knowledge(treatments)) == expected).all()


def test_stronger_blur_is_less_faithful() -> None:
    values = []
    for strength in (0.02, 0.1, 0.4):
        blur = Blur(strength=strength, floor=0.5)
        pairs = [
            pair_of(blur, picture(200, 200, faces=[Box(40, 30, 90, 110)], seed=s), Box(40, 30, 90, 110)) for s in (1, 2)
        ]
        got = measured(pairs, {"face": blur})
        values.append((got["ssim_inside"].value, got["psnr_inside"].value))
    assert values == sorted(values, reverse=True)


def test_dropped_samples_and_small_pictures_are_left_out() -> None:
    before = Sample("s", Image(picture(20, 20)))
    assert measured([Pair(before, None)], {"face": Drop()}) == {}
    assert "ms_ssim" not in measured([Pair(before, before)], {})
    assert math.isnan(squared_error(before.image.pixels, before.image.pixels, np.zeros((20, 20), bool)))


def test_another_size_is_refused() -> None:
    with pytest.raises(Unsupported, match="another size"):
        measured([Pair(Sample("s", Image(picture(9, 9))), Sample("s", Image(picture(9, 8))))], {})


def test_at_most_the_given_number_of_pictures() -> None:
    pairs = [pair_of(Mask(), picture(40, 40, seed=s), Box(5, 5, 9, 9)) for s in range(5)]
    assert measured(pairs, {"face": Mask()}, pictures=3)["outside_unchanged"].n == 3
