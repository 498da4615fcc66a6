"""What the file system says beside a file: reported of originals, and never carried to what was cleaned."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from veilset.cli.main import program
from veilset.containers.sidecars import attributes, outside
from veilset.core.finding import Risk
from veilset.core.sample import Image as Picture
from veilset.core.sample import Origin, Sample
from veilset.detectors.names import Names
from veilset.flows.clean import clean

ORIGIN = b"https://example.org/private/album/4711"
TOLD = {
    "user.xdg.origin.url": (ORIGIN, Risk.HISTORY),
    "user.xdg.referrer.url": (b"https://mail.example.org/4711", Risk.HISTORY),
    "user.com.apple.metadata:kMDItemWhereFroms": (b"bplist00 4711", Risk.HISTORY),
    "user.com.apple.quarantine": (b"0083;4711;Safari;", Risk.HISTORY),
    "user.com.apple.metadata:kMDItemDownloadedDate": (b"bplist00 2021", Risk.TIME),
    "user.xdg.origin.email.from": (b"somebody@example.org", Risk.PERSON),
    "user.dublincore.creator": (b"Somebody Else", Risk.PERSON),
    "user.xdg.tags": (b"holiday,children", Risk.CONTENT),
}
# 3 February 2001: long before any run of this test.
TAKEN = 981_173_106


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    path = folder / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)).save(path, exif=exif)
    try:
        for name, (value, _) in TOLD.items():
            os.setxattr(path, name, value)
    except (OSError, AttributeError) as error:
        pytest.skip(f"NOT TESTED: the file system of {tmp_path} keeps no extended attributes ({error})")
    os.utime(path, (TAKEN, TAKEN))
    return path


def test_attributes_of_an_original_are_listed_with_their_risk(photo: Path) -> None:
    found = {tag.path.removeprefix("disk/xattr/"): (tag.value, tag.risk) for tag in attributes(photo)}
    assert {name: told for name, told in found.items() if name in TOLD} == TOLD
    assert {tag.path for tag in attributes(photo)} <= {tag.path for tag in outside(photo)}


def test_what_the_system_writes_beside_every_file_is_no_finding(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listxattr", lambda path: ["security.selinux", "system.posix_acl_access"])
    monkeypatch.setattr(os, "getxattr", lambda path, name: b"unconfined_u")
    assert [(tag.risk, tag.technical) for tag in attributes(photo)] == [(Risk.TECHNICAL, True), (Risk.PERSON, False)]


def test_a_file_system_without_attributes_has_none(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(path: object) -> list[str]:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "listxattr", unsupported)
    assert attributes(photo) == []


@pytest.mark.parametrize("options", [{}, {"thorough": True}, {"rotate": True}, {"thorough": True, "rotate": True}])
def test_a_clean_copy_carries_no_attribute_and_no_time(photo: Path, options: dict[str, bool], tmp_path: Path) -> None:
    assert clean([photo], out=tmp_path / "out", **options).count("refused") == 0
    made = tmp_path / "out/a.jpg"
    assert set(os.listxattr(made)) & TOLD.keys() == set()
    assert made.stat().st_mtime > TAKEN + 10**8
    assert made.stat().st_atime > TAKEN + 10**8
    assert set(os.listxattr(photo)) >= TOLD.keys()
    assert photo.stat().st_mtime == TAKEN


@pytest.mark.parametrize("backup", [True, False])
@pytest.mark.parametrize("rotate", [True, False])
def test_cleaning_in_place_leaves_no_attribute_and_no_time(photo: Path, backup: bool, rotate: bool) -> None:
    clean([photo], in_place=True, backup=backup, rotate=rotate)
    assert set(os.listxattr(photo)) & TOLD.keys() == set()
    assert photo.stat().st_mtime > TAKEN + 10**8
    kept = photo.with_name("a.jpg.original")
    assert kept.exists() is backup
    # The backup is the original itself, with all that was said beside it.
    assert not backup or os.getxattr(kept, "user.xdg.origin.url") == ORIGIN


@pytest.mark.parametrize("places", [True, False])
def test_an_audit_reports_attributes_and_never_their_values(photo: Path, places: bool, tmp_path: Path) -> None:
    command = [
        "audit",
        str(photo.parent),
        "-o",
        str(tmp_path / "report"),
        "--find",
        "metadata",
        "--workers",
        "1",
        "--json",
    ]
    done = CliRunner().invoke(program(), command + (["--places"] if places else []))
    assert done.exit_code == 0, done.output
    assert "4711" not in done.output
    written = b"".join(path.read_bytes() for path in sorted((tmp_path / "report").rglob("*.json")))
    assert b"disk/xattr/user.xdg.origin.url" in written
    assert json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("IMG_20210506_101112.jpg", {"name/date_and_time", "name/camera_numbering"}),
        ("+49 171 2345678.jpg", {"name/phone_number"}),
        ("SN-AB1234567.jpg", {"name/serial_number"}),
        ("serial_00112233.png", {"name/serial_number"}),
        ("48.13713,11.57540.jpg", {"name/position"}),
        ("somebody@example.org.png", {"name/mail_address"}),
        ("snow.jpg", set()),
        ("serialisation.png", set()),
    ],
)
def test_names_that_hold_dates_phones_or_serials_are_found(name: str, kinds: set[str]) -> None:
    sample = Sample("1", Picture(np.zeros((2, 2, 3), np.uint8)), origin=Origin(name))
    assert {finding.where.path for finding in Names().find(sample)} == kinds  # type: ignore[union-attr]
