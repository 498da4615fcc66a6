"""audit with `places`: on a drawn marketplace it points at the sellers' homes; the report is sound."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilset.containers.sidecars import outside
from veilset.detectors.places import distances
from veilset.flows.audit import PLACES, Audited, audit
from veilset.testing.marketplace import HOSTILE, MONDAY, Seller, draw_marketplace, photograph, takeout

SELLERS = 6


def uncovered() -> bytes:
    """A JPEG whose thumbnail still shows what a black box covers in the picture."""
    rows, columns = np.mgrid[0:96, 0:128]
    before = np.stack([columns * 2, rows * 2, (rows + columns) % 256], axis=2).astype(np.uint8)
    small, whole = io.BytesIO(), io.BytesIO()
    Image.fromarray(before).save(small, "JPEG")
    after = before.copy()
    after[24:72, 40:88] = 0
    tiff = _tiff_with_thumbnail(small.getvalue())
    Image.fromarray(after).save(whole, "JPEG", exif=b"Exif\0\0" + tiff)
    return whole.getvalue()


def _tiff_with_thumbnail(jpeg: bytes) -> bytes:
    entries = [(0x0201, 4, 8 + 6 + 30), (0x0202, 4, len(jpeg))]
    packed = b"".join(
        tag.to_bytes(2, "big") + kind.to_bytes(2, "big") + (1).to_bytes(4, "big") + value.to_bytes(4, "big")
        for tag, kind, value in entries
    )
    empty = (0).to_bytes(2, "big") + (8 + 6).to_bytes(4, "big")
    return b"MM\0*" + (8).to_bytes(4, "big") + empty + len(entries).to_bytes(2, "big") + packed + bytes(4) + jpeg


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Seller, ...], Audited]:
    folder = tmp_path_factory.mktemp("market")
    sellers = draw_marketplace(folder / "photos", SELLERS, seed=5)
    (folder / "photos" / "covered.jpg").write_bytes(uncovered())
    rng = np.random.default_rng(1)
    (folder / "photos" / "IMG_20240304_100000.jpg").write_bytes(photograph(rng, None, MONDAY))
    (folder / "photos" / "IMG_20240304_100000.jpg.json").write_text(takeout((12.34567, 23.45678), "Somebody Else"))
    return folder, sellers, audit(folder / "photos", folder / "report", find=PLACES, workers=1)


def test_the_sellers_homes_are_in_the_geojson(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    folder, sellers, done = market
    features = json.loads((folder / "report/places.geojson").read_text())["features"]
    homes = np.array([f["geometry"]["coordinates"][::-1] for f in features if f["properties"]["role"] == "home"])
    for seller in sellers:
        assert distances(np.array(seller.home), homes).min() < 40
        away = np.array([f["geometry"]["coordinates"][::-1] for f in features if f["properties"]["role"] != "home"])
        assert distances(np.array(seller.work), away).min() < 40
    assert len(homes) == SELLERS
    # Without a mark, a home and a place of work are two people's places; with one, they are one person's.
    works = sum(f["properties"]["role"] == "work" for f in features)
    assert works == sum(bool(seller.mark) for seller in sellers)
    assert done.summary.whereabouts is not None
    assert done.summary.whereabouts.count("home") == SELLERS


def test_no_picture_is_counted_twice(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    summary = market[2].summary
    for groups in (summary.kinds, summary.risks, summary.tags, summary.sources):
        for group in groups.values():
            assert group.samples == len(set(group.names)) <= summary.samples


def test_files_are_joined_by_serial_number_and_owner(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    _, sellers, done = market
    assert done.summary.whereabouts is not None
    groups = [set(person.files) for person in done.summary.whereabouts.people]
    for seller in sellers:
        if seller.mark:
            assert set(seller.files) in groups


def test_routine_and_time_zone_are_told(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    _, sellers, done = market
    assert done.summary.whereabouts is not None
    person = next(p for p in done.summary.whereabouts.people if set(p.files) == set(sellers[0].files))
    assert person.utc_offset == 1.0
    assert sum(person.hours) == len(sellers[0].files)
    evenings = sum(count for index, count in enumerate(person.hours) if index % 24 >= 19)
    assert evenings == sum(index % 3 != 2 for index in range(len(sellers[0].files)))


def test_the_report_is_self_contained_linked_and_escaped(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    folder, _, done = market
    page = (folder / "report/report.html").read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert not re.search(r"url\(|@import|<script", page)
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert done.summary.whereabouts is not None
    for person in done.summary.whereabouts.people[:SELLERS]:
        home = person.place("home")
        assert home is not None
        assert f">{home.latitude:.5f}<" in page
    assert "likely home" in page
    assert "<svg" in page


def test_a_thumbnail_that_differs_stands_beside_its_picture(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    folder, _, done = market
    assert [ref.name for ref, _ in done.summary.hidden] == ["covered.jpg"]
    page = (folder / "report/report.html").read_text()
    pair = re.search(r'<div class="pair">(.*?)</div>', page, re.DOTALL)
    assert pair is not None
    assert pair[1].count("data:image/jpeg;base64,") == 2
    shown, hidden = re.findall(r'base64,([^"]+)"', pair[1])
    assert shown != hidden


def test_what_lies_outside_the_files_is_reported(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    folder, _, done = market
    assert done.summary.tags["beside/json"].names == ["IMG_20240304_100000.jpg"]
    assert any(path.startswith("name/") for path in done.summary.tags)
    features = json.loads((folder / "report/places.geojson").read_text())["features"]
    assert [23.45678, 12.34567] in [feature["geometry"]["coordinates"] for feature in features]


def test_folders_named_after_people_join_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for who in ("anna", "bert"):
        (tmp_path / "photos" / who).mkdir(parents=True)
        for number, place in enumerate(((10.0, 20.0), (10.5, 20.5))):
            (tmp_path / "photos" / who / f"{number}.jpg").write_bytes(photograph(rng, place, MONDAY.replace(hour=20)))
    for owners, people in (("folder", 2), ("", 2)):
        found = audit(tmp_path / "photos", find=["places"], workers=1, owners=owners).summary.whereabouts
        assert found is not None
        assert len(found.people) == people
        joined = {frozenset(name.split("/")[0] for name in person.files) for person in found.people}
        assert joined == ({frozenset({"anna"}), frozenset({"bert"})} if owners else {frozenset({"anna", "bert"})})
        assert any(person.together for person in found.people) is bool(owners)


def test_workers_do_not_change_what_is_said(market: tuple[Path, tuple[Seller, ...], Audited]) -> None:
    folder, _, done = market
    again = audit(folder / "photos", find=PLACES, workers=2)
    assert again.summary == done.summary


def test_the_program_says_it(market: tuple[Path, tuple[Seller, ...], Audited], tmp_path: Path) -> None:
    folder, _, _ = market
    command = [sys.executable, "-m", "veilset", "audit", str(folder / "photos"), "--places", "-j", "1", "-o", "said"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert f"likely homes: {SELLERS}" in done.stdout
    assert (tmp_path / "said/places.geojson").is_file()


def test_looking_beside_many_files_of_one_folder_is_not_quadratic(tmp_path: Path) -> None:
    from veilset.containers.sidecars import names_in

    def seconds(count: int) -> float:
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"IMG_{number:04d}.jpg").touch()
            (folder / f"IMG_{number:04d}.jpg.json").write_text("{}")
        names, start = names_in(folder), time.process_time()
        for number in range(count):
            assert any(tag.path == "beside/json" for tag in outside(folder / f"IMG_{number:04d}.jpg", names))
        return time.process_time() - start

    # Eight times the files: eight times the work when it is linear, sixty-four when it is quadratic.
    assert seconds(2400) < 24 * seconds(300)
