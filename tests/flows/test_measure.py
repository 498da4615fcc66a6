import json
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import Malformed, UnknownName, UsageError
from veilset.core.measurement import Measurement
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.measure import measure
from veilset.flows.measure_pairs import changed_regions
from veilset.flows.measure_places import place_of
from veilset.flows.release import release
from veilset.flows.report.rungs import verdict


def crowd(root: Path, treat, people=8, each=4):
    """Folders `before` and `after`, one subfolder a person, each picture with a frame around the face."""
    rng = np.random.default_rng(0)
    for person in range(people):
        own = np.random.default_rng(person)
        spots = own.uniform(0.2, 0.8, (6, 2)), own.uniform(0.06, 0.16, 6), own.normal(0, 60, 6)
        y, x = np.mgrid[0:64, 0:64] / 64
        for shot in range(each):
            plain = np.full((64, 64), 130.0) + rng.normal(0, 6)
            for (cx, cy), width, depth in zip(*spots, strict=True):
                plain += depth * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
            picture = rng.integers(60, 200, (128, 160, 3)).astype(float)
            picture = cv2.GaussianBlur(picture, (0, 0), 9)
            picture[32:96, 48:112] = plain[:, :, None] + rng.normal(0, 3, (64, 64, 3))
            picture = np.clip(picture, 0, 255).astype(np.uint8)
            treated = picture.copy()
            treated[32:96, 48:112] = treat(picture[32:96, 48:112])
            for side, pixels in (("before", picture), ("after", treated)):
                folder = root / side / f"p{person}"
                folder.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(folder / f"{shot}.png"), pixels)
    return root / "before", root / "after"


def mosaic(face):
    return cv2.resize(cv2.resize(face, (6, 6), interpolation=cv2.INTER_AREA), (64, 64), interpolation=cv2.INTER_NEAREST)


def test_a_mosaic_is_called_what_it_is(tmp_path):
    before, after = crowd(tmp_path, mosaic)
    done = measure(before, after, quick=True, subjects="folder", report=tmp_path / "r.html")
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("r.*")} == {0}
    by = {(m.probe, m.name): m for m in done.measurements}
    assert done.pairs == (32, 32)
    assert by["reidentify", "rank1"].low > 3 / 8
    assert "does not stop it" in verdict(by["reidentify", "rank1"])
    page = (tmp_path / "r.html").read_text()
    assert page.index("PRIVATE") < page.index("<h1>")
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("data:image/png") >= 9
    plain = json.loads((tmp_path / "r.json").read_text())
    assert {m["probe"] for m in plain["measurements"]} >= {"reidentify", "deobfuscate", "link", "interpolate"}


def test_a_mask_is_not_told_from_a_guess(tmp_path):
    before, after = crowd(tmp_path, lambda face: face * 0)
    done = measure(before, after, probes=["reidentify"], subjects="folder")
    first = done.measurements[0]
    assert first.low <= first.chance <= first.high


def test_what_cannot_be_tested_is_named(tmp_path):
    before, after = crowd(tmp_path, mosaic, people=3, each=3)
    done = measure(before, after, probes=["attribute", "canary", "viewers"])
    assert set(done.not_tested) == {"attribute", "canary", "viewers"}
    assert done.measurements == ()


def test_same_seed_same_numbers(tmp_path):
    before, after = crowd(tmp_path, mosaic, people=4)
    runs = [measure(before, after, probes=["link", "reidentify"], subjects="folder", seed=3) for _ in range(2)]
    assert runs[0].measurements == runs[1].measurements


def test_nothing_belongs_together(tmp_path):
    before, after = crowd(tmp_path, mosaic, people=2)
    with pytest.raises(UsageError, match=r"no treated sample in .* belongs"):
        measure(before / "p0", after)
    with pytest.raises(UnknownName, match="reidentify"):
        measure(before, after, probes=["reidentifi"])


def test_changed_regions_are_found_and_compression_is_not():
    rng = np.random.default_rng(0)
    before = rng.integers(0, 256, (80, 100, 3), dtype=np.uint8)
    after = np.clip(before + rng.integers(-4, 5, before.shape), 0, 255).astype(np.uint8)
    assert changed_regions(before, after) == ()
    after[20:50, 30:70] = 0
    (found,) = changed_regions(before, after)
    assert found.where.iou(type(found.where)(30, 20, 40, 30)) > 0.9
    assert changed_regions(before, before * 0) == ()


def test_a_plain_folder_is_no_release(tmp_path):
    assert place_of(tmp_path).samples == tmp_path
    assert not place_of(tmp_path).mapping


def test_verdicts():
    sure = Measurement("p", "x", 0.05, 0.0, 0.1, 100, "lower", 0.05)
    vague = Measurement("p", "x", 0.05, 0.0, 0.6, 5, "lower", 0.05)
    assert verdict(sure).endswith("not told from a guess (0.05).")
    assert "too wide" in verdict(vague)


