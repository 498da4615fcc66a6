import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from veilset.core.errors import BadSetting
from veilset.probes.attack.undo import FILTERS, Undo


def test_grain_is_filtered_away(drawn, named):
    case = drawn.crowd(people=12, each=1, treatment=drawn.Treatment("grain", 40))
    found = named(Undo(side=48, network_steps=0).run(case, rng=np.random.default_rng(0)))
    assert max(found[f"psnr_gain_{name}"].low for name in FILTERS) > 1
    assert found["twin"].value == 1.0


def test_no_filter_brings_a_mask_back(drawn, named):
    case = drawn.crowd(people=20, each=1, treatment=drawn.Treatment("mask"))
    found = named(Undo(side=32, network_steps=0).run(case, rng=np.random.default_rng(0)))
    assert found["twin"].low <= found["twin"].chance <= found["twin"].high
    assert all(found[f"psnr_gain_{name}"].value < 0.5 for name in FILTERS)


DEEP = Undo(side=32, filters=("enlarge", "restore", "upscale"), network_steps=60)


def test_a_learned_upscaler_and_a_learned_restoration_undo_a_small_picture(drawn, named):
    pytest.importorskip("torch")
    case = drawn.crowd(people=40, each=2, size=32, treatment=drawn.Treatment("mosaic", 4))
    found = named(DEEP.run(case, rng=np.random.default_rng(0)))
    assert found["psnr_gain_restore"].low > 1
    assert found["psnr_gain_upscale"].low > 1
    # Lanczos and an unsharp mask are what these two replace.
    assert found["psnr_gain_upscale"].low > found["psnr_gain_enlarge"].high
    assert found["twin_restore"].low > 10 * found["twin_restore"].chance
    assert found["twin"].value == max(m.value for name, m in found.items() if name.startswith("twin_"))


@pytest.mark.parametrize("way", ["static", "mask"])
def test_no_learned_filter_brings_anything_back(drawn, named, way):
    pytest.importorskip("torch")
    case = drawn.crowd(people=20, each=2, size=32, treatment=drawn.Treatment(way))
    found = named(replace(DEEP, network_steps=20).run(case, rng=np.random.default_rng(0)))
    for name in ("twin", "twin_restore", "twin_upscale"):
        assert found[name].low <= found[name].chance <= found[name].high


def test_without_torch_or_with_too_few_people_learned_filters_are_named(drawn, monkeypatch):
    case = drawn.crowd(people=3, each=2, size=32)
    if importlib.util.find_spec("torch"):
        first = DEEP.run(case, rng=np.random.default_rng(0))[0]
        assert any("too few other people" in note for note in first.notes)
    monkeypatch.setattr("veilset.probes.adversary.effort.torch_is_here", lambda: False)
    first, *others = DEEP.run(case, rng=np.random.default_rng(0))
    assert any("restore, upscale" in note and "veilset[learn]" in note for note in first.notes)
    assert [m.name for m in others] == ["twin_untouched", "twin_enlarge", "psnr_gain_enlarge"]


@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_shape_and_type(name):
    pixels = np.random.default_rng(0).integers(0, 256, (33, 20, 3), dtype=np.uint8)
    out = FILTERS[name](pixels)
    assert out.shape == pixels.shape
    assert out.dtype == np.uint8


def test_unknown_filter():
    with pytest.raises(BadSetting, match="filters"):
        Undo(filters=("magic",))
