"""Iris codes of drawn irises whose texture is known; and a refusal where an iris is too small to have a code."""

import cv2
import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.operators.mask import Mask
from veilset.probes.adversary.eyes import pupil_centre
from veilset.probes.adversary.iris_code import apart, code, rings, unrolled
from veilset.probes.attack.iris import Iris
from veilset.testing.drawn_eyes import drawn_eye, iris_texture


def grey(pixels):
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def coded(pixels):
    eye = grey(pixels)
    return code(unrolled(eye, rings(eye, pupil_centre(eye))))


def case(treat, people=14, shots=2, diameter=130.0, named=True):
    size = (max(24, int(diameter * 1.5)), max(40, int(diameter * 2.3)))
    pairs = []
    rng = np.random.default_rng(0)
    for person in range(people):
        for shot in range(shots):
            pixels = drawn_eye(person, shot, diameter=diameter, size=size)
            who = frozenset([f"p{person}"]) if named else frozenset()
            sample = Sample(f"{person}-{shot}", Image(pixels), subjects=who)
            pairs.append(Pair(sample, Sample(sample.id, Image(treat(pixels, rng)))))
    return Case(pairs)


def run(treated, **settings):
    return {m.name: m for m in Iris(**settings).run(treated, rng=np.random.default_rng(0))}


def same(pixels, rng):
    return pixels


def soft(pixels, rng):
    return cv2.GaussianBlur(pixels, (0, 0), 1.5)


def noise(pixels, rng):
    return rng.integers(0, 256, pixels.shape, dtype=np.uint8)


def black(pixels, rng):
    return pixels * 0


def test_the_code_read_is_the_code_planted() -> None:
    planted = np.stack([code(iris_texture(person)) for person in range(6)])
    for person in range(6):
        away = apart(coded(drawn_eye(person, 1)), planted)
        assert int(np.argmin(away)) == person
        assert away[person] < 0.3 < np.delete(away, person).min()


def test_circles_are_where_they_were_drawn() -> None:
    wide = []
    for person in range(8):
        eye = grey(drawn_eye(person, 0, diameter=140))
        found = rings(eye, pupil_centre(eye))
        wide.append(2 * found.iris)
        assert abs(found.x - 150) < 12
        assert abs(found.y - 100) < 9
    assert np.abs(np.array(wide) - 140).max() < 5


@pytest.mark.parametrize("treat", [same, soft])
def test_an_iris_that_is_left_is_matched(treat) -> None:
    found = run(case(treat))
    assert found["matched"].low > 0.5
    assert found["rank1"].low > 0.5 > 5 * found["rank1"].chance
    assert found["distance"].value < 0.25


@pytest.mark.parametrize("treat", [noise, black])
@pytest.mark.parametrize("named", [True, False])
def test_an_iris_that_is_gone_is_not(treat, named) -> None:
    found = run(case(treat, named=named))
    for name in ("matched", "rank1"):
        assert found[name].low <= found[name].chance
    assert found["rank1"].value < 0.25


def test_eyes_that_all_look_alike_are_nobodys() -> None:
    """The adversary treats the same way: every masked eye has the same code, which is nobody's."""
    masked = case(black)
    found = tuple(Finding("eye", Box(0, 0, *reversed(p.before.image.shape)), 1.0, "drawn") for p in masked.pairs[:1])
    pairs = [Pair(p.before, p.after, found) for p in masked.pairs]
    seen = run(Case(pairs, Knowledge({"eye": Mask(grow=0)})))
    for name in ("matched", "rank1"):
        assert seen[name].low <= seen[name].chance
        assert seen[name].value < 0.25


@pytest.mark.parametrize("diameter", [12.0, 40.0])
def test_a_small_iris_gets_no_number(diameter) -> None:
    with pytest.raises(Unsupported, match="not measurable: the irises are"):
        run(case(same, people=5, diameter=diameter))


def test_no_eye_is_said() -> None:
    with pytest.raises(Unsupported, match="no released picture"):
        run(Case([Pair(Sample("a", Image(drawn_eye(0, 0))), None)]))
