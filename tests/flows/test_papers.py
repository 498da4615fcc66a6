"""A release carries papers that say what its manifest says, signed; anything else is found and named."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from veilset.core.errors import GateFailed, Tampered, Unreadable
from veilset.core.manifest import FileEntry, Manifest
from veilset.documents.questions import QUESTIONS
from veilset.flows.catalog import catalog
from veilset.flows.papers import foreseen
from veilset.flows.release import release
from veilset.flows.signing import keys
from veilset.flows.statements import ask, make
from veilset.flows.verify import verify
from veilset.policy.schema import Policy, ReleaseSettings
from veilset.records.releases import registered

ALL = ("card", "croissant", "datasheet", "dpia", "ethics")
ANSWERS = """
name: drawn
description: Drawn pictures for tests.
url: https://example.org/drawn
version: 1.0.0
licence: CC-BY-4.0
creators: [{name: The Lab, type: organization}]
contact: people@example.org
datasheet:
  motivation.purpose: To test papers.
"""


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "dataset.yaml"
    path.write_text(ANSWERS, encoding="utf-8")
    return path


@pytest.fixture
def released(photos, policy: Callable[..., Policy], answers: Path, tmp_path: Path) -> Path:
    pair = keys(tmp_path / "keys")
    chosen = policy(release=ReleaseSettings(documents=ALL))
    release(photos.path, tmp_path / "out", chosen, workers=1, answers=answers, key=pair.private)
    return tmp_path / "out"


def test_the_papers_are_there_and_verify_against_the_trusted_key(released: Path, tmp_path: Path) -> None:
    public = released / "public"
    for name in ("README.md", "croissant.json", "papers/datasheet.html", "papers/ethics.json", "papers/dpia.md"):
        assert (public / name).is_file()
    done = verify(released, key=tmp_path / "keys" / "signing.pub.pem")
    checks = done.checks
    assert done.notes == ()
    assert any("trusted key" in check for check in checks)
    assert any("papers say what the manifest says" in check for check in checks)
    manifest = Manifest.from_json((public / "manifest.json").read_text(encoding="utf-8"))
    assert manifest.papers["findings"]["face"]["count"] > 0
    assert sum(manifest.papers["formats"].values()) == manifest.counts.released


def test_a_release_that_nobody_signed_says_so(photos, policy: Callable[..., Policy], tmp_path: Path) -> None:
    release(photos.path, tmp_path / "out", policy(), workers=1)
    assert "not signed" in verify(tmp_path / "out").notes[0]


def test_mlcroissant_loads_the_release_and_reads_its_pictures(released: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=str(released / "public" / "croissant.json"))
    assert not dataset.metadata.issues.errors
    manifest = Manifest.from_json((released / "public" / "manifest.json").read_text(encoding="utf-8"))
    sets = [record_set.uuid for record_set in dataset.metadata.record_sets]
    count = sum(1 for name in sets for _ in dataset.records(name))
    # The reference reader decodes no WebP: those pictures are described, but have no records.
    undecoded = sum(entry.name.endswith(".webp") for entry in manifest.files)
    assert count == manifest.counts.released - undecoded > 0


def test_nothing_about_the_originals_is_in_public(released: Path, photos) -> None:
    names = {Path(one.name).stem for one in photos.drawn}
    private = (released / "private" / "releases.jsonl").read_text(encoding="utf-8")
    for path in (released / "public").rglob("*"):
        # The policy of this test names the drawn files itself, and the manifest holds the policy.
        if path.suffix in (".md", ".html", ".json") and path.name != "manifest.json":
            assert not any(name in path.read_text(encoding="utf-8") for name in names)
    assert any(name in json.loads(private)["samples"] for name in {one.name for one in photos.drawn})
    assert registered(released / "private")[0].release


def test_a_changed_paper_is_found_even_when_the_manifest_is_made_to_fit(released: Path, tmp_path: Path) -> None:
    public = released / "public"
    paper = public / "papers" / "datasheet.md"
    paper.write_text(paper.read_text(encoding="utf-8").replace("measured", "perfect"), encoding="utf-8")
    with pytest.raises(Tampered, match=r"papers/datasheet\.md"):
        verify(released)
    manifest = Manifest.from_json((public / "manifest.json").read_text(encoding="utf-8"))
    content = paper.read_bytes()
    entry = FileEntry("papers/datasheet.md", hashlib.sha256(content).hexdigest(), len(content))
    files = tuple(entry if one.name == entry.name else one for one in manifest.files)
    (public / "manifest.json").write_text(replace(manifest, files=files).to_json(), encoding="utf-8")
    with pytest.raises(Tampered, match=r"manifest\.json was changed after it was signed"):
        verify(released)
    (public / "manifest.sig").unlink()
    with pytest.raises(Tampered, match=r"papers/datasheet\.md says something else"):
        verify(released)
    with pytest.raises(Tampered, match="missing"):
        verify(released, key=tmp_path / "keys" / "signing.pub.pem")


def test_somebody_elses_key_is_refused(released: Path, tmp_path: Path) -> None:
    other = keys(tmp_path / "other")
    with pytest.raises(Tampered, match="trusted"):
        verify(released, key=other.public)


def test_unanswered_questions_can_be_a_gate(
    photos, policy: Callable[..., Policy], answers: Path, tmp_path: Path
) -> None:
    chosen = policy(release=ReleaseSettings(documents=("datasheet",), complete=True))
    with pytest.raises(GateFailed, match=r"datasheet: motivation\.creators"):
        release(photos.path, tmp_path / "out", chosen, workers=1, answers=answers)
    assert not (tmp_path / "out").exists()


def test_a_missing_answer_is_known_before_any_picture_is_looked_at(
    photos, policy: Callable[..., Policy], answers: Path, tmp_path: Path
) -> None:
    """The folder does not even exist: whoever looked would say so first."""
    chosen = policy(release=ReleaseSettings(documents=ALL, complete=True))
    with pytest.raises(GateFailed, match=r"datasheet: .*; dpia: ") as refused:
        release(tmp_path / "nowhere", tmp_path / "out", chosen, workers=1, answers=answers)
    said = refused.value.message
    # What the release itself will say is not asked for: counts, treatments, software, when it was made.
    assert not any(key in said for key in ("composition.count", "preprocessing.done", "distribution.when"))
    # Nobody in this policy looks at licences, so no measurement will ever answer this one.
    assert "distribution.rights" in said or "distribution.rights" not in mandatory()


def test_what_is_foreseen_is_at_least_what_comes(photos, policy: Callable[..., Policy], tmp_path: Path) -> None:
    """A question that the finished release answers by itself must not be asked beforehand."""
    chosen = policy(release=ReleaseSettings(documents=ALL))
    done = release(photos.path, tmp_path / "out", chosen, workers=1)
    for name in ALL:
        document = catalog().build("document", name)
        assert set(document.missing(foreseen(chosen, {}))) <= set(document.missing(done.manifest))


def mandatory() -> set[str]:
    return {question.key for question in QUESTIONS if question.mandatory}


def test_a_key_that_cannot_be_read_stops_before_the_work(photos, policy: Callable[..., Policy], tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        release(photos.path, tmp_path / "out", policy(), workers=1, key=tmp_path / "none.pem")
    assert not (tmp_path / "out").exists()


def test_who_holds_a_photograph_can_ask(released: Path, photos, tmp_path: Path) -> None:
    statement = make(released, photos.path, cost=4)
    held = {one.name: ask(statement, photos.path / one.name)[1] for one in photos.drawn}
    assert all(held.values())
    treated = {one.name for one in photos.drawn if one.faces}
    made_into = registered(released / "private")[0].samples
    assert not any(ask(statement, released / "public" / made_into[name])[1] for name in treated)
