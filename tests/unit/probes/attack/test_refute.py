"""The probe catches every known way to be wrong, and leaves what is right alone."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import BadSetting, ClaimRefuted
from veilset.core.guarantee import DP, Event
from veilset.core.roles import Case, Knowledge
from veilset.dp.audit import epsilon_at_least
from veilset.operators.dp_embed import DpEmbed
from veilset.operators.dp_pix import DpPix
from veilset.operators.dp_samp import DpSamp
from veilset.operators.snow import Snow
from veilset.probes.attack.refute import Refute, refute_operator

_spec = importlib.util.spec_from_file_location("wrong_variants", Path(__file__).with_name("wrong_variants.py"))
wrong_variants = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(wrong_variants)

RUNS = 700


def case(operator):
    return Case((), Knowledge({"face": operator}))


@pytest.mark.parametrize("variant", wrong_variants.WRONG, ids=lambda v: v.__name__)
@pytest.mark.parametrize("pixels", [1, 16])
def test_every_wrong_variant_is_caught(variant, pixels):
    operator = variant(block=8, epsilon=1.0, pixels=pixels)
    with pytest.raises(ClaimRefuted):
        Refute(runs=3000).run(case(operator), rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    "operator",
    [
        DpPix(block=8, epsilon=1.0, pixels=1),
        DpPix(block=8, epsilon=1.0, pixels=16),
        DpPix(block=8, epsilon=0.5, pixels="face"),
        DpPix(block=8, epsilon=1.0, pixels="image", grey=True),
        DpPix(block=4, epsilon=3.0, pixels=4, smooth="median"),
        wrong_variants.Wrong(block=8, epsilon=1.0, pixels=16),
        DpEmbed(rank=2, epsilon=1.0),
        DpSamp(block=8, epsilon=1.0, pixels=4),
        DpSamp(block=8, epsilon=1.0, pixels="face", levels=3),
        Snow(delta=0.5, pixels=1),
        Snow(delta=0.2, pixels="face"),
    ],
)
def test_what_is_right_is_not_refuted(operator):
    for found in Refute(runs=RUNS).run(case(operator), rng=np.random.default_rng(2)):
        assert found.n == RUNS - RUNS // 2
        assert found.group == "face"


@pytest.mark.slow
def test_a_right_operator_is_almost_reached():
    """The bound has power: it comes near the claim, so that a claim of a little less would be refuted."""
    verdict = refute_operator(
        DpPix(block=8, epsilon=1.0, pixels=64, grey=True), runs=6000, confidence=0.99, rng=np.random.default_rng(3)
    )
    assert 0.6 < verdict.lower <= 1.0


def test_an_operator_is_also_judged_by_its_pixels_alone():
    rng = np.random.default_rng(4)
    right = wrong_variants.Unseen(DpPix(block=8, epsilon=1.0, pixels=64))
    assert refute_operator(right, runs=RUNS, confidence=0.999, rng=rng).lower <= 1.0
    clear = wrong_variants.Unseen(Snow(delta=0.9, pixels=1))
    clear.block, clear.guarantee = 8, Snow(delta=0.1, pixels=1).guarantee
    assert refute_operator(clear, runs=RUNS, confidence=0.999, rng=rng).lower > 1.0


def test_snow_that_shows_too_much_is_caught():
    class TooClear(Snow):
        def guarantee(self):
            return Snow(delta=self.delta / 2, pixels=self.pixels).guarantee()

    with pytest.raises(ClaimRefuted):
        Refute(runs=RUNS).run(case(TooClear(delta=0.8, pixels=1)), rng=np.random.default_rng(5))


def test_a_unit_without_known_neighbours_is_said_not_to_have_been_tried():
    class Strange(DpPix):
        def guarantee(self):
            return DP(Event("laplace", {"epsilon": 1.0}), "window", "n", 1.0, "s")

    (found,) = Refute(runs=100).run(case(Strange(epsilon=1.0)), rng=np.random.default_rng(6))
    assert (found.n, found.unfavourable) == (0, math.inf)


@pytest.mark.parametrize("trial", range(20))
def test_true_claims_survive_in_the_kernel(trial):
    """Randomised response with epsilon 1: the bound may not exceed it (at confidence 0.999, twenty times)."""
    rng = np.random.default_rng(trial)
    p = math.e / (1 + math.e)
    a, b = (rng.random((2000, 1)) < chance for chance in (p, 1 - p))
    verdict = epsilon_at_least(a.astype(np.int64), b.astype(np.int64))
    assert 0.4 < verdict.lower <= 1.0


def test_float_laplace_is_separable_by_support():
    """True answers 0 and 1 with textbook noise: most outputs on one could not have come from the other."""
    rng = np.random.default_rng(7)
    a, b = rng.laplace(0, 1, (4000, 1)), 1 + rng.laplace(0, 1, (4000, 1))
    verdict = epsilon_at_least(a, b)
    assert verdict.only_one_side
    assert verdict.lower > 3.5
    assert "finest binary digit" in verdict.event


def test_too_few_runs_are_refused():
    with pytest.raises(BadSetting):
        epsilon_at_least(np.zeros((10, 1)), np.zeros((10, 1)))
    with pytest.raises(BadSetting):
        Refute(runs=10)
