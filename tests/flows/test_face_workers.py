"""Faces found, and files written, are the same from run to run and with one worker or two."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.data.folder import Folder
from veilset.detectors.face import Face
from veilset.engines.local import Local
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
