"""No number stands in a paper that does not stand in the manifest."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from veilset.core.manifest import Counts, Manifest
from veilset.core.registry import Registry
from veilset.documents import TABLE
from veilset.documents.croissant import CONTEXT
from veilset.documents.paper import Facts

NUMBER = re.compile(r"\d+(?:[.:,eE+-]*\d+)*")
DOCUMENTS = Registry("document", TABLE, group=None)


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


def numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text))


def visible(name: str, text: str) -> str:
    """What a reader sees: without evidence links, entities, style and the fixed names of vocabularies."""
    if name == "croissant.json":
        plain = json.loads(text)
        assert plain.pop("@context") == CONTEXT
        assert len(plain.pop("conformsTo")) == 2
        for node in plain.get("distribution", []) + plain.get("prov:wasGeneratedBy", []):
            node.pop("@id", None)
        text = json.dumps(plain, ensure_ascii=False)
        return re.sub(r'"(?:sha256|treatment/)[^"]*"', "", text).replace("sha256", "")
    if name.endswith(".json"):
        plain = json.loads(text)
        return "\n".join(texts(_without_evidence(plain)))
    text = re.sub(r"<style>.*?</style>|initial-scale=1|utf-8|</?h\d>|<a href[^>]*>|#x27", "", text, flags=re.DOTALL)
    text = re.sub(r"\[\[evidence\]\([^)]*\)\]", "", text)
    return re.sub(r"^size_categories:.*$", "", text, flags=re.MULTILINE)


def _without_evidence(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_evidence(item) for key, item in value.items() if key != "evidence"}
    return [_without_evidence(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_number_stands_in_the_manifest(name: str, manifest: Manifest) -> None:
    known = set().union(*(numbers(text) for text in texts(json.loads(manifest.to_json()))))
    files = DOCUMENTS.load(name)().files(manifest)
    assert files
    for path, text in files.items():
        assert numbers(visible(path, text)) <= known, path


@pytest.mark.parametrize("name", ["card", "croissant", "datasheet", "dpia"])
def test_numbers_follow_the_manifest(name: str, manifest: Manifest) -> None:
    other = replace(manifest, counts=Counts(9871, 9001, 523, 347))
    for text in DOCUMENTS.load(name)().files(other).values():
        assert {"9871", "9001", "523", "347"} <= numbers(text)


def test_the_check_can_fail(manifest: Manifest) -> None:
    known = set().union(*(numbers(text) for text in texts(json.loads(manifest.to_json()))))
    assert not numbers("about 98.3 per cent") <= known


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_evidence_link_leads_somewhere(name: str, manifest: Manifest) -> None:
    facts = Facts.of(manifest)
    for path, text in DOCUMENTS.load(name)().files(manifest).items():
        pointers = re.findall(r"manifest\.json#(/[^)\"]+)", text)
        assert all(facts.at(pointer) is not None for pointer in pointers), path
        assert pointers or path.endswith(".json")


@pytest.mark.parametrize("name", sorted(TABLE))
def test_the_same_manifest_gives_the_same_bytes(name: str, manifest: Manifest) -> None:
    document = DOCUMENTS.load(name)()
    again = Manifest.from_json(manifest.to_json())
    assert document.files(manifest) == document.files(again)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_papers_do_not_speak_about_themselves(name: str, release: tuple[object, Manifest]) -> None:
    from veilset.core.manifest import FileEntry

    manifest = release[1]
    document = DOCUMENTS.load(name)()
    own = tuple(FileEntry(path, "ef" * 32, 5) for path in document.files(manifest))
    assert document.files(replace(manifest, files=(*manifest.files, *own))) == document.files(manifest)
