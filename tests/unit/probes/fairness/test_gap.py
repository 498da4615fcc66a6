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


def shares(values, chances=None):
    """A build function whose probe finds one share a group, by the group's number."""

    class Said:
        def run(self, case, *, rng):
            at = int(case.pairs[0].before.labels["race"])
            chance = chances[at] if chances else 0.02
            return (Measurement.proportion("said", "x", values[at], 200, "lower", chance=chance),)

    return lambda role, name, settings: Said()


def groups(drawn, count):
    return drawn.crowd(people=count, each=20, known=False, labels=lambda p: {"race": str(p)}).pairs


def test_a_guess_that_differs_is_taken_off_first(drawn):
    """Ten and two candidates, both guessed: no gap, though the shares lie far apart."""
    case = Case(groups(drawn, 2), build=shares((20, 100), (0.1, 0.5)))
    found = Gap(probe="said", by="race").run(case, rng=np.random.default_rng(0))[0]
    assert found.value == pytest.approx(0, abs=1e-9)
    assert any("advantage over a guess, which reaches 0.1 to 0.5" in note for note in found.notes)
    plain = Case(groups(drawn, 2), build=shares((20, 100)))
    assert Gap(probe="said", by="race").run(plain, rng=np.random.default_rng(0))[0].value == pytest.approx(0.4)


def test_the_widest_of_many_differences_needs_more_to_stand_out(drawn):
    two = Gap(probe="said", by="race").run(
        Case(groups(drawn, 2), build=shares((80, 104))), rng=np.random.default_rng(0)
    )[0]
    six = Gap(probe="said", by="race").run(
        Case(groups(drawn, 6), build=shares((80, 104, 90, 91, 92, 93))), rng=np.random.default_rng(0)
    )[0]
    assert two.value == six.value == pytest.approx(0.12)
    assert two.low > 0 == six.low
