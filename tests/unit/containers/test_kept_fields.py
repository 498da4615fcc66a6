"""Rights, a coarse place, a month and exposure values stay where they were asked for, in every format that has a place.

exiftool writes the files and judges the results; readers and writers of ours take no part in that.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.clean import clean_file
from veilset.core.errors import Unsupported
from veilset.testing.planted_each import one_of_each
from veilset.testing.planted_films import film
from veilset.testing.planted_media import box, full

EXIFTOOL = shutil.which("exiftool") or ""
judged = pytest.mark.skipif(not EXIFTOOL, reason="exiftool, the judge, is not installed")
RIGHTS, GRID, MONTH = Keep(rights=True), Keep(gps_grid=0.5), Keep(dates="month")


def said(path: Path) -> dict[str, Any]:
    out = subprocess.run([EXIFTOOL, "-a", "-G1", "-j", "-n", str(path)], capture_output=True, check=True).stdout
    return json.loads(out)[0]


def with_tags(path: Path, data: bytes, *tags: str) -> Path:
    path.write_bytes(data)
    subprocess.run([EXIFTOOL, "-q", "-overwrite_original", *tags, str(path)], check=True)
    return path


def cleaned(path: Path, keep: Keep) -> Path:
    """The clean copy; cleaning it again has to give the same bytes."""
    once, twice = path.with_name(f"once-{path.name}"), path.with_name(f"twice-{path.name}")
    for source, target in ((path, once), (once, twice)):
        target.unlink(missing_ok=True)
        done = clean_file(source, target, keep, thorough=True)
        assert done.state in ("clean", "residue"), done.reason
    assert once.read_bytes() == twice.read_bytes()
    return once


def plain_film() -> bytes:
    """A film without any tag: what cleaning makes of the planted one."""
    out = io.BytesIO()
    rebuild(film().data, out, Keep())
    return out.getvalue()


PLACES = {
    "©xyz": "-UserData:GPSCoordinates=48.1371, 11.5754",
    "Apple's key": "-Keys:GPSCoordinates=48.1371, 11.5754, 519",
    "iTunes": "-ItemList:GPSCoordinates=48.1371, 11.5754, 519",
    "XMP": "-XMP:GPSLatitude=48.1371",
}


@judged
@pytest.mark.parametrize("where", PLACES)
def test_a_films_place_goes_to_its_grid(where: str, tmp_path: Path) -> None:
    more = ["-XMP:GPSLongitude=11.5754"] if where == "XMP" else []
    path = with_tags(tmp_path / "x.mp4", plain_film(), PLACES[where], *more, "-UserData:Model=SECRET MODEL")
    assert inspect(path).facts == inspect(cleaned(path, GRID)).facts
    after = said(cleaned(path, GRID))
    kept = {name: value for name, value in after.items() if "GPS" in name and not name.startswith("Composite")}
    if where == "XMP":
        assert (after["XMP-exif:GPSLatitude"], after["XMP-exif:GPSLongitude"]) == (48, 11.5)
    else:
        assert kept == {"UserData:GPSCoordinates": "48 11.5"}
    assert b"SECRET" not in cleaned(path, GRID).read_bytes()
    assert not [name for name in said(cleaned(path, Keep())) if "GPS" in name]


def test_a_place_of_3gpp_is_read(tmp_path: Path) -> None:
    numbers = struct.pack(">Biii", 0, round(11.5754 * 65536), round(48.1371 * 65536), 519 << 16)
    loci = full(b"loci", b"\x55\xc4", b"Munich\0", numbers, b"earth\0", b"\0")
    raw = plain_film()
    # A user data box at the end of the header; what the tables point at moves with it.
    at = raw.index(b"moov") - 4
    size = int.from_bytes(raw[at : at + 4], "big")
    extra = box(b"udta", loci)
    header = struct.pack(">I", size + len(extra)) + raw[at + 4 : at + size] + extra
    gap = len(extra)
    start = 0
    while (start := header.find(b"stco", start + 1)) >= 0:
        (count,) = struct.unpack_from(">I", header, start + 8)
        moved = [n + gap for n in struct.unpack_from(f">{count}I", header, start + 12)]
        header = header[: start + 12] + struct.pack(f">{count}I", *moved) + header[start + 12 + 4 * count :]
    path = tmp_path / "x.3gp"
    path.write_bytes(raw[:at] + header + raw[at + size :])
    (place,) = [tag.value for tag in inspect(path).tags if tag.path.endswith("/position")]
    assert place == pytest.approx((48.1371, 11.5754), abs=1e-4)
    (kept,) = [tag.value for tag in inspect(cleaned(path, GRID)).tags if tag.path.endswith("/position")]
    assert kept == (48.0, 11.5)


@judged
@pytest.mark.parametrize("tag", ["-UserData:Copyright", "-ItemList:Copyright", "-Keys:Copyright", "-XMP-dc:Rights"])
def test_a_films_copyright_and_licence_stay(tag: str, tmp_path: Path) -> None:
    licence = "https://creativecommons.org/licenses/by-nd/4.0/"
    tags = [f"{tag}=(c) 2024 somebody", f"-XMP-cc:License={licence}", "-XMP-dc:Description=SECRET", "-XMP:Label=SECRET"]
    path = with_tags(tmp_path / "x.mp4", plain_film(), *tags)
    after = said(cleaned(path, RIGHTS))
    assert (after["UserData:Copyright"], after["XMP-dc:Rights"]) == ("(c) 2024 somebody",) * 2
    assert after["XMP-cc:License"] == licence
    assert b"SECRET" not in cleaned(path, RIGHTS).read_bytes()
    assert b"somebody" not in cleaned(path, GRID).read_bytes()


@judged
def test_a_films_dates_become_months(tmp_path: Path) -> None:
    tags = [f"-{name}=2024:03:15 10:11:12" for name in ("CreateDate", "TrackCreateDate", "MediaCreateDate")]
    path = with_tags(tmp_path / "x.mp4", plain_film(), "-api", "QuickTimeUTC=1", *tags)
    after = said(cleaned(path, MONTH))
    assert {after["QuickTime:CreateDate"], after["Track1:TrackCreateDate"]} == {"2024:03:01 00:00:00"}


@judged
def test_all_of_it_at_once_and_in_fragments(tmp_path: Path) -> None:
    for name, planted in (("whole", film()), ("parts", film(fragmented=True)), ("wide", film(wide=True))):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(planted.data)
        new = cleaned(path, Keep(rights=True, gps_grid=0.5, exposure=True, dates="month", georeference=True))
        after = said(new)
        assert after["UserData:GPSCoordinates"] == "48 11.5"
        assert after["QuickTime:CreateDate"] == "2021:03:01 00:00:00"
        creator = after["XMP-dc:Creator"]
        assert planted.marks.left_in(new.read_bytes()) == [creator.encode()]


def jp2() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)).save(out, "JPEG2000", irreversible=False)
    return out.getvalue()


@judged
def test_jpeg_2000_keeps_what_it_is_told_to(tmp_path: Path) -> None:
    tags = [
        *(
            "-EXIF:GPSLatitude=48.1371",
            "-EXIF:GPSLatitudeRef=N",
            "-EXIF:GPSLongitude=11.5754",
            "-EXIF:GPSLongitudeRef=E",
        ),
        *("-EXIF:DateTimeOriginal=2024:03:15 10:11:12", "-EXIF:Copyright=(c) somebody", "-EXIF:SerialNumber=SECRET"),
        *("-EXIF:ExposureTime=1/60", "-XMP-cc:License=https://example.org/licence", "-XMP:Label=SECRET"),
    ]
    path = with_tags(tmp_path / "x.jp2", jp2(), *tags)
    after = said(cleaned(path, Keep(rights=True, gps_grid=0.5, exposure=True, dates="month")))
    assert (after["GPS:GPSLatitude"], after["GPS:GPSLongitude"]) == (48, 11.5)
    assert after["ExifIFD:DateTimeOriginal"] == "2024:03:01 00:00:00"
    assert (after["IFD0:Copyright"], after["XMP-cc:License"]) == ("(c) somebody", "https://example.org/licence")
    assert after["ExifIFD:ExposureTime"] == pytest.approx(1 / 60)
    assert "SECRET" not in str(after)
    assert not {name for name in said(cleaned(path, Keep())) if name.startswith(("GPS", "ExifIFD", "XMP", "IFD0"))}
    before = np.asarray(Image.open(path))
    assert np.array_equal(before, np.asarray(Image.open(cleaned(path, RIGHTS))))


def test_a_map_in_jpeg_2000_stays_on_the_earth(tmp_path: Path) -> None:
    geo, keys = io.BytesIO(), (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)
    extra = [
        (33550, "d", 3, (0.1, 0.1, 0.0), True), (33922, "d", 6, (0.0, 0.0, 0.0, 11.5, 48.1, 0.0), True),
        (34735, "H", len(keys), keys, True), (305, "s", 0, "SECRET SOFTWARE", True),
    ]  # fmt: skip
    tifffile.imwrite(geo, np.zeros((1, 1), np.uint8), extratags=extra, metadata=None)
    uuid = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")
    raw = jp2()
    at = raw.index(b"jp2c") - 4
    path = tmp_path / "x.jp2"
    path.write_bytes(raw[:at] + box(b"uuid", uuid, geo.getvalue()) + raw[at:])
    kept = cleaned(path, Keep(georeference=True)).read_bytes()
    assert b"SECRET" not in kept
    start = kept.index(uuid) + 16
    with tifffile.TiffFile(io.BytesIO(kept[start : kept.index(b"jp2c") - 4])) as again:
        assert again.pages[0].tags[33922].value == (0.0, 0.0, 0.0, 11.5, 48.1, 0.0)
        assert again.pages[0].tags[34735].value == keys
    assert uuid not in cleaned(path, Keep()).read_bytes()


INKSCAPE = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://creativecommons.org/ns#" width="9" height="9">
<metadata><rdf:RDF><cc:Work rdf:about=""><dc:title>SECRET title</dc:title>
<dc:subject>metadata</dc:subject><dc:date>2024-03-15</dc:date>
<cc:license rdf:resource="http://creativecommons.org/licenses/by-nc/4.0/"/>
<dc:rights><cc:Agent><dc:title>(c) somebody</dc:title></cc:Agent></dc:rights>
<dc:creator><cc:Agent><dc:title>Some Body</dc:title></cc:Agent></dc:creator>
<exif:GPSLatitude xmlns:exif="http://ns.adobe.com/exif/1.0/">48,8.226N</exif:GPSLatitude>
<exif:GPSLongitude xmlns:exif="http://ns.adobe.com/exif/1.0/">11,34.524E</exif:GPSLongitude>
</cc:Work></rdf:RDF></metadata><rect width="9" height="9"/></svg>"""


