import numpy as np
import pytest
from scipy.stats import binom

from veilset.core.errors import Unsupported
from veilset.probes.attack.canary import Canary, one_run_bound

FAST = Canary(canaries=90, side=16, lessons=2)


@pytest.mark.parametrize(
    ("numbers", "bound"),
    [
        ((1000, 100, 100, 1e-5), 3.4654),
        ((1000, 1000, 1000, 1e-5), 5.7823),
        ((1000, 200, 190, 1e-5), 2.3936),
        ((1000, 100, 60, 1e-5), 0.0495),
        ((5000, 1000, 900, 1e-5), 2.0183),
        ((100, 100, 100, 1e-5), 3.4902),
    ],
)
def test_the_published_oracles(numbers, bound):
    assert one_run_bound(*numbers) == pytest.approx(bound, abs=0.002)


def test_without_delta_it_is_the_binomial_tail():
    bound = one_run_bound(50, 40, 35)
    q = 1 / (1 + np.exp(-bound))
    assert binom.sf(34, 40, q) == pytest.approx(0.05, abs=1e-6)


def test_randomised_response_is_not_overestimated():
    rng = np.random.default_rng(0)
    q = np.e / (1 + np.e)
    bounds = [one_run_bound(1000, 1000, int(rng.binomial(1000, q))) for _ in range(200)]
    assert np.mean(np.array(bounds) > 1.0) <= 0.08


@pytest.mark.parametrize(("way", "strength"), [("mosaic", 12), ("blur", 8), ("snow", 0.5)])
def test_weak_treatments_reach_the_ceiling(drawn, named, way, strength):
    case = drawn.crowd(people=10, each=1, treatment=drawn.Treatment(way, strength))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["right"].value > 0.97
    assert found["epsilon"].value > 2.0


@pytest.mark.parametrize("way", ["mask", "static"])
def test_nothing_is_refuted_where_nothing_is_left(drawn, named, way):
    case = drawn.crowd(people=10, each=1, treatment=drawn.Treatment(way))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["epsilon"].value < 0.5
    assert found["right"].low <= 0.5 <= found["right"].high


def test_it_needs_the_operator_and_a_place(drawn):
    with pytest.raises(Unsupported, match="nothing is known"):
        FAST.run(drawn.crowd(people=2, each=1, known=False), rng=np.random.default_rng(0))
    with pytest.raises(Unsupported, match="nothing is known to treat plate"):
        Canary(kind="plate").run(drawn.crowd(people=2, each=1), rng=np.random.default_rng(0))