def test_a_release_brings_its_mapping_and_findings(tmp_path, photos, policy):
    released = release(photos.path, tmp_path / "out", policy(), workers=1)
    assert released
    rules = tmp_path / "policy.yaml"
    rules.write_text("version: 1\nfind: [face]\ntreat: {face: {mask: {}}, '*': refuse}\nprobe: [{link: {max: 0.0}}]\n")
    done = measure(photos.path, tmp_path / "out", probes=["link", "canary"], policy=rules)
    by = {(m.probe, m.name): m for m in done.measurements}
    assert done.pairs[1] == 8
    assert by["canary", "epsilon"].value == 0.0
    assert by["link", "twin_background"].low > by["link", "twin_background"].chance
    assert [gate.held for gate in done.gates] == [False]
    found = place_of(tmp_path / "out").findings
    assert sum(f.kind == "face" for findings in found.values() for f in findings) == sum(
        len(one.faces) for one in photos.drawn
    )


def test_a_damaged_journal_is_refused(tmp_path, photos, policy):
    release(photos.path, tmp_path / "out", policy(), workers=1)
    (tmp_path / "out" / "private" / "trail.jsonl").write_text("{}\n")
    with pytest.raises(Malformed, match="damaged"):
        place_of(tmp_path / "out")


def test_a_detector_that_is_not_there_is_named_and_the_rest_goes_on(tmp_path):
    before, after = crowd(tmp_path, mosaic, people=3, each=2)

    class Without(Catalog):
        def build(self, role, name, settings=None):
            if role == "detector":
                raise UnknownName(f"no detector is called {name!r}")
            return super().build(role, name, settings)

    known = catalog()
    names = Without(**{field.name: getattr(known, field.name) for field in fields(known)})
    done = measure(before, after, probes=["detection_kept", "link"], names=names)
    assert set(done.not_tested) == {"detection_kept"}
    assert done.measurements[0].probe == "link"


def test_gates_are_judged_by_the_probe_of_the_policy_even_in_the_quick_set(tmp_path):
    before, after = crowd(tmp_path, mosaic, people=4)
    rules = tmp_path / "policy.yaml"
    rules.write_text(
        "version: 1\nfind: [face]\ntreat: {face: pixelate, '*': refuse}\n"
        "probe:\n  - undo: {of: twin_median, filters: [median], max: 1.0}\n  - link: {limit: 9}\n"
    )
    done = measure(before, after, quick=True, policy=rules, subjects="folder", report=tmp_path / "r.html")
    assert [gate.held for gate in done.gates] == [True, True]
    assert {m.n for m in done.measurements if m.probe == "link"} == {9}
    page = (tmp_path / "r.html").read_text()
    verdicts = page[page.index("Verdict") : page.index('id="ladder"')]
    assert "<b>Holds</b>: undo/twin_median" in verdicts
    assert "reidentify/rank1" in verdicts
    # Judged once, by the run of the policy, and not listed again among what no gate judges.
    assert verdicts.count("<b>Measured</b>: link/twin") == 1
    assert "<li>link/" not in verdicts


def test_a_study_of_viewers_is_set_up_and_then_read(tmp_path):
    before, after = crowd(tmp_path, mosaic, people=2)
    study = tmp_path / "study"
    done = measure(before, after, probes=["naturalness"], viewers=study)
    assert {m.probe for m in done.measurements} == {"naturalness"}
    form = (study / "form.html").read_text()
    assert 'data-left="original"' in form
    assert form.index("PRIVATE") < form.index("<h1>") < form.index("data:image")
    assert "data:image/png;base64," in form
    lines = ["viewer,question,left,right,answer"]
    for viewer in range(6):
        lines += [
            f"v{viewer},preferred,released,original,right",
            f"v{viewer},recognisability,released,,{1 + viewer % 2}",
        ]
    (study / "answers.csv").write_text("\n".join(lines) + "\n")
    done = measure(before, after, probes=["naturalness"], viewers=study)
    by = {(m.name, m.group): m for m in done.measurements if m.probe == "viewers"}
    assert by["preferred", "original"].low > by["preferred", "original"].chance
    assert by["recognisability", "released"].value == 1.5


def test_originals_that_were_set_aside_do_not_stop_the_measurement(tmp_path, photos):
    """One file that is no picture, and one that is cut off: the release named both and went on, and so does this."""
    (photos.path / "broken.jpg").write_bytes(b"no picture")
    whole = next(path for path in sorted(photos.path.rglob("*.png"))).read_bytes()
    (photos.path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "p.yaml").write_text(
        'version: 1\nfind: [metadata]\ntreat: {metadata: strip, "*": refuse}\nrelease: {omit_at_most: 1.0}\n'
    )
    released = release(photos.path, tmp_path / "out", tmp_path / "p.yaml", workers=1)
    assert released.manifest.counts.quarantined == 2
    done = measure(photos.path, tmp_path / "out", probes=["fidelity"])
    assert not done.not_tested
    assert done.pairs == (8, 8)
    (tmp_path / "named").mkdir()
    (tmp_path / "named/one.png").write_bytes(whole)
    (tmp_path / "before").mkdir()
    for name, content in (("one.png", whole), ("two.jpg", b"no picture")):
        (tmp_path / "before" / name).write_bytes(content)
    assert not measure(tmp_path / "before", tmp_path / "named", probes=["fidelity"]).not_tested
