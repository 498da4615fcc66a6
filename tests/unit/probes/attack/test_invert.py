import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.probes.attack.invert import Invert, climb


@pytest.mark.parametrize(("way", "strength"), [("mosaic", 3), ("mosaic", 8)])
def test_faces_come_out_of_a_recogniser(drawn, named, way, strength):
    case = drawn.crowd(people=12, each=6, treatment=drawn.Treatment(way, strength))
    found = named(Invert(side=24, steps=200).run(case, rng=np.random.default_rng(0)))
    assert found["recognised"].low > 3 * found["recognised"].chance
    assert found["likeness"].low > 0.1


@pytest.mark.parametrize("way", ["static", "mask"])
def test_no_faces_come_out_of_noise(drawn, named, way):
    case = drawn.crowd(people=15, each=4, treatment=drawn.Treatment(way))
    found = named(Invert(side=24, steps=100).run(case, rng=np.random.default_rng(0)))
    assert found["recognised"].low <= found["recognised"].chance <= found["recognised"].high
    assert abs(found["likeness"].value) < 0.1


def test_climb_reaches_the_top_of_a_hill():
    top = np.array([0.2, 0.7, 0.9])

    def hill(x):
        value = float(np.exp(-((x - top) ** 2).sum()))
        return value, -2 * (x - top) * value

    np.testing.assert_allclose(climb(hill, np.full(3, 0.5), steps=500, rate=0.05), top, atol=0.1)


def test_it_needs_people(drawn):
    with pytest.raises(Unsupported, match="two people"):
        Invert().run(drawn.crowd(people=3, each=1), rng=np.random.default_rng(0))
