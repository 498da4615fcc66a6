import numpy as np
import pytest

from veilset.core.errors import MissingExtra, Unsupported
from veilset.probes.adversary.extras import need
from veilset.probes.attack.gan_leak import GanLeak

FAST = GanLeak(side=16, people=5, victims=5, rounds=150)


@pytest.mark.slow
def test_the_insider_draws_the_victim(drawn, named):
    pytest.importorskip("torch")
    case = drawn.crowd(people=5, each=6, treatment=drawn.Treatment("mosaic", 4))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["recognised"].low > 2 * found["recognised"].chance
    assert found["likeness"].low > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("way", ["static"])
def test_no_face_comes_out_of_noise(drawn, named, way):
    pytest.importorskip("torch")
    case = drawn.crowd(people=5, each=4, treatment=drawn.Treatment(way))
    found = named(FAST.run(case, rng=np.random.default_rng(0)))
    assert found["recognised"].low <= found["recognised"].chance <= found["recognised"].high
    assert abs(found["likeness"].value) < 0.15


def test_it_needs_people_and_says_what_to_install(drawn):
    with pytest.raises(Unsupported, match="four people"):
        FAST.run(drawn.crowd(people=2, each=2), rng=np.random.default_rng(0))
    with pytest.raises(MissingExtra, match=r"veilset\[learn\]"):
        need("no_such_module", "gan_leak")
