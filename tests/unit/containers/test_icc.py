"""Colour profiles: a known one becomes ours, any other loses its words; colours are judged by littlecms."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.icc import read_icc, sanitise
from veilset.containers.icc_known import SPACES, elements_of, header_of
from veilset.testing.planted import Marks, icc_profile
from veilset.testing.planted_files import every_planted

MARK = b"vendor 4711"
# One level of 255, stated in the docstring of `sanitise`.
MOST = 1
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * value))


def parametric() -> bytes:
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">HH5i", 3, 0, *(round(65536 * value) for value in numbers))


def table(steps: int) -> bytes:
    x = np.linspace(0, 1, steps)
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I", steps) + np.round(65535 * light).astype(">u2").tobytes()


def vendor(colorants: tuple[tuple[float, ...], ...], curve: bytes, major: int = 2, **more: bytes) -> bytes:
    """A vendor's profile, with its words, date, device and an element of its own."""
    header = bytearray(128)
    header[4:8], header[8], header[12:24] = b"VEND", major, b"mntrRGB XYZ " if len(colorants) == 3 else b"mntrGRAYXYZ "
    header[24:36] = struct.pack(">6H", 2019, 7, 4, 11, 12, 13)
    header[36:40], header[48:56] = b"acsp", b"VENDXYZ1"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    words = b"desc\0\0\0\0" + struct.pack(">I", len(MARK) + 1) + MARK + bytes(80)
    elements = {b"desc": words, b"cprt": b"text\0\0\0\0" + MARK + b"\0", b"wtpt": xyz((0.9642, 1, 0.8249))}
    if len(colorants) == 3:
        elements |= {name: xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)}
        elements |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    else:
        elements[b"kTRC"] = curve
    elements |= {name.encode(): body for name, body in more.items()}
    listed, bodies = struct.pack(">I", len(elements)), b""
    for name, body in elements.items():
        listed += struct.pack(">4sII", name, 132 + 12 * len(elements) + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    whole = bytearray(bytes(header) + listed + bodies + MARK)
    struct.pack_into(">I", whole, 0, len(whole))
    return bytes(whole)


KNOWN = {
    "sRGB by a table of 1,024": (vendor(SRGB, table(1024)), "sRGB"),
    "sRGB by a table of 4,096": (vendor(SRGB, table(4096)), "sRGB"),
    "sRGB by parameters": (vendor(SRGB, parametric(), 4), "sRGB"),
    "sRGB of littlecms": (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), "sRGB"),
    "sRGB with marks": (icc_profile(Marks("zq")), "sRGB"),
    "Display P3": (vendor(DISPLAY_P3, parametric(), 4), "Display P3"),
    "Display P3 with its code": (
        vendor(DISPLAY_P3, parametric(), 4, cicp=b"cicp\0\0\0\0\x0c\r\0\1"),
        "Display P3",
    ),
    "Adobe RGB": (vendor(ADOBE_RGB, gamma(2.19921875)), "Adobe RGB (1998)"),
    "grey 2.2": (vendor((), gamma(2.2)), "grey, 2.2"),
    "grey sRGB": (vendor((), table(1024)), "grey, sRGB curve"),
}
OTHERS = {
    "another gamma": vendor(SRGB, gamma(2.2)),
    "a primary that is off": vendor((SRGB[0], SRGB[1], (0.1451, 0.06061, 0.7141)), table(1024)),
    "a coarse table": vendor(SRGB, table(16)),
    "another code": vendor(DISPLAY_P3, parametric(), 4, cicp=b"cicp\0\0\0\0\x09\x10\0\1"),
}


def looks(profile: bytes, to: str, intent: int) -> np.ndarray:
    grey = profile[16:20] == b"GRAY"
    shape = (128, 128) if grey else (128, 128, 3)
    image = Image.fromarray(np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8))
    target = ImageCms.createProfile("sRGB") if to == "RGB" else ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(io.BytesIO(profile), target, "L" if grey else "RGB", to, renderingIntent=intent)
    return np.asarray(ImageCms.applyTransform(image, transform)).astype(int)


