from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from veilset.core.errors import Unsupported
from veilset.probes.adversary.scores import area
from veilset.probes.adversary.softmax import train, train_privately
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


def known_world(n=40, d=20, rounds=400, seed=0):
    """Means of n out of 2n known points of N(0, I), drawn by lot: whose point is in?"""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(2 * n, d))
    inside = np.stack([rng.permutation(2 * n) < n for _ in range(rounds)])
    means = np.stack([points[members].mean(axis=0) for members in inside])
    return points, inside, means


def test_lira_reaches_the_best_attack_there_is_where_that_is_known():
    """Half of known points are in: the statistic of each is close to normal, and the best test is the exact ratio."""
    points, inside, means = known_world()
    seen = means @ points.T
    scores, exact, member = [], [], []
    n, others = len(points) // 2, points.sum(axis=0)
    for target in range(0, 400, 4):
        rest = np.arange(400) != target
        # Logits of one scale, as the attack with a single variance expects.
        scale = seen[rest].std(axis=0)
        scores.append(lira(seen[target] / scale, seen[rest] / scale, inside[rest]))
        # The exact moments of n points drawn out of the other 2n - 1 without replacement, with x among them and not.
        dots = points @ points.T
        own = np.diag(dots)
        away = others @ points.T - own
        mean_in, mean_out = (own + away * (n - 1) / (2 * n - 1)) / n, away / (2 * n - 1)
        spread = np.array([np.delete(dots[i], i).var() for i in range(2 * n)])
        deviation = np.sqrt(spread * (n - 1) * n / (2 * n - 2)) / n
        exact.append(norm.logpdf(seen[target], mean_in, deviation) - norm.logpdf(seen[target], mean_out, deviation))
        member.append(inside[target])
    member = np.concatenate(member)
    ours, best = np.concatenate(scores), np.concatenate(exact)
    got, ceiling = area(ours[member], ours[~member]), area(best[member], best[~member])
    # The closed form of a shift of s deviations is an area of Phi(s / sqrt 2), a mean over the points.
    closed = float(np.mean(norm.cdf((mean_in - mean_out) / deviation / np.sqrt(2))))
    assert ceiling == pytest.approx(closed, abs=0.02)
    assert got == pytest.approx(ceiling, abs=0.02)
    assert got > 0.65


def test_rmia_reaches_the_best_attack_where_every_point_is_as_hard():
    """Losses shifted by s deviations when inside, the same for all: no attack has a larger area than Phi(s / sqrt 2)."""
    rng = np.random.default_rng(0)
    models, n, shift, spread = 200, 400, 1.2, 0.4
    inside = rng.random((models, n)) < 0.5
    hard = rng.normal(-3, 1, n)
    log = hard + spread * (rng.normal(size=(models, n)) + shift * inside)
    scores = [rmia(log[t], np.delete(log, t, axis=0)) for t in range(40)]
    got = area(np.concatenate(scores)[inside[:40].ravel()], np.concatenate(scores)[~inside[:40].ravel()])
    ratios = [lira(log[t], np.delete(log, t, axis=0), np.delete(inside, t, axis=0)) for t in range(40)]
    by_lira = area(np.concatenate(ratios)[inside[:40].ravel()], np.concatenate(ratios)[~inside[:40].ravel()])
    optimal = float(norm.cdf(shift / np.sqrt(2)))
    assert got == pytest.approx(optimal, abs=0.02)
    assert by_lira == pytest.approx(optimal, abs=0.02)


def test_private_training_keeps_its_bound_and_hides_who_was_in(drawn, named):
    noise, steps = 40.0, 40
    private = replace(FAST, noise=noise)
    found = named(private.run(classes(drawn, drawn.Treatment("mosaic", 3)), rng=np.random.default_rng(0)))
    # mu-GDP bounds every attack: at a rate a of false alarms, at most Phi(Phi^-1(a) + mu) are found.
    mu = np.sqrt(steps) / noise
    assert found["auc"].value < norm.cdf(mu / np.sqrt(2)) + 0.08
    assert found["tpr_lira"].value < norm.cdf(norm.ppf(0.01) + mu) + 0.05


def test_private_training_without_noise_still_learns():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    x = rng.normal(size=(200, 3)) + 3 * y[:, None]
    model = train_privately(x, y, 2, noise=1.0, rng=rng)
    assert (model(x).argmax(axis=1) == y).mean() > 0.95
