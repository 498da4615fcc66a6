"""The public face: formats by content, what is carried over, and doors that stay shut."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilset.containers import Keep, carry, identify, inspect, rebuild
from veilset.core.errors import DataError, Malformed, Unreadable, Unsupported


def _encoded(form: str) -> bytes:
    out = io.BytesIO()
    ramp = np.linspace(0, 255, 32 * 24 * 3).reshape(24, 32, 3).astype(np.uint8)
    Image.fromarray(ramp).save(out, form)
    return out.getvalue()


def _with_exif(form: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "CANARYmaker"
    exif[0x8298] = "somebody"
    exif.get_ifd(0x8769)[0x829A] = 0.01
    exif.get_ifd(0x8769)[0x9003] = "2021:07:19 12:34:56"
    exif.get_ifd(0x8825).update({1: "N", 2: (43.0, 28.0, 2.81), 3: "E", 4: (11.0, 53.0, 6.45)})
    out = io.BytesIO()
    Image.open(io.BytesIO(_encoded(form))).save(out, form, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_format_is_told_by_content(form: str) -> None:
    assert identify(_encoded(form)) == form.lower()


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_default_keeps_orientation_alone(form: str) -> None:
    out = io.BytesIO()
    rebuild(_with_exif(form), out, Keep())
    listing = inspect(out.getvalue())
    assert listing.facts.orientation == 6
    assert b"CANARY" not in out.getvalue()
    assert {tag.path for tag in listing.tags if not tag.technical} == set()


@pytest.mark.parametrize("source", ["JPEG", "PNG"])
@pytest.mark.parametrize("target", ["JPEG", "PNG"])
def test_carry_brings_what_is_allowed_into_another_format(source: str, target: str) -> None:
    keep = Keep(orientation=False, rights=True, exposure=True, gps_grid=0.1, dates="month")
    carried = carry(_with_exif(source), _encoded(target), keep)
    said = {tag.path: tag.value for tag in inspect(carried).tags}
    assert said["exif/ifd0/Copyright"] == "somebody"
    assert said["xmp/dc:rights"] == "somebody"
    assert said["exif/exif/ExposureTime"] == 0.01
    assert said["exif/exif/DateTimeOriginal"] == "2021:07:01 00:00:00"
    assert said["exif/gps/GPSLatitude"] == (43.0, 30.0, 0.0)
    assert said["exif/gps/GPSLongitude"] == (11.0, 54.0, 0.0)
    assert "exif/ifd0/Orientation" not in said
    assert b"CANARY" not in carried


def test_what_is_unknown_stops(tmp_path: Path) -> None:
    (tmp_path / "note.jpg").write_bytes(b"not a picture")
    with pytest.raises(Unsupported, match=r"note\.jpg"):
        inspect(tmp_path / "note.jpg")
    with pytest.raises(Unreadable):
        inspect(tmp_path / "absent.jpg")
    with pytest.raises(DataError):
        inspect(b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_every_cut_is_refused(form: str) -> None:
    whole = _with_exif(form)
    for size in range(2, len(whole)):
        with pytest.raises((Malformed, Unsupported)):
            rebuild(whole[:size], io.BytesIO(), Keep())
