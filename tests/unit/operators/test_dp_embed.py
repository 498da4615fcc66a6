"""DP-Embed: no face moves more than the noise is made for, also where regions overlap."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from veilset.core.errors import BadSetting, MissingWeights, WrongMedia
from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.sample import Image, Sample, Signal
from veilset.core.where import Box
from veilset.operators.dp_embed import SIDE, DpEmbed, cosines, learned, overlap_shares


def face(x, y, width=20, height=24):
    return Finding("face", Box(x, y, width, height), 1.0, "test")


def sample(seed=0, shape=(60, 80)):
    return Sample("s", Image(np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)))


@pytest.fixture
def asked(monkeypatch):
    asked = []

    def record(noise, scale, count):
        asked.append(scale)
        return np.zeros(count, dtype=np.int64)

    monkeypatch.setattr("veilset.operators.dp_embed.discrete_laplace", record)
    return asked


@pytest.mark.parametrize("seed", range(8))
def test_no_face_moves_more_than_its_noise_is_made_for(asked, seed):
    """Brute force over the loss: sum of moves over scales of all coefficients of all regions, against epsilon."""
    rng = np.random.default_rng(seed)
    findings = [face(*rng.integers(0, 40, 2)) for _ in range(4)]
    op = DpEmbed(rank=5, epsilon=2, grow=0)
    for changed in findings:
        before, mask = sample(seed), changed.where.rasterise((60, 80))
        extreme = [before.image.pixels.copy() for _ in range(2)]
        extreme[0][mask], extreme[1][mask] = 0, 255
        asked.clear()
        codes = [op.mechanism(Sample("n", Image(p)), findings, noise=SeededNoise(1))[:, 0] for p in extreme]
        loss = sum(abs(int(a) - int(b)) / scale for a, b, scale in zip(*codes, asked, strict=False))
        assert loss <= 2


def test_scales_are_those_of_the_bounds(asked):
    DpEmbed(rank=4, epsilon=2, grow=0).apply(sample(), [face(5, 5)], noise=SeededNoise(1))
    assert asked == [Fraction(2 * int(bound) * 4, 2) for bound in cosines(4).bounds]


def test_overlapping_regions_share():
    masks = [np.zeros((4, 9), dtype=bool) for _ in range(4)]
    for mask, columns in zip(masks, (slice(0, 3), slice(2, 5), slice(4, 7), slice(8, 9)), strict=True):
        mask[:, columns] = True
    assert overlap_shares(masks) == [3, 3, 3, 1]


def test_only_the_region_has_a_say_and_nothing_outside_is_changed():
    op, s = DpEmbed(epsilon=1e6, grow=0), sample()
    done = op.apply(s, [face(10, 10)], noise=SeededNoise(1)).sample.image
    other = 255 - s.image.pixels
    other[done.treated] = s.image.pixels[done.treated]
    again = op.apply(Sample("o", Image(other)), [face(10, 10)], noise=SeededNoise(1)).sample.image
    assert (done.pixels[~done.treated] == s.image.pixels[~done.treated]).all()
    assert (again.pixels[done.treated] == done.pixels[done.treated]).all()
    assert op.apply(s, [], noise=SeededNoise(1)).sample is s


def test_a_learned_basis_draws_the_faces_it_was_made_of(tmp_path):
    rng = np.random.default_rng(1)
    shades = rng.uniform(-40, 40, (30, 2))
    rise = np.linspace(-1, 1, SIDE)
    faces = np.clip(128 + shades[:, :1, None] * rise + shades[:, 1:, None] * rise[:, None], 0, 255).astype(np.uint8)
    basis = learned(faces, 2)
    assert np.abs(basis.decode(basis.encode(faces[3].astype(float))) - faces[3]).max() < 6
    np.savez(tmp_path / "basis.npz", mean=basis.mean, rows=basis.rows, bounds=basis.bounds)
    picture = Sample("p", Image(np.repeat(faces[3][:, :, None], 3, axis=2)))
    op = DpEmbed(rank=2, epsilon=1e6, basis=str(tmp_path / "basis.npz"), grow=0)
    done = op.apply(picture, [face(0, 0, SIDE, SIDE)], noise=SeededNoise(1)).sample.image.pixels
    assert np.abs(done[:, :, 0].astype(int) - faces[3]).max() < 8
    with pytest.raises(BadSetting):
        DpEmbed(rank=3, basis=str(tmp_path / "basis.npz")).apply(picture, [face(0, 0)], noise=SeededNoise(1))


def test_a_missing_basis_is_said():
    with pytest.raises(MissingWeights):
        DpEmbed(basis="nowhere.npz").apply(sample(), [face(0, 0)], noise=SeededNoise(1))


def test_the_cosines_are_orthonormal():
    rows = cosines(12).rows
    assert np.allclose(rows @ rows.T, np.eye(12))


@pytest.mark.parametrize("fields", [{"rank": 0}, {"epsilon": 0}, {"grow": -1}])
def test_bad_settings_are_refused(fields):
    with pytest.raises(BadSetting):
        DpEmbed(**fields)


def test_other_media_are_refused():
    with pytest.raises(WrongMedia):
        DpEmbed().apply(Sample("s", Signal(np.zeros((5, 1)), 50.0)), [], noise=SeededNoise(1))
