"""Fax codes in TIFF: rows walked to the byte, in every form that libtiff writes; what does not fit is damage."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.unit.containers.test_surplus import SECRET

from veilset.containers.fax_codes import runs
from veilset.containers.tiff_fax import T4, T6, Fax, fax_end
from veilset.core.errors import Malformed, Unsupported

FORMS = [("tiff_ccitt", 0), ("group3", 0), ("group3", 1), ("group3", 4), ("group3", 5), ("group4", 0)]
NUMBERS = {"tiff_ccitt": 2, "group3": 3, "group4": 4}


def pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "noise": rng.integers(0, 2, (61, 777)).astype(bool),
        "white": np.ones((40, 2700), bool),
        "black": np.zeros((40, 5300), bool),
        "blocks": np.kron(rng.integers(0, 2, (9, 30)), np.ones((7, 93))).astype(bool),
        "lines": np.cumsum(rng.integers(-1, 2, (50, 3000)), 1) > 0,
        "narrow": rng.integers(0, 2, (30, 1)).astype(bool),
    }


def strips(compression: str, options: int, order: int, pixels: np.ndarray) -> list[tuple[bytes, Fax]]:
    """Each strip as libtiff writes it, and how it is coded."""
    out = io.BytesIO()
    tags = {266: order, **({292: options} if options else {})}
    Image.fromarray(pixels).save(out, "TIFF", compression=compression, tiffinfo=tags)
    data, found = out.getvalue(), []
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        assert page.tags[266].value == order
        assert not options or page.tags[292].value == options
        for index, (start, size) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
            rows = min(page.rowsperstrip, len(pixels) - index * page.rowsperstrip)
            fax = Fax(NUMBERS[compression], pixels.shape[1], rows, options, order == 2)
            found.append((data[start : start + size], fax))
    return found


def test_no_code_begins_another_and_all_but_the_reserved_ones_are_there() -> None:
    for black in (False, True):
        codes = sorted(runs(black=black))
        assert len(codes) == 104
        assert not [one for one, other in pairwise(codes) if other.startswith(one)]
        # What begins with eight zeros is a mark.
        assert sum(2.0 ** -len(code) for code in codes) == 1 - 2.0**-8


@pytest.mark.parametrize("name", list(pictures()))
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("compression", "options"), FORMS)
def test_a_strip_ends_where_libtiff_ended_it(compression: str, options: int, order: int, name: str) -> None:
    for strip, fax in strips(compression, options, order, pictures()[name]):
        for tail in (b"", SECRET, bytes(9)):
            assert fax_end(strip + tail, fax) == len(strip)


@pytest.mark.parametrize(("compression", "options"), FORMS)
def test_what_is_cut_off_or_changed_is_damage(compression: str, options: int) -> None:
    ((strip, fax), *_) = strips(compression, options, 1, pictures()["lines"])
    with pytest.raises(Malformed):
        fax_end(strip[: len(strip) // 2], fax)
    with pytest.raises(Malformed):
        fax_end(b"\0" * len(strip), fax)
    with pytest.raises(Malformed):
        fax_end(b"", fax)
    with pytest.raises(Malformed):
        fax_end(strip, Fax(fax.scheme, 0, 1 << 40, fax.options))


def test_letters_between_rows_are_no_filling() -> None:
    ((strip, fax), *_) = strips("group3", 4, 1, pictures()["white"])
    row = len(strip) // fax.rows
    # Readers look for the mark of the next row, and pass over whatever is before it.
    with pytest.raises(Malformed):
        fax_end(strip[:row] + SECRET + strip[row:], fax)
    ((strip, fax), *_) = strips("tiff_ccitt", 0, 1, pictures()["narrow"])
    assert strip[0] & 1 == 0
    with pytest.raises(Malformed):
        fax_end(bytes([strip[0] | 1]) + strip[1:], fax)


@pytest.mark.parametrize("scheme", [T4, T6])
def test_uncompressed_stretches_and_endless_pages_are_not_walked(scheme: int) -> None:
    with pytest.raises(Unsupported, match="uncompressed"):
        fax_end(bytes(9), Fax(scheme, 8, 8, 2))
    with pytest.raises(Unsupported, match="so many"):
        fax_end(bytes(9), Fax(scheme, 1 << 20, 1 << 20))
