import numpy as np
import pytest

from veilset.core.errors import BadSetting
from veilset.probes.attack.undo import FILTERS, Undo


def test_grain_is_filtered_away(drawn, named):
    case = drawn.crowd(people=12, each=1, treatment=drawn.Treatment("grain", 40))
    found = named(Undo(side=48).run(case, rng=np.random.default_rng(0)))
    assert max(found[f"psnr_gain_{name}"].low for name in FILTERS) > 1
    assert found["twin"].value == 1.0


def test_no_filter_brings_a_mask_back(drawn, named):
    case = drawn.crowd(people=20, each=1, treatment=drawn.Treatment("mask"))
    found = named(Undo(side=32).run(case, rng=np.random.default_rng(0)))
    assert found["twin"].low <= found["twin"].chance <= found["twin"].high
    assert all(found[f"psnr_gain_{name}"].value < 0.5 for name in FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_shape_and_type(name):
    pixels = np.random.default_rng(0).integers(0, 256, (33, 20, 3), dtype=np.uint8)
    out = FILTERS[name](pixels)
    assert out.shape == pixels.shape
    assert out.dtype == np.uint8


def test_unknown_filter():
    with pytest.raises(BadSetting, match="filters"):
        Undo(filters=("magic",))
