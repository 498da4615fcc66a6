"""verify: one changed byte, a missing or a foreign file, a contradiction: each is found and named."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL import Image as Pillow

from veilset.core.errors import CountsDoNotAdd, Malformed, Residue, Tampered, UsageError
from veilset.core.finding import Finding
from veilset.core.manifest import fingerprint
from veilset.core.registry import Entry, Registry
from veilset.core.sample import Sample
from veilset.core.where import Box
from veilset.flows.assemble import entries_of
from veilset.flows.catalog import catalog
from veilset.flows.release import release
from veilset.flows.verify import verify


@pytest.fixture
def public(photos, policy, tmp_path: Path) -> Path:
    release(photos.path, tmp_path / "out", policy(), workers=1)
    return tmp_path / "out/public"


def edit(public: Path, **changes: object) -> None:
    plain = json.loads((public / "manifest.json").read_text())
    plain.update(changes)
    (public / "manifest.json").write_text(json.dumps(plain))


def relist(public: Path) -> None:
    """A forger who also rewrites the list of files."""
    files = [e for e in entries_of(public) if e.name != "manifest.json"]
    edit(public, files=[{"name": e.name, "sha256": e.sha256, "size": e.size} for e in files])


def test_one_changed_bit_is_named(public: Path) -> None:
    victim = sorted((public / "samples").iterdir())[3]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(Tampered, match=f"changed: samples/{victim.name}"):
        verify(public)


def test_missing_and_foreign_files_are_named(public: Path) -> None:
    victim = min((public / "samples").iterdir())
    victim.unlink()
    (public / "extra.txt").write_text("hello")
    with pytest.raises(Tampered) as caught:
        verify(public)
    assert f"missing: samples/{victim.name}" in caught.value.message
    assert "not in the manifest: extra.txt" in caught.value.message


def test_a_link_in_a_release_is_refused(public: Path) -> None:
    (public / "samples/link.jpg").symlink_to("/etc/hostname")
    with pytest.raises(Tampered, match="not a plain file"):
        verify(public)


def test_a_policy_that_was_edited_is_found(public: Path) -> None:
    plain = json.loads((public / "manifest.json").read_text())
    plain["policy"]["treat"]["face"] = "keep"
    edit(public, policy=plain["policy"])
    with pytest.raises(Tampered, match="does not match its hash"):
        verify(public)
    edit(public, policy_sha256=fingerprint(plain["policy"]))
    verify(public)


def test_counts_that_do_not_add_are_found(public: Path) -> None:
    edit(public, counts={"read": 9, "released": 8, "dropped": 0, "quarantined": 0})
    with pytest.raises(CountsDoNotAdd):
        verify(public)
    edit(public, counts={"read": 9, "released": 9, "dropped": 0, "quarantined": 0})
    with pytest.raises(Tampered, match="9 samples released, but 8 are listed"):
        verify(public)


def test_metadata_put_back_by_a_forger_is_found(public: Path) -> None:
    victim = next((public / "samples").glob("*.jpg"))
    with Pillow.open(victim) as picture:
        exif = picture.getexif()
        exif[0x013B] = "somebody"
        picture.save(victim, "jpeg", exif=exif)
    relist(public)
    with pytest.raises(Residue, match=victim.name):
        verify(public)


def test_what_is_no_release_is_said(tmp_path: Path, public: Path) -> None:
    with pytest.raises(UsageError, match=r"no manifest\.json"):
        verify(tmp_path)
    (public / "manifest.json").write_text("{}")
    with pytest.raises(Malformed, match="schema is None"):
        verify(public)
    (public / "manifest.json").write_text('{"schema": "veilset-manifest/1"}')
    with pytest.raises(Malformed, match="not a manifest"):
        verify(public)


def test_a_folder_that_holds_nothing_is_named(public: Path) -> None:
    (public / "samples/Jane Doe").mkdir()
    with pytest.raises(Tampered, match="an empty folder: samples/Jane Doe"):
        verify(public)


def test_a_file_that_is_listed_twice_is_named(public: Path) -> None:
    files = json.loads((public / "manifest.json").read_text())["files"]
    edit(public, files=[*files, files[0]])
    with pytest.raises(Tampered, match=f"listed twice: {files[0]['name']}"):
        verify(public)


def test_what_the_re_audit_would_pass_over_is_named(public: Path) -> None:
    """A forger's manifest that lists a file in place of a sample which no source of pictures shows."""
    victim = min((public / "samples").iterdir())
    victim.rename(public / "samples/.hidden")
    relist(public)
    with pytest.raises(Tampered, match=r"samples/\.hidden"):
        verify(public)


def test_a_manifest_that_is_nested_without_end_is_malformed(public: Path) -> None:
    (public / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(Malformed):
        verify(public)


@dataclass(frozen=True)
class SeesJpeg:
    """Stands for the face detector: sees a face in every JPEG."""

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        return (Finding("face", Box(0, 0, 9, 9), 1.0, "t"),) if sample.origin.name.endswith(".jpg") else ()


def test_a_deep_check_names_the_pictures_in_which_a_face_is_seen(public: Path) -> None:
    usual = catalog()
    table = {"face": Entry(f"{__name__}:SeesJpeg", "Stands for the face detector.")}
    names = replace(usual, detectors=Registry("detector", table, group=None))
    large = sorted(path.name for path in (public / "samples").glob("*.jpg"))
    checked = verify(public, deep=True, names=names)
    assert 0 < len(large) < 8
    assert [Path(name).name for name in checked.showing] == large
    assert checked.measurements[0].value == len(large) / 8
    assert verify(public).showing == ()
