"""release: what goes in is accounted for, what comes out matches its manifest, what is unsafe does not come out."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from veilset.core.errors import (
    BadSetting,
    BrokenContract,
    GateFailed,
    Occupied,
    TooManyOmitted,
    Unproven,
    Unreadable,
    Unruled,
    UsageError,
    WeakNoise,
)
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box, Whole
from veilset.data.folder import Folder
from veilset.flows.release import release
from veilset.flows.verify import verify
from veilset.flows.workplace import Workplace
from veilset.operators.blur import Blur
from veilset.policy.schema import Gate, Named, Policy, ReleaseSettings, Rule

Make = Callable[..., Policy]


def test_a_release_accounts_for_every_sample_and_verifies(photos, policy: Make, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in photos.path.rglob("*") if path.is_file()}
    done = release(photos.path, tmp_path / "out", policy(), workers=1)
    counts = done.manifest.counts
    assert (counts.read, counts.released, counts.dropped, counts.quarantined) == (8, 8, 0, 0)
    assert {path: path.read_bytes() for path in photos.path.rglob("*") if path.is_file()} == before
    checked = verify(tmp_path / "out")
    assert checked.manifest == done.manifest
    assert not (tmp_path / "out" / "private" / "staging").exists()
    assert "everything not found" in (tmp_path / "out" / "public" / "README.md").read_text()


def test_no_folder_of_the_curator_stands_in_what_is_published(photos, tmp_path: Path) -> None:
    place = tmp_path / "customer-alice"
    place.mkdir()
    (place / "cleared.csv").write_text("sample,licence\n*,CC-BY-4.0\n")
    written = tmp_path / "mine.yaml"
    written.write_text(
        f"version: 1\nfind: [metadata, {{licence: {{table: {place / 'cleared.csv'}}}}}]\n"
        'treat: {metadata: strip, licence: keep, "*": refuse}\nrelease: {documents: [datasheet, card]}\n'
    )
    done = release(photos.path, tmp_path / "out", written, workers=1)
    assert done.manifest.policy["find"][1]["licence"]["table"] == "cleared.csv"
    assert not [path for path in (tmp_path / "out/public").rglob("*.*") if b"customer-alice" in path.read_bytes()]
    assert verify(tmp_path / "out").manifest == done.manifest


def test_faces_are_covered_and_the_rest_is_as_it_was(photos, policy: Make, tmp_path: Path) -> None:
    release(photos.path, tmp_path / "out", policy(), workers=1)
    with (tmp_path / "out/private/mapping.csv").open(encoding="utf-8") as rows:
        mapping = {row["original"]: row["released"] for row in csv.DictReader(rows)}
    before = Folder(str(photos.path))
    after = Folder(str(tmp_path / "out/public"))
    originals = {ref.name: ref for ref in before.refs()}
    released = {ref.name: ref for ref in after.refs()}
    assert len(mapping) == 8
    for drawn in photos.drawn:
        old = before.load(originals[drawn.name]).image.pixels.astype(int)
        new = after.load(released[mapping[drawn.name]]).image.pixels.astype(int)
        assert old.shape == new.shape
        for box in drawn.faces:
            inside = new[round(box.y) : round(box.y + box.height), round(box.x) : round(box.x + box.width)]
            assert inside.size == 0 or inside.std() < 3, drawn
        if not drawn.faces:
            assert np.array_equal(old, new)


def test_names_are_fresh_and_the_key_stays_private(photos, policy: Make, tmp_path: Path) -> None:
    release(photos.path, tmp_path / "out", policy(), workers=1)
    public = "".join(path.name for path in (tmp_path / "out/public").rglob("*"))
    assert not any(Path(drawn.name).stem in public for drawn in photos.drawn)
    key = json.loads((tmp_path / "out/private/state.json").read_text())["key"]
    assert all(key.encode() not in path.read_bytes() for path in (tmp_path / "out/public").rglob("*") if path.is_file())
    assert (tmp_path / "out/private").stat().st_mode & 0o077 == 0


def test_kept_names_and_folders(photos, policy: Make, tmp_path: Path) -> None:
    settings = ReleaseSettings(names="keep", folders="keep")
    release(photos.path, tmp_path / "out", policy(release=settings), workers=1)
    there = {
        path.relative_to(tmp_path / "out/public/samples").with_suffix("").as_posix()
        for path in (tmp_path / "out/public/samples").rglob("*")
        if path.is_file()
    }
    assert {str(Path(drawn.name).with_suffix("")) for drawn in photos.drawn} == there


def test_what_cannot_be_read_is_set_aside_and_counted(photos, policy: Make, tmp_path: Path) -> None:
    whole = next(photos.path.rglob("*.jpg")).read_bytes()
    (photos.path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (photos.path / "empty.png").write_bytes(b"")
    (photos.path / "letter.txt").write_text("no picture")
    done = release(photos.path, tmp_path / "out", policy(), workers=1)
    assert done.manifest.counts.quarantined == 2
    aside = (tmp_path / "out/private/quarantine.csv").read_text()
    assert "cut.jpg" in aside
    assert "empty.png" in aside
    assert done.others == 1
    assert "letter.txt" in (tmp_path / "out/private/others.csv").read_text()
    with pytest.raises(TooManyOmitted, match=r"20\.0%"):
        release(photos.path, tmp_path / "two", policy(release=ReleaseSettings(omit_at_most=0.1)), workers=1)
    assert not (tmp_path / "two/public").exists()
    assert not (tmp_path / "two/private/staging").exists()


def test_a_kind_without_a_rule_refuses_and_leaves_nothing(photos, policy: Make, tmp_path: Path) -> None:
    with pytest.raises(Unruled, match="face, for which the policy says refuse"):
        release(photos.path, tmp_path / "out", policy(treat={}), workers=1)
    assert not (tmp_path / "out/public").exists()
    assert not list((tmp_path / "out").rglob("*.jpg"))
    assert "refused" in json.loads((tmp_path / "out/private/refusal.json").read_text())


def test_quarantine_and_keep_verdicts(photos, policy: Make, tmp_path: Path) -> None:
    with_faces = sum(bool(drawn.faces) for drawn in photos.drawn)
    done = release(photos.path, tmp_path / "out", policy(treat={"face": Rule(verdict="quarantine")}), workers=1)
    assert done.manifest.counts.quarantined == with_faces
    done = release(photos.path, tmp_path / "two", policy(treat={"face": Rule(verdict="keep")}), workers=1)
    row = next(row for row in done.manifest.guarantees if row["finding"] == "face")
    assert (row["operator"], row["guarantee"]) == ("keep", "nothing")


@dataclass(frozen=True)
class Says:
    """A probe that says one number."""

    value: float = 0.5
    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """The number, and proof that pairs can be loaded."""
        pair = case.pairs[0]
        assert pair.after is not None
        assert pair.after.image.shape == pair.before.image.shape
        return (Measurement("says", "said", self.value, self.value, self.value, len(case.pairs), "lower"),)


def test_gates_decide(photos, policy: Make, tmp_path: Path) -> None:
    gate = Gate(Named("says", Says()), most=0.4)
    with pytest.raises(GateFailed, match=r"may be as high as 0\.5, the policy allows 0\.4"):
        release(photos.path, tmp_path / "out", policy(gates=(gate,)), workers=1)
    assert not (tmp_path / "out/public").exists()
    assert not list((tmp_path / "out").rglob("*.jpg"))
    refusal = json.loads((tmp_path / "out/private/refusal.json").read_text())
    assert refusal["measurements"][0]["value"] == 0.5
    done = release(photos.path, tmp_path / "out", policy(gates=(Gate(Named("says", Says()), most=0.6),)), workers=1)
    assert done.manifest.measurements[0]["n"] == 8


def test_an_empirical_promise_without_its_probe_is_unproven(photos, policy: Make, tmp_path: Path) -> None:
    with pytest.raises(Unproven, match="residual"):
        release(photos.path, tmp_path / "out", policy(treat={"face": Rule((Named("blur", Blur()),))}), workers=1)
    assert not (tmp_path / "out").exists()


def test_seeded_noise_is_refused(photos, policy: Make, tmp_path: Path) -> None:
    with pytest.raises(WeakNoise):
        release(photos.path, tmp_path / "out", policy(), workers=1, noise=SeededNoise(1))


@dataclass(frozen=True)
class Breaks:
    """A detector with a bug."""

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("face",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Fails."""
        raise ZeroDivisionError("a bug")


