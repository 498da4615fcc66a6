"""A classifier trained on real pictures betrays its members; one trained on noise in their place does not: CIFAR-10."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Sample
from veilset.probes.attack.membership import Membership

FOLDER = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "cifar10_subset" / "train"

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def pictures() -> list[Sample]:
    if not FOLDER.is_dir():
        pytest.skip(f"no pictures at {FOLDER}; set VEILSET_DATA")
    files = [file for folder in sorted(FOLDER.iterdir()) if folder.is_dir() for file in sorted(folder.iterdir())[:40]]
    return [Sample(f.name, Image(cv2.imread(str(f))), labels={"class": f.parent.name}) for f in files]


def attacked(pictures: list[Sample], named, *, noise: bool) -> dict:
    rng = np.random.default_rng(1)

    def after(one: Sample) -> Sample:
        return one.with_media(Image(rng.integers(0, 256, one.image.pixels.shape, dtype=np.uint8))) if noise else one

    probe = Membership(label="class", shadows=16, targets=4, limit=400)
    return named(probe.run(Case([Pair(one, after(one)) for one in pictures]), rng=np.random.default_rng(0)))


def test_members_of_real_training_sets_are_told(pictures: list[Sample], named) -> None:
    found = attacked(pictures, named, noise=False)
    assert found["auc"].low > 0.6
    assert found["tpr_lira"].low > found["tpr_lira"].chance


def test_noise_in_their_place_betrays_nobody(pictures: list[Sample], named) -> None:
    found = attacked(pictures, named, noise=True)
    for name in ("auc_loss", "auc_shadow", "auc_lira", "auc_rmia"):
        assert found[name].low <= 0.5 + 0.02
        assert found[name].value < 0.55
