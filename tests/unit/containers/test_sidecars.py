from __future__ import annotations

import json
import os
import plistlib

import pytest

from veilset.containers.sidecars import outside
from veilset.testing.planted_media import Marks, xmp_with


def test_what_lies_beside_is_listed_and_nothing_else(tmp_path) -> None:
    marks = Marks("side")
    photo = tmp_path / "IMG_0001.HEIC"
    photo.write_bytes(b"x")
    (tmp_path / "IMG_0001.xmp").write_bytes(xmp_with(marks))
    (tmp_path / "IMG_0001.AAE").write_bytes(plistlib.dumps({"adjustmentEditorBundleID": marks("editor").decode()}))
    people = [{"name": marks("person").decode()}]
    (tmp_path / "IMG_0001.HEIC.json").write_text(
        json.dumps({"geoData": {"latitude": 48.5, "longitude": 11.5}, "people": people})
    )
    (tmp_path / "IMG_0001.MOV").write_bytes(b"no film")
    (tmp_path / "IMG_0001.THM").write_bytes(b"no picture")
    (tmp_path / "IMG_0002.xmp").write_text("somebody else's")
    tags = outside(photo)
    said = " ".join(str(tag.value) for tag in tags)
    assert [mark for mark in marks.all if mark.decode() not in said] == []
    assert (48.5, 11.5) in [tag.value for tag in tags]
    assert "IMG_0002" not in said
    assert {"beside/mov", "beside/thm", "beside/aae", "beside/xmp", "beside/json", "disk/modified"} <= {
        tag.path for tag in tags
    }


@pytest.mark.parametrize(
    ("picture", "sidecar", "belongs"),
    [
        ("a.jpg", "a.jpg.json", True),
        ("a.jpg", "a.jpg.supplemental-metadata.json", True),
        ("a(1).jpg", "a.jpg(1).json", True),
        ("a(1).jpg", "a.jpg.supplemental-metadata(1).json", True),
        ("a(2).jpg", "a.jpg(1).json", False),
        ("a(1).jpg", "a.jpg.json", False),
        ("a.jpg", "a.jpg(1).json", False),
        ("a-edited.jpg", "a.jpg.json", True),
        ("b.jpg", "a.jpg.json", False),
        (
            "a-name-that-google-shortens-since-it-is-so-long.jpg",
            "a-name-that-google-shortens-since-it-is-so-lon.json",
            True,
        ),
    ],
)
def test_google_s_files_are_told_by_its_habits(tmp_path, picture: str, sidecar: str, belongs: bool) -> None:
    (tmp_path / picture).write_bytes(b"x")
    (tmp_path / sidecar).write_text(json.dumps({"geoData": {"latitude": 48.5, "longitude": 11.5}}))
    assert ((48.5, 11.5) in [tag.value for tag in outside(tmp_path / picture)]) is belongs


def test_broken_sidecars_are_listed_all_the_same(tmp_path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    for name, raw in (("a.aae", b"<plist><!ENTITY"), ("a.jpg.json", b"{"), ("a.xmp", b"\xff\xfe<")):
        (tmp_path / name).write_bytes(raw)
    paths = [tag.path for tag in outside(photo)]
    assert {"beside/aae", "beside/aae/unreadable", "beside/json/unreadable", "beside/xmp"} <= set(paths)


def test_extended_attributes_are_listed(tmp_path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    try:
        os.setxattr(photo, "user.xdg.origin.url", b"https://example.org/secret")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert ("disk/xattr/user.xdg.origin.url", b"https://example.org/secret") in [
        (t.path, t.value) for t in outside(photo)
    ]