@pytest.mark.parametrize("case", KNOWN)
@pytest.mark.parametrize("to", ["RGB", "LAB"])
@pytest.mark.parametrize("intent", [0, 1])
def test_a_known_profile_is_replaced_and_colours_stay(case: str, to: str, intent: int) -> None:
    profile, name = KNOWN[case]
    ours = sanitise(profile)
    assert ours[4:24] == header_of(name)[4:24]
    assert ours[128:] == sanitise(next(one for one, space in KNOWN.values() if space == name))[128:]
    moved = np.abs(looks(profile, to, intent) - looks(ours, to, intent))
    # a* and b* wrap around in eight bits.
    moved = np.minimum(moved, 256 - moved)
    assert moved.max() <= MOST
    assert moved.mean() < 0.02


def test_every_vendors_profile_of_one_space_becomes_the_same_bytes() -> None:
    ours = {name: {sanitise(profile) for profile, space in KNOWN.values() if space == name} for name in SPACES}
    assert [len(found) for name, found in ours.items() if found] == [1] * 5
    assert all(MARK not in profile and b"VEND" not in profile for found in ours.values() for profile in found)


@pytest.mark.parametrize("case", OTHERS)
def test_another_profile_keeps_its_numbers_and_loses_its_words(case: str) -> None:
    profile = OTHERS[case]
    ours = sanitise(profile)
    assert MARK not in ours
    assert b"VEND" not in ours
    assert ours[8] == profile[8]
    assert np.array_equal(looks(profile, "RGB", 1), looks(ours, "RGB", 1))
    assert ours not in {sanitise(known) for known, _ in KNOWN.values()}


@pytest.mark.parametrize("profile", [*(one for one, _ in KNOWN.values()), *OTHERS.values()])
def test_a_second_pass_changes_nothing_and_nothing_is_left_to_tell(profile: bytes) -> None:
    ours = sanitise(profile)
    assert sanitise(ours) == ours
    assert [tag.path for tag in read_icc(ours)] == ["icc"]


@pytest.mark.parametrize("name", SPACES)
def test_littlecms_reads_what_we_write(name: str) -> None:
    elements = elements_of(name)
    colorants = [struct.unpack_from(">3i", elements[n], 8) for n in (b"rXYZ", b"gXYZ", b"bXYZ") if n in elements]
    ours = sanitise(
        vendor(tuple(tuple(v / 65536 for v in one) for one in colorants), elements[b"rTRC" if colorants else b"kTRC"])
    )
    read = ImageCms.ImageCmsProfile(io.BytesIO(ours))
    assert read.profile.is_matrix_shaper
    assert ours[36:40] == b"acsp"
    white = looks(ours, "RGB", 1).max()
    assert white == 255


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff", "avif", "heif"])
def test_it_holds_in_every_container_that_carries_a_profile(kind: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8))
    found = set()
    for case in ("sRGB by a table of 1,024", "sRGB by parameters"):
        out, cleaned = io.BytesIO(), io.BytesIO()
        image.save(out, kind.upper(), icc_profile=KNOWN[case][0])
        assert MARK in out.getvalue() or kind == "png"
        rebuild(out.getvalue(), cleaned, Keep())
        tags = {tag.path: tag.value for tag in inspect(cleaned.getvalue()).tags}
        found.add(next(value for path, value in tags.items() if path == "icc" or path.endswith("/icc")))
        assert Image.open(io.BytesIO(cleaned.getvalue())).info["icc_profile"] in found
    assert found == {sanitise(KNOWN["sRGB by parameters"][0])}


def test_planted_profiles_hold_no_mark_in_any_container() -> None:
    carriers = 0
    for planted in every_planted():
        if not any(place.startswith("icc") for place in planted.marks):
            continue
        out = io.BytesIO()
        rebuild(planted.data, out, Keep())
        kept = [tag.value for tag in inspect(out.getvalue()).tags if tag.path == "icc"]
        carriers += bool(kept)
        assert all(value == sanitise(icc_profile(Marks("zq"))) for value in kept), planted.name
    assert carriers >= 3
