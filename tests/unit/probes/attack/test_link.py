from dataclasses import replace

import numpy as np
import pytest

from veilset.core.errors import BadSetting, Unsupported
from veilset.core.roles import Case, Pair
from veilset.core.sample import Origin
from veilset.probes.attack.link import Link, outside, trigrams


def read_back(case, rename):
    return Case([Pair(p.before, replace(p.after, origin=rename(i, p)), p.findings) for i, p in enumerate(case.pairs)])


def test_the_background_gives_the_twin_away_though_the_face_is_masked(drawn, named):
    case = drawn.crowd(people=20, each=1, treatment=drawn.Treatment("mask"), around=20)
    found = named(Link().run(case, rng=np.random.default_rng(0)))
    assert found["twin_background"].low > 0.8
    assert set(found) == {"twin", "twin_background", "twin_picture"}


def test_nothing_left_is_a_guess(drawn, named):
    case = drawn.crowd(people=25, each=1, treatment=drawn.Treatment("static"))
    found = named(Link().run(case, rng=np.random.default_rng(0)))
    assert found["twin"].low <= found["twin"].chance <= found["twin"].high
    assert found["twin"].value < 0.25


@pytest.mark.parametrize(
    ("clue", "rename"),
    [
        ("name", lambda i, p: Origin(p.before.origin.name, 7, 5)),
        ("order", lambda i, p: Origin(f"x{i:05}", 7, 5)),
        ("time", lambda i, p: Origin("x", 7, 100 + i)),
        ("size", lambda i, p: Origin("x", p.before.origin.size, 5)),
    ],
)
def test_each_clue_alone_gives_the_twin_away(drawn, named, clue, rename):
    case = drawn.crowd(people=20, each=1, treatment=drawn.Treatment("static"))
    sized = [
        Pair(replace(p.before, origin=replace(p.before.origin, size=1000 + 17 * i)), p.after, p.findings)
        for i, p in enumerate(case.pairs)
    ]
    found = named(Link().run(read_back(Case(sized), rename), rng=np.random.default_rng(0)))
    assert found[f"twin_{clue}"].value == 1.0
    assert found["twin"].value == 1.0


def test_shuffled_names_of_equal_length_say_nothing(drawn, named):
    case = drawn.crowd(people=40, each=1, treatment=drawn.Treatment("static"))
    rng = np.random.default_rng(1)
    fresh = [bytes(rng.integers(97, 123, 12, dtype=np.uint8)).decode() for _ in range(40)]
    found = named(Link().run(read_back(case, lambda i, p: Origin(fresh[i], 7, 5)), rng=np.random.default_rng(0)))
    for clue in ("name", "order", "time", "size"):
        assert found[f"twin_{clue}"].low <= 1 / 40 <= found[f"twin_{clue}"].high


def test_only_what_lies_outside_counts(drawn):
    pair = drawn.crowd(people=1, each=1, around=20).pairs[0]
    np.testing.assert_allclose(
        outside(pair.before.image.pixels, pair.findings, 16), outside(pair.after.image.pixels, pair.findings, 16)
    )


def test_trigrams_are_unit_vectors():
    assert np.linalg.norm(trigrams("IMG_0001.jpg")) == pytest.approx(1)


def test_refusals(drawn):
    with pytest.raises(Unsupported, match="at least 2"):
        Link().run(drawn.crowd(people=1, each=1), rng=np.random.default_rng(0))
    with pytest.raises(Unsupported, match="read back"):
        Link(clues=("name",)).run(drawn.crowd(people=2, each=1), rng=np.random.default_rng(0))
    with pytest.raises(BadSetting, match="clues"):
        Link(clues=("smell",))
