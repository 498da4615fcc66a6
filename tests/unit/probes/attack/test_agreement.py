import numpy as np
import pytest

from veilset.core.errors import MissingWeights, Unsupported
from veilset.core.finding import Finding
from veilset.core.roles import Case
from veilset.core.where import Box
from veilset.probes.adversary.gradients import oriented
from veilset.probes.attack.agreement import Agreement, kappa
from veilset.probes.attack.reidentify import pixel_features

FAST = Agreement(network_steps=0, recognisers=("gradients",))


class Judge:
    """Finds a face in the middle, on every `every`-th look."""

    def __init__(self, every):
        self.every, self.looks = every, 0

    def find(self, sample):
        self.looks += 1
        size = sample.image.width
        return (Finding("face", Box(0, 0, size, size), 1.0, "drawn"),) if self.looks % self.every == 0 else ()


def hired(case, judges):
    def build(role, name, settings=None):
        assert (role, name) == ("detector", "face")
        if settings["model"] not in judges:
            raise MissingWeights("not here")
        return judges[settings["model"]]

    return Case(case.pairs, case.knowledge, build)


def test_the_first_network_that_did_not_treat_stands_for_the_gate_and_the_others_are_unseen(drawn, named):
    case = hired(drawn.crowd(people=4, each=5), {"yunet": Judge(10**9), "ultraface": Judge(2)})
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["faces_left_yunet"].value == 0
    assert found["worst_faces_left"].value == found["faces_left_ultraface"].value == 0.5
    assert found["agreement_ultraface"].value == 0.5
    assert found["kappa_ultraface"].value == 0
    assert any("unseen" in note for note in found["faces_left_ultraface"].notes)
    assert found["agreement"].value <= 0.5


def test_a_network_that_found_the_faces_is_neither_gate_nor_unseen(drawn, named):
    case = drawn.crowd(people=4, each=5)
    pairs = [type(p)(p.before, p.after, (Finding("face", p.findings[0].where, 1.0, "face/yunet"),)) for p in case.pairs]
    case = hired(Case(pairs, case.knowledge), {"yunet": Judge(1), "ultraface": Judge(1), "centerface": Judge(1)})
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert "faces_left_yunet" not in found
    assert "agreement_ultraface" not in found
    assert found["agreement_centerface"].value == 1.0
    assert "kappa_centerface" not in found


def test_another_recogniser_says_the_same_of_a_weak_mosaic_and_of_a_mask(drawn, named):
    weak = named(FAST.run(drawn.crowd(treatment=drawn.Treatment("mosaic", 8)), rng=np.random.default_rng(0)))
    assert weak["worst_rank1"].low > 4 * weak["worst_rank1"].chance
    assert weak["agreement_gradients"].low > 0.6
    for way in ("mask", "static"):
        hard = named(FAST.run(drawn.crowd(treatment=drawn.Treatment(way)), rng=np.random.default_rng(0)))
        assert hard["worst_rank1"].low <= hard["worst_rank1"].chance <= hard["worst_rank1"].high


def test_a_network_of_our_own_still_sees_faces_in_what_is_hardly_treated_and_none_in_noise(drawn, named):
    pytest.importorskip("torch")
    probe = Agreement(network_steps=60, recognisers=("gradients",))

    def left(treatment):
        case = drawn.crowd(people=10, each=4, size=32, around=48, treatment=treatment)
        return named(probe.run(hired(case, {"yunet": Judge(10**9)}), rng=np.random.default_rng(0)))["faces_left_own"]

    plain = left(drawn.Treatment("grain", 2))
    assert plain.low > plain.chance + 0.3
    assert left(drawn.Treatment("static")).value < 0.2
    assert left(drawn.Treatment("mask")).value == 0


def test_kappa_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    one = (rng.random(200) < 0.3).astype(float)
    other = np.where(rng.random(200) < 0.7, one, 1 - one)
    assert kappa(one, other) == pytest.approx(metrics.cohen_kappa_score(one, other))
    assert np.isnan(kappa(np.ones(3), np.ones(3)))


def test_oriented_gradients_are_not_grey_values(drawn):
    rng = np.random.default_rng(0)
    crops = np.stack([drawn.face(p, rng, 48) for p in range(4)])
    np.testing.assert_allclose(oriented(crops), oriented((crops // 2 + 60).astype(np.uint8)), atol=0.12)
    assert oriented(crops).shape != pixel_features(48)(crops).shape


def test_nothing_unseen_is_said(drawn):
    with pytest.raises(Unsupported, match="no model is left"):
        Agreement(recognisers=(), network_steps=0).run(drawn.crowd(people=3, each=3), rng=np.random.default_rng(0))
