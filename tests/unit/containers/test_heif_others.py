"""A HEIC may hold several pictures: its main one stays, and the result says that others went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from veilset.containers.clean import clean_file
from veilset.containers.heif_choice import OTHERS


def _picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (64, 64, 3)).astype(np.uint8))


@pytest.mark.parametrize(("pictures", "thumbnails", "said"), [(1, [], False), (1, [32], False), (3, [], True)])
def test_pictures_of_their_own_are_told_from_parts(
    pictures: int, thumbnails: list[int], said: bool, tmp_path: Path
) -> None:
    whole = pillow_heif.from_pillow(_picture(0))
    for seed in range(1, pictures):
        whole.add_from_pillow(_picture(seed))
    whole.save(tmp_path / "a.heic", quality=60, thumbnails=thumbnails)
    done = clean_file(tmp_path / "a.heic", tmp_path / "b.heic")
    assert done.state == ("residue" if said else "clean")
    assert (OTHERS in done.residue) == said
    # What is left holds one picture, and has nothing more to tell.
    assert len(pillow_heif.open_heif(tmp_path / "b.heic")) == 1
    assert OTHERS not in clean_file(tmp_path / "b.heic", tmp_path / "c.heic").residue
