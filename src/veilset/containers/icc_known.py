"""Colour spaces that everybody uses, as numbers: told by what a profile does to colours, and written by us."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_D50 = (0.9642, 1.0, 0.8249)
_D65 = (0.3127, 0.3290)
_D50_XY = (0.34567, 0.35850)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_LADDER = np.arange(1024) / 1023
# Equal means: no primary further off than this (XYZ), no grey step further off than a quarter of an 8-bit level.
MATRIX_TOLERANCE = 5e-4
CURVE_TOLERANCE = 0.25 / 255
# Two steps of the 16 bits in which curves are written: near black a level of a pure power has no size.
_BLACK_TOLERANCE = 2 / 65535
_TABLES = frozenset(b"A2B0 A2B1 A2B2 A2B3 B2A0 B2A1 B2A2 B2A3 D2B0 D2B1 D2B2 D2B3 B2D0 B2D1 B2D2 B2D3 gamt".split())


@dataclass(frozen=True)
class Space:
    """A colour space.

    Attributes:
        primaries: x and y of red, green and blue; empty for grey.
        white: x and y of its white.
        gamma: Exponent of its curve; 0 for the curve of sRGB.
        code: What a `cicp` element says of it (primaries, transfer); empty when nothing.
    """

    primaries: tuple[tuple[float, float], ...]
    white: tuple[float, float]
    gamma: float
    code: bytes = b""

    def curve(self, coded: Floats) -> Floats:
        """Light for coded values, both in [0, 1]."""
        if self.gamma:
            return coded**self.gamma
        return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


_SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_P3_PRIMARIES = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
_ADOBE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
_ROMM_PRIMARIES = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
# Adobe RGB (1998), 4.3.4.2, states its exponent as 2 and 51/256.
_ADOBE_GAMMA = 563 / 256
SPACES = {
    "sRGB": Space(_SRGB_PRIMARIES, _D65, 0, b"\1\r\0\1"),
    "Display P3": Space(_P3_PRIMARIES, _D65, 0, b"\x0c\r\0\1"),
    "Adobe RGB (1998)": Space(_ADOBE_PRIMARIES, _D65, _ADOBE_GAMMA),
    "ProPhoto RGB": Space(_ROMM_PRIMARIES, _D50_XY, 461 / 256),
    "grey, sRGB curve": Space((), _D50_XY, 0),
    "grey, 2.2": Space((), _D50_XY, 563 / 256),
    "grey, 1.8": Space((), _D50_XY, 461 / 256),
}


def known_space(profile: bytes, elements: Mapping[bytes, bytes]) -> str:
    """The name in `SPACES` of what a profile does to colours; empty when it is none of them.

    Compared are the colorants and 1,024 steps of each curve, in the tolerances of this module. A profile with tables,
    or of another kind than a display's, equals none.

    >>> known_space(bytes(128), {})
    ''
    """
    kind, model, connection = profile[12:16], profile[16:20], profile[20:24]
    if kind not in {b"mntr", b"spac"} or connection != b"XYZ " or _TABLES & elements.keys():
        return ""
    names = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}.get(model)
    if names is None:
        return ""
    curves = [_sampled(elements.get(name, b"")) for name in names]
    if any(curve is None for curve in curves):
        return ""
    code = elements.get(b"cicp", b"")[8:12]
    for name, space in SPACES.items():
        right_code = not code or code == space.code
        if bool(space.primaries) is (model == b"RGB ") and right_code and _equal(space, elements, curves):
            return name
    return ""


@cache
def elements_of(name: str) -> dict[bytes, bytes]:
    """The elements that a profile of a known space needs, texts aside.

    *Source*: IEC 61966-2-1; SMPTE EG 432-1 with D65; Adobe RGB (1998); ISO 22028-2; adapted to D50 by Bradford, as
    ICC.1 has it.
    """
    space = SPACES[name]
    made = {b"wtpt": _xyz(_D50)}
    curve = _written(space)
    if not space.primaries:
        return {**made, b"kTRC": curve}
    columns = _matrix(space).T
    made |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    return {**made, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}


def header_of(name: str) -> bytes:
    """The header of a profile of a known space: version 2.1, for a display, by nobody."""
    model = b"RGB " if SPACES[name].primaries else b"GRAY"
    header = bytearray(128)
    header[8:12] = b"\x02\x10\0\0"
    header[12:24] = b"mntr" + model + b"XYZ "
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", *_fixed(_D50))
    return bytes(header)


def _equal(space: Space, elements: Mapping[bytes, bytes], curves: list[Floats | None]) -> bool:
    meant = space.curve(_LADDER)
    if not all(curve is not None and _same_curve(curve, meant) for curve in curves):
        return False
    if not space.primaries:
        return True
    columns = [elements.get(name, b"") for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    if any(column[:4] != b"XYZ " or len(column) < 20 for column in columns):
        return False
    found = np.array([struct.unpack_from(">3i", column, 8) for column in columns]).T / 65536
    return bool(np.abs(found - _matrix(space)).max() <= MATRIX_TOLERANCE)


def _same_curve(found: Floats, meant: Floats) -> bool:
    """Whether each step gives the light that the other curve gives no further than a quarter of a level away."""
    back = np.interp(found, meant, _LADDER)
    return bool(np.all((np.abs(back - _LADDER) <= CURVE_TOLERANCE) | (np.abs(found - meant) <= _BLACK_TOLERANCE)))


@cache
def _matrix(space: Space) -> Floats:
    """Colorants as columns, adapted to D50."""
    corners = np.array([[x / y, 1, (1 - x - y) / y] for x, y in space.primaries]).T
    x, y = space.white
    white = np.array([x / y, 1, (1 - x - y) / y])
    linear = corners * np.linalg.solve(corners, white)
    scale = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    adapted: Floats = np.linalg.inv(_BRADFORD) @ (scale[:, None] * _BRADFORD) @ linear
    return adapted


def _sampled(element: bytes) -> Floats | None:
    """A curve at 1,024 steps; None when it cannot be read."""
    if element[:4] == b"curv" and len(element) >= 12:
        count = struct.unpack_from(">I", element, 8)[0]
        if len(element) < 12 + 2 * count:
            return None
        values = np.frombuffer(element, dtype=">u2", count=count, offset=12).astype(np.float64)
        if not count:
            return _LADDER
        if count == 1:
            return np.asarray(_LADDER ** (values[0] / 256))
        return np.interp(_LADDER, np.linspace(0, 1, count), values / 65535)
    if element[:4] == b"para" and len(element) >= 12:
        return _parametric(element)
    return None


def _parametric(element: bytes) -> Floats | None:
    kind = struct.unpack_from(">H", element, 8)[0]
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(kind)
    if count is None or len(element) < 12 + 4 * count:
        return None
    numbers = [value / 65536 for value in struct.unpack_from(f">{count}i", element, 12)]
    g, a, b, c, d, e, f = (*numbers, *[0.0] * (7 - count)) if kind else (numbers[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if kind in {1, 2}:
        if not a:
            return None
        # Below -b/a these two are flat, at 0 and at c.
        c, d, e, f = 0.0, -b / a, c, c
    power = np.maximum(a * _LADDER + b, 0) ** g
    light: Floats = np.clip(np.where(d <= _LADDER, power + e, c * _LADDER + f), 0, 1)
    return light


def _written(space: Space) -> bytes:
    if space.gamma:
        return b"curv" + struct.pack(">IIH", 0, 1, round(256 * space.gamma))
    steps = np.round(space.curve(_LADDER) * 65535).astype(">u2")
    return b"curv" + struct.pack(">II", 0, len(steps)) + steps.tobytes()


def _fixed(values: tuple[float, ...] | Floats) -> list[int]:
    return [round(float(value) * 65536) for value in values]


def _xyz(values: tuple[float, ...] | Floats) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *_fixed(values))
