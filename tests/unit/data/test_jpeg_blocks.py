import io

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from veilset.core.errors import BrokenContract, Malformed
from veilset.data import jpeg_coefficients
from veilset.data.jpeg_blocks import editable, forward_dct, quantise, replace_units, treated_units
from veilset.data.jpeg_coefficients import read_coefficients, write_coefficients
from veilset.data.jpeg_header import read_header

SAMPLINGS = ["444", "422", "420", "440", "411"]


def edit(data, pixels, units):
    header = read_header(data, "x")
    planes, tables = read_coefficients(data, header, "x")
    replace_units(planes, tables, header, pixels, units)
    return write_coefficients(planes, tables, header, "x")


def grow_mask(mask, by):
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0


def decoders(data):
    return {
        "simplejpeg": simplejpeg.decode_jpeg(data, "RGB"),
        "cv2": cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION),
        "pillow": np.asarray(PillowImage.open(io.BytesIO(data)).convert("RGB")),
    }


def units_to_pixels(units, unit, shape):
    return np.kron(units, np.ones(unit[::-1], dtype=bool))[: shape[0], : shape[1]]


@pytest.mark.parametrize("subsampling", SAMPLINGS)
@pytest.mark.parametrize("size", [(93, 121), (96, 128), (17, 33), (8, 8), (1, 1)])
def test_nothing_marked_means_the_same_coefficients_and_pixels(draw, jpeg, subsampling, size):
    data = jpeg(draw(*size), subsampling)
    header = read_header(data, "x")
    planes, tables = read_coefficients(data, header, "x")
    fresh = write_coefficients(planes, tables, header, "x")
    again, steps = read_coefficients(fresh, read_header(fresh, "y"), "y")
    assert all(np.array_equal(a, b) for a, b in zip(planes, again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(tables, steps, strict=True))
    old, new = decoders(data), decoders(fresh)
    assert all(np.array_equal(old[name], new[name]) for name in old)
    assert b"Secret" not in fresh


@pytest.mark.parametrize("subsampling", SAMPLINGS)
@pytest.mark.parametrize("progressive", [False, True])
def test_outside_the_marked_units_coefficients_and_pixels_stay(draw, jpeg, subsampling, progressive):
    if progressive and subsampling in {"440", "411"}:
        pytest.skip("no encoder at hand writes this sampling progressively")
    data = jpeg(draw(), subsampling, progressive=progressive)
    header = read_header(data, "x")
    assert header.progressive == progressive
    units = treated_units(np.zeros((93, 121), dtype=bool), header.unit)
    units[1, 1] = units[0, -1] = units[-1, -1] = True
    fresh = edit(data, np.full((93, 121, 3), (10, 200, 90), np.uint8), units)
    assert read_header(fresh, "y").unit == header.unit

    before, _ = read_coefficients(data, header, "x")
    after, _ = read_coefficients(fresh, read_header(fresh, "y"), "y")
    for component, a, b in zip(header.components, before, after, strict=True):
        marked = np.kron(units, np.ones((component.down, component.across), dtype=bool))[: a.shape[0], : a.shape[1]]
        assert np.array_equal(a[~marked], b[~marked])
        assert not np.array_equal(a[marked], b[marked])

    inside = units_to_pixels(units, header.unit, (93, 121))
    reach = 0 if subsampling == "444" else 1  # of colour upsampling, across the border in both directions
    outside, core = ~grow_mask(inside, reach), ~grow_mask(~inside, reach)
    old, new = decoders(data), decoders(fresh)
    for name in old:
        assert np.array_equal(old[name][outside], new[name][outside]), name
        assert np.abs(new["pillow"][core].astype(int) - (10, 200, 90)).max() <= 3


def test_grey(draw, jpeg):
    data = jpeg(draw()[:, :, 1])
    header = read_header(data, "x")
    assert header.colour == "grey"
    assert header.unit == (8, 8)
    units = np.zeros((12, 16), dtype=bool)
    units[3:5, 3:6] = True
    new = simplejpeg.decode_jpeg(edit(data, np.full((93, 121, 3), 77, np.uint8), units), "GRAY")[:, :, 0]
    old = simplejpeg.decode_jpeg(data, "GRAY")[:, :, 0]
    inside = units_to_pixels(units, (8, 8), (93, 121))
    assert np.array_equal(old[~inside], new[~inside])
    assert np.abs(new[inside].astype(int) - 77).max() <= 1


@pytest.mark.parametrize("subsampling", SAMPLINGS)
def test_the_result_depends_on_treated_pixels_alone(draw, jpeg, subsampling):
    """Two originals that differ inside the units, as coefficients, and are treated alike, give the same bytes."""
    data = jpeg(draw(), subsampling)
    header = read_header(data, "x")
    units = treated_units(np.zeros((93, 121), dtype=bool), header.unit)
    units[1:3, 1] = units[-1, -1] = True
    noise = np.random.default_rng(5).integers(0, 256, (93, 121, 3)).astype(np.uint8)
    other = edit(data, noise, units)
    assert other != data
    treated = draw(seed=9)
    treated_elsewhere = np.where(units_to_pixels(units, header.unit, (93, 121))[:, :, None], treated, noise)
    assert edit(data, treated, units) == edit(other, treated_elsewhere, units)


@pytest.mark.parametrize("subsampling", SAMPLINGS)
def test_writing_decoded_pixels_again_comes_as_close_as_libjpeg_does(draw, jpeg, subsampling):
    """Against an independent encoder with the same tables: our coefficients reproduce the picture no worse."""
    data = jpeg(draw(), subsampling)
    header = read_header(data, "x")
    pixels = simplejpeg.decode_jpeg(data, "RGB")
    everything = treated_units(np.ones((93, 121), dtype=bool), header.unit)
    ours = simplejpeg.decode_jpeg(edit(data, pixels, everything), "RGB").astype(int)
    theirs = simplejpeg.decode_jpeg(jpeg(pixels, subsampling), "RGB").astype(int)
    assert np.mean((ours - pixels) ** 2) <= 1.05 * np.mean((theirs - pixels) ** 2) + 0.02


def test_arithmetic_coding_is_read_and_becomes_huffman(draw, jpeg, monkeypatch):
    data = jpeg(draw())
    header = read_header(data, "x")
    planes, tables = read_coefficients(data, header, "x")
    monkeypatch.setattr(jpeg_coefficients, "_OPTIMISE_CODING", 1 << 9)  # libjpeg's switch for arithmetic coding
    arithmetic = write_coefficients(planes, tables, header, "x")
    monkeypatch.undo()
    assert read_header(arithmetic, "y").arithmetic
    units = np.zeros((6, 8), dtype=bool)
    units[2, 2] = True
    fill = np.full((93, 121, 3), 50, np.uint8)
    assert edit(arithmetic, fill, units) == edit(data, fill, units)


@pytest.mark.parametrize("cut", [b"\xff\xc4", b"\xff\xda", b"\xff\xc0", b"\xff\xdb"])
def test_a_header_that_cannot_be_read_is_malformed_and_no_crash(draw, jpeg, cut):
    """The library itself dies of these, with the process."""
    data = jpeg(draw())
    with pytest.raises(Malformed, match="x: this jpeg cannot be decoded"):
        read_coefficients(data[: data.index(cut)] + b"\xff\xd9", read_header(data, "x"), "x")


def test_dct_against_cv2():
    block = np.random.default_rng(2).uniform(-128, 127, (8, 8))
    assert np.allclose(forward_dct(block), cv2.dct(block))


def test_quantise_rounds_half_away_from_zero_and_stays_codable():
    table = np.full((1, 1), 2, np.uint16)
    assert quantise(np.array([[5.0, -5.0, 4.9, 9e9, -9e9]]), table).tolist() == [[3, -3, 2, 1023, -1023]]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(8, 8), (16, 8), (16, 16)]), st.data())
def test_a_region_that_is_not_snapped_is_refused(height, width, unit, data):
    region = np.zeros((height, width), dtype=bool)
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    region[y, x] = True
    rows, columns = y // unit[1], x // unit[0]
    whole = np.zeros_like(region)
    whole[rows * unit[1] : (rows + 1) * unit[1], columns * unit[0] : (columns + 1) * unit[0]] = True
    units = treated_units(whole, unit)
    assert units.sum() == 1
    assert units[rows, columns]
    if whole.sum() > 1:
        with pytest.raises(BrokenContract, match="not snapped"):
            treated_units(region, unit)


def test_four_planes_are_not_edited():
    out = io.BytesIO()
    PillowImage.new("CMYK", (32, 32), (10, 20, 30, 40)).save(out, "JPEG")
    header = read_header(out.getvalue(), "x")
    assert header.colour == "cmyk"
    assert not editable(header)
