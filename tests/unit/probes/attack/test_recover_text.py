import numpy as np
import pytest

from veilset.core.errors import BadSetting, Unsupported
from veilset.core.roles import Case, Knowledge
from veilset.probes.attack.recover_text import RecoverText, Typesetter, reach

FAST = RecoverText(words=3, letters=4, size=20, alphabet="0123456789", beam=4)


def case(treatment):
    return Case([], Knowledge({"text": treatment}))


@pytest.mark.parametrize(("way", "strength"), [("mosaic", 8), ("blur", 4)])
def test_numbers_are_read_through(drawn, named, way, strength):
    found = named(FAST.run(case(drawn.Treatment(way, strength)), rng=np.random.default_rng(0)))
    assert found["characters"].low > 5 * found["characters"].chance
    assert found["words"].value == 1.0


@pytest.mark.parametrize("way", ["mask", "static"])
def test_nothing_is_read_from_nothing(drawn, named, way):
    probe = RecoverText(words=12, letters=3, size=16, alphabet="0123456789", beam=2)
    found = named(probe.run(case(drawn.Treatment(way)), rng=np.random.default_rng(0)))
    assert found["characters"].low <= 0.1 <= found["characters"].high
    assert found["characters"].value < 0.35


def test_reach_of_a_mosaic_is_its_block(drawn):
    found = RecoverText(letters=6)
    type_ = Typesetter(24, 160)
    treat = found._treatment(drawn.Treatment("mosaic", 16), type_, np.random.default_rng(0))
    assert 12 <= reach(treat, type_.width, type_.height) <= 16


def test_pen_is_where_the_ink_ends():
    type_ = Typesetter(24, 200)
    ink = np.flatnonzero((type_.draw("88") < 200).any(axis=(0, 2)))
    assert abs(type_.pen("88") - ink[-1]) < 4


def test_without_an_operator_for_text():
    with pytest.raises(Unsupported, match="nothing is known to treat text"):
        FAST.run(Case([]), rng=np.random.default_rng(0))


def test_an_alphabet_has_two_letters():
    with pytest.raises(BadSetting, match="alphabet"):
        RecoverText(alphabet="A")