@judged
def test_a_drawing_keeps_its_licence_place_and_month(tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    path.write_text(INKSCAPE)
    after = said(cleaned(path, Keep(rights=True, gps_grid=0.5, dates="month")))
    assert after["XMP-cc:License"] == "http://creativecommons.org/licenses/by-nc/4.0/"
    assert (after["XMP-dc:Rights"], after["XMP-dc:Creator"]) == ("(c) somebody", "Some Body")
    assert (after["XMP-exif:GPSLatitude"], after["XMP-exif:GPSLongitude"]) == (48, 11.5)
    assert str(after["XMP-dc:Date"]).replace(":", "-") == "2024-03"
    assert "SECRET" not in cleaned(path, RIGHTS).read_text()
    bare = cleaned(path, Keep()).read_text()
    assert "metadata" not in bare
    assert "somebody" not in cleaned(path, MONTH).read_text()


@judged
def test_a_document_keeps_its_rights_and_month(tmp_path: Path) -> None:
    tags = [
        *("-PDF:Author=Some Body", "-PDF:CreateDate=2024:03:15 10:11:12+01:00", "-PDF:Producer=SECRET"),
        *("-XMP-dc:Rights=(c) somebody", "-XMP-xmp:CreateDate=2024:03:15 10:11:12", "-XMP-xmp:CreatorTool=SECRET"),
        *("-XMP-exif:GPSLatitude=48.1371", "-XMP-exif:GPSLongitude=11.5754"),
    ]
    out = io.BytesIO()
    rebuild(one_of_each()["pdf"][0], out, Keep())
    path = with_tags(tmp_path / "x.pdf", out.getvalue(), *tags)
    new = cleaned(path, Keep(rights=True, dates="month", gps_grid=0.5))
    after = said(new)
    assert (after["PDF:Author"], after["XMP-dc:Rights"]) == ("Some Body", "(c) somebody")
    assert after["XMP-dc:Creator"] == "Some Body"
    assert after["PDF:CreateDate"] == "2024:03:01 00:00:00"
    assert after["XMP-xmp:CreateDate"] == "2024:03"
    assert (after["XMP-exif:GPSLatitude"], after["XMP-exif:GPSLongitude"]) == (48, 11.5)
    assert b"SECRET" not in new.read_bytes()
    assert b"(c) somebody" not in cleaned(path, MONTH).read_bytes()
    assert inspect(new).facts == inspect(path).facts


def test_a_map_in_a_document_is_refused_rather_than_lifted_off_the_earth(tmp_path: Path) -> None:
    raw = one_of_each()["pdf"][0].replace(b"/Rotate 90", b"/VP [ ]   ", 1)
    path = tmp_path / "x.pdf"
    path.write_bytes(raw)
    target = tmp_path / "out.pdf"
    done = clean_file(path, target, Keep(georeference=True))
    assert (done.state, target.exists()) == ("refused", False)
    assert "georeference" in done.reason
    with pytest.raises(Unsupported, match="georeference"):
        rebuild(path, io.BytesIO(), Keep(georeference=True))
