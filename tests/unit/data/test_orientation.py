import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import ImageOps

from veilset.data.orientation import as_stored, upright, upright_grid, upright_size

orientations = st.integers(1, 8)
sides = st.integers(1, 40)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_agrees_with_pillow(orientation):
    stored = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    PillowImage.fromarray(stored).save(out, "PNG", exif=exif)
    reference = np.asarray(ImageOps.exif_transpose(PillowImage.open(out)))
    assert np.array_equal(upright(stored, orientation), reference)


@given(orientations, sides, sides)
def test_as_stored_undoes_upright_and_sizes_agree(orientation, height, width):
    stored = np.arange(height * width).reshape(height, width)
    shown = upright(stored, orientation)
    assert np.array_equal(as_stored(shown, orientation), stored)
    assert upright_size(width, height, orientation) == (shown.shape[1], shown.shape[0])


@given(orientations, sides, sides, st.sampled_from([(8, 8), (16, 8), (8, 16), (16, 16), (32, 8)]), st.data())
def test_snapping_upright_is_snapping_stored(orientation, height, width, block, data):
    """The grid in upright pixels holds the same blocks as plain blocks counted from the stored corner."""
    stored = np.zeros((height, width), dtype=bool)
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    stored[y, x] = True
    across, down = block
    whole = np.zeros_like(stored)
    whole[y // down * down : (y // down + 1) * down, x // across * across : (x // across + 1) * across] = True
    grid = upright_grid(width, height, block, orientation)
    assert np.array_equal(as_stored(grid.snap(upright(stored, orientation)), orientation), whole)
