"""The known facts come out on real faces: AT&T faces below VEILSET_DATA."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.operators.blur import Blur
from veilset.operators.dp_pix import DpPix
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate
from veilset.operators.snow import Snow
from veilset.probes.attack.canary import Canary
from veilset.probes.attack.deobfuscate import Deobfuscate
from veilset.probes.attack.interpolate import Interpolate
from veilset.probes.attack.reidentify import Reidentify
from veilset.weights import store

pytestmark = pytest.mark.data
FOLDER = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "orl_faces"


@pytest.fixture(scope="module")
def faces():
    if not FOLDER.is_dir():
        pytest.skip(f"no faces at {FOLDER}; set VEILSET_DATA")
    found = []
    for path in sorted(FOLDER.glob("s*/*.pgm")):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        found.append((path.parent.name, path.name, np.repeat(grey[:, :, None], 3, axis=2)))
    return found


def case(faces, operator):
    pairs = []
    for who, name, pixels in faces:
        sample = Sample(f"{who}/{name}", Image(pixels), subjects=frozenset([who]))
        found = (Finding("face", Box(0, 0, pixels.shape[1], pixels.shape[0]), 1.0, "whole"),)
        pairs.append(Pair(sample, operator.apply(sample, found, noise=SeededNoise(sample.id)).sample, found))
    return Case(pairs, Knowledge({"face": operator}))


@pytest.mark.parametrize("operator", [Pixelate(cells=1000, floor=16, grow=0), Blur(grow=0)])
def test_mosaic_and_blur_fall_to_the_parrot(faces, operator, named):
    found = named(Reidentify(recogniser="pixels").run(case(faces, operator), rng=np.random.default_rng(0)))
    assert found["rank1_parrot_pixels"].low > 0.5
    assert found["rank1_restore_pixels"].low > 0.5


@pytest.mark.weights
@pytest.mark.parametrize("operator", [Pixelate(cells=1000, floor=16, grow=0), Blur(grow=0)])
def test_though_the_naive_face_network_fails(faces, operator, named):
    if not store.installed("mobileface_v2"):
        pytest.skip("no weights of mobileface_v2; set VEILSET_WEIGHTS")
    found = named(
        Reidentify(recogniser="face", modes=("naive", "parrot")).run(
            case(faces, operator), rng=np.random.default_rng(0)
        )
    )
    naive = found["rank1_naive_face"]
    assert naive.low <= naive.chance <= naive.high
    assert found["rank1_parrot_face"].low > 0.5


@pytest.mark.weights
def test_where_the_first_face_network_is_missing_the_second_attacks_and_is_named(faces, named, monkeypatch):
    real = store.installed
    monkeypatch.setattr(store, "installed", lambda name: name != "mobileface_v2" and real(name))
    if not store.installed("dlib_resnet_v1"):
        pytest.skip("no weights of dlib_resnet_v1: run `veilset weights pull dlib_resnet_v1`")
    probe = Reidentify(recogniser="face", modes=("naive", "parrot"))
    found = named(probe.run(case(faces, Pixelate(cells=1000, floor=8, grow=0)), rng=np.random.default_rng(0)))
    assert found["rank1_parrot_face"].low > 0.5
    assert "face network: dlib_resnet_v1" in found["rank1_naive_face"].notes
    blank = named(probe.run(case(faces, Mask(grow=0)), rng=np.random.default_rng(0)))["rank1_parrot_face"]
    assert blank.low <= blank.chance <= blank.high


@pytest.mark.parametrize("operator", [Mask(grow=0), DpPix(block=16, epsilon=0.5, pixels="face", grow=0)])
def test_mask_and_face_level_noise_stay_at_chance(faces, operator, named):
    given = case(faces, operator)
    worst = Reidentify(recogniser="pixels").run(given, rng=np.random.default_rng(0))[0]
    assert worst.low <= worst.chance <= worst.high
    assert worst.high < 0.25
    back = named(Deobfuscate(iterated=0).run(given, rng=np.random.default_rng(0)))
    assert back["identity_restored"].low <= back["identity_restored"].chance <= back["identity_restored"].high
    bound = Canary(canaries=100).run(given, rng=np.random.default_rng(0))[0]
    assert bound.value <= 0.5


def test_half_the_pixels_gone_is_restored(faces, named):
    found = named(Interpolate().run(case(faces, Snow(delta=0.5, pixels=1, grow=0)), rng=np.random.default_rng(0)))
    assert found["psnr_gain"].low > 10
    assert found["identity_restored"].low > 0.9
