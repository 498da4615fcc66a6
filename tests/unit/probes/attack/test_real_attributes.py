"""What people do, and are, is read from real recordings as they are, and not from noise: SisFall below VEILSET_DATA."""

import csv
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from veilset.core.roles import Case, Pair
from veilset.core.sample import Sample, Signal
from veilset.probes.attack.attribute import Attribute
from veilset.probes.utility.activity import Activity

FOLDER = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "sisfall"
ACTIVITIES = {"D01": "walk", "D03": "jog"}
EVERY, SECONDS = 4, 20

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def recordings() -> list[Sample]:
    """One recording a person and activity, 50 Hz, the first accelerometer and the gyroscope."""
    if not FOLDER.is_dir():
        pytest.skip(f"no recordings at {FOLDER}; set VEILSET_DATA")
    with (FOLDER / "subjects.csv").open(newline="", encoding="utf-8") as lines:
        people = {row["subject"]: row for row in csv.DictReader(lines)}
    found = []
    with zipfile.ZipFile(FOLDER / "sisfall_subset.zip") as archive:
        for name in sorted(archive.namelist()):
            code, _, rest = Path(name).stem.partition("_")
            if code in ACTIVITIES:
                person = rest.split("_")[0]
                rows = archive.read(name).decode("latin-1").split("\n")[: 200 * SECONDS : EVERY]
                values = np.array([row.strip(" ;\r").split(",")[:6] for row in rows if row.strip()], dtype=float)
                labels = {"activity": ACTIVITIES[code], "gender": people[person]["gender"]}
                signal = Signal(values, 200 / EVERY, ("ax", "ay", "az", "gx", "gy", "gz"))
                found.append(Sample(name, signal, frozenset({person}), labels))
    return found


def case(recordings: list[Sample], *, noise: bool) -> Case:
    rng = np.random.default_rng(1)

    def after(one: Sample) -> Sample:
        return one.with_media(Signal(rng.normal(size=one.media.values.shape), one.media.rate, one.media.channels))

    return Case([Pair(one, after(one) if noise else one) for one in recordings])


def test_activity_and_gender_are_read_from_recordings_as_they_are(recordings: list[Sample], named) -> None:
    found = named(Attribute().run(case(recordings, noise=False), rng=np.random.default_rng(0)))
    assert found["activity"].value > 0.9
    assert found["gender"].low > 0.5
    assert found["activity"].n >= 15


def test_noise_in_their_place_gives_neither(recordings: list[Sample], named) -> None:
    found = named(Attribute().run(case(recordings, noise=True), rng=np.random.default_rng(0)))
    for name in ("activity", "gender"):
        assert found[name].low <= 0.5 <= found[name].high
        assert found[f"{name}_original"].low > 0.5


def test_activities_and_people_are_kept_by_nothing_done_and_lost_in_noise(recordings: list[Sample], named) -> None:
    plain = named(m for m in Activity().run(case(recordings, noise=False), rng=np.random.default_rng(0)) if not m.group)
    assert plain["accuracy_treated"].low > 0.9
    assert plain["identity"].low > 0.5
    noise = named(m for m in Activity().run(case(recordings, noise=True), rng=np.random.default_rng(0)) if not m.group)
    assert noise["identity"].low < 0.1
