"""Quantised coefficients out of a JPEG, and a fresh JPEG around coefficients, through libjpeg-turbo."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.containers.jpeg_library import library, scratch
from veilset.core.errors import Malformed, Unsupported
from veilset.data.coded import pillow
from veilset.data.jpeg_blocks import Coefficients, blocks_of
from veilset.data.jpeg_header import JpegHeader

# libjpeg's numbers for the colour of the coded planes.
_COLOUR_SPACE = {"grey": 1, "rgb": 2, "ycc": 3}
_OPTIMISE_CODING = 1 << 6


def read_coefficients(
    data: bytes, header: JpegHeader, name: str
) -> tuple[list[Coefficients], list[NDArray[np.uint16]]]:
    """Coefficients (block rows, block columns, 8, 8) and quantisation steps (8, 8), both one per component.

    Raises:
        Malformed: The coded data cannot be read.
    """
    _check_header(data, name)
    planes = [np.zeros((*blocks_of(header, c), 8, 8), dtype=np.int16) for c in header.components]
    tables = np.zeros((4, 8, 8), dtype=np.uint16)
    numbers = np.zeros(4, dtype=np.int16)
    with scratch(data) as path:
        status = library().read_jpeg_dct(
            path,
            *(_pointer(planes[i]) if i < len(planes) else None for i in range(4)),
            *map(_pointer, (tables, numbers)),
        )
    if status == 0:
        raise Malformed(f"{name}: the coded data of the JPEG cannot be read; save it anew or leave it out")
    return planes, [tables[numbers[i]] for i in range(len(planes))]


def write_coefficients(
    planes: Sequence[Coefficients], tables: Sequence[NDArray[np.uint16]], header: JpegHeader, name: str
) -> bytes:
    """A sequential JPEG that depends on coefficients, steps, sampling, colour and size alone.

    Raises:
        Unsupported: libjpeg cannot write this combination.
    """
    count = len(planes)
    # Numbered so that a table's number is the first component that uses it: what the library expects of both branches.
    numbers = [next(j for j in range(i + 1) if np.array_equal(tables[j], tables[i])) for i in range(count)]
    steps = np.zeros((4, 64), dtype=np.uint16)
    steps[:count] = np.stack(tables).reshape(count, 64)
    sampling = [(1, 1)] if count == 1 else [(c.down, c.across) for c in header.components]
    held = [np.ascontiguousarray(plane, dtype=np.int16) for plane in planes]
    integers = [
        np.array([header.height, header.width], np.int32),
        np.array([plane.shape[:2] for plane in planes], np.int32),
        np.array(sampling, np.int32),
    ]
    numbered = np.array(numbers + [-1] * (4 - count), np.int16)
    with scratch(b"") as path:
        status = library().write_jpeg_dct(
            None,
            path,
            *(_pointer(held[i]) if i < count else None for i in range(4)),
            *map(_pointer, integers),
            ctypes.c_int(_COLOUR_SPACE[header.colour]),
            ctypes.c_int(count),
            _pointer(steps),
            ctypes.c_short(-1),
            _pointer(numbered),
            ctypes.c_int(0),
            None,
            None,
            None,
            ctypes.c_uint(_OPTIMISE_CODING),
            ctypes.c_uint(_OPTIMISE_CODING),
        )
        with open(path, "rb") as file:  # noqa: PTH123 - a descriptor's path
            coded = file.read()
    if status == 0 or not coded.endswith(b"\xff\xd9"):
        raise Unsupported(f"{name}: this JPEG's sampling cannot be written; save it anew as an ordinary JPEG")
    return coded


def _check_header(data: bytes, name: str) -> None:
    """Let a decoder that fails softly read the header first: jpeglib's library dies of one that it cannot read."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError):
        # It also refuses sampling that it has no name for, or dies of it (4:4:1); then the slower decoder judges.
        with pillow(data, "jpeg", name) as image:
            image.load()


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
