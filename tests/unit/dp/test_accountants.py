"""Accountants and calibration against tables computed with other code, closed forms and brute force."""

import math
from fractions import Fraction

import dp_accounting as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilset.core.errors import BadSetting, UnitMismatch
from veilset.core.guarantee import DP, Event
from veilset.dp.accountants import (
    Loss,
    advanced,
    amplified,
    by_library,
    compose,
    group,
    sampled_person,
    zcdp_to_epsilon,
)
from veilset.dp.calibrate import (
    classic_sigma,
    discrete_gaussian_delta,
    gaussian_delta,
    gaussian_sigma,
    laplace_scale,
    noise_multiplier,
)

SIGMAS = [
    (0.1, 1e-5, 30.749566),
    (0.5, 1e-5, 7.031827),
    (1, 1e-5, 3.730632),
    (1, 1e-6, 4.224679),
    (2, 1e-5, 1.993812),
    (3, 1e-5, 1.390593),
    (8, 1e-5, 0.600229),
    (10, 1e-5, 0.499889),
]
TRAINING = [
    (0.01, 4.0, 10_000, 1.0355, 0.9470),
    (256 / 60000, 1.1, 14_040, 2.5944, 2.3796),
    (250 / 60000, 1.3, 3_600, 0.9422, 0.8530),
    (4096 / 50000, 3.0, 1_000, 4.2120, 3.8827),
]


def use(epsilon, delta=0.0, unit="face", count=1):
    return DP(Event("laplace", {"epsilon": epsilon, "delta": delta}, count), unit, "n", epsilon, "s", delta)


@pytest.mark.parametrize(("epsilon", "delta", "sigma"), SIGMAS)
def test_the_analytic_sigma_is_that_of_the_table_and_of_the_library(epsilon, delta, sigma):
    assert gaussian_sigma(epsilon, delta) == pytest.approx(sigma, abs=6e-7)
    assert gaussian_sigma(epsilon, delta) == pytest.approx(da.get_sigma_gaussian(epsilon, delta), rel=1e-5)
    assert gaussian_delta(epsilon, gaussian_sigma(epsilon, delta)) <= delta


def test_the_analytic_sigma_holds_in_far_corners():
    for epsilon, delta in ((1e-3, 1e-12), (50.0, 1e-5), (0.01, 0.3), (1.0, 1e-50)):
        assert delta * 0.9999 < gaussian_delta(epsilon, gaussian_sigma(epsilon, delta)) <= delta


def test_the_classic_sigma_is_refused_where_it_breaks():
    assert classic_sigma(0.1, 1e-5) == pytest.approx(48.448053, abs=1e-6)
    with pytest.raises(BadSetting):
        classic_sigma(10, 1e-5)


@pytest.mark.parametrize(("q", "sigma", "steps", "rdp", "pld"), TRAINING)
def test_training_losses_are_those_of_the_table(q, sigma, steps, rdp, pld):
    event = da.PoissonSampledDpEvent(q, da.GaussianDpEvent(sigma))
    assert by_library([(event, steps)], "rdp", 1e-5) == pytest.approx(rdp, abs=6e-5)
    assert by_library([(event, steps)], "pld", 1e-5) == pytest.approx(pld, abs=6e-5)


def test_releases_compose_as_in_the_table():
    gauss = [DP(Event("gaussian", {"noise_multiplier": 5.0}), "face", "n", 1.0, "s", 1e-5)] * 10
    assert compose(gauss, "rdp", 1e-5).epsilon == pytest.approx(2.8137, abs=6e-5)
    assert compose(gauss, "pld", 1e-5).epsilon == pytest.approx(2.5944, abs=1e-4)
    laplace = DP(Event("laplace", {"noise_multiplier": 10.0}, 50), "face", "n", 0.1, "s")
    assert compose([laplace], "pld", 1e-6).epsilon == pytest.approx(3.1207, abs=6e-5)
    assert compose([laplace]).epsilon == 5.0


def test_advanced_composition_is_that_of_the_table():
    assert advanced([(0.1, 1e-8)] * 100, 1e-6) == pytest.approx((5.756106, 1.999999e-6), abs=1e-6)
    assert advanced([(0.1, 1e-8)] * 100, 1e-6)[1] == pytest.approx(1.999999e-6, rel=1e-5)


def test_ten_tenths_are_one():
    """Settings are added as they were written; floating point would make this 0.9999999999999999."""
    assert compose([use(0.1)] * 10).epsilon == 1.0
    assert compose([use(0.1, count=10)]).epsilon == 1.0


@given(st.lists(st.sampled_from([0.05, 0.1, 0.5]), min_size=1, max_size=30))
def test_tighter_accountants_never_cost_more_than_the_sum(epsilons):
    uses = [use(e) for e in epsilons]
    assert compose(uses, "advanced", 1e-6).epsilon <= compose(uses).epsilon + 1e-12


def test_a_pure_epsilon_enters_the_library_as_the_worst_mechanism():
    pure = compose([use(0.1, count=50)], "pld", 1e-6).epsilon
    assert 3.1207 < pure <= advanced([(0.1, 0.0)] * 50, 1e-6)[0]


