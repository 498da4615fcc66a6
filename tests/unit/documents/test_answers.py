from pathlib import Path

import pytest
from ruamel.yaml import YAML

from veilset.core.errors import PolicyError, Unreadable
from veilset.documents.answers import problems, read_answers, template


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "dataset.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_dates_become_texts_and_empty_answers_go(tmp_path: Path) -> None:
    text = "name: x\nurl:\nethics:\n  dignity: {decision: accepted, by: me, date: 2025-02-03}\n"
    plain = read_answers(write(tmp_path, text))
    assert plain == {"name": "x", "ethics": {"dignity": {"decision": "accepted", "by": "me", "date": "2025-02-03"}}}


def test_the_template_is_valid_and_says_nothing(tmp_path: Path) -> None:
    plain = read_answers(write(tmp_path, template()))
    assert all(value is None for part in plain.values() for value in part.values())
    assert YAML(typ="safe", pure=True).load(template())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae: x", "did you mean 'name'"),
        ("datasheet: {motivation.purposes: x}", "did you mean 'motivation.purpose'"),
        ("rai: {dataBias: x}", "dataBias"),
        ("dpia: {riks: x}", "risks"),
        ("ethics: {dignity: yes}", "needs decision"),
        ("ethics: {dignity: {decision: maybe, by: me, date: 2025-01-01}}", "accepted"),
        ("ethics: {dignity: {decision: accepted, by: me, date: soon}}", "date"),
        ("creators: [me]", "name"),
        ("creators: [{name: me, type: robot}]", "person or organization"),
        ("licence: cc by", "SPDX"),
        ("keywords: a", "keywords must be a list"),
        ("- a", "mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_answer_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        read_answers(write(tmp_path, text))


def test_all_problems_are_listed_at_once() -> None:
    assert len(problems({"datasheet": {"a": 1}, "rai": {"b": 2}, "licence": "c"})) == 3


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        read_answers(tmp_path / "dataset.yaml")
