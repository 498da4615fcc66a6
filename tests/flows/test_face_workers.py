"""What every detector finds, and files written, are the same from run to run and with one worker or two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.data.folder import Folder
from veilset.detectors.face import Face
from veilset.detectors.thing import NAMES
from veilset.engines.local import Local
from veilset.flows.catalog import catalog
from veilset.flows.look import Look
from veilset.flows.release import release
from veilset.operators.mask import Mask
from veilset.policy.schema import Named, Policy, ReleaseSettings, Rule
from veilset.weights import store


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Eight JPEG files of different sizes with faces of different sizes, small ones among them."""
    data = pytest.importorskip("skimage.data", reason="scikit-image, whose astronaut is looked at, is not installed")
    for name in ("centerface", "yunet_n"):
        if not store.installed(name):
            pytest.skip(f"the weights {name} are not installed: run `veilset weights pull {name}`")
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(8):
        side = 96 + 64 * number
        small = cv2.resize(data.astronaut(), (side, side), interpolation=cv2.INTER_AREA)
        shown = np.hstack([small] * (1 + number % 3))
        cv2.imwrite(str(folder / f"{number}.jpg"), cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))
    return folder


def seen(folder: Path, face: Face, workers: int) -> list[tuple[Finding, ...]]:
    source = Folder(str(folder))
    return [one.findings for one in Local(workers).map(Look(source, (("face", face),)), source.refs())]


@pytest.mark.weights
@pytest.mark.parametrize("effort", ["quick", "thorough"])
def test_findings_do_not_depend_on_the_run_or_the_number_of_workers(pictures: Path, effort: str) -> None:
    first = seen(pictures, Face(effort=effort), 1)
    assert sum(map(len, first)) >= 8
    assert seen(pictures, Face(effort=effort), 1) == first
    assert seen(pictures, Face(effort=effort), 2) == first


LOOKING = ("demographics", "document", "explicit", "face", "person", "plate", "screen", "text", "thing")
# Low enough for these pictures to hold something for each of them.
SETTINGS: dict[str, dict[str, Any]] = {
    "explicit": {"min_score": 0.0},
    "screen": {"min_score": 0.01},
    "thing": {"min_score": 0.01, "classes": NAMES},
    "document": {"min_score": 0.0},
    "text": {"min_score": 0.0},
    "plate": {"min_score": 0.01},
}


@pytest.mark.weights
def test_what_every_detector_finds_depends_on_the_picture_alone(tmp_path: Path) -> None:
    """Not on the number of workers, or on which detectors looked before: they share copies and looks."""
    data = pytest.importorskip("skimage.data", reason="scikit-image, whose astronaut is looked at, is not installed")
    cv2.imwrite(str(tmp_path / "person.jpg"), cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR))
    sign = np.full((200, 300, 3), 60, np.uint8)
    cv2.rectangle(sign, (40, 30), (260, 170), (235, 235, 235), -1)
    cv2.putText(sign, "AB 1234", (70, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (10, 10, 10), 3)
    cv2.imwrite(str(tmp_path / "sign.jpg"), sign)
    cv2.imwrite(str(tmp_path / "large.jpg"), cv2.resize(sign, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC))
    known = catalog(third_party=False)
    made = {name: known.build("detector", name, SETTINGS.get(name)) for name in (*LOOKING, "identity")}
    missing = sorted({key for one in made.values() for key in one.weights() if not store.installed(key)})
    if missing:
        pytest.skip(f"weights are not installed: {', '.join(missing)}")
    source = Folder(str(tmp_path))

    def seen_by(names: Sequence[str], workers: int) -> dict[str, list[Any]]:
        step = Look(source, tuple((name, made[name]) for name in names), (("identity", made["identity"]),))
        rows = list(Local(workers).map(step, source.refs()))
        assert not any(row.error for row in rows)
        kinds = {kind: name for name in names for kind in made[name].finds}
        by: dict[str, list[Any]] = {"identity": [row.observed["identity"] for row in rows]}
        for row in rows:
            for finding in row.findings:
                by.setdefault(kinds[finding.kind], []).append((row.ref.id, finding))
        return by

    first = seen_by(LOOKING, 1)
    assert set(first) == {*LOOKING, "identity"}
    assert seen_by(LOOKING[::-1], 2) == first
    assert seen_by(LOOKING, 1) == first


@pytest.mark.weights
def test_released_files_do_not_depend_on_the_number_of_workers(pictures: Path, tmp_path: Path) -> None:
    treat = {"face": Rule((Named("mask", Mask()),))}
    policy = Policy(
        (Named("face", Face(effort="quick")),), treat, Rule(verdict="refuse"), release=ReleaseSettings(names="keep")
    )
    written = []
    for workers in (1, 2):
        release(pictures, tmp_path / str(workers), policy, workers=workers)
        below = tmp_path / str(workers) / "public"
        written.append({path.name: path.read_bytes() for path in below.rglob("*.jpg")})
    assert len(written[0]) == 8
    assert written[0] == written[1]
    assert all(written[0][path.name] != path.read_bytes() for path in pictures.iterdir())