def test_a_plug_in_that_raises_is_named_and_nothing_is_lost(photos, policy: Make, tmp_path: Path) -> None:
    with pytest.raises(BrokenContract, match=r"detector breaks failed on .*ZeroDivisionError"):
        release(photos.path, tmp_path / "out", policy(find=(Named("breaks", Breaks()),)), workers=1)
    assert not (tmp_path / "out/public").exists()


@dataclass(frozen=True)
class Twin:
    """A set detector: every second sample, in the order of ids, is an outcast."""

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("outcast",)

    def observe(self, sample: Sample) -> int:
        """Its width."""
        return sample.image.width

    def conclude(self, observed: dict[str, int]) -> dict[str, tuple[Finding, ...]]:
        """Every second one."""
        return {one: (Finding("outcast", Whole(), 1.0, "twin"),) for one in sorted(observed)[::2]}


def test_set_detectors_see_the_whole_set_first(photos, policy: Make, tmp_path: Path) -> None:
    treat = {**policy().treat, "outcast": Rule(verdict="quarantine")}
    find = (Named("known", photos.known()), Named("twin", Twin()))
    done = release(photos.path, tmp_path / "out", policy(treat=treat, find=find), workers=1)
    assert (done.manifest.counts.released, done.manifest.counts.quarantined) == (4, 4)


