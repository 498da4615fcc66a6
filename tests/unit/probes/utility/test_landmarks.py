import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.probes.utility.landmarks import Landmarks, pupil_centre


def eye(cx, cy, rng, person=0):
    own = np.random.default_rng(person)
    y, x = np.mgrid[0:48, 0:64]
    iris = np.hypot(x - cx, y - cy)
    plain = (
        200.0
        - 90 * (iris < 14)
        - 80 * (iris < 6)
        + 30 * np.sin(y / own.uniform(2, 6) + own.uniform(0, 6)) * (iris > 16)
    )
    return np.repeat(np.clip(plain + rng.normal(0, 4, plain.shape), 0, 255)[:, :, None], 3, 2).astype(np.uint8)


def strips(change):
    rng = np.random.default_rng(1)
    pairs = []
    for i in range(60):
        pixels = eye(rng.uniform(18, 46), rng.uniform(18, 30), rng, i % 10)
        before = Sample(str(i), Image(pixels), subjects=frozenset([str(i % 10)]))
        found = (Finding("eye", Box(0, 0, 64, 48), 1.0, "test"),)
        pairs.append(Pair(before, before.with_media(Image(change(pixels, rng))), found))
    return Case(pairs)


def test_the_pupil_is_found_where_it_was_drawn():
    rng = np.random.default_rng(0)
    for _ in range(20):
        cx, cy = rng.uniform(16, 48), rng.uniform(16, 32)
        x, y = pupil_centre(eye(cx, cy, rng)[:, :, 0])
        assert np.hypot(x - cx, y - cy) < 3


def test_grain_keeps_the_pupil_and_the_person(named):
    found = named(
        Landmarks().run(
            strips(lambda p, r: np.clip(p + r.normal(0, 8, p.shape), 0, 255).astype(np.uint8)),
            rng=np.random.default_rng(0),
        )
    )
    assert found["pupil_kept"].low > 0.8
    assert found["region_match"].low > 1.5 * found["region_match"].chance


def test_a_mask_keeps_neither(named):
    found = named(Landmarks().run(strips(lambda p, r: p * 0), rng=np.random.default_rng(0)))
    assert found["pupil_kept"].value < 0.3
    assert found["region_match"].low <= 0.1 <= found["region_match"].high


def test_a_flat_eye_has_its_middle():
    assert pupil_centre(np.full((20, 30), 90, np.uint8)) == (14.5, 9.5)


def test_it_needs_pictures():
    with pytest.raises(Unsupported, match="no released picture"):
        Landmarks().run(Case([]), rng=np.random.default_rng(0))
