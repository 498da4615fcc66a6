"""A detector that is right to a known degree gets exactly that recall."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image as PillowImage

from veilset.cli.main import program
from veilset.core.errors import Unreadable, UsageError
from veilset.core.finding import Finding
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box, Tag
from veilset.flows.evaluate_detector import boxes_of, evaluate, evaluate_detector
from veilset.weights import store


@dataclass(frozen=True)
class Bright:
    """Finds the brightest corner of 20 pixels."""

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("bright",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        if sample.image.pixels[:20, :20].mean() < 128:
            return ()
        return (Finding("bright", Box(0, 0, 20, 20), 0.9, "bright"), Finding("bright", Tag("exif/x"), 1.0, "bright"))


def test_recall_and_groups_are_counted() -> None:
    def sample(value: int) -> Sample:
        return Sample(str(value), Image(np.full((40, 40, 3), value, dtype=np.uint8)))

    truth = np.array([[0.0, 0, 20, 20]])
    items = [(sample(200), truth, ("day",)), (sample(10), truth, ("night",)), (sample(250), np.empty((0, 4)), ())]
    done = evaluate(Bright(), items)
    rows = {row.part: row for row in done.sizes}
    assert (rows["16-32"].truth, rows["16-32"].hits, rows["16-32"].false) == (2, 1, 1)
    assert {row.part: row.recall for row in done.groups} == {"day": 1.0, "night": 0.0}
    assert done.pictures == 3


def test_findings_outside_the_plane_have_no_box() -> None:
    assert boxes_of([Finding("metadata", Tag("exif/x"), 1.0, "m")]).shape == (0, 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures" / "deep").mkdir(parents=True)
    PillowImage.new("RGB", (64, 64)).save(tmp_path / "pictures" / "deep" / "a.png")
    return tmp_path


def test_a_labelled_picture_that_is_not_there_stops_it(folder: Path) -> None:
    truth = folder / "t.csv"
    truth.write_text("file,x,y,w,h\na.png,1,1,9,9\nb.png,1,1,9,9")
    with pytest.raises(Unreadable, match=r"b\.png"):
        evaluate_detector("face", folder / "pictures", truth)


def test_a_name_that_fits_two_pictures_stops_it(folder: Path) -> None:
    PillowImage.new("RGB", (64, 64)).save(folder / "pictures" / "a.png")
    truth = folder / "t.csv"
    truth.write_text("file,x,y,w,h\nother/a.png,1,1,9,9")
    with pytest.raises(Unreadable, match="more than once"):
        evaluate_detector("face", folder / "pictures", truth)


def test_unknown_detector_and_setting(folder: Path) -> None:
    truth = folder / "t.csv"
    truth.write_text("file,x,y,w,h\na.png,1,1,9,9")
    with pytest.raises(UsageError, match="did you mean face"):
        evaluate_detector("fase", folder / "pictures", truth)
    with pytest.raises(UsageError, match="min_score"):
        evaluate_detector("face", folder / "pictures", truth, settings={"min_scor": 0.1})


@pytest.mark.weights
def test_command_prints_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not store.installed("centerface"):
        pytest.skip("the weights centerface are not installed: run `veilset weights pull centerface`")
    truth = folder / "t.csv"
    truth.write_text("file,x,y,w,h\na.png,1,1,20,20")
    command = ["evaluate-detector", "face", str(folder / "pictures"), "-t", str(truth), "-s", "model=centerface"]
    program()([*command, "--json"], standalone_mode=False)
    plain = json.loads(capsys.readouterr().out)
    assert plain["pictures"] == 1
    assert plain["sizes"][-1]["recall"] == 0.0
    program()(command, standalone_mode=False)
    assert "0.000 [0.000, 0.975]" in capsys.readouterr().out
