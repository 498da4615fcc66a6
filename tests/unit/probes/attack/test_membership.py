import numpy as np
import pytest
from scipy.stats import norm

from veilset.core.errors import Unsupported
from veilset.probes.adversary.softmax import train
from veilset.probes.attack.membership import Membership, lira, rmia

FAST = Membership(shadows=12, targets=4, label="class", side=16, components=80, decay=1e-6)


def classes(drawn, treatment):
    """Labels by lot: a model can only learn them by heart, the weakest target there is."""
    rng = np.random.default_rng(7)
    return drawn.crowd(people=60, each=2, treatment=treatment, labels=lambda p: {"class": "ab"[int(rng.integers(2))]})


def test_what_was_learned_by_heart_is_betrayed(drawn, named):
    found = named(FAST.run(classes(drawn, drawn.Treatment("mosaic", 3)), rng=np.random.default_rng(0)))
    assert found["auc"].low > 0.65
    assert found["auc_lira"].value > 0.6
    assert found["auc_rmia"].value > 0.6
    assert found["tpr_lira"].value > 0.03


@pytest.mark.parametrize("way", ["static", "mask"])
def test_fresh_noise_hides_who_was_in(drawn, named, way):
    found = named(FAST.run(classes(drawn, drawn.Treatment(way)), rng=np.random.default_rng(0)))
    for attack in ("loss", "shadow", "lira", "rmia"):
        # Eight intervals at 95 %: one of them may miss, so the bound is on the value.
        assert 0.4 < found[f"auc_{attack}"].value < 0.58


def test_lira_is_the_ratio_of_two_normals():
    rng = np.random.default_rng(0)
    inside = rng.random((200, 5)) < 0.5
    shadows = np.where(inside, rng.normal(2, 1, (200, 5)), rng.normal(0, 1, (200, 5)))
    got = lira(np.array([3.0, 2, 1, 0, -1]), shadows, inside)
    expected = norm.logpdf([3.0, 2, 1, 0, -1], 2, 1) - norm.logpdf([3.0, 2, 1, 0, -1], 0, 1)
    np.testing.assert_allclose(got, expected, atol=0.6)


def test_rmia_by_brute_force():
    rng = np.random.default_rng(0)
    own, shadows = np.log(rng.random(9)), np.log(rng.random((4, 9)))
    ratio = np.exp(own) / np.exp(shadows).mean(axis=0)
    brute = [((ratio[i] > ratio).sum() + 0.5) / 9 for i in range(9)]
    np.testing.assert_allclose(rmia(own, shadows), brute)


def test_softmax_finds_the_minimum_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 4)), rng.integers(0, 3, 80)
    ours = train(x, y, 3, decay=0.01, steps=2000)(x)
    theirs = linear.LogisticRegression(C=1 / (0.01 * 80), max_iter=5000, tol=1e-10).fit(x, y).predict_log_proba(x)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_it_needs_labels(drawn):
    with pytest.raises(Unsupported, match="at least 20"):
        Membership(label="class").run(drawn.crowd(people=4, each=2), rng=np.random.default_rng(0))
