import copy
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from veilset.core.manifest import Manifest
from veilset.documents.croissant import Croissant, describe
from veilset.documents.croissant_lint import REQUIRED, lint
from veilset.documents.paper import Facts
from veilset.documents.rai import PROPERTIES


@pytest.fixture
def plain(release: tuple[Path, Manifest]) -> dict[str, Any]:
    return json.loads(json.dumps(describe(Facts.of(release[1]))))


def test_mlcroissant_loads_it_and_reads_the_pictures(
    release: tuple[Path, Manifest], caplog: pytest.LogCaptureFixture
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    folder, manifest = release
    (folder / "croissant.json").write_text(Croissant().files(manifest)["croissant.json"], encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not [record for record in caplog.records if "Found" in record.getMessage()]
    assert not dataset.metadata.issues.errors
    assert not dataset.metadata.issues.warnings
    records = list(dataset.records("images-png/records"))
    assert len(records) == 3
    assert {record["images-png/records/image"].size for record in records} == {(8, 6)}
    assert dataset.metadata.data_biases == ["drawn by one hand"]
    assert dataset.metadata.data_social_impact == "none | known"


def test_it_is_valid_json_ld_with_provenance(plain: dict[str, Any]) -> None:
    rdflib = pytest.importorskip("rdflib")
    graph = rdflib.Graph().parse(data=json.dumps(plain), format="json-ld")
    prov = rdflib.Namespace("http://www.w3.org/ns/prov#")
    assert len(list(graph.subjects(rdflib.RDF.type, prov.Activity))) == 3
    assert len(list(graph.objects(None, prov.wasDerivedFrom))) == 1
    rai = "http://mlcommons.org/croissant/RAI/"
    used = {str(p).removeprefix(rai) for p in graph.predicates() if str(p).startswith(rai)}
    assert (
        {"dataCollectionTimeframe", "dataManipulationProtocol", "personalSensitiveInformation"}
        <= used
        <= set(PROPERTIES)
    )


def test_a_full_description_has_nothing_for_the_lint(plain: dict[str, Any], release: tuple[Path, Manifest]) -> None:
    assert lint(plain) == ()
    assert Croissant().missing(release[1]) == ()


def test_what_nobody_answered_is_left_out_and_said(bare: Manifest) -> None:
    plain = describe(Facts.of(bare))
    for name in ("license", "creator", "url", "name", "description"):
        assert name not in plain
        assert f"{name} is required" in Croissant().missing(bare)


@pytest.mark.parametrize("name", REQUIRED)
def test_the_lint_misses_no_required_property(plain: dict[str, Any], name: str) -> None:
    del plain[name]
    assert any(problem.startswith(name) for problem in lint(plain))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"license": "banana"}, "banana"),
        ({"license": ["CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"]}, "SPDX"),
        ({"version": "1.0"}, "version"),
        ({"datePublished": "soon"}, "datePublished"),
        ({"url": "example.org"}, "url"),
        ({"creator": [{"@type": "sc:Person"}]}, "creator"),
        ({"@type": "sc:Thing"}, "@type"),
        ({"rai:dataBias": "x"}, "rai:dataBias is not"),
        ({"rai:dataSocialImpact": ["a", "b"]}, "only once"),
        ({"rai:dataBiases": [" "]}, "must be text"),
        ({"rai:dataCollectionTimeframe": ["long ago"]}, "Timeframe"),
        ({"rai:dataCollectionTimeframe": ["2024-01-02", "2023-01-01"]}, "Timeframe"),
        ({"conformsTo": ["http://mlcommons.org/croissant/1.1"]}, "RAI"),
        ({"conformsTo": ["http://mlcommons.org/croissant/RAI/1.0"]}, "conformsTo must name a version"),
        ({"@context": {"sc": "http://schema.org/"}}, "https"),
        ({"distribution": []}, "empty"),
        ({"distribution": [{"@type": "cr:FileObject", "@id": "a", "sha256": "0"}]}, "lower-case hex"),
        ({"distribution": [{"@type": "cr:Thing", "@id": "a"}]}, "cr:FileObject or"),
        ({"distribution": [{"@type": "cr:FileSet", "@id": "images-png", "name": "n"}]}, "includes is required"),
    ],
)
def test_the_lint_sees_what_the_validator_lets_pass(plain: dict[str, Any], change: dict[str, Any], said: str) -> None:
    broken = {**copy.deepcopy(plain), **change}
    assert any(said in problem for problem in lint(broken)), lint(broken)


def test_the_lint_sees_broken_references(plain: dict[str, Any]) -> None:
    plain["recordSet"][0]["field"][0]["source"]["fileSet"]["@id"] = "gone"
    plain["recordSet"][0]["field"][-1]["@id"] = plain["recordSet"][0]["@id"]
    assert any("gone" in problem for problem in lint(plain))
    assert any("more than once" in problem for problem in lint(plain))


def test_pictures_of_several_folders_and_types_are_several_sets(release: tuple[Path, Manifest]) -> None:
    manifest = release[1]
    more = tuple(
        replace(manifest.files[0], name=name) for name in ("a/1.jpg", "b/1.jpg", "b/2.JPG", "top.webp", "x.bin")
    )
    plain = describe(Facts.of(replace(manifest, files=more)))
    includes = {one.get("includes") for one in plain["distribution"]}
    assert includes == {"a/*.jpg", "b/*.jpg", "b/*.JPG", "*.webp", None}
    assert lint(plain) == ()
