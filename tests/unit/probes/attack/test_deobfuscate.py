import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.probes.attack.deobfuscate import Deobfuscate, invert_by_iteration, learn_restoration, psnr

FAST = Deobfuscate(side=24, iterated=12, steps=15, network_steps=0)


@pytest.mark.parametrize(("way", "strength"), [("mosaic", 12), ("blur", 6)])
def test_what_was_hidden_comes_back(drawn, named, way, strength):
    case = drawn.crowd(people=10, each=8, treatment=drawn.Treatment(way, strength))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain_learned"].low > 1.0
    assert found["identity_restored"].low > 10 * found["identity_restored"].chance


def test_iteration_through_the_operator_sharpens_a_blur(drawn, named):
    case = drawn.crowd(people=10, each=4, treatment=drawn.Treatment("blur", 3))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain_iterated"].low > 0.5
    assert found["identity_iterated"].low > 2 * found["identity_iterated"].chance


@pytest.mark.parametrize("way", ["static", "mask"])
def test_nothing_comes_back_from_nothing(drawn, named, way):
    case = drawn.crowd(people=10, each=6, treatment=drawn.Treatment(way))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain_learned"].value < 0.3
    worst = found["identity_restored"]
    assert worst.low <= worst.chance <= worst.high


def test_many_releases_average_the_noise_away(drawn, named):
    case = drawn.crowd(people=8, each=4, treatment=drawn.Treatment("grain", 60))
    once = named(Deobfuscate(side=24, iterated=0, network_steps=0).run(case, rng=np.random.default_rng(0)))
    often = named(Deobfuscate(side=24, iterated=0, network_steps=0, releases=8).run(case, rng=np.random.default_rng(0)))
    assert often["psnr_learned"].value > once["psnr_learned"].value + 1


NETWORK = Deobfuscate(side=24, iterated=0, network_steps=80)


def test_a_network_taught_by_other_people_sharpens_faces_it_never_saw(drawn, named):
    pytest.importorskip("torch")
    case = drawn.crowd(people=48, each=2, size=32, treatment=drawn.Treatment("blur", 2.5))
    found = named(NETWORK.run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain_network"].low > 1.0
    assert found["psnr_gain_network"].value > found["psnr_gain_learned_strangers"].value + 0.3
    assert found["identity_network"].low > 10 * found["identity_network"].chance
    assert any("other people" in note for note in found["identity_network"].notes)


@pytest.mark.parametrize("way", ["static", "mask"])
def test_a_network_brings_nothing_back_from_nothing(drawn, named, way):
    pytest.importorskip("torch")
    case = drawn.crowd(people=20, each=3, size=32, treatment=drawn.Treatment(way))
    found = named(Deobfuscate(side=24, iterated=0, network_steps=60).run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain_network"].value < 0.3
    worst = found["identity_restored"]
    assert worst.low <= worst.chance <= worst.high


def test_without_torch_the_linear_map_restores_and_the_rest_is_said(drawn, named, monkeypatch):
    monkeypatch.setattr("veilset.probes.adversary.effort.torch_is_here", lambda: False)
    case = drawn.crowd(people=6, each=4, size=32)
    found = named(NETWORK.run(case, rng=np.random.default_rng(0)))
    assert "identity_network" not in found
    assert any(
        "restoration by a network" in note and "veilset[learn]" in note for note in found["identity_restored"].notes
    )
    assert found["psnr_gain_learned"].low > 0.5


def test_landweber_reaches_the_least_squares_solution():
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    operator = basis @ np.diag(np.linspace(0.3, 1, 12)) @ basis.T
    truth = rng.uniform(60, 200, 12)
    truth = np.clip(truth, 80, 160)
    last = invert_by_iteration(operator @ truth, lambda x: operator @ x, 200)[-1]
    np.testing.assert_allclose(last, truth, atol=1e-6)


def test_a_linear_treatment_without_noise_is_undone_exactly():
    rng = np.random.default_rng(0)
    clean = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 30)) * 0.01 + 0.5
    mix = rng.normal(size=(30, 20))
    restore = learn_restoration(clean[:40] @ mix, clean[:40])
    np.testing.assert_allclose(restore(clean[40:] @ mix), clean[40:], atol=1e-4)


def test_psnr_matches_the_formula():
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 50)), rng.random((3, 50))
    np.testing.assert_allclose(psnr(a, b), [-10 * np.log10(((x - y) ** 2).mean()) for x, y in zip(a, b, strict=True)])


def test_too_few(drawn):
    with pytest.raises(Unsupported, match="at least 8"):
        FAST.run(drawn.crowd(people=1, each=4), rng=np.random.default_rng(0))
