import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from veilset.core.errors import BadSetting
from veilset.core.manifest import Manifest
from veilset.documents.datasheet import Datasheet
from veilset.documents.known import MEASURED
from veilset.documents.questions import QUESTIONS, TITLES, in_section


def test_all_seven_sections_and_every_question_are_there(manifest: Manifest) -> None:
    text = Datasheet().files(manifest)["papers/datasheet.md"]
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(TITLES.values())
    assert len(TITLES) == 7
    assert all(question.text in text for question in QUESTIONS)
    assert len({question.key for question in QUESTIONS}) == len(QUESTIONS) >= 57
    assert sum(len(in_section(section)) for section in TITLES) == len(QUESTIONS)


def test_what_is_marked_measured_is_and_nothing_else() -> None:
    assert {question.key for question in QUESTIONS if question.measured} == set(MEASURED)


def test_nothing_is_filled_in_for_a_question_without_an_answer(bare: Manifest) -> None:
    paper = Datasheet().paper(bare)
    statuses = {entry.key: entry.status for section in paper.sections for entry in section.entries}
    assert statuses["motivation.purpose"] == "UNANSWERED"
    assert statuses["composition.identifiable"] == "UNANSWERED"
    assert statuses["composition.count"] == "measured"
    assert set(Datasheet().missing(bare)) == {
        q.key for q in QUESTIONS if q.mandatory and q.key not in ("composition.count", "composition.missing")
    }
    assert "UNANSWERED" in Datasheet().files(bare)["papers/datasheet.html"]


def test_a_full_set_of_answers_leaves_nothing_missing(manifest: Manifest) -> None:
    assert Datasheet().missing(manifest) == ()
    without = json.loads(json.dumps(manifest.papers))
    del without["answers"]["datasheet"]["uses.forbidden"]
    assert Datasheet().missing(replace(manifest, papers=without)) == ("uses.forbidden",)


def test_measured_and_answered_stand_side_by_side(manifest: Manifest) -> None:
    papers = json.loads(json.dumps(manifest.papers))
    papers["answers"]["datasheet"]["composition.people"] = "Yes: 3 of them."
    text = Datasheet(formats=("md",)).files(replace(manifest, papers=papers))["papers/datasheet.md"]
    part = text.split("Does it show people?")[1].split("###")[0]
    assert "measured and answered" in part
    assert "kind face: 531" in part
    assert "Yes: 3 of them." in part


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("href", "src")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(manifest: Manifest) -> None:
    papers = json.loads(json.dumps(manifest.papers))
    papers["answers"]["name"] = '<script>alert("x")</script><img src=//evil>'
    papers["answers"]["datasheet"]["motivation.purpose"] = "</p><script>x</script>\n# heading | cell"
    files = Datasheet().files(replace(manifest, papers=papers))
    parser = Tags()
    parser.feed(files["papers/datasheet.html"])
    assert not parser.open
    assert not {"script", "img", "link", "b"} & set(parser.tags)
    assert all(link.startswith("../manifest.json#/") for link in parser.links)
    assert "<script" not in files["papers/datasheet.md"]
    assert "\n# heading" not in files["papers/datasheet.md"]


def test_only_formats_that_there_are() -> None:
    with pytest.raises(BadSetting):
        Datasheet(formats=("pdf",))


def test_only_what_must_be_answered_is_marked_when_it_is_open(bare: Manifest) -> None:
    page = Datasheet().files(bare)["papers/datasheet.html"]
    marked = set(re.findall(r'class="status unanswered">.*?<code>([\w.]+)</code>', page))
    assert marked == set(Datasheet().missing(bare))
    assert "motivation.other" not in marked