def test_bad_places(photos, policy: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies inside the input"):
        release(photos.path, photos.path / "out", policy(), workers=1)
    with pytest.raises(UsageError, match="the input lies inside the output"):
        release(photos.path, tmp_path, policy(), workers=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("mine")
    with pytest.raises(Occupied, match="not empty and not ours"):
        release(photos.path, tmp_path / "full", policy(), workers=1)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="not a folder"):
        release(photos.path, tmp_path / "file", policy(), workers=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unreadable, match="no picture in this folder"):
        release(tmp_path / "empty", tmp_path / "out", policy(), workers=1)
    with pytest.raises(Exception, match="missing"):
        release(tmp_path / "missing", tmp_path / "out", policy(), workers=1)
    release(photos.path, tmp_path / "out", policy(), workers=1)
    with pytest.raises(UsageError, match="already holds a finished release"):
        release(photos.path, tmp_path / "out", policy(), workers=1)


def test_two_runs_cannot_write_into_one_output(photos, policy: Make, tmp_path: Path) -> None:
    with Workplace(tmp_path / "out").locked(), pytest.raises(Occupied, match="another run is writing"):
        release(photos.path, tmp_path / "out", policy(), workers=1)


def test_going_on_with_another_policy_is_refused(photos, policy: Make, tmp_path: Path) -> None:
    place = Workplace(tmp_path / "out")
    with place.locked():
        place.start({"policy": "another", "source": str(photos.path.resolve())})
    with pytest.raises(UsageError, match="begun with another policy"):
        release(photos.path, tmp_path / "out", policy(), workers=1)


def test_names_that_are_kept_and_cannot_be_are_set_aside(photos, policy: Make, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    drawn = next(path for path in sorted(photos.path.rglob("*.png"))).read_bytes()
    names = [
        b"x" * 251 + b".png",
        b"y" * 255,
        b"caf\xe9.png",
        b"Case.png",
        b"case.png",
        "ÉTÉ.png".encode(),
        "été.png".encode(),
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_bytes(drawn)
    kept = replace(policy().release, names="keep", folders="keep", omit_at_most=1.0)
    done = release(source, tmp_path / "out", replace(policy(), release=kept), workers=1)
    assert (done.manifest.counts.released, done.manifest.counts.quarantined) == (5, 2)
    released = [path.stem for path in (tmp_path / "out/public/samples").iterdir()]
    assert "x" * 251 in released
    assert len({stem.casefold() for stem in released}) == 5
    aside = (tmp_path / "out/private/quarantine.csv").read_bytes()
    assert b"too long" in aside
    assert b"UTF-8" in aside
    verify(tmp_path / "out")


@dataclass(frozen=True)
class Nonsense:
    """What a plug-in gives that does not know its role."""

    given: object = None
    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("face",)

    def find(self, sample: Sample) -> object:
        if self.given == "nan":
            return (Finding("face", Box(float("nan"), 0, 5, 5), 1.0, "nonsense"),)
        return self.given


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (None, BrokenContract, "detector nonsense gave a NoneType on .* gives Findings"),
        (("face",), BrokenContract, "detector nonsense gave a str"),
        ("nan", BadSetting, "detector nonsense on .*finite"),
    ],
)
def test_a_detector_that_gives_something_else_is_named(
    given: object, error: type[Exception], words: str, photos, tmp_path: Path
) -> None:
    wrong = Policy((Named("nonsense", Nonsense(given)),), {}, Rule(verdict="refuse"))
    with pytest.raises(error, match=words):
        release(photos.path, tmp_path / "out", wrong, workers=1)
    assert not (tmp_path / "out/public").exists()
