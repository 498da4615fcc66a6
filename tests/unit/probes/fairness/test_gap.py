from dataclasses import replace

import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.probes.attack.reidentify import Reidentify
from veilset.probes.fairness.gap import Gap, difference


def build(role, name, settings):
    assert (role, name) == ("probe", "reidentify")
    return Reidentify(recogniser="pixels", side=24, modes=("parrot",))


def test_a_treatment_that_protects_one_group_only(drawn):
    weak = drawn.crowd(
        people=8, each=5, treatment=drawn.Treatment("mosaic", 8), known=False, labels=lambda p: {"gender": "f"}
    )
    strong = drawn.crowd(
        people=8, each=5, treatment=drawn.Treatment("mask"), known=False, labels=lambda p: {"gender": "m"}
    )
    pairs = [
        *weak.pairs,
        *(
            replace(p, before=replace(p.before, subjects=frozenset([f"m{s}" for s in p.before.subjects])))
            for p in strong.pairs
        ),
    ]
    found = Gap().run(Case(pairs, build=build), rng=np.random.default_rng(0))
    assert found[0].name == "gap"
    assert found[0].low > 0.3
    assert "highest for f, lowest for m" in found[0].notes[0]
    assert {m.group for m in found[2:]} == {"f", "m"}


def test_equal_groups_have_no_gap(drawn):
    case = drawn.crowd(
        people=16, each=4, treatment=drawn.Treatment("mask"), known=False, labels=lambda p: {"gender": "fm"[p % 2]}
    )
    found = Gap().run(Case(case.pairs, build=build), rng=np.random.default_rng(0))
    assert found[0].low == 0.0


def test_small_groups_are_named(drawn):
    case = drawn.crowd(people=13, each=4, known=False, labels=lambda p: {"gender": "x" if p == 12 else "fm"[p % 2]})
    found = Gap().run(Case(case.pairs, build=build), rng=np.random.default_rng(0))
    assert any("too small to measure: x (4)" in note for note in found[0].notes)
    assert found[1].name == "smallest_group"
    assert found[1].value == 4
    assert any("warning: the smallest group, x" in note for note in found[0].notes)


def test_newcombe_covers():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        a, b = (Measurement.proportion("p", "x", int(rng.binomial(60, p)), 60, "lower") for p in (0.6, 0.35))
        _, low, high = difference(a, b)
        hits += low <= 0.25 <= high
    assert hits >= 280


def test_it_needs_two_groups_and_a_way_to_the_probe(drawn):
    case = drawn.crowd(people=4, each=2)
    with pytest.raises(Unsupported, match="names 0 groups"):
        Gap().run(Case(case.pairs, build=build), rng=np.random.default_rng(0))
    with pytest.raises(Unsupported, match="no way"):
        Gap().run(case, rng=np.random.default_rng(0))
