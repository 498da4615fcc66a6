import json
from dataclasses import replace

from ruamel.yaml import YAML

from veilset.core.manifest import Manifest
from veilset.documents.card import Card


def head_of(manifest: Manifest) -> dict:
    text = Card().files(manifest)["README.md"]
    _, head, _ = text.split("---\n", 2)
    return YAML(typ="safe", pure=True).load(head)


def with_answers(manifest: Manifest, **answers: object) -> Manifest:
    papers = json.loads(json.dumps(manifest.papers))
    papers["answers"].update(answers)
    return replace(manifest, papers=papers)


def test_the_head_is_yaml_with_keys_of_the_hub(manifest: Manifest) -> None:
    head = head_of(manifest)
    assert head["license"] == "cc-by-4.0"
    assert head["size_categories"] == ["n<1K"]
    assert head["pretty_name"] == "drawn-faces"
    assert head["language"] == ["en"]
    allowed = {"pretty_name", "license", "license_name", "language", "tags", "task_categories", "size_categories",
               "source_datasets", "extra_gated_prompt", "extra_gated_fields"}  # fmt: skip
    assert set(head) <= allowed


def test_an_answer_cannot_break_out_of_the_head(manifest: Manifest) -> None:
    hostile = 'x"\n---\nlicense: mit # : {'
    assert head_of(with_answers(manifest, name=hostile))["pretty_name"] == hostile


def test_a_licence_the_hub_does_not_know_is_other(manifest: Manifest) -> None:
    head = head_of(with_answers(manifest, licence="CC-BY-NC-ND-1.0"))
    assert (head["license"], head["license_name"]) == ("other", "CC-BY-NC-ND-1.0")


def test_terms_become_a_gate(manifest: Manifest) -> None:
    assert "extra_gated_prompt" not in head_of(manifest)
    head = head_of(with_answers(manifest, access_terms="Do no harm."))
    assert head["extra_gated_prompt"] == "Do no harm."
    assert list(head["extra_gated_fields"].values()) == ["checkbox"]


def test_the_page_carries_the_tables_and_says_what_is_missing(manifest: Manifest, bare: Manifest) -> None:
    text = Card().files(manifest)["README.md"]
    for words in ("0.0173", "0.0119 to 0.0287", "dp_pix", "Nothing is promised", "people@example.org"):
        assert words in text
    assert Card().missing(manifest) == ()
    assert Card().missing(bare) == ("name", "description", "licence", "contact")
    empty = Card().files(bare)["README.md"]
    assert "UNANSWERED: no contact" in empty
    assert "license" not in empty.split("---")[1]


def test_it_points_to_the_papers_that_are_there(manifest: Manifest) -> None:
    chosen = replace(manifest, policy={"release": {"documents": ["card", "ethics"]}})
    text = Card().files(chosen)["README.md"]
    assert "(papers/ethics.md)" in text
    assert "papers/datasheet" not in text


def test_the_page_renders_as_tables(manifest: Manifest) -> None:
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").render(Card().files(manifest)["README.md"].split("---\n", 2)[2])
    assert html.count("<table>") == 3
    assert "<b>Lab</b>" not in html


def test_what_is_forbidden_does_not_stand_under_uses(manifest: Manifest) -> None:
    answers = {"uses.possible": "Counting cars.", "uses.forbidden": "Recognising people."}
    text = Card().files(with_answers(manifest, datasheet=answers))["README.md"]
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    assert sections["Uses"].strip() == "Counting cars."
    assert sections["What it must not be used for"].strip() == "Recognising people."
