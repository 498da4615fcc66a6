"""From everything that a file says, what `Keep` allows: a small EXIF block, a bare profile, a small XMP packet."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from veilset.containers.contract import Allowed, Keep
from veilset.containers.icc import sanitise
from veilset.containers.ifd import Field, pack, write_tiff
from veilset.core.errors import Malformed
from veilset.core.sample import TagValue

__all__ = ["Allowed", "allowed", "is_plain", "only_shown"]


def allowed(tags: Iterable[TagValue], orientation: int, keep: Keep) -> Allowed:
    """Choose from `tags` what `keep` names, and write it anew.

    **Guarantee**
    - A second pass over what the first one allowed gives the same bytes.
    """
    tags = list(tags)
    said = {tag.path: tag.value for tag in reversed(tags)}
    ifd0: dict[int, Field] = {}
    exif: dict[int, Field] = {}
    gps: dict[int, Field] = {}
    if keep.orientation and 2 <= orientation <= 8:
        ifd0[0x0112] = pack("<", 3, [orientation])
    if keep.exposure:
        exif |= _exposure(said)
    if keep.dates != "drop":
        exif |= _dates(said, keep.dates)
    if keep.gps_grid is not None:
        gps |= _coarse(said, keep.gps_grid)
    xmp = b""
    if keep.rights:
        from veilset.containers.rights_fields import rights_exif, rights_fields, rights_packet

        rights = rights_fields(tags)
        ifd0 |= rights_exif(rights)
        xmp = rights_packet(rights)
    block = write_tiff(ifd0, {0x8769: exif, 0x8825: gps}) if ifd0 or exif or gps else b""
    icc, notes = _profile(said, keep)
    return Allowed(block, icc, xmp, notes=notes)


def only_shown(orientation: int, profile: bytes, keep: Keep) -> Allowed:
    """As `allowed` for the default allowlist, without reading any other tag: the fast way of bulk cleaning."""
    block = b""
    if keep.orientation and 2 <= orientation <= 8:
        block = write_tiff({0x0112: pack("<", 3, [orientation])}, {})
    icc, notes = _profile({"icc": profile} if profile else {}, keep)
    return Allowed(block, icc, notes=notes)


def is_plain(keep: Keep) -> bool:
    """Whether nothing but orientation and colour may stay."""
    return not keep.rights and not keep.exposure and keep.gps_grid is None and keep.dates == "drop"


def _profile(said: Mapping[str, Any], keep: Keep) -> tuple[bytes, tuple[str, ...]]:
    profile = said.get("icc")
    if not keep.icc or not isinstance(profile, bytes):
        return b"", ()
    try:
        return sanitise(profile), ()
    except (Malformed, ValueError, struct.error, IndexError):
        return b"", ("an unreadable colour profile was dropped",)


_EXPOSURE = {
    0x829A: ("exif/exif/ExposureTime", 5),
    0x829D: ("exif/exif/FNumber", 5),
    0x8827: ("exif/exif/ISO", 3),
    0x920A: ("exif/exif/FocalLength", 5),
}


def _exposure(said: Mapping[str, Any]) -> dict[int, Field]:
    found: dict[int, Field] = {}
    for tag, (path, kind) in _EXPOSURE.items():
        value = said.get(path)
        if isinstance(value, tuple):
            value = value[0] if value else None
        if not isinstance(value, int | float) or not 0 < value < 65536:
            continue
        numbers = [int(value)] if kind == 3 else _rational(value)
        if numbers[0]:
            found[tag] = pack("<", kind, numbers)
    return found


def _rational(value: float) -> list[int]:
    from fractions import Fraction

    # Denominators that cameras write are small; more digits could mark a device, and would not survive a second pass.
    part = Fraction(value).limit_denominator(10000)
    return [part.numerator, part.denominator]


_DATE = re.compile(r"[0-9]{4}:[0-9]{2}:[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def _dates(said: Mapping[str, Any], how: str) -> dict[int, Field]:
    for path in ("exif/exif/DateTimeOriginal", "exif/exif/DateTimeDigitized", "exif/ifd0/DateTime"):
        value = said.get(path)
        if isinstance(value, str) and _DATE.fullmatch(value):
            kept = value if how == "keep" else f"{value[:7]}:01 00:00:00"
            return {0x9003: pack("<", 2, kept)}
    return {}


def _coarse(said: Mapping[str, Any], grid: float) -> dict[int, Field]:
    found: dict[int, Field] = {}
    for tag, name, limit, signs in ((1, "GPSLatitude", 90, "NS"), (3, "GPSLongitude", 180, "EW")):
        value = said.get(f"exif/gps/{name}")
        reference = said.get(f"exif/gps/{name}Ref")
        if not isinstance(value, tuple) or len(value) != 3 or not isinstance(reference, str) or not reference:
            return {}
        degrees = value[0] + value[1] / 60 + value[2] / 3600
        if not 0 <= degrees <= limit or reference[0] not in signs:
            return {}
        # Hundredths of seconds: a ten-thousandth of a degree, and so any grid, is a whole number of them.
        hundredths = round(round(round(degrees / grid) * grid, 4) * 360_000)
        found[tag] = pack("<", 2, reference[0])
        whole, rest = divmod(min(hundredths, limit * 360_000), 360_000)
        found[tag + 1] = pack("<", 5, [whole, 1, rest // 6000, 1, rest % 6000, 100])
    return found
