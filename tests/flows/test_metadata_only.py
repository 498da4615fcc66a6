"""Files whose pixels are not decoded: an audit looks at what they say and says so; a release lets none of them out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from veilset.core.errors import WrongMedia
from veilset.core.finding import Risk
from veilset.core.noise import SystemNoise
from veilset.core.sample import FileOnly
from veilset.data.folder import Folder
from veilset.data.folder_sink import FolderSink
from veilset.flows.audit import PLACES, audit
from veilset.flows.release import release
from veilset.flows.step import Treat
from veilset.policy.schema import Policy, ReleaseSettings
from veilset.testing.marketplace import takeout
from veilset.testing.planted_each import one_of_each
from veilset.testing.planted_files import every_planted
from veilset.testing.planted_films import film

# What is told by content; the films' names say nothing.
HELD = {"mp4": "clip.mp4", "dicom": "ct", "pdf": "scan.pdf", "svg": "drawing.svg", "jxl": "a.jxl", "jp2": "b.jp2",
        "zip": "c.zip", "tar": "d.tar", "gif": "moving.gif"}  # fmt: skip


def fill(folder: Path) -> None:
    made = _each()
    for kind, name in HELD.items():
        (folder / name).write_bytes(made[kind])


def _each() -> dict[str, bytes]:
    return {kind: data for kind, (data, _) in one_of_each().items()}


def test_what_they_say_is_found_and_that_nothing_was_searched_is_said(photos, tmp_path: Path) -> None:
    fill(photos.path)
    done = audit(photos.path, tmp_path / "report", find=("metadata", "hidden", "rights", "names"), workers=1)
    summary = done.summary
    assert summary.unreadable == []
    assert {name: group.samples for name, group in summary.metadata_only.items()} == dict.fromkeys(HELD, 1)
    assert summary.metadata_only["gif"].findings == 3
    assert (summary.pictures, summary.samples) == (8, 8 + len(HELD))
    assert sum(group.samples for group in summary.faces_per_picture.values()) == 8
    assert "clip.mp4" in [name for _, _, name in summary.places]
    assert summary.tags["dicom/PatientName"].names == ["ct"]
    plain = json.loads((done.report / "audit.json").read_text())
    assert plain["metadata_only"]["files"] == len(HELD)
    assert plain["metadata_only"]["formats"]["gif"]["frames_not_searched"] == 3
    page = (done.report / "report.html").read_text()
    assert "Looked at for metadata only" in page
    assert f"the metadata alone was looked at: {len(HELD)} (1 dicom" in page
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_the_program_says_how_many_and_of_which_format(photos, tmp_path: Path) -> None:
    fill(photos.path)
    words = [sys.executable, "-m", "veilset", "audit", str(photos.path), "-f", "metadata", "-o", str(tmp_path / "r")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.startswith("8 pictures\n")
    assert f"the metadata alone was looked at: {len(HELD)} (" in said
    assert "1 mp4" in said
    assert "frames and pages not searched in them: " in said


def test_a_set_of_pictures_says_nothing_of_it(photos, tmp_path: Path) -> None:
    done = audit(photos.path, tmp_path / "report", find=("metadata",), workers=1)
    assert done.summary.metadata_only == {}
    assert "metadata only" not in (done.report / "report.html").read_text()


def test_a_broken_film_is_counted_and_not_passed_over(photos) -> None:
    (photos.path / "broken.mp4").write_bytes(film().data[:3000])
    (photos.path / "words.mov").write_bytes(b"no film at all")
    (photos.path / "other.mkv").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(100))
    summary = audit(photos.path, find=("metadata",), workers=1).summary
    assert sorted(name for name, _ in summary.unreadable) == ["broken.mp4", "other.mkv", "words.mov"]


def test_places_of_films_and_of_their_telemetry_count(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    whole = film().data
    (folder / "said.mp4").write_bytes(whole)
    # Without what the header says about the place, the telemetry track still tells it.
    (folder / "track.mp4").write_bytes(whole.replace(b"+48.1371+011.5754/", b"                  "))
    summary = audit(folder, tmp_path / "report", find=PLACES, workers=1).summary
    assert summary.whereabouts is not None
    (person,) = [person for person in summary.whereabouts.people if person.placed]
    assert sorted(person.files) == ["said.mp4", "track.mp4"]
    assert {(round(place.latitude, 3), round(place.longitude, 3)) for place in person.places} == {(48.137, 11.575)}
    assert len(json.loads((tmp_path / "report/places.geojson").read_text())["features"]) == 1


def test_sidecars_are_read_with_their_pictures_and_not_called_unseen(photos, tmp_path: Path) -> None:
    first = min(photos.path.rglob("*.jpg"))
    first.with_name(first.name + ".json").write_text(takeout((12.5, 23.5), "Somebody"))
    (photos.path / "lonely.xmp").write_text("<x/>")
    summary = audit(photos.path, tmp_path / "report", find=("metadata",), workers=1).summary
    name = first.relative_to(photos.path).as_posix()
    assert summary.sidecars == (f"{name}.json",)
    assert summary.others == ("lonely.xmp",)
    assert summary.tags["beside/json/geoData/position"].names == [name]


def test_a_sidecar_that_came_since_is_seen_by_the_next_audit_of_one_program(photos, tmp_path: Path) -> None:
    first = min(photos.path.rglob("*.jpg"))
    assert audit(photos.path, find=("metadata",), workers=1).summary.sidecars == ()
    first.with_name(first.name + ".json").write_text(takeout((12.5, 23.5), "Somebody"))
    again = audit(photos.path, find=("metadata",), workers=1).summary
    assert again.sidecars == (f"{first.relative_to(photos.path).as_posix()}.json",)
    first.with_name(first.name + ".xmp").write_text("<x/>")
    assert len(audit(photos.path, find=("metadata",), workers=1).summary.sidecars) == 2


def test_the_film_of_a_live_photograph_belongs_to_whom_its_picture_names(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    folder.mkdir()
    (folder / "IMG_1.MOV").write_bytes(_placed())
    (folder / "IMG_1.JPG").write_bytes(drawn("grey.jpg"))
    summary = audit(folder, tmp_path / "report", find=PLACES, workers=1).summary
    assert summary.whereabouts is not None
    assert [sorted(person.files) for person in summary.whereabouts.people] == [["IMG_1.JPG", "IMG_1.MOV"]]
    assert summary.tags["beside/mov"].names == ["IMG_1.JPG"]
    assert not any(path.startswith("beside/mov/") for path in summary.tags)


def drawn(name: str) -> bytes:
    return next(planted.data for planted in every_planted() if planted.name == name)


def _placed() -> bytes:
    """A film whose serial numbers are not known to anybody."""
    return film().data.replace(b"DVNM", b"XXXX")


def test_no_film_slips_into_a_release(photos, policy: Callable[..., Policy], tmp_path: Path) -> None:
    fill(photos.path)
    loose = policy(release=ReleaseSettings(omit_at_most=0.9))
    done = release(photos.path, tmp_path / "out", loose, workers=1)
    counts = done.manifest.counts
    held = {name for name in HELD.values() if not name.endswith((".svg", ".jxl", ".jp2", ".gif"))}
    assert done.others == len(held)
    assert (counts.released, counts.quarantined) == (8, len(HELD) - len(held))
    public = [path for path in (tmp_path / "out/public").rglob("*") if path.is_file()]
    planted = set(_each().values())
    assert not [path for path in public if path.read_bytes() in planted]
    assert {path.suffix for path in public} <= {".jpg", ".png", ".webp", ".json", ".md", ".csv", ".tif", ".bmp"}


@pytest.mark.parametrize("quiet", [False, True])
def test_even_a_source_that_gives_them_lets_none_out(photos, policy: Callable[..., Policy], tmp_path, quiet) -> None:
    """The audit's own source in the place of the release's: each is set aside, with findings and without any."""
    fill(photos.path)
    source = Folder(str(photos.path), metadata_only=True)
    treat = Treat(source, policy(), FolderSink(str(tmp_path / "out")), bytes(32), SystemNoise())
    held = [ref for ref in source.refs() if ref.name in HELD.values()]
    assert len(held) == len(HELD)
    for ref in held:
        sample = source.load(ref)
        assert isinstance(sample.media, FileOnly)
        done = Treat(source, policy(), treat.sink, bytes(32), SystemNoise(), {ref.id: ()})(ref) if quiet else treat(ref)
        assert done.result == "quarantined"
        assert done.written is None
    assert not (tmp_path / "out").exists()
    with pytest.raises(WrongMedia):
        treat.sink.write(source.load(held[0]), "name")


def test_release_does_not_ask_for_them() -> None:
    assert Folder("anywhere").metadata_only is False


def test_a_picture_hidden_in_a_film_is_reported_uncompared(photos) -> None:
    (photos.path / "clip.mp4").write_bytes(film().data)
    summary = audit(photos.path, find=("hidden",), workers=1).summary
    assert summary.kinds["hidden_image"].names == ["clip.mp4"]
    assert summary.hidden
    assert all(finding.risk is Risk.HIDDEN and finding.detail["difference"] is None for _, finding in summary.hidden)
