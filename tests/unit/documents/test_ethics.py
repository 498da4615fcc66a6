import json
from dataclasses import replace

from veilset.core.manifest import Manifest
from veilset.documents.checklists import DPIA, ETHICS
from veilset.documents.dpia import Dpia
from veilset.documents.ethics import Ethics


def test_every_item_shows_who_decided_what_and_when(manifest: Manifest) -> None:
    text = Ethics().files(manifest)["papers/ethics.md"]
    assert text.count("accepted, by Board 9 on 2025-02-03. fine") == len(ETHICS)
    assert all(item.text in text for item in ETHICS)
    assert "0.0173" in text
    assert Ethics().missing(manifest) == ()


def test_evidence_alone_decides_nothing_and_a_rejection_stays_one(manifest: Manifest, bare: Manifest) -> None:
    assert set(Ethics().missing(bare)) == {item.key for item in ETHICS}
    papers = json.loads(json.dumps(manifest.papers))
    papers["answers"]["ethics"]["residual"]["decision"] = "rejected"
    del papers["answers"]["ethics"]["groups"]
    assert Ethics().missing(replace(manifest, papers=papers)) == ("groups", "residual")


def test_the_assessment_asks_people_beside_what_is_measured(manifest: Manifest, bare: Manifest) -> None:
    text = Dpia().files(manifest)["papers/dpia.md"]
    assert all(item.text in text for item in DPIA)
    for words in ("Thought about.", "531", "dp_pix", "everything not found", "0.9011"):
        assert words in text
    assert Dpia().missing(manifest) == ()
    assert set(Dpia().missing(bare)) == {item.key for item in DPIA}
