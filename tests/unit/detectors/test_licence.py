from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import Unreadable
from veilset.core.roles import Detector
from veilset.core.sample import Image, Origin, Sample, TagValue
from veilset.detectors.licence import Licence

BY = "https://creativecommons.org/licenses/by/4.0/"


def sample(name: str, *tags: TagValue) -> Sample:
    return Sample("id", Image(np.zeros((8, 8, 3), np.uint8)), tags=tags, origin=Origin(name))


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    table = tmp_path / "origins.csv"
    table.write_text(f"sample,licence\na/by.jpg,{BY}\na/nd.jpg,CC-BY-ND-4.0\na/two.jpg,CC0-1.0\na/two.jpg,MIT\n")
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "b").mkdir()
    (tmp_path / "set" / "b" / "LICENSE").write_text("CC-BY-SA-4.0\n")
    return {"table": str(table), "folder": str(tmp_path / "set")}


def words(detector: Licence, one: Sample) -> list[str]:
    return [finding.detail["words"] for finding in detector.find(one)]


def test_every_source_is_asked_and_in_doubt_none_holds(places: dict[str, str]) -> None:
    detector = Licence(**places)
    assert isinstance(detector, Detector)
    assert words(detector, sample("a/by.jpg")) == []
    assert "changed versions" in words(detector, sample("a/nd.jpg"))[0]
    assert "different licences" in words(detector, sample("a/two.jpg"))[0]
    assert "no licence is known" in words(detector, sample("a/unlisted.jpg"))[0]
    assert "stay under it" in words(detector, sample("b/x.jpg"))[0]
    assert words(Licence(**places, release_licence="CC-BY-SA-4.0"), sample("b/x.jpg")) == []


def test_the_files_own_tags_count_and_contradict(places: dict[str, str]) -> None:
    detector = Licence(**places)
    own = TagValue("xmp/cc:license", "https://creativecommons.org/licenses/by-nc/2.0/")
    assert words(detector, sample("c/x.jpg", own)) == []
    assert "commercial" in words(Licence(**places, commercial=True), sample("c/x.jpg", own))[0]
    assert "different licences" in words(detector, sample("a/by.jpg", own))[0]
    assert words(detector, sample("a/by.jpg", TagValue("exif/ifd0/Copyright", b"(c) somebody"))) == []
    reserved = TagValue("exif/ifd0/Copyright", b"(c) somebody, all rights reserved")
    assert "different licences" in words(detector, sample("a/by.jpg", reserved))[0]
    assert "all rights are reserved" in words(detector, sample("c/x.jpg", reserved))[0]


def test_a_table_that_is_not_there_allows_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Licence(table=str(tmp_path / "none.csv")).find(sample("a"))
    assert words(Licence(), sample("a"))


def test_no_finding_shows_what_a_tag_says(places: dict[str, str]) -> None:
    secret = TagValue("exif/ifd0/Copyright", "Jane Doe, all rights reserved")
    assert "Jane" not in repr(Licence(**places).find(sample("c/x.jpg", secret)))
