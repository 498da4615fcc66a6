"""What a set says about its samples reaches the probes: class folders, tables of labels, a detector's persons."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import Malformed, Unreadable, UsageError
from veilset.core.sample import Image, Sample
from veilset.detectors.person import Person
from veilset.flows.measure import measure
from veilset.flows.measure_places import read_labels
from veilset.weights.store import installed

PEOPLE = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "people_photos" / "images"


def stripes(root: Path, cover: tuple[slice, slice], each: int = 24, left: float = 0.0) -> tuple[Path, Path]:
    """An ImageFolder tree of two classes, stripes across and down, and the same with `left` of the light under `cover`."""
    rng = np.random.default_rng(0)
    for name in ("across", "down"):
        for number in range(each):
            y, x = np.mgrid[0:64, 0:64]
            plain = 128 + 60 * np.sin((x if name == "across" else y) / 3) + rng.normal(0, 15, (64, 64))
            pixels = np.repeat(np.clip(plain, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
            treated = pixels.copy()
            treated[cover] = (pixels[cover] * left).astype(np.uint8)
            for side, picture in (("before", pixels), ("after", treated)):
                (root / side / name).mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(root / side / name / f"{number}.png"), picture)
    return root / "before", root / "after"


def test_class_folders_are_what_downstream_learns(tmp_path: Path) -> None:
    before, after = stripes(tmp_path, (slice(0, 20), slice(0, 20)))
    done = measure(before, after, probes=["downstream"])
    by = {(m.name, m.group): m for m in done.measurements}
    assert not done.not_tested
    assert by["accuracy_clean", ""].low > 0.8
    assert by["kept", ""].low > 0.8
    assert {group for name, group in by if name == "recall"} == {"across", "down"}


def test_a_class_that_was_blackened_teaches_nothing(tmp_path: Path) -> None:
    before, after = stripes(tmp_path, (slice(0, 64), slice(0, 64)))
    done = measure(before, after, probes=["downstream"])
    by = {(m.name, m.group): m for m in done.measurements}
    assert by["accuracy_treated", ""].value < 0.75 < by["accuracy_clean", ""].low


def test_folders_of_people_are_no_classes(tmp_path: Path) -> None:
    before, after = stripes(tmp_path, (slice(0, 20), slice(0, 20)), each=3)
    assert set(measure(before, after, probes=["downstream"], subjects="folder").not_tested) == {"downstream"}


def test_a_table_of_labels_serves_attributes_and_groups(tmp_path: Path) -> None:
    before, after = stripes(tmp_path, (slice(0, 40), slice(0, 40)), each=30, left=0.4)
    lines = [f"{name}/{n}.png,{'f' if name == 'down' else 'm'},{n}" for name in ("across", "down") for n in range(30)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file,gender,age", *lines]) + "\n", encoding="utf-8")
    done = measure(before, after, probes=["attribute", "gap"], labels=table)
    by = {(m.probe, m.name): m for m in done.measurements}
    assert by["attribute", "gender"].low > 0.5
    assert by["attribute", "age"].chance == pytest.approx(1 / 3)
    gaps = [m for m in done.measurements if m.probe == "gap"]
    # Privacy and use, by every label that names groups; `age` has thirty values, and is taken in thirds.
    assert {"reidentify by gender", "fidelity by gender", "reidentify by age"} <= {m.settings for m in gaps}
    assert {m.value for m in gaps if (m.name, m.settings) == ("smallest_group", "reidentify by gender")} == {30}
    assert {m.group for m in gaps if m.settings == "fidelity by gender"} == {"", "f", "m"}
    assert {m.group for m in gaps if m.settings == "reidentify by age"} == {
        "",
        "low third",
        "middle third",
        "high third",
    }
    assert any("downstream by gender" in title for title in done.not_tested)


@pytest.mark.parametrize(
    "text", ["name,gender\na.png,f\n", "file,gender\na,f\na,m\n", "file,gender\na\n", "file\na,b\n"]
)
def test_a_damaged_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Malformed, match=r"labels\.csv"):
        read_labels(tmp_path / "labels.csv")
    with pytest.raises(Unreadable):
        read_labels(tmp_path / "none.csv")


def test_a_table_of_other_files_is_refused(tmp_path: Path) -> None:
    before, after = stripes(tmp_path, (slice(0, 20), slice(0, 20)), each=2)
    (tmp_path / "labels.csv").write_text("file,gender\nelsewhere.png,f\n", encoding="utf-8")
    with pytest.raises(UsageError, match="none of the originals"):
        measure(before, after, labels=tmp_path / "labels.csv")


@pytest.mark.data
@pytest.mark.weights
@pytest.mark.parametrize(("covered", "least", "most"), [(False, 0.9, 1.0), (True, 0.0, 0.2)])
def test_persons_are_kept_by_what_spares_them_and_lost_under_a_cover(
    tmp_path: Path, covered: bool, least: float, most: float
) -> None:
    if not PEOPLE.is_dir():
        pytest.skip(f"no photographs at {PEOPLE}; set VEILSET_DATA")
    if not installed("yolox_nano"):
        pytest.skip("the weights yolox_nano are not installed: run `veilset weights pull yolox_nano`")
    for side in ("before", "after"):
        (tmp_path / side).mkdir()
    for file in sorted(PEOPLE.glob("dlib_*"))[:6]:
        pixels = cv2.imread(str(file))
        cv2.imwrite(str(tmp_path / "before" / f"{file.stem}.png"), pixels)
        people = Person().find(Sample("s", Image(np.ascontiguousarray(pixels[:, :, ::-1]))))
        for box in (one.where.bounds() for one in people if covered):
            pixels[max(0, int(box.y)) : int(box.y + box.height), max(0, int(box.x)) : int(box.x + box.width)] = 127
        cv2.imwrite(str(tmp_path / "after" / f"{file.stem}.jpg"), pixels)
    done = measure(tmp_path / "before", tmp_path / "after", probes=["detection_kept"])
    assert not done.not_tested
    assert [m.group for m in done.measurements] == ["", "person"]
    assert least <= done.measurements[0].value <= most
    assert done.measurements[0].n >= 6
