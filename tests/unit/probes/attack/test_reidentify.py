import numpy as np
import pytest

from veilset.core.errors import BadSetting, Unsupported
from veilset.core.roles import Case, Knowledge
from veilset.probes.adversary.crops import gather
from veilset.probes.attack.reidentify import Reidentify, split

FAST = Reidentify(recogniser="pixels", side=24)


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
        Reidentify(modes=("naive",), recogniser="pixels").run(blind, rng=np.random.default_rng(0))


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
