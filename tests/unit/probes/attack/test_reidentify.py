import numpy as np
import pytest

from veilset.core.errors import BadSetting, Unsupported
from veilset.core.roles import Case, Knowledge
from veilset.probes.adversary.crops import gather
from veilset.probes.attack.reidentify import Reidentify, split

FAST = Reidentify(recogniser="pixels", side=24, network_steps=0)


@pytest.mark.parametrize("way", ["mosaic", "blur"])
def test_the_parrot_beats_a_guess_by_far_on_weak_treatments(drawn, named, way):
    case = drawn.crowd(treatment=drawn.Treatment(way, 12))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["rank1_parrot_pixels"].low > 8 * found["rank1_parrot_pixels"].chance
    assert found["rank1"].value >= found["rank1_parrot_pixels"].value
    assert found["eer_parrot_pixels"].value < 0.15
    assert found["tar_parrot_pixels"].value > 0.5


@pytest.mark.parametrize("way", ["static", "mask"])
def test_every_adversary_stays_at_chance_when_nothing_is_left(drawn, named, way):
    case = drawn.crowd(treatment=drawn.Treatment(way))
    for seed in range(3):
        found = named(FAST.run(case, rng=np.random.default_rng(seed)))
        worst = found["rank1"]
        assert worst.low <= worst.chance <= worst.high
        assert worst.high < 0.5


def test_the_worst_is_first_and_its_interval_is_wider(drawn):
    found = FAST.run(drawn.crowd(), rng=np.random.default_rng(0))
    firsts = [m for m in found[1:] if m.name.startswith("rank1_")]
    assert found[0].name == "rank1"
    assert found[0].value == max(m.value for m in firsts)
    source = max(firsts, key=lambda m: m.value)
    assert found[0].low <= source.low
    assert found[0].high >= source.high


def test_without_names_each_picture_is_a_person(drawn, named):
    case = drawn.crowd(people=20, each=1, named=False, treatment=drawn.Treatment("blur", 3))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["rank1"].chance == pytest.approx(1 / 20)
    assert found["rank1"].low > 0.5
    assert any("stands for one" in note for note in found["rank1"].notes)


def test_gallery_and_probes_never_share_a_picture(drawn):
    case = drawn.crowd(people=5, each=5)
    crops = gather(case, side=16, rng=np.random.default_rng(0))
    crops, gallery, probes, own = split(crops, np.random.default_rng(0))
    assert not own
    assert not set(gallery) & set(probes)
    assert {crops.subjects[i] for i in gallery} == {crops.subjects[i] for i in probes}


def test_only_the_parrot_can_do_without_originals(drawn, named):
    case = drawn.crowd(treatment=drawn.Treatment("mosaic", 12))
    blind = Case(case.pairs, Knowledge({}, sees_originals=False))
    names = named(FAST.run(blind, rng=np.random.default_rng(0)))
    assert not any("naive" in name or "restore" in name for name in names)
    assert names["rank1"].low > 0.4
    with pytest.raises(Unsupported, match="none of"):
        Reidentify(modes=("naive",), recogniser="pixels", network_steps=0).run(blind, rng=np.random.default_rng(0))


def test_same_seed_same_numbers(drawn):
    case = drawn.crowd(people=4, each=4)
    first = FAST.run(case, rng=np.random.default_rng(5))
    assert first == FAST.run(case, rng=np.random.default_rng(5))


def test_wrong_settings_are_named():
    with pytest.raises(BadSetting, match="modes must be one of"):
        Reidentify(modes=("psychic",))
    with pytest.raises(BadSetting, match="shrink"):
        Reidentify(shrink=2)


def test_too_few_regions(drawn):
    with pytest.raises(Unsupported, match="at least 4"):
        FAST.run(drawn.crowd(people=1, each=3), rng=np.random.default_rng(0))


DEEP = Reidentify(side=24, recogniser="network", modes=("naive", "parrot", "rebuild"), network_steps=100)


@pytest.mark.slow
def test_a_network_trained_on_treated_pictures_beats_a_guess_by_far(drawn, named):
    pytest.importorskip("torch")
    case = drawn.crowd(people=10, each=6, treatment=drawn.Treatment("mosaic", 8))
    found = named(DEEP.run(case, rng=np.random.default_rng(0)))
    for name in ("rank1_parrot_network", "rank1_rebuild_network"):
        assert found[name].low > 4 * found[name].chance
    assert found["rank1"].value >= found["rank1_parrot_network"].value


def test_a_network_and_a_restoring_network_recognise_what_a_blur_left(drawn, named):
    pytest.importorskip("torch")
    case = drawn.crowd(people=6, each=6, size=32, treatment=drawn.Treatment("blur", 3))
    probe = Reidentify(side=16, modes=("parrot", "rebuild"), network_steps=60)
    found = named(probe.run(case, rng=np.random.default_rng(0)))
    for name in ("rank1_parrot_network", "rank1_rebuild_network", "rank1_rebuild_pixels"):
        assert found[name].low > 2 * found[name].chance
    assert any("held back" in note for note in found["rank1_parrot_network"].notes)


@pytest.mark.parametrize("way", ["static", "mask"])
def test_networks_stay_at_chance_when_nothing_is_left(drawn, named, way):
    pytest.importorskip("torch")
    case = drawn.crowd(people=10, each=4, size=32, treatment=drawn.Treatment(way))
    found = named(Reidentify(side=16, network_steps=30).run(case, rng=np.random.default_rng(0)))
    assert "rank1_rebuild_network" in found
    for name in ("rank1", "rank1_parrot_network", "rank1_rebuild_network", "rank1_rebuild_pixels"):
        assert found[name].low <= found[name].chance <= found[name].high


def test_same_seed_same_network(drawn):
    pytest.importorskip("torch")
    case = drawn.crowd(people=4, each=4, size=32)
    probe = Reidentify(side=16, recogniser="network", modes=("parrot",), network_steps=10)
    assert probe.run(case, rng=np.random.default_rng(5)) == probe.run(case, rng=np.random.default_rng(5))


def test_without_torch_the_headline_says_what_was_not_tried(drawn, monkeypatch):
    monkeypatch.setattr("veilset.probes.adversary.effort.torch_is_here", lambda: False)
    case = drawn.crowd(people=4, each=4)
    found = Reidentify(side=16).run(case, rng=np.random.default_rng(0))
    assert not any("network" in m.name or "rebuild" in m.name for m in found)
    assert any("veilset[learn]" in note for note in found[0].notes)
    with pytest.raises(Unsupported, match=r"veilset\[learn\]"):
        Reidentify(recogniser="network").run(case, rng=np.random.default_rng(0))
