import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.probes.utility.naturalness import Naturalness, colours, sharpness


def test_a_mask_has_a_seam_and_no_detail(drawn, named):
    masked = named(
        Naturalness().run(
            drawn.crowd(people=8, each=1, treatment=drawn.Treatment("mask"), around=16), rng=np.random.default_rng(0)
        )
    )
    blurred = named(
        Naturalness().run(
            drawn.crowd(people=8, each=1, treatment=drawn.Treatment("blur", 3), around=16), rng=np.random.default_rng(0)
        )
    )
    assert masked["seam"].low > blurred["seam"].high
    assert masked["detail"].high < blurred["detail"].value
    assert masked["colours"].value < blurred["colours"].value


def test_every_number_says_what_it_is_not(drawn):
    found = Naturalness().run(drawn.crowd(people=3, each=1), rng=np.random.default_rng(0))
    assert all("not a study of viewers" in m.notes[0] for m in found)


def test_kernels_by_hand():
    region = np.ones((8, 8), dtype=bool)
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    half = black.copy()
    half[:, :4] = 255
    assert colours(black, white, region) == 0.0
    assert colours(half, white, region) == 0.5
    assert sharpness(black, region) == 0.0


def test_nothing_changed(drawn):
    case = drawn.crowd(people=2, each=1, treatment=drawn.Treatment("grain", 0.001))
    with pytest.raises(Unsupported, match="was changed"):
        Naturalness().run(case, rng=np.random.default_rng(0))