@pytest.mark.parametrize(
    ("rho", "loose", "tight"),
    [(0.02, 0.9797, 0.7943), (0.1, 2.2460, 1.9142), (0.5, 5.2985, 4.7284), (1.0, 7.7861, 7.0772)],
)
def test_concentrated_privacy_converts_as_in_the_table(rho, loose, tight):
    assert zcdp_to_epsilon(rho, 1e-5, tight=False) == pytest.approx(loose, abs=6e-5)
    assert zcdp_to_epsilon(rho, 1e-5) == pytest.approx(tight, abs=6e-5)


@pytest.mark.parametrize(("records", "epsilon"), [(1, 0.125), (2, 0.267), (4, 0.568), (8, 1.214)])
def test_a_person_with_several_records_loses_as_in_the_table(records, epsilon):
    loss = sampled_person(8.0, 0.01, records, 1000, 1e-5)
    assert loss.epsilon == pytest.approx(epsilon, abs=6e-4)
    assert loss.unit == "person"


@pytest.mark.slow
@pytest.mark.parametrize(("records", "epsilon"), [(1, 0.622), (2, 1.333), (4, 2.893), (8, 6.460)])
def test_a_person_with_several_records_and_little_noise(records, epsilon):
    assert sampled_person(2.0, 0.01, records, 1000, 1e-5).epsilon == pytest.approx(epsilon, abs=2e-3)


def test_group_privacy_is_the_closed_form():
    grown = group(Loss(0.5, 1e-8, "image", "n", "basic"), 8, "person")
    assert grown.epsilon == 4.0
    assert grown.delta == pytest.approx(1e-8 * (math.e**4 - 1) / (math.e**0.5 - 1))
    assert group(Loss(2, 1e-5, "i", "n", "b"), 8, "p").delta == 1.0
    assert group(Loss(0, 0.01, "i", "n", "b"), 8, "p").delta == 0.08
    assert group(Loss(1.0, 1e-5, "i", "n", "b"), 1000, "p").delta == 1.0


def test_the_face_costs_644_times_the_16_pixels_on_a_92_by_112_picture():
    assert group(Loss(0.1, 0.0, "16 pixels", "n", "b"), 92 * 112 // 16, "face").epsilon == pytest.approx(64.4)


@given(st.floats(0.01, 5), st.floats(0, 1))
def test_sampling_never_costs_more(epsilon, rate):
    loss = amplified(Loss(epsilon, 1e-6, "image", "n", "basic"), rate)
    assert 0 <= loss.epsilon <= epsilon + 1e-12
    assert loss.delta <= 1e-6


def test_sampling_is_the_closed_form():
    assert amplified(Loss(1.0, 0, "i", "n", "b"), 0.01).epsilon == pytest.approx(math.log(1 + 0.01 * (math.e - 1)))


def test_units_are_never_added_up():
    with pytest.raises(UnitMismatch):
        compose([use(0.1), use(0.1, unit="16 pixels")])
    with pytest.raises(UnitMismatch):
        compose([DP(Event("metric_laplace", {"epsilon": 1.0}), "x", "n", 1.0, "s")], "pld", 1e-6)


@pytest.mark.parametrize(
    "broken", [{"unit": ""}, {"neighbours": ""}, {"accountant": ""}, {"epsilon": -1}, {"delta": 2}]
)
def test_a_loss_without_its_words_cannot_be_made(broken):
    with pytest.raises(BadSetting):
        Loss(**{"epsilon": 1.0, "delta": 0.0, "unit": "u", "neighbours": "n", "accountant": "a"} | broken)


def test_a_delta_is_needed_where_an_accountant_spends_one():
    for accountant in ("advanced", "rdp", "pld"):
        with pytest.raises(BadSetting):
            compose([use(0.1)], accountant)
    with pytest.raises(BadSetting):
        compose([use(0.1)], "guess", 1e-6)
    with pytest.raises(UnitMismatch):
        compose([use(0.1, delta=1e-9)], "rdp", 1e-6)


def test_the_rdp_accountant_takes_pure_losses_as_concentrated_ones():
    rdp = compose([use(0.1, count=50)], "rdp", 1e-6).epsilon
    assert zcdp_to_epsilon(50 * 0.1**2 / 2, 1e-6) <= rdp + 1e-9
    assert rdp < 5.0


@pytest.mark.parametrize(("variance", "sensitivity", "epsilon"), [("4", 1, 0.5), ("9/4", 2, 1.0), ("100", 3, 0.3)])
def test_the_discrete_gaussian_profile_is_the_brute_force_one(variance, sensitivity, epsilon):
    spread = Fraction(variance)
    x = np.arange(-400, 401)
    p = np.exp(-(x.astype(float) ** 2) / (2 * float(spread)))
    q = np.exp(-((x - sensitivity).astype(float) ** 2) / (2 * float(spread)))
    expected = np.maximum(0, (p - math.exp(epsilon) * q)).sum() / p.sum()
    assert discrete_gaussian_delta(epsilon, spread, sensitivity) == pytest.approx(expected, rel=1e-9)


def test_calibrated_noise_meets_its_target():
    multiplier = noise_multiplier(1.0, 1e-5, steps=10)
    assert 0.995 < by_library([(da.GaussianDpEvent(multiplier), 10)], "pld", 1e-5) <= 1.0005
    multiplier = noise_multiplier(1.0355, 1e-5, steps=10_000, rate=0.01)
    assert multiplier == pytest.approx(4.0, abs=1e-3)
    assert laplace_scale(0.1, 255 * 3) == 7650
