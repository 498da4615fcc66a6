"""audit: counts are true, every number leads to its samples, the report asks nothing of the network."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from veilset.core.errors import UnknownName, Unreadable, UsageError
from veilset.core.registry import Entry, Registry
from veilset.flows.audit import audit
from veilset.flows.catalog import Catalog, catalog
from veilset.testing.planted_files import every_planted


@pytest.fixture
def names(photos, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The installed names, with a detector that knows what was drawn."""

    @dataclass(frozen=True)
    class Known(type(photos.known())):  # type: ignore[misc]
        """Finds what was drawn."""

        boxes: tuple = photos.known().boxes

    base = catalog(third_party=False)
    monkeypatch.setattr("builtins.KnownForTest", Known, raising=False)
    table = dict(sorted({**base.detectors, "known": Entry("builtins:KnownForTest", "Known.")}.items()))
    return Catalog(
        base.sources, Registry("detector", table, group=None), base.operators, base.probes, base.documents, base.engines
    )


def test_numbers_are_true(photos, names: Catalog, tmp_path: Path) -> None:
    (photos.path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    (photos.path / "letter.txt").write_text("no picture")
    done = audit(photos.path, tmp_path / "report", find=["known"], workers=1, names=names)
    summary = done.summary
    faces = [len(drawn.faces) for drawn in photos.drawn]
    assert summary.samples == 9
    assert summary.others == ("letter.txt",)
    assert [name for name, _ in summary.unreadable] == ["broken.jpg"]
    assert summary.kinds["face"].findings == sum(faces)
    assert summary.kinds["face"].samples == sum(map(bool, faces))
    assert [group.samples for group in summary.faces_per_picture.values()] == [
        faces.count(0),
        faces.count(1),
        faces.count(2),
        sum(count >= 3 for count in faces),
    ]
    assert sum(group.findings for group in summary.face_sizes.values()) == sum(faces)
    assert summary.riskiest[0][1].name in {d.name for d in photos.drawn if len(d.faces) == max(faces)}


def test_the_report_is_private_self_contained_and_linked(photos, names: Catalog, tmp_path: Path) -> None:
    done = audit(photos.path, tmp_path / "report", find=["known"], workers=1, names=names)
    page = (done.report / "report.html").read_text()
    assert page.split("<body>")[1].lstrip().startswith('<p class="private">PRIVATE')
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert not re.search(r"url\(|@import|<script", page)
    anchors = set(re.findall(r'id="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= anchors
    assert page.count("data:image/jpeg;base64,") == sum(bool(drawn.faces) for drawn in photos.drawn)
    assert done.report.stat().st_mode & 0o077 == 0


def test_json_parquet_and_csv_say_the_same(photos, names: Catalog, tmp_path: Path) -> None:
    done = audit(photos.path, tmp_path / "report", find=["known"], workers=1, names=names)
    plain = json.loads((done.report / "audit.json").read_text())
    rows = pq.read_table(done.report / "findings.parquet").to_pylist()
    with (done.report / "samples.csv").open(encoding="utf-8") as lines:
        samples = list(csv.DictReader(lines))
    assert plain["kinds"]["face"]["findings"] == len(rows) == sum(int(row["findings"]) for row in samples)
    assert len(samples) == plain["samples"] == 8
    by_name = {drawn.name: drawn for drawn in photos.drawn}
    assert all(any(abs(box.x - row["x"]) < 0.01 for box in by_name[row["name"]].faces) for row in rows)


def test_hostile_names_are_escaped(photos, names: Catalog, tmp_path: Path) -> None:
    bad = photos.path / '<img src=x onerror="alert(1)">.jpg'
    bad.write_bytes(next(photos.path.rglob("*.jpg")).read_bytes())
    (photos.path / 'new\nline\udcff"&.png').write_bytes(b"")
    done = audit(photos.path, tmp_path / "report", find=["known"], workers=1, names=names)
    page = (done.report / "report.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    json.loads((done.report / "audit.json").read_text())


def test_nothing_is_written_into_the_pictures(photos, names: Catalog, tmp_path: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.path.rglob("*") if path.is_file()}
    audit(photos.path, tmp_path / "report", find=["known"], workers=1, names=names)
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.path.rglob("*") if path.is_file()}
    assert before == after


def test_what_a_detector_could_not_do_stands_in_the_report_and_in_the_numbers(photos, tmp_path: Path) -> None:
    done = audit(photos.path, tmp_path / "report", find=["duplicate: {embed: never}"], workers=1)
    assert "hashes alone" in done.summary.notes[0]
    assert done.report is not None
    assert done.summary.notes[0] in unescape((done.report / "report.html").read_text())
    assert json.loads((done.report / "audit.json").read_text())["notes"] == list(done.summary.notes)


def test_many_files_looked_through_by_processes_say_the_same(photos, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = audit(photos.path, find=["metadata"], workers=1).summary
    monkeypatch.setattr("veilset.flows.audit.MANY", 1)
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr("veilset.flows.ahead.start_early", started.append)
    assert audit(photos.path, find=["metadata"], workers=3).summary.to_plain() == alone.to_plain()
    assert len(started) == 1


def test_one_and_two_workers_say_the_same(photos, tmp_path: Path) -> None:
    one = audit(photos.path, find=["metadata"], workers=1).summary
    two = audit(photos.path, find=["metadata"], workers=2).summary
    assert one == two
    assert one.kinds["metadata"].samples > 0


def test_bad_places(photos, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies inside the pictures"):
        audit(photos.path, photos.path / "report", find=["metadata"])
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    with pytest.raises(UsageError, match="exists already"):
        audit(photos.path, tmp_path / "taken", find=["metadata"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unreadable, match="no picture"):
        audit(tmp_path / "empty", find=["metadata"])
    with pytest.raises(UnknownName, match="did you mean metadata"):
        audit(photos.path, find=["metadta"])


def test_metadata_alone_is_seen_as_with_the_whole_catalog(tmp_path: Path) -> None:
    for number, planted in enumerate(every_planted()):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        (tmp_path / "in" / str(number) / planted.name).write_bytes(planted.data)
    alone = audit(tmp_path / "in", find=["metadata"]).summary.to_plain()
    assert alone == audit(tmp_path / "in", find=["metadata"], workers=1, names=catalog()).summary.to_plain()
    assert sum(group["findings"] for group in alone["tags"].values()) > 100
