"""What one kind's operator reads must not void what another kind's promises, in whatever order a policy names them."""

from itertools import permutations

import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.noise import SystemNoise
from veilset.core.region import union
from veilset.core.roles import Outcome
from veilset.core.sample import Grid, Image, Sample
from veilset.core.where import Box
from veilset.flows.apart import regions_for, unveiled, veiled
from veilset.operators.blur import Blur
from veilset.operators.inpaint import Inpaint
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate

NOISE = SystemNoise()
FACE, TEXT, PLATE = Box(20, 20, 30, 36), Box(44, 40, 40, 14), Box(10, 62, 40, 12)


def treat(pixels: np.ndarray, plan: list, grid: Grid) -> np.ndarray:
    sample = Sample("s", Image(pixels, grid=grid))
    for place, own in enumerate(plan):
        seen = veiled(sample, own, plan[place + 1 :])
        outcome: Outcome = own[0].apply(seen, own[1], noise=NOISE)
        sample = outcome.sample if seen is sample else unveiled(sample, outcome.sample, own)
    return sample.image.pixels


def found(kind: str, box: Box) -> list[Finding]:
    return [Finding(kind, box, 1.0, "t")]


PLANS = [
    [(Mask(), found("face", FACE)), (Inpaint(), found("text", TEXT)), (Blur(), found("plate", PLATE))],
    [
        (Inpaint(), found("face", FACE)),
        (Inpaint(context=0.5), found("text", TEXT)),
        (Pixelate(), found("plate", PLATE)),
    ],
]


@pytest.mark.parametrize("grid", [Grid(), Grid(8, 8)])
@pytest.mark.parametrize("plan", PLANS)
def test_exact_kinds_stay_exact_in_every_order(plan, grid) -> None:
    """Change what is inside the exact kinds' regions: nothing of the result may change, in any region."""
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (96, 100, 3), dtype=np.uint8)
    exact = [share for share in plan if share[0].guarantee().kind == "exact"]
    image = Image(one, grid=grid)
    for share in exact:
        inside = union(regions_for(image, share), image.shape)
        rest = [other for other in plan if other is not share]
        overlapped = np.zeros_like(inside)
        for other in rest:
            overlapped |= union(regions_for(image, other), image.shape)
        two = one.copy()
        two[inside] = rng.integers(0, 256, (int(inside.sum()), 3), dtype=np.uint8)
        for order in permutations(plan):
            a, b = treat(one, list(order), grid), treat(two, list(order), grid)
            assert (a == b).all()
        assert overlapped.any()


def test_without_veils_the_promise_would_be_void() -> None:
    """The test above can fail: a filling beside an untreated face takes up its colours."""
    one = np.zeros((96, 100, 3), np.uint8)
    two = one.copy()
    two[20:56, 20:50] = 255
    results = []
    for pixels in (one, two):
        sample = Sample("s", Image(pixels))
        for operator, findings in reversed(PLANS[0][:2]):
            sample = operator.apply(sample, findings, noise=NOISE).sample
        results.append(sample.image.pixels)
    assert (results[0] != results[1]).any()


def test_outside_of_all_regions_nothing_changes_and_one_kind_alone_is_seen_as_it_is() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (96, 100, 3), dtype=np.uint8)
    for plan in PLANS:
        image = Image(pixels)
        covered = np.zeros(image.shape, bool)
        for share in plan:
            covered |= union(regions_for(image, share), image.shape)
        assert (treat(pixels, plan, Grid())[~covered] == pixels[~covered]).all()
    sample = Sample("s", Image(pixels))
    assert veiled(sample, PLANS[0][0], []) is sample
